"""What "the same sender" and "the same receiver" mean, and how a receiver is held."""

from __future__ import annotations

from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType, ModuleType
from weakref import ref

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Hashable
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
        return cls.symbols.setdefault(name, made)  # type: ignore[return-value]

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


_ordinary: dict[int, ref[type]] = {}
"""Types whose instances are compared by identity and are no proxies, by their id."""


def is_ordinary(sender: object) -> bool:
    """Tell whether *sender* is no proxy, and compared by identity."""
    return id(type(sender)) in _ordinary or _is_ordinary_type(type(sender))


def _is_ordinary_type(kind: type) -> bool:
    # Asked once per type: looking for an attribute that is missing takes longer than
    # calling a receiver. The weak reference keeps a type's id from being trusted after it.
    if issubclass(kind, (str, int, MethodType)) or hasattr(kind, "_get_current_object"):
        return False
    key = id(kind)
    _ordinary[key] = ref(kind, lambda _: _ordinary.pop(key, None))
    return True


def unwrapped(sender: Any) -> Any:
    """Return the object that *sender* stands for, which is nearly always itself.

    Raises:
        RuntimeError: Or whatever else an unbound proxy raises, unchanged.
    """
    if id(type(sender)) in _ordinary:
        return sender
    # The type is asked, not the object: a mock has every attribute.
    while not is_ordinary(sender) and hasattr(type(sender), "_get_current_object"):
        sender = sender._get_current_object()
    return sender


def sender_key(sender: object) -> Hashable:
    """Return the key under which the connections of *sender* are kept.

    Objects are compared by identity, strings by value, integers by value and
    type, bound methods by object and function. An `id` is a bare int and an
    integer a pair that begins with a type, so that none is taken for another.
    """
    if isinstance(sender, str):
        return str.__str__(sender)
    if isinstance(sender, int):
        return type(sender), int.__int__(sender)
    if isinstance(sender, MethodType):
        return id(sender.__self__), id(sender.__func__)
    return id(sender)


def canonical(receiver: Any) -> Any:
    """Return *receiver* without a ``__call__`` taken from it: both are the same receiver."""
    if type(receiver) is FunctionType:
        return receiver
    while isinstance(receiver, (MethodType, MethodWrapperType)):
        owner = receiver.__self__
        if receiver.__name__ != "__call__":
            break
        if isinstance(receiver, MethodType) and receiver.__func__ is not type(owner).__call__:
            break
        receiver = owner
    return receiver


def receiver_key(receiver: Any) -> Hashable:
    """Return what tells *receiver* from every other one that is alive."""
    if type(receiver) is FunctionType:
        return id(receiver)
    if isinstance(receiver, MethodType):
        return id(receiver.__self__), id(receiver.__func__)
    if is_builtin_method(receiver):
        return id(receiver.__self__), receiver.__name__
    return id(receiver)


def is_builtin_method(receiver: Any) -> bool:
    """Tell whether *receiver* is a method written in C: each look at it makes another."""
    return isinstance(receiver, (BuiltinMethodType, MethodWrapperType)) and not isinstance(
        receiver.__self__, (ModuleType, type(None))
    )


def same_partial(one: Any, other: Any) -> bool:
    """Tell whether two receivers are partials that make the very same call."""
    if not (isinstance(one, partial) and isinstance(other, partial)):
        return False
    return _parts(one) == _parts(other)


def _parts(it: partial[Any]) -> tuple[object, ...]:
    keywords = {name: id(value) for name, value in it.keywords.items()}
    return receiver_key(it.func), [id(value) for value in it.args], keywords
