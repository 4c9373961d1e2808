"""What can be told of a receiver before it is called: name, fitness, whether it is async."""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType

from heliograph.core.errors import ReceiverError

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from typing import Any

# The flags of a code object, as the inspect module documents them.
_VARARGS = 0x04
_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200


def name_of(thing: Any) -> str:
    """Return how messages call a receiver or any other object: ``module.qualified_name``."""
    if isinstance(thing, partial):
        return name_of(thing.func)
    name = getattr(thing, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(thing, '__module__', None) or type(thing).__module__}.{name}"
    return f"{type(thing).__module__}.{type(thing).__qualname__} object"


def checked(receiver: Any) -> None:
    """Refuse what can never be called as ``receiver(sender, **payload)``.

    Raises:
        ReceiverError: If *receiver* is not callable, or is a function that
            takes no positional argument and so cannot be given the sender.
    """
    if not callable(receiver):
        msg = (
            f"{receiver!r} cannot be a receiver: it is not callable. "
            "Connect a function, a method or an object with __call__."
        )
        raise ReceiverError(msg)
    bound = isinstance(receiver, MethodType)
    function = receiver.__func__ if bound else receiver
    if type(function) is not FunctionType:
        return
    code = function.__code__
    if code.co_argcount <= bound and not code.co_flags & _VARARGS:
        msg = (
            f"{name_of(receiver)} cannot be a receiver: it takes no positional argument, "
            "and receivers are called with the sender. "
            "Write it as `def receiver(sender, **payload)`."
        )
        raise ReceiverError(msg)


def is_generator(receiver: Any) -> bool:
    """Tell whether calling *receiver* makes a generator, which runs none of its lines."""
    code = getattr(receiver, "__code__", None)
    flags = getattr(code, "co_flags", 0)
    return isinstance(flags, int) and bool(flags & (_GENERATOR | _ASYNC_GENERATOR))


def is_async(receiver: Any) -> bool:
    """Tell whether calling *receiver* gives a coroutine that has to be awaited.

    True of coroutine functions, of functions marked as such, of objects with
    an async ``__call__``, and of partials and bound methods of all these.
    """
    while isinstance(receiver, partial):
        receiver = receiver.func
    function = receiver.__func__ if isinstance(receiver, MethodType) else receiver
    if type(function) is FunctionType and not function.__dict__:
        return bool(function.__code__.co_flags & _COROUTINE)

    from inspect import iscoroutinefunction  # 20 ms to import: only unusual receivers pay.

    return (
        iscoroutinefunction(receiver)
        or _is_marked(function)
        or iscoroutinefunction(type(receiver).__call__)
    )


def _is_marked(function: Any) -> bool:
    # Before Python 3.12 there was no public mark; asgiref and others used asyncio's.
    mark = getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)
    return mark is not None and getattr(function, "_is_coroutine", None) is mark
