"""What the engine tells of a callable without calling it."""

from __future__ import annotations

import asyncio
import inspect
import sys
from functools import partial, wraps
from queue import SimpleQueue
from types import BuiltinMethodType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

from heliograph import ReceiverError, Signal
from heliograph.core.callables import check_receiver, is_async
from heliograph.describe import name_of
from tests.ids import without_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def plain(sender: object, **payload: object) -> None:
    """Do nothing."""


async def asynchronous(sender: object, **payload: object) -> None:
    """Do nothing, later."""


def generating(sender: object) -> Iterator[int]:
    """Give something to iterate over."""
    yield 1


async def async_generating(sender: object) -> AsyncIterator[int]:
    """Give something to iterate over, later."""
    yield 1


@wraps(asynchronous)
def wrapping(*args: Any, **kwargs: Any) -> Any:
    """Return a coroutine without being a coroutine function."""
    return asynchronous(*args, **kwargs)


def attributed(sender: object) -> None:
    """Do nothing."""


attributed.retries = 3  # type: ignore[attr-defined]


def marked() -> Callable[..., Any]:
    """Return a plain function that is marked as a coroutine function."""

    def receive(*args: object) -> Any:
        return asynchronous(args[-1])

    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(receive)
    receive._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return receive


class Generates:
    """Makes a generator when it is called."""

    def __call__(self, sender: object) -> Any:
        """Do nothing that is seen."""
        yield sender


class Calls:
    """Is called plainly, and has methods of both kinds."""

    def __call__(self, sender: object) -> None:
        """Do nothing."""

    def method(self, sender: object) -> None:
        """Do nothing."""

    def generating_method(self, sender: object) -> Iterator[int]:
        """Give something to iterate over."""
        yield 1

    async def async_method(self, sender: object) -> None:
        """Do nothing, later."""

    @classmethod
    async def async_class_method(cls, sender: object) -> None:
        """Do nothing, later."""

    @staticmethod
    async def async_static_method(sender: object) -> None:
        """Do nothing, later."""


class AsyncCalls:
    """Is awaited when it is called."""

    async def __call__(self, sender: object) -> None:
        """Do nothing, later."""


class MarkedCalls:
    """Marks itself, as middlewares do that learn in `__init__` what they wrap."""

    def __init__(self) -> None:
        vars(self).update(vars(marked()))

    def __call__(self, sender: object) -> Any:
        """Return something to await."""
        return asynchronous(sender)


class Unbound:
    """Fails whenever it is asked for anything, as a proxy does that stands for nothing."""

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        msg = "working outside of context"
        raise RuntimeError(msg)


class Liar(Unbound):
    """Claims to be of a type of which it has nothing else."""

    def __init__(self, kind: type) -> None:
        vars(self)["kind"] = kind

    @property  # type: ignore[misc]  # Whoever lies so only reads it.
    def __class__(self) -> Any:
        """The type that it claims."""
        return vars(self)["kind"]


def endless() -> Callable[..., Any]:
    """Return a partial that calls itself, which only calling it must not survive."""
    call: partial[Any] = partial(plain)
    state: Any = call
    state.__setstate__((call, (), {}, {}))
    return call


