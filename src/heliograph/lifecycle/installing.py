"""What `install` did to an application, and how it is undone."""

from __future__ import annotations

import re
import warnings
from importlib import metadata
from typing import TYPE_CHECKING, Any, Self

from heliograph import ArgumentError, ReceiverWarning, StateError

if TYPE_CHECKING:
    from collections.abc import Callable


class Installation:
    """The life-cycle signals of one application; what every `install` returns.

    A context manager: leaving it undoes the installation.

    Attributes:
        app: The application, which is the sender of its signals.
    """

    def __init__(self, app: Any, undo: Callable[[], None]) -> None:
        self.app = app
        self._undo: Callable[[], None] | None = undo

    def uninstall(self) -> None:
        """Undo the installation: the application is as it was before. Doing so twice is no error.

        A request that is under way still ends with its signals.
        """
        if self._undo is not None:
            undo, self._undo = self._undo, None
            undo()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()


_OLDEST = {
    "aiohttp": (3, 11),
    "celery": (5, 4),
    "django": (5, 2),
    "fastapi": (0, 136),
    "flask": (2, 3),
    "litestar": (2, 16),
    "quart": (0, 20),
    "starlette": (1, 0),
}
"""The oldest release of each framework that the life cycle is tested on."""

_MODULES = ("fastapi", "starlette", "quart", "flask", "django", "falcon", "litestar", "aiohttp")


def _theirs(app: object) -> str | None:
    """Return what installs the signals for an application of another framework."""
    whose = {it.__module__.partition(".")[0] for it in type(app).__mro__ if callable(app)}
    name = next((it for it in _MODULES if it in whose), None)
    return None if name is None else f"use heliograph.lifecycle.{name}.install() for it"


def _warn_of_an_old_release(name: str) -> None:
    oldest = _OLDEST.get(name, ())
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return  # A program that was packed into one file may lack that.
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < oldest:
        msg = (
            f"The life-cycle signals are not tested on {name} {version}: some may be missing, or "
            f"wrong. Upgrade it to {'.'.join(map(str, oldest))} or newer."
        )
        warnings.warn(msg, ReceiverWarning, stacklevel=4)


def check(
    app: Any,
    kind: type,
    *,
    installed: Callable[[Any], bool],
    started: Callable[[Any], bool] | None = None,
    instead: str = "the application itself",
) -> None:
    """Refuse an application to which nothing can be installed, and warn of an old framework.

    Args:
        app: What the user passed.
        kind: The framework's class of applications.
        installed: Tells whether the signals are installed for an application.
        started: Tells whether an application has begun to serve, where that is too late.
        instead: What to pass, for the message.

    Raises:
        ArgumentError: If it is no application of that framework.
        StateError: If the signals are installed already, or the application has started.
    """
    whose = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    if not isinstance(app, kind):
        advice = _theirs(app) or f"pass {instead}"
        msg = f"A {type(app).__qualname__} object is not a {whose}: {advice}."
        raise ArgumentError(msg)
    if installed(app):
        msg = (
            f"The life-cycle signals are installed for this {whose} already. Call install() once, "
            "and keep what it returns to undo it."
        )
        raise StateError(msg)
    if started is not None and started(app):
        msg = (
            f"This {whose} has started to serve. Call install() where the application is made, "
            "before the first request."
        )
        raise StateError(msg)
    _warn_of_an_old_release(kind.__module__.partition(".")[0])


def check_callable(app: Any, kind: str) -> None:
    """Refuse what no server can call.

    Args:
        app: What the user passed.
        kind: What it should be an application of, for the message.

    Raises:
        ArgumentError: If it cannot be called.
    """
    if not callable(app):
        msg = f"A {type(app).__qualname__} object is no {kind} application: it is not callable."
        raise ArgumentError(msg)
