"""What "the same sender" and "the same receiver" mean."""

from __future__ import annotations

from functools import partial
from sys import is_finalizing
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType, ModuleType
from weakref import ref

from heliograph.core.callables import OWN_RECEIVERS
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
"""Stands for every sender: a receiver connected for `ANY` gets what any sender sends."""


_kinds: dict[int, ref[type]] = {}
KEY_FUNCTIONS: dict[int, Callable[[Any], Hashable] | None] = {}
"""How the senders of a type are compared, by the id of the type; None if they are proxies."""


def key_function(kind: type) -> Callable[[Any], Hashable] | None:
    """Return the function that gives the key of a sender of that type, or None for proxies."""
    key = id(kind)
    try:
        return KEY_FUNCTIONS[key]
    except KeyError:
        # Once per type: looking for an attribute that is missing takes longer than calling a
        # receiver. The weak reference forgets the id when the type dies.
        _kinds[key] = ref(kind, partial(_type_died, key))
        return KEY_FUNCTIONS.setdefault(key, _key_function(kind))


def _type_died(key: int, _: object, ending: Callable[[], bool] = is_finalizing) -> None:
    # When the interpreter ends, the names of this module may be gone.
    if not ending():
        forget_type(key)


def forget_type(key: int) -> None:
    """Forget what is known of a type, given its id: its next sender is looked at again."""
    KEY_FUNCTIONS.pop(key, None)
    _kinds.pop(key, None)


def _key_function(kind: type) -> Callable[[Any], Hashable] | None:
    # Look at the type, as a mock object has every attribute and claims any type. Look at the
    # classes in its `__mro__`, as `hasattr` on a class would also find attributes of its metaclass.
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
    """Return the object that *sender* stands for: itself, unless it is a proxy.

    Raises:
        ArgumentError: If proxies stand for each other without end.
        RuntimeError: Or any other error that an unbound proxy raises, unchanged.
    """
    # Asked here first, as a call takes longer than the look-up.
    key = KEY_FUNCTIONS.get(id(type(sender)))
    if key is None and key_function(type(sender)) is None:
        return _unwrapped(sender)
    return sender


def _unwrapped(proxy: Any) -> Any:
    it = proxy
    for _ in range(STEPS):
        before, it = it, it._get_current_object()
        # Some applications have the method too, so that they can be used like their proxy.
        if it is before or key_function(type(it)) is not None:
            return it
    msg = (
        f"A {type(proxy).__qualname__} cannot be a sender: its _get_current_object() returns "
        "another proxy, and so on without end. Pass the object itself."
    )
    raise ArgumentError(msg)


def sender_key(sender: object) -> Hashable:
    """Return the key of the connections of *sender*, which must not be a proxy.

    Objects are compared by identity, strings by value, integers by value and
    type, bound methods by object and function. An `id` is a bare int and an
    integer a pair that begins with a type, so that no key stands for two senders.
    """
    # As in `unwrapped`.
    key = KEY_FUNCTIONS.get(id(type(sender))) or key_function(type(sender))
    return id(sender) if key is None else key(sender)


def is_held_by_value(sender: object) -> bool:
    """Tell whether an equal object is the same sender: then a weak reference would not do."""
    return key_function(type(sender)) is not id


def identified(receiver: Any) -> tuple[Any, Hashable]:
    """Return the canonical form of *receiver*, and its key."""
    if (
        type(receiver) is FunctionType
    ):  # The usual case: it saves a tenth of the cost of connecting.
        return receiver, id(receiver)
    if type(receiver) in OWN_RECEIVERS:
        return receiver, id(receiver)
    if type(receiver) is MethodType and type(receiver.__func__) is FunctionType:
        function = receiver.__func__
        if function.__name__ != "__call__":  # Then it may stand for its object.
            return receiver, (id(receiver.__self__), id(function))
    receiver = canonical(receiver)
    return receiver, receiver_key(receiver)


def canonical(receiver: Any) -> Any:
    """Return the object if *receiver* is its ``__call__``: both are the same receiver."""
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
    """Return a key that no other live receiver has."""
    kind = type(receiver)
    if kind is FunctionType:
        return id(receiver)
    if kind is MethodType:
        return id(receiver.__self__), id(receiver.__func__)
    place = place_of(receiver)
    return id(receiver) if place is None else (id(place[0]), place[1])


def place_of(receiver: Any) -> tuple[Any, str] | None:
    """Return the object and the attribute that make a new *receiver* at each access, or None.

    Methods written in C are made at each access, and so are methods wrapped by tracing
    libraries, which make a wrapper as well as a method.
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
    # If the object holds this very callable, it is like any other callable.
    return (owner, name) if again is not receiver and _is_another_look(again, receiver) else None


def is_found_again(receiver: Any, owner: Any, name: str) -> bool:
    """Tell whether an attribute of an object gives *receiver*; that of `super()` differs, say."""
    return _is_another_look(told(owner, name), receiver)


def _is_another_look(found: Any, receiver: Any) -> bool:
    if type(found) is not type(receiver):
        return False
    try:
        return bool(found == receiver)
    except Exception:  # noqa: BLE001 - an object that fails to compare itself is equal to no other.
        return False


def _is_written_in_c(receiver: object) -> bool:
    kind = type(receiver)
    if kind is BuiltinMethodType or kind is MethodWrapperType:
        return True
    return issubclass(
        kind, BuiltinMethodType
    )  # Methods that get their class passed, since Python 3.9.


def same_partial(one: Any, other: Any) -> bool:
    """Tell whether two receivers are partials of the same function with the same arguments."""
    if not (issubclass(type(one), partial) and issubclass(type(other), partial)):
        return False
    return _parts(one) == _parts(other)


def _parts(it: partial[Any]) -> tuple[object, ...]:
    keywords = {name: id(value) for name, value in it.keywords.items()}
    return receiver_key(it.func), [id(value) for value in it.args], keywords
