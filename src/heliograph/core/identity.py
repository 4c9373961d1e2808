"""What "the same sender" and "the same receiver" mean, and how a receiver is held."""

from __future__ import annotations

from functools import partial
from sys import is_finalizing
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType, ModuleType
from weakref import ref

from heliograph.core.claims import STEPS, told, told_text
from heliograph.core.errors import ArgumentError
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, ClassVar, Self


class Symbol:
    """A named constant: asking for the same name again gives the same object.

    Copies and pickles come back as the object itself.

    Example:
        >>> Symbol("ANY") is ANY
        True
    """

    symbols: ClassVar[dict[str, Symbol]] = {}
    name: str

    def __new__(cls, name: str) -> Self:
        """Return the one symbol of that name."""
        made = object.__new__(cls)
        made.name = name
        return cls.symbols.setdefault(name, made)  # type: ignore[return-value]  # Never derived.

    @shown
    def __repr__(self) -> str:
        return self.name

    def __getnewargs__(self) -> tuple[str]:
        return (self.name,)

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: object) -> Symbol:
        return self


ANY = Symbol("ANY")
"""Stands for every sender: a receiver connected for it hears them all."""


_kinds: dict[int, ref[type]] = {}
_keys: dict[int, Callable[[Any], Hashable] | None] = {}
"""How the senders of a type are compared, by the id of the type; None if they are proxies."""


def key_function(kind: type) -> Callable[[Any], Hashable] | None:
    """Return what gives the key of a sender of that type, or None if it is a proxy."""
    key = id(kind)
    try:
        return _keys[key]
    except KeyError:
        # Asked once per type: looking for an attribute that is missing takes longer than
        # calling a receiver. The weak reference keeps an id from being trusted after its type.
        _kinds[key] = ref(kind, partial(_type_died, key))
        return _keys.setdefault(key, _key_function(kind))


def _type_died(key: int, _: object, ending: Callable[[], bool] = is_finalizing) -> None:
    # What modules are made of may be gone when the interpreter ends.
    if not ending():
        forget_type(key)


def forget_type(key: int) -> None:
    """Forget what is known of a type, given its id: its next sender is looked at again."""
    _keys.pop(key, None)
    _kinds.pop(key, None)


def _key_function(kind: type) -> Callable[[Any], Hashable] | None:
    # The type is asked, not the object: a mock has every attribute, and claims any type. Nor its
    # own type, which says what classes are, not what objects are.
    if any("_get_current_object" in vars(each) for each in kind.__mro__):
        return None
    if issubclass(kind, str):
        return str.__str__
    if issubclass(kind, int):
        return _number
    return _parts_of_method if issubclass(kind, MethodType) else id


def _number(sender: int) -> Hashable:
    return type(sender), int.__int__(sender)


def _parts_of_method(sender: MethodType) -> Hashable:
    return id(sender.__self__), id(sender.__func__)


def unwrapped(sender: Any) -> Any:
    """Return the object that *sender* stands for, which is nearly always itself.

    Raises:
        ArgumentError: If it stands for others without an end.
        RuntimeError: Or whatever else an unbound proxy raises, unchanged.
    """
    return _unwrapped(sender) if key_function(type(sender)) is None else sender


def _unwrapped(proxy: Any) -> Any:
    it = proxy
    for _ in range(STEPS):
        before, it = it, it._get_current_object()
        # An application that can be asked for itself, as proxies to it can, is itself.
        if it is before or key_function(type(it)) is not None:
            return it
    msg = (
        f"A {type(proxy).__qualname__} cannot be a sender: what its _get_current_object() gives "
        "stands for something else in turn, and so on without an end. Pass the object itself."
    )
    raise ArgumentError(msg)


def sender_key(sender: object) -> Hashable:
    """Return the key under which the connections of *sender*, which is no proxy, are kept.

    Objects are compared by identity, strings by value, integers by value and
    type, bound methods by object and function. An `id` is a bare int and an
    integer a pair that begins with a type, so that none is taken for another.
    """
    key = key_function(type(sender))
    return id(sender) if key is None else key(sender)


def is_held_by_value(sender: object) -> bool:
    """Tell whether another object may be the same sender, so that no weak reference will do."""
    return key_function(type(sender)) is not id


def identified(receiver: Any) -> tuple[Any, Hashable]:
    """Return the canonical form of *receiver*, and its key."""
    if type(receiver) is FunctionType:  # The usual case, and a tenth of the cost of connecting.
        return receiver, id(receiver)
    receiver = canonical(receiver)
    return receiver, receiver_key(receiver)


def canonical(receiver: Any) -> Any:
    """Return *receiver* without a ``__call__`` taken from it: both are the same receiver."""
    while True:
        kind = type(receiver)
        if kind is MethodType:
            function = receiver.__func__
            if type(function) is not FunctionType or function.__name__ != "__call__":
                return receiver
            if function is not told(type(receiver.__self__), "__call__"):
                return receiver
        elif kind is not MethodWrapperType or receiver.__name__ != "__call__":
            return receiver
        receiver = receiver.__self__


def receiver_key(receiver: Any) -> Hashable:
    """Return what tells *receiver* from every other one that is alive."""
    kind = type(receiver)
    if kind is FunctionType:
        return id(receiver)
    if kind is MethodType:
        return id(receiver.__self__), id(receiver.__func__)
    place = place_of(receiver)
    return id(receiver) if place is None else (id(place[0]), place[1])


def place_of(receiver: Any) -> tuple[Any, str] | None:
    """Return the object and the name under which each look finds another *receiver*, or None.

    Methods that are written in C are such, and those in a wrapper, as tracing
    libraries put around functions: each look at it makes a wrapper as well as a method.
    """
    if _is_written_in_c(receiver):
        owner = receiver.__self__
        is_method = owner is not None and not issubclass(type(owner), ModuleType)
        return (owner, receiver.__name__) if is_method else None
    owner = told(receiver, "__self__")
    name = None if owner is None else told_text(receiver, "__name__")
    if name is None:
        return None
    again = told(owner, name)
    # One that is found itself is held by its object, and is like any other callable.
    return (owner, name) if again is not receiver and _is_another_look(again, receiver) else None


def is_found_again(receiver: Any, owner: Any, name: str) -> bool:
    """Tell whether a look at an object finds *receiver*: not what `super()` gave of it, say."""
    return _is_another_look(told(owner, name), receiver)


def _is_another_look(found: Any, receiver: Any) -> bool:
    if type(found) is not type(receiver):
        return False
    try:
        return bool(found == receiver)
    except Exception:  # noqa: BLE001 - whoever cannot compare itself is no other's equal.
        return False


def _is_written_in_c(receiver: object) -> bool:
    kind = type(receiver)
    if kind is BuiltinMethodType or kind is MethodWrapperType:
        return True
    return issubclass(kind, BuiltinMethodType)  # Those that are told their class, since 3.9.


def same_partial(one: Any, other: Any) -> bool:
    """Tell whether two receivers are partials that make the very same call."""
    if not (issubclass(type(one), partial) and issubclass(type(other), partial)):
        return False
    return _parts(one) == _parts(other)


def _parts(it: partial[Any]) -> tuple[object, ...]:
    keywords = {name: id(value) for name, value in it.keywords.items()}
    return receiver_key(it.func), [id(value) for value in it.args], keywords
