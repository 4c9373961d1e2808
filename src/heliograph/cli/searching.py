"""Imports what the user names, by module or file, and evaluates a name or a call in it."""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
from importlib import import_module
from inspect import isawaitable, iscoroutine
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from heliograph.cli.frameworks import is_made, kind_of
from heliograph.cli.loading import blame

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_USUAL = ("app", "application")
_FACTORIES = ("create_app", "make_app")


class Search:
    """Looks for something in a module.

    Args:
        name: What the user wrote: ``module``, ``module:name`` or ``module:factory(arguments)``.
        what: What is looked for, for messages.
        how: What to write instead, for messages.
    """

    def __init__(self, name: str, what: str, how: str) -> None:
        self._name = name
        self._what = what
        self._how = how
        self._repeat = ""
        # A colon before a slash belongs to the name of a drive.
        place, *rest = re.split(r":(?![\\/])", name, maxsplit=1)
        self.expression: str | None = rest[0] if rest else None
        self.place: str = place
        self.module: ModuleType = self._imported(self.place)

    def refuse(self, reason: str) -> NoReturn:
        """Explain why there is none.

        Raises:
            click.ClickException: Always.
        """
        msg = f"There is no {self._what} for {self._name!r}: {reason} {self._how}"
        raise click.ClickException(msg) from None

    def _imported(self, place: str) -> ModuleType:
        name, folder = _module_of(place)
        if folder != os.path.realpath(Path.cwd()):
            self._repeat = f"import sys; sys.path.insert(0, {folder!r}); "
        self._repeat += f"import {name}"
        if not all(name.split(".")):
            self._refuse_missing()
        sys.path.insert(0, folder)
        try:
            return import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the module may raise anything.
            if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
                self._refuse_missing()
            self._blame(error)

    def _refuse_missing(self) -> NoReturn:
        self.refuse(f"{Path.cwd()} has no such module or file.")

    def _blame(self, error: BaseException) -> NoReturn:
        blame(self._name, error, f"python -c {shlex.quote(self._repeat)}")

    def usual(self) -> Any:
        """Return the application of the usual name, or None."""
        values = (vars(self.module).get(it) for it in _USUAL)
        return next((it for it in values if kind_of(it) is not None), None)

    def obvious(self) -> Any:
        """Return the application that the module is about: made already, or by its factory.

        None is returned if it has neither.
        """
        values = vars(self.module)
        usual = self.usual()
        if usual is not None:
            return usual
        made = self.applications()
        if made:
            return next(iter(made.values()))
        factory = next((it for it in _FACTORIES if callable(values.get(it))), None)
        return None if factory is None else self._call(factory, values[factory], [], {})

    def applications(self) -> dict[str, Any]:
        """Return the variables of the module that have an application."""
        return {name: it for name, it in vars(self.module).items() if is_made(it)}

    def named(self, expression: str) -> Any:
        """Return what the user asked for: a name, or the call of a factory."""
        try:
            found = ast.parse(expression.strip(), mode="eval").body
        except SyntaxError:
            self._refuse_expression(expression)
        if not isinstance(found, ast.Call):
            value = self._value(found, expression)
            # A function that is no application makes one.
            is_application = kind_of(value) is not None or not callable(value)
            return value if is_application else self._call(expression, value, [], {})
        factory = self._value(found.func, expression)
        if not callable(factory):
            self.refuse(f"{ast.unparse(found.func)!r} cannot be called.")
        try:
            args = [ast.literal_eval(it) for it in found.args]
            kwargs = {str(it.arg): ast.literal_eval(it.value) for it in found.keywords}
        except ValueError:
            self.refuse(f"the arguments of {expression!r} must be literals.")
        return self._call(ast.unparse(found.func), factory, args, kwargs)

    def value(self) -> Any:
        """Return the value of the name after the colon, which is not called."""
        name = str(self.expression)
        # An identifier that is a keyword, and everything else, is refused there.
        return self._value(ast.Name(name), name)

    def _refuse_expression(self, expression: str) -> NoReturn:
        self.refuse(f"{expression!r} is neither a name nor the call of a factory.")

    def _value(self, node: ast.expr, expression: str) -> Any:
        name = ast.unparse(node)
        if not all(map(str.isidentifier, name.split("."))):
            self._refuse_expression(expression)
        try:
            return attrgetter(name)(self.module)
        except AttributeError:
            self.refuse(f"module {self.module.__name__!r} has no {name!r}.")

    def _call(
        self, name: str, factory: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        words = [*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())]
        call = f"{name}({', '.join(words)})"
        self._repeat += f"; {self.module.__name__}.{call}"
        try:
            made = factory(*args, **kwargs)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the factory may raise anything.
            traceback = error.__traceback__
            if isinstance(error, TypeError) and traceback and traceback.tb_next is None:
                self.refuse(f"{call} does not work. {str(error).rstrip('.')}.")
            self._blame(error)
        if isawaitable(made):
            if iscoroutine(made):
                made.close()  # Python would warn that nobody has awaited it.
            self.refuse(f"{name!r} is async, and nothing runs yet that could await it.")
        return made


def _module_of(place: str) -> tuple[str, str]:
    """Return the name of a module, given as in an import or by its file, and its folder."""
    path = Path(os.path.realpath(place))
    if path.suffix == ".py":
        path = path.with_suffix("")
    if path.name == "__init__":
        path = path.parent
    names = [path.name]
    while (path.parent / "__init__.py").exists():
        path = path.parent
        names.insert(0, path.name)
    return ".".join(names), str(path.parent)
