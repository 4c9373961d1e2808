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
_COROUTINE = 0x80
_GENERATORS = 0x20 | 0x200
_PLAIN = (False, False)


def name_of(thing: Any) -> str:
    """Return how messages call a receiver or any other object: ``module.qualified_name``."""
    if isinstance(thing, partial):
        return name_of(thing.func)
    name = getattr(thing, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(thing, '__module__', None) or type(thing).__module__}.{name}"
    return f"{type(thing).__module__}.{type(thing).__qualname__} object"


def called(given: object) -> str:
    """Return how messages call what was given for a callable, and may be anything."""
    return name_of(given) if callable(given) else repr(given)


def title_of(signal: Any) -> str:
    """Return how messages call a signal."""
    name = getattr(signal, "name", None)
    return "a signal without a name" if name is None else f"signal {name!r}"


def examined(receiver: Any) -> tuple[bool, bool]:
    """Refuse what can never be called as ``receiver(sender, **payload)``.

    Returns:
        Whether it is async, and whether it is a generator function, async or not.

    Raises:
        ReceiverError: If *receiver* is not callable, or is a function that
            takes no positional argument and so cannot be given the sender.
    """
    if type(receiver) is FunctionType and not receiver.__dict__:
        code = receiver.__code__
        flags = code.co_flags
        if code.co_argcount or flags & _VARARGS:
            if not flags & (_COROUTINE | _GENERATORS):
                return _PLAIN
            return bool(flags & _COROUTINE), bool(flags & _GENERATORS)
    if not callable(receiver):
        msg = (
            "It is not callable. Connect a function, a method or an object with __call__. If it "
            "is a sender, use connect_via(sender), or connect(receiver, sender=sender)."
        )
        raise ReceiverError(msg)
    bound = isinstance(receiver, MethodType)
    function = receiver.__func__ if isinstance(receiver, MethodType) else receiver
    if type(function) is FunctionType:
        code = function.__code__
        if code.co_argcount <= bound and not code.co_flags & _VARARGS:
            msg = (
                "It takes no positional argument, and receivers are called with the sender. "
                "Write it as `def receiver(sender, **payload)`."
            )
            raise ReceiverError(msg)
    return is_async(receiver), is_generator(function)


def is_generator(function: Any) -> bool:
    """Tell whether calling a function makes a generator, which runs none of its lines."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return isinstance(flags, int) and bool(flags & _GENERATORS)


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


def coroutine_function(receiver: Any) -> Any:
    """Return an async receiver as a function that everybody can tell to be async.

    Wrappers such as Flask's ``ensure_sync`` pass on what `inspect` does not take
    for a coroutine function: objects with an async ``__call__``, for one.
    """
    if type(receiver) is FunctionType and receiver.__code__.co_flags & _COROUTINE:
        return receiver
    from inspect import iscoroutinefunction  # 20 ms to import: only unusual receivers pay.

    async def call(*args: Any, **kwargs: Any) -> Any:
        return await receiver(*args, **kwargs)

    return receiver if iscoroutinefunction(receiver) else call


def _is_marked(function: Any) -> bool:
    # Before Python 3.12 there was no public mark; asgiref and others used asyncio's.
    mark = getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)
    return mark is not None and getattr(function, "_is_coroutine", None) is mark
