"""Lets programs replace the methods that a send asks, on a signal or on its class."""

from __future__ import annotations

from abc import ABCMeta

from heliograph.blinker.reading import everything

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

ASKED = ("receivers_for", "is_muted", "_overriding_steps")
"""If a class or a signal overrides one of these, every send calls it."""


class Patchable(ABCMeta):
    """The metaclass of signal classes: a method set on a class later reaches its signals.

    A send cannot look for such methods itself: that would take longer than all the rest.
    """

    # An ABCMeta, so that users may mix in abstract classes. But instance checks stay plain: those
    # of ABCMeta remember which classes are no subclasses, and `install` changes that.
    __instancecheck__: Any = type.__instancecheck__
    __subclasscheck__: Any = type.__subclasscheck__

    def __setattr__(cls, name: str, value: object) -> None:
        """Set an attribute of the class."""
        super().__setattr__(name, value)
        _look_again(cls, name)

    def __delattr__(cls, name: str) -> None:
        """Delete an attribute of the class."""
        super().__delattr__(name)
        _look_again(cls, name)


def _look_again(cls: type, name: str) -> None:
    """Find out again which methods sends must call, for a class, its subclasses and signals."""
    if name not in ASKED:
        return
    kinds: dict[int, Any] = {id(kind): kind for kind in _with_derived(cls)}
    for kind in kinds.values():
        kind._note_overrides()
    for it in everything():
        # A signal that another thread is making at this moment asks its class itself.
        if id(type(it)) in kinds and hasattr(it, "_registry"):
            it._ask_again()


def _with_derived(cls: type) -> Iterator[type]:
    yield cls
    derived: type
    for derived in type.__subclasses__(cls):
        yield from _with_derived(derived)
