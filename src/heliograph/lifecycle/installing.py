"""What `install` did to an application, and how it is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from heliograph import ArgumentError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK = "_heliograph_lifecycle"


class Installation:
    """The life-cycle signals of one application; what every `install` returns.

    A context manager: leaving it undoes the installation.

    Attributes:
        app: The application, which is the sender of its signals.
    """

    def __init__(self, app: Any, undo: Callable[[], None]) -> None:
        self.app = app
        self._undo: Callable[[], None] | None = undo
        setattr(app, _MARK, self)

    def uninstall(self) -> None:
        """Undo the installation: the application is as it was before. Doing so twice is no error.

        A request that is under way still ends with its signals.
        """
        if self._undo is not None:
            undo, self._undo = self._undo, None
            delattr(self.app, _MARK)
            undo()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()


def check(app: object, kind: type, *, started: bool = False) -> None:
    """Refuse an application to which nothing can be installed.

    Args:
        app: What the user passed.
        kind: The framework's class of applications.
        started: Whether the application has begun to serve.

    Raises:
        ArgumentError: If it is no application of that framework.
        StateError: If the signals are installed already, or the application has started.
    """
    whose = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    if not isinstance(app, kind):
        msg = f"{type(app).__qualname__} object is not a {whose}, to which install() belongs."
        raise ArgumentError(msg)
    if hasattr(app, _MARK):
        msg = (
            f"The life-cycle signals are installed for this {whose} already. Call install() once, "
            "and keep what it returns to undo it."
        )
        raise StateError(msg)
    if started:
        msg = (
            f"This {whose} has started to serve. Call install() where the application is made, "
            "before the first request."
        )
        raise StateError(msg)
