"""Completes programs and names of signals in a shell, by reading source: none of it is run."""

from __future__ import annotations

import ast
import os
import sys
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from heliograph.cli.target import usual_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

# Whoever presses a key waits for it.
_MOST_FILES = 300
_MAKING = ("signal", "Signal", "declare_payload")
# What a declaration makes: one signal, or those of a span.
_DECLARING = {"declare": ("",), "span": (".started", ".finished", ".failed")}


def complete_words(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click passes it.
    incomplete: str,
) -> list[CompletionItem]:
    """Return what the next argument may be: a program of the current folder, or a signal.

    The names of signals are those that the source of the program writes. A program that is named
    by neither an argument, an option nor the environment has none.
    """
    named = _named(ctx)
    found = [] if named else _programs()
    program = named or usual_app()
    if program is not None:
        found += _names(program)
    return [CompletionItem(it) for it in dict.fromkeys(found) if it.startswith(incomplete)]


def complete_program(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click passes it.
    incomplete: str,
) -> list[CompletionItem]:
    """Return the programs of the current folder, unless the line names one."""
    found = [] if _named(ctx) else _programs()
    return [CompletionItem(it) for it in found if it.startswith(incomplete)]


def _named(ctx: click.Context) -> str | None:
    """Return the program that the line names, or None."""
    words = ctx.params.get("words") or ()
    # The option before the command, or that of `flask`.
    app = ctx.params.get("app") or ctx.find_root().params.get("app")
    return app or next(iter(words), None)


def _programs() -> list[str]:
    """Return the modules and packages of the current folder."""
    here = sorted(Path().iterdir())
    packages = [it.name for it in here if (it / "__init__.py").is_file()]
    return packages + [it.stem for it in here if it.suffix == ".py"]


def _names(program: str) -> list[str]:
    """Return the names of signals in the source of a program, sorted."""
    found = set[str]()
    for path in islice(source_files(program), _MOST_FILES):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        found.update(name for node in ast.walk(tree) for name in _made_by(node))
    return sorted(found)


def source_files(program: str) -> Iterator[Path]:
    """Yield the files of a program that is named as for ``--app``; nothing of it is imported."""
    place = Path(program.partition(":")[0])
    if place.suffix != ".py":
        top = str(place).partition(".")[0]
        spec = PathFinder.find_spec(top, [os.curdir, *sys.path])
        if spec is None or spec.origin is None:
            return
        place = Path(spec.origin)
    if place.name == "__init__.py":
        yield from sorted(place.parent.rglob("*.py"))
    else:
        yield place


def _made_by(node: ast.AST) -> Iterator[str]:
    """Yield the names of the signals that a piece of source makes."""
    match node:
        case ast.Call(func=maker, args=[ast.Constant(value=str(name)), *_]):
            if _last(maker) in _MAKING:
                yield name
        case ast.FunctionDef(name=name, decorator_list=decorators):
            for it in decorators:
                call = it if isinstance(it, ast.Call) else None
                kind = _last(call.func if call else it)
                named = _given_name(call) or name
                yield from (f"{named}{end}" for end in _DECLARING.get(kind, ()))


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _given_name(call: ast.Call | None) -> str | None:
    for it in call.keywords if call else ():
        match it:
            case ast.keyword(arg="name", value=ast.Constant(value=str(name))):
                return name
    return None
