"""What `install` did to an application, and how it is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from heliograph import ArgumentError, StateError

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


_MODULES = ("fastapi", "starlette", "quart", "flask", "django", "falcon", "litestar", "aiohttp")


def _theirs(app: object) -> str | None:
    """Return what installs the signals for an application of another framework."""
    whose = {it.__module__.partition(".")[0] for it in type(app).__mro__ if callable(app)}
    name = next((it for it in _MODULES if it in whose), None)
    return None if name is None else f"use heliograph.lifecycle.{name}.install() for it"


def check(
    app: Any,
    kind: type,
    *,
    installed: Callable[[Any], bool],
    started: Callable[[Any], bool] | None = None,
    instead: str = "the application itself",
) -> None:
    """Refuse an application to which nothing can be installed.

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


class Serving(Installation):
    """The life-cycle signals of an application outside of which its framework lets nothing stand.

    It is what a server serves in place of the application, and the sender of its signals.

    Args:
        app: The application.
        watched: Makes what serves: the middleware around the application, given the sender.
        undo: Undoes what was done to the application itself.
    """

    __call__: Callable[..., Any]

    def __init__(self, app: Any, watched: Callable[[Any], Any], undo: Callable[[], None]) -> None:
        super().__init__(app, undo)
        self._layer = self._serve = watched(self)

    def uninstall(self) -> None:
        """Undo the installation: the application is served as it was before."""
        super().uninstall()
        self._layer.leave()
        self._serve = self.app

    def __getattr__(self, name: str) -> Any:
        # What else a framework or its tools look for at an application.
        return getattr(self.app, name)


# Servers find out by its arguments, and by whether it is a coroutine function, what an
# application is: one that takes anything is called once without arguments, to make one.
class ServingWsgi(Serving):
    """A WSGI application."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Serve as the application does."""
        return self._serve(environ, start_response)


class ServingAsgi(Serving):
    """An ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as the application does."""
        await self._serve(scope, receive, send)
