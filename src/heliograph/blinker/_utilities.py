"""The names that code imports from ``blinker._utilities``."""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from heliograph import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

Symbol: type[Any] = type(ANY)


def make_id(obj: object) -> Hashable:
    """Return the key that Blinker keeps a receiver or a sender under.

    For code that computes it for itself; Heliograph tells senders and
    receivers apart more exactly.
    """
    if inspect.ismethod(obj):
        return id(obj.__func__), id(obj.__self__)
    if isinstance(obj, (str, int)):
        return obj
    return id(obj)


def make_ref(obj: T, callback: Callable[[weakref.ref[T]], Any] | None = None) -> weakref.ref[T]:
    """Return a weak reference to anything, a bound method too."""
    if inspect.ismethod(obj):
        return weakref.WeakMethod(obj, callback)  # type: ignore[arg-type, return-value]
    return weakref.ref(obj, callback)
