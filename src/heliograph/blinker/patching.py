"""Lets others replace what sends ask for, in a signal or in a class of signals, at any time."""

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
"""Whoever overrides one of these is asked by every send."""


class Replaceable:
    """A method that sends ask only if somebody has put another in its place."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, signal: Overridable | None, owner: Any) -> Any:
        if signal is None:
            return self.method
        # A subclass that overrides the method means this one by `super()`, never its
        # instance's, which may well be what has called it.
        replacement = signal.__dict__.get("receivers_for")
        if replacement is None or owner.receivers_for is not self.method:
            return MethodType(self.method, signal)
        return replacement

    def __set__(self, signal: Overridable, replacement: Any) -> None:
        # By its type, as a tracer's wrapper of the method claims to be the method, and equals it.
        if type(replacement) is MethodType and replacement == MethodType(self.method, signal):
            self._restore(signal)
            return
        # Under its own name, which is where Blinker's users look whether it is replaced.
        signal.__dict__["receivers_for"] = replacement
        signal._ask_again()

    def __delete__(self, signal: Overridable) -> None:
        if "receivers_for" not in signal.__dict__:
            msg = "receivers_for cannot be deleted: nothing has taken its place."
            raise AttributeError(msg)
        self._restore(signal)

    def _restore(self, signal: Overridable) -> None:
        signal.__dict__.pop("receivers_for", None)
        signal._ask_again()


class Patchable(ABCMeta):
    """The type of the classes of signals: what is done to a class later is done to its signals.

    A send cannot look for that itself: it would take it longer than all the rest.
    """

    # Abstract classes may be mixed in, but classes are asked as ever: the machinery of abstract
    # ones remembers what is no subclass, and `install` changes that.
    __instancecheck__: Any = type.__instancecheck__
    __subclasscheck__: Any = type.__subclasscheck__

    def __setattr__(cls, name: str, value: object) -> None:
        """Set an attribute of the class."""
        replaceable = _replaceable(cls, name)
        # Whoever puts back what was found in the class has found the method.
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
    """Find out again what the signals of a class and of those derived from it are asked for."""
    if name not in ASKED:
        return
    kinds: dict[int, Any] = {id(kind): kind for kind in _with_derived(cls)}
    for kind in kinds.values():
        kind._note_overrides()
    for it in everything():
        # One that another thread is just making asks its class itself.
        if id(type(it)) in kinds and hasattr(it, "_registry"):
            it._ask_again()


def _with_derived(cls: type) -> Iterator[type]:
    yield cls
    derived: type
    for derived in type.__subclasses__(cls):
        yield from _with_derived(derived)