def passed_on(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Call what is decorated."""
    return wrapped(*args, **kwargs)


# As tracing libraries decorate: what comes of it claims to be what it was.
decorated = wrapt.decorator(passed_on)


class Decorated:
    """Has methods of both kinds with such a decorator."""

    @decorated
    def method(self, sender: object) -> None:
        """Do nothing."""

    @decorated
    @classmethod
    def class_method(cls, sender: object) -> None:
        """Do nothing."""

    @decorated
    async def async_method(self, sender: object) -> None:
        """Do nothing, later."""

    @decorated
    @classmethod
    async def async_class_method(cls, sender: object) -> None:
        """Do nothing, later."""


ASYNC: list[Callable[..., Any]] = [
    asynchronous,
    partial(asynchronous, extra=1),
    partial(partial(asynchronous, extra=1), more=2),
    Calls().async_method,
    partial(Calls().async_method),
    Calls.async_class_method,
    Calls.async_static_method,
    AsyncCalls(),
    partial(AsyncCalls()),
    marked(),
    partial(marked()),
    mock.AsyncMock(),
    mock.AsyncMock(spec=plain),
    mock.MagicMock(spec=asynchronous),
    mock.create_autospec(asynchronous),
    Decorated().async_method,
    Decorated.async_class_method,
    partial(Decorated().async_method),
    MarkedCalls(),
    MethodType(marked(), "shop"),
]
PLAIN: list[Callable[..., Any]] = [
    plain,
    attributed,
    wrapping,
    partial(plain, extra=1),
    Calls(),
    Calls().method,
    Calls,
    AsyncCalls,
    generating,
    async_generating,
    len,
    [].append,
    mock.Mock(),
    mock.Mock(spec=plain),
    mock.MagicMock(spec=plain),
    mock.Mock(spec=Calls().method),
    mock.MagicMock(spec=Calls().method),
    mock.Mock(spec=[].append),
    mock.create_autospec(plain),
    Decorated().method,
    Decorated.class_method,
    partial(Decorated().method),
    wrapt.FunctionWrapper(Calls(), passed_on),
    endless(),
]


@pytest.mark.parametrize("receiver", ASYNC, ids=name_of)
def test_an_async_receiver_is_known_without_calling_it(receiver: Callable[..., Any]) -> None:
    """Coroutine functions, marked ones, async `__call__`, and partials and methods of these."""
    signal = Signal("paid")
    signal.connect(receiver, weak=False)

    assert is_async(receiver)
    assert [connection.is_async for connection in signal.connections] == [True]


@pytest.mark.parametrize("receiver", PLAIN, ids=name_of)
def test_a_plain_receiver_is_known_without_calling_it(receiver: Callable[..., Any]) -> None:
    """Everything else is plain: classes with an async `__call__`, and wrappers of async functions.

    What they return may be awaitable all the same.
    """
    assert (is_async(receiver), check_receiver(receiver)[0]) == (False, False)


@pytest.mark.parametrize("kind", [FunctionType, MethodType, BuiltinMethodType, partial, Unbound])
def test_a_receiver_that_claims_a_type_and_tells_nothing_is_plain(kind: type) -> None:
    """Its own errors reach nobody who only connects it."""
    signal, receiver = Signal("paid"), Liar(kind)
    signal.connect(receiver)
    [connection] = signal.connections

    assert (connection.is_async, connection.name) == (False, f"{__name__}.Liar object")
    assert [told is receiver for told in signal.receivers] == [True]


def test_without_asyncio_no_function_bears_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asyncio was never imported, nobody can have marked a function with it."""
    monkeypatch.delitem(sys.modules, "asyncio.coroutines")

    assert not is_async(attributed)


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (plain, f"{__name__}.plain"),
        (partial(partial(plain)), f"{__name__}.plain"),
        (Calls().method, f"{__name__}.Calls.method"),
        (Calls, f"{__name__}.Calls"),
        (Calls(), f"{__name__}.Calls object"),
        (len, "builtins.len"),
        ([].append, "builtins.list.append"),
        (Decorated().method, f"{__name__}.Decorated.method"),
        (mock.Mock(spec=Calls().method), "unittest.mock.Mock object"),
        (mock.MagicMock(spec=plain), "unittest.mock.MagicMock object"),
        (endless(), "functools.partial object"),
    ],
)
def test_a_receiver_is_called_by_its_module_and_qualified_name(thing: object, name: str) -> None:
    """Messages name functions and methods; objects that are called by their type."""
    assert name_of(thing) == name


