"""What a receiver shows before it is called: whether it can be, and whether it is async."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType

from heliograph.core.claims import function_of, told, without_partials
from heliograph.core.errors import ReceiverError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The flags of a code object, as the inspect module documents them.
_VARARGS = 0x04
_COROUTINE = 0x80
_GENERATORS = 0x20 | 0x200
NOT_PLAIN: int = _COROUTINE | _GENERATORS
_PLAIN = (False, False)

OWN_RECEIVERS: dict[type, str] = {}
"""The names of receivers that the engine makes itself, by their classes.

They are plain callables, so that nothing has to be looked at when they are connected.
"""


def is_plain(receiver: Any) -> bool:
    """Tell whether it is a function that is surely fit to receive, and not async."""
    if type(receiver) is not FunctionType or receiver.__dict__:
        return False
    code = receiver.__code__
    return code.co_argcount == 1 and not code.co_flags & NOT_PLAIN


def check_receiver(receiver: Any) -> tuple[bool, bool]:
    """Check that ``receiver(sender, **payload)`` is possible at all.

    Returns:
        Whether it is async, and whether it is a generator function, async or not.

    Raises:
        ReceiverError: If *receiver* is not callable, or is a function without a
            positional parameter for the sender.
    """
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if type(function) is not FunctionType:
        return _check_object(receiver, function)
    code = function.__code__
    flags = code.co_flags
    if code.co_argcount <= (function is not receiver) and not flags & _VARARGS:
        msg = (
            "It takes no positional argument, and receivers are called with the sender. "
            "Write it as `def receiver(sender, **payload)`."
        )
        raise ReceiverError(msg)
    if not flags & NOT_PLAIN and not function.__dict__:
        return _PLAIN
    return is_async(function), bool(flags & _GENERATORS)


def _check_object(receiver: Any, function: Any) -> tuple[bool, bool]:
    if not callable(receiver):
        if hasattr(type(receiver), "__get__"):
            raise ReceiverError(_only_of_a_class(receiver))
        msg = (
            "It is not callable. Connect a function, a method or an object with __call__. If it "
            "is a sender, use connect_via(sender), or connect(receiver, sender=sender)."
        )
        raise ReceiverError(msg)
    if type(receiver) in OWN_RECEIVERS:
        return _PLAIN
    return is_async(receiver), is_generator(function)


def _only_of_a_class(receiver: object) -> str:
    kind = type(receiver).__qualname__
    return (
        f"It is a {kind}, which cannot be called inside the body of its class. Connect it below "
        "the class instead: `signal.connect(TheClass.name)`."
    )


def why_not_decorated(function: Any) -> str | None:
    """Tell why *function* cannot be decorated to do something around each call, or None."""
    if issubclass(type(function), type):
        return "is a class, and a function would replace it. Decorate its methods."
    if not callable(function):
        return "cannot be called. Decorate a function; put the decorator below @classmethod."
    if is_generator(function):
        return (
            "is a generator function: calling it runs none of its lines. Use a `with` statement "
            "inside it."
        )
    return None


def is_generator(function: Any) -> bool:
    """Tell whether calling *function* runs none of its lines, as it makes a generator.

    It does for generator functions, async or not, objects with such a ``__call__``, and
    partials and bound methods of all these.
    """
    return any(_has_flags(it, _GENERATORS) for it in _what_runs(function))


def is_async(receiver: Any) -> bool:
    """Tell whether calling *receiver* returns a coroutine, which has to be awaited.

    It does for coroutine functions, functions marked as such, objects with an
    async ``__call__``, and partials and bound methods of all these.
    """
    function, call = _what_runs(receiver)
    if type(function) is FunctionType and not function.__dict__:
        return bool(function.__code__.co_flags & _COROUTINE)
    # Not `inspect`, which believes objects that claim to be functions.
    return any(_has_flags(it, _COROUTINE) or _is_marked(it) for it in (function, call))


def _what_runs(receiver: Any) -> tuple[Any, Any]:
    """Return what runs when *receiver* is called: the function, or the ``__call__`` of its type."""
    receiver = without_partials(receiver)
    return function_of(receiver), told(type(receiver), "__call__")


def coroutine_function(receiver: Any) -> Any:
    """Return an async receiver as a function that `inspect` recognizes as async.

    Wrappers such as Flask's ``ensure_sync`` do not wrap a callable that `inspect` does not
    recognize: an object with an async ``__call__``, for one.
    """
    # The usual case is also C's, which does not ask here then.
    function = receiver if type(receiver) is FunctionType else function_of(receiver)
    if type(function) is not FunctionType:
        function = function_of(without_partials(receiver))
    if type(function) is FunctionType and function.__code__.co_flags & _COROUTINE:
        return receiver

    async def call(*args: Any, **kwargs: Any) -> Any:
        return await receiver(*args, **kwargs)

    return call


def _has_flags(function: Any, flags: int) -> bool:
    # A mock of a function has mocks for flags, and a mock of an async one has numbers.
    found = told(told(function, "__code__"), "co_flags")
    return type(found) is int and bool(found & flags)


def _is_marked(function: Any) -> bool:
    # If it is marked, the module of the mark is imported already; importing takes long.
    mark = told(sys.modules.get("inspect"), "markcoroutinefunction")
    marks = {} if mark is None else vars(mark(lambda: None))
    # Before Python 3.12 there was no public mark; asgiref and others used asyncio's.
    marks["_is_coroutine"] = told(sys.modules.get("asyncio.coroutines"), "_is_coroutine")
    return any(it is not None and told(function, name) is it for name, it in marks.items())
