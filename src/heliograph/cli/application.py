"""Finds an application as `flask --app` does, and explains why it finds none."""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from inspect import isawaitable, iscoroutine
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from heliograph.cli.frameworks import Kind, is_made, kind_of, with_lifecycle
from heliograph.cli.loading import blame, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_HOW = "Write APP as MODULE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS)."
_USUAL = ("app", "application")
_FACTORIES = ("create_app", "make_app")


@dataclass(frozen=True)
class Found:
    """An application, how it is called, and the module that it was found in."""

    app: Any
    kind: Kind
    module: str

    def with_lifecycle(self) -> Found:
        """Return the same application with its life-cycle signals installed."""
        return replace(self, app=with_lifecycle(self.app, self.kind))


def load_app(name: str) -> Found:
    """Load an application, with Heliograph in Blinker's place from its first import on.

    Raises:
        click.ClickException: If there is no application, or if loading it fails.
    """
    prepare()
    _load_settings()
    # A colon before a slash belongs to the name of a drive.
    place, *rest = re.split(r":(?![\\/])", name, maxsplit=1)
    search = _Search(name, place)
    app = search.named(rest[0]) if rest else search.best()
    kind = kind_of(app)
    if kind is None:
        search.refuse(
            f"{rest[0] if rest else place!r} is a {type(app).__qualname__}, which is neither "
            "called as WSGI applications are (environ, start_response) nor as those of ASGI are "
            "(scope, receive, send)."
        )
    return Found(app, kind, search.module.__name__)


def _load_settings() -> None:
    """Load ``.env`` and ``.flaskenv``, as Flask does where it is installed."""
    try:
        from flask.cli import load_dotenv
        from flask.helpers import get_load_dotenv
    except ImportError:
        return
    if get_load_dotenv():
        load_dotenv()


class _Search:
    """Looks for an application in a module.

    Args:
        name: What the user wrote.
        place: The module, or its file.
    """

    def __init__(self, name: str, place: str) -> None:
        self._name = name
        self._repeat = ""
        self.module = self._imported(place)

    def refuse(self, reason: str) -> NoReturn:
        """Explain why there is no application."""
        msg = f"There is no application for {self._name!r}: {reason} {_HOW}"
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

    def best(self) -> Any:
        """Return the application that the module obviously is about."""
        values = vars(self.module)
        for usual in _USUAL:
            if kind_of(values.get(usual)) is not None:
                return values[usual]
        made = {id(it): it for it in values.values() if is_made(it)}
        if len(made) > 1:
            names = [name for name, it in values.items() if id(it) in made]
            self.refuse(f"the module has several: {', '.join(names)}.")
        if made:
            return made.popitem()[1]
        factory = next((it for it in _FACTORIES if callable(values.get(it))), None)
        if factory is None:
            self.refuse(f"the module has none, and neither {' nor '.join(_FACTORIES)}.")
        return self._call(factory, values[factory], [], {})

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