@pytest.mark.parametrize(
    "receiver",
    [
        lambda sender: None,
        lambda *args: None,
        lambda sender=None, /: None,
        Calls().method,
        Calls.method,
        Calls,
        Calls(),
        MethodType(lambda *args: None, "shop"),
        MethodType(len, "shop"),
        partial(lambda **payload: None),
        print,
    ],
    ids=without_address,
)
def test_whatever_can_be_given_a_sender_is_fit(receiver: Callable[..., Any]) -> None:
    """Only functions and methods that surely have no room for a sender are refused."""
    assert check_receiver(receiver) == (False, False)


@pytest.mark.parametrize(
    "receiver",
    [
        lambda: None,
        lambda *, sender: None,
        lambda **payload: None,
        MethodType(lambda self: None, "shop"),
        MethodType(lambda **payload: None, "shop"),
    ],
    ids=without_address,
)
def test_what_has_no_room_for_a_sender_is_unfit(receiver: Callable[..., Any]) -> None:
    """A function without a positional parameter would fail at every send."""
    with pytest.raises(ReceiverError, match="takes no positional argument"):
        check_receiver(receiver)


@pytest.mark.parametrize(
    ("receiver", "expected"),
    [
        (plain, (False, False)),
        (asynchronous, (True, False)),
        (generating, (False, True)),
        (async_generating, (False, True)),
        (Calls().generating_method, (False, True)),
        (Generates(), (False, True)),
        (partial(generating), (False, True)),
        (Calls().async_method, (True, False)),
        (attributed, (False, False)),
        (len, (False, False)),
        (Calls(), (False, False)),
    ],
    ids=without_address,
)
def test_a_receiver_is_examined_without_calling_it(
    receiver: Callable[..., Any], expected: tuple[bool, bool]
) -> None:
    """Whether it is async and whether it is a generator function is found out at connect."""
    assert check_receiver(receiver) == expected


def test_a_function_of_no_module_has_a_name() -> None:
    """Functions that `exec` makes without a ``__name__`` are such."""
    made: dict[str, Any] = {}
    exec("def receive(sender): ...", {"__builtins__": {}}, made)  # noqa: S102 - what is tested.
    signal = Signal("paid")
    signal.connect(made["receive"])
    [connection] = signal.connections

    assert connection.name == name_of(made["receive"]) == "builtins.receive"


def test_a_function_of_a_module_that_has_no_name_has_one_all_the_same() -> None:
    """Its module can be set to anything, and is not believed to be a text."""

    def receive(sender: object) -> None:
        """Do nothing."""

    module: Any = 3
    receive.__module__ = module
    signal = Signal("paid")
    signal.connect(receive)
    [connection] = signal.connections

    assert connection.name == f"builtins.{receive.__qualname__}"


def test_a_module_that_goes_when_it_is_asked_for_a_name_is_no_text() -> None:
    """A function may be all that holds what stands there, and drop it when that is looked at."""
    left: list[str] = []

    class Module:
        def __bool__(self) -> bool:
            receive.__module__ = "elsewhere"
            return True

        def __del__(self) -> None:
            left.append("gone")

    def receive(sender: object) -> None:
        """Do nothing."""

    def other(sender: object) -> None:
        """Do nothing."""

    signal = Signal("paid")
    signal.connect(other)  # The first one of a module is connected in Python.
    module: Any = Module()
    receive.__module__ = module
    del module
    signal.connect(receive)
    connection = signal.connections[-1]

    assert (connection.name, left) == (f"builtins.{receive.__qualname__}", [])


def test_a_method_in_c_that_is_told_its_class_is_held_by_its_object() -> None:
    """They are of a type of their own, which derives from that of the others."""
    signal, queue = Signal("paid"), SimpleQueue[object]()
    signal.connect(queue.put)
    signal.connect(queue.put)
    signal.send("a")
    signal.disconnect(queue.put)

    assert (queue.qsize(), queue.get(), signal.connections) == (1, "a", ())
