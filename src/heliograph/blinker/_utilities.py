"""The names that code imports from ``blinker._utilities``."""

from __future__ import annotations

import weakref
from types import MethodType

from heliograph import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from heliograph.blinker.annotating import T as T  # noqa: PLC0414 - others import it from here.

Symbol: type[Any] = type(ANY)


def make_id(obj: object) -> Hashable:
    """Return Blinker's key of a receiver or a sender.

    For programs that compute such keys themselves; Heliograph has more exact
    ones of its own.
    """
    if type(obj) is MethodType:
        return id(obj.__func__), id(obj.__self__)
    if isinstance(obj, (str, int)):
        return obj
    return id(obj)


def make_ref(obj: T, callback: Callable[[weakref.ref[T]], Any] | None = None) -> weakref.ref[T]:
    """Return a weak reference to any object, also to a bound method."""
    if type(obj) is MethodType:
        # A reference to a method is typed by the method, which T is here.
        return weakref.WeakMethod(obj, callback)  # type: ignore[type-var]  # T is the method.
    return weakref.ref(obj, callback)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Only annotations use it, and importing `typing` takes longer than all the rest.
        if name != "T":
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from heliograph.blinker import annotating

        return getattr(annotating, name)
