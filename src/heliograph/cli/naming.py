"""Finds a signal and a sender by what the user calls them on the command line."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.frameworks import kind_of
from heliograph.cli.searching import Search

if TYPE_CHECKING:
    from heliograph import Signal
    from heliograph.cli.program import Program
    from heliograph.inspector import NamespaceInfo, SignalInfo

_HOW = "Write text, a number, None, app for the application, or MODULE:NAME."


def named_signal(program: Program, name: str) -> tuple[Signal[...], SignalInfo]:
    """Return the signal of a name, and what is known of it.

    Args:
        program: The program.
        name: Its name, its name after that of its namespace, or where it is imported from.

    Raises:
        click.ClickException: If there is none, or if there are several.
    """
    groups = program.groups()
    described = program.catalogue(groups).namespaces
    found = [
        (signal, info, namespace)
        for group, namespace in zip(groups, described, strict=True)
        for signal, info in zip(group.signals, namespace.signals, strict=True)
    ]
    named = [(signal, info, it) for signal, info, it in found if name in _names(it, info)]
    if len(named) == 1:
        return named[0][:2]
    if named:
        all_of_them = ", ".join(_full(it, info) for _, info, it in named)
        msg = f"{program.name!r} has several signals {name!r}: {all_of_them}. Name one of them."
        raise click.ClickException(msg)
    known = {word for _, info, it in found for word in _names(it, info)}
    close = get_close_matches(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else " `list` shows all that there are."
    msg = f"{program.name!r} has no signal {name!r}.{hint}"
    raise click.ClickException(msg)


def _names(namespace: NamespaceInfo, signal: SignalInfo) -> tuple[str, ...]:
    short = signal.variable.rpartition(".")[2]
    return tuple(filter(None, (signal.name, _full(namespace, signal), signal.variable, short)))


def _full(namespace: NamespaceInfo, signal: SignalInfo) -> str:
    return f"{namespace.name}.{signal.name}" if namespace.name else signal.variable or signal.name


def named_sender(program: Program, text: str | None) -> Any:
    """Return the sender that the user means.

    Args:
        program: The program.
        text: A literal (``12``, ``"'shop'"``), ``app`` for the application, ``MODULE:NAME``, or
            else the sender itself, which is a text then. None for a send without a sender.

    Raises:
        click.ClickException: If ``MODULE:NAME`` does not exist.
    """
    if text is None:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        pass
    if text == "app" and kind_of(program.value) is not None:
        return program.value
    return Search(text, "sender", _HOW).value() if ":" in text else text
