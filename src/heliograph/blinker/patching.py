"""Lets programs replace the methods that a send asks, on a signal or on its class."""

from __future__ import annotations

from abc import ABCMeta
from types import MethodType

from heliograph.blinker.reading import everything

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from heliograph.blinker.overriding import Overridable

ASKED = ("receivers_for", "is_muted", "_overriding_steps")
"""If a class or a signal overrides one of these, every send calls it."""


class Replaceable:
    """A method that sends call only if something else was put in its place."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, signal: Overridable | None, owner: Any) -> Any:
        if signal is None:
            return self.method
        # `super()` in a subclass that overrides the method means this one, never the
        # replacement on the instance, which may be the caller.
        replacement = signal.__dict__.get("receivers_for")
        if replacement is None or owner.receivers_for is not self.method:
            return MethodType(self.method, signal)
        return replacement

    def __set__(self, signal: Overridable, replacement: Any) -> None:
        # By its type: a tracer's wrapper claims to be the method and compares equal to it.
        if type(replacement) is MethodType and replacement == MethodType(self.method, signal):
            self._restore(signal)
            return
        # Under its own name, as users of Blinker look there whether it is replaced.
        signal.__dict__["receivers_for"] = replacement
        signal._ask_again()

    def __delete__(self, signal: Overridable) -> None:
        if "receivers_for" not in signal.__dict__:
            msg = "receivers_for cannot be deleted: it was not replaced."
            raise AttributeError(msg)
        self._restore(signal)

    def _restore(self, signal: Overridable) -> None:
        signal.__dict__.pop("receivers_for", None)
        signal._ask_again()


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
        replaceable = _replaceable(cls, name)
        # A program that puts back what it had read from the class puts back the method.
        back = replaceable is not None and value is replaceable.method
        super().__setattr__(name, replaceable if back else value)
        _look_again(cls, name)

    def __delattr__(cls, name: str) -> None:
        """Delete an attribute of the class."""
        super().__delattr__(name)
        _look_again(cls, name)


def _replaceable(cls: type, name: str) -> Replaceable | None:
    found = (vars(it).get(name) for it in cls.__mro__)
    return next((it for it in found if type(it) is Replaceable), None)


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
