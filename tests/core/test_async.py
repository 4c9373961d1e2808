"""Sync and async receivers under `send` and `send_async`, with and without wrappers."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import nullcontext
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, cast

import pytest

from heliograph import ArgumentError, AsyncReceiverError, Signal
from heliograph.core.sending.lookup import find
from heliograph.describe import name_of
from tests.core.diary import Diary
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine


class Wrapper:
    """Runs what it wraps, and notes what it was given: `ensure_sync` and `ensure_async`."""

    def __init__(self) -> None:
        self.given: list[Callable[..., Any]] = []

    def ensure_sync(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a plain function of a coroutine function that never waits."""
        self.given.append(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                function(*args, **kwargs).send(None)
            except StopIteration as end:
                return ("ensured", end.value)
            return None

        return call

    def ensure_async(self, function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Make a coroutine function of a plain function."""
        self.given.append(function)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return ("ensured", function(*args, **kwargs))

        return call


# --- send ------------------------------------------------------------------------------


def test_send_refuses_an_async_receiver_before_anybody_is_called() -> None:
    """Without an ``_async_wrapper`` the error names signal and receiver, and says what to do."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("first"))
    signal.connect(diary.async_receiver("second"))
    with pytest.raises(AsyncReceiverError) as caught:
        signal.send("sender-5f2c", card="card-5f2c")

    assert str(caught.value) == (
        "signal 'paid' has an async receiver, "
        "tests.core.diary.Diary.async_receiver.<locals>.receive. "
        "Send it with `await signal.send_async(...)`, give `send` an _async_wrapper, "
        "or connect a plain function. No receiver was called."
    )
    assert diary.lines == []


def test_send_refuses_an_async_observer_too() -> None:
    """``on_error="log"`` is for what a receiver raises, not for the sender's mistake."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("observer"), on_error="log")
    with pytest.raises(AsyncReceiverError):
        signal.send("shop")


def test_send_does_not_mind_async_receivers_for_other_senders() -> None:
    """Only those who would be called count."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("async"), "kiosk")
    receiver = diary.receiver("r")
    signal.connect(receiver)

    assert signal.send("shop") == [(receiver, "r")]


def test_send_does_not_mind_async_receivers_that_died() -> None:
    """The dead are not called, so they need no wrapper."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("async"))
    diary.kept.clear()

    assert signal.send("shop") == []


def test_send_hands_async_receivers_to_the_wrapper_and_nobody_else() -> None:
    """``_async_wrapper`` makes plain functions of async receivers; the order stays."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    first, second, third = (
        diary.receiver("1"),
        diary.async_receiver("2"),
        diary.receiver("3"),
    )
    for receiver in (first, second, third):
        signal.connect(receiver)
    results = signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert results == [(first, "1"), (second, ("ensured", "2")), (third, "3")]
    assert wrapper.given == [second]
    assert diary.lines == ["1", "2", "3"]


def test_a_wrapper_can_tell_that_what_it_is_given_is_async() -> None:
    """Flask's passes on what `inspect` takes for a plain function: such a receiver is dressed."""

    class Async:
        async def __call__(self, sender: object) -> str:
            return "async"

    signal, receiver, wrapper = Signal("paid"), Async(), Wrapper()
    signal.connect(receiver)
    results = signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert results == [(receiver, ("ensured", "async"))]
    assert [inspect.iscoroutinefunction(given) for given in wrapper.given] == [True]


def test_a_wrapper_without_async_receivers_is_not_used() -> None:
    """Flask always gives its wrapper; it costs nothing if all receivers are plain."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    receiver = diary.receiver("r")
    signal.connect(receiver)

    assert signal.send("shop", _async_wrapper=wrapper.ensure_sync) == [(receiver, "r")]
    assert wrapper.given == []


def test_a_wrapper_that_fails_fails_for_its_receiver() -> None:
    """Everybody else is called, as if the receiver had raised."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("1"))
    signal.connect(diary.receiver("2"))

    def failing(function: Callable[..., Any]) -> Callable[..., Any]:
        msg = "a loop is running"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="a loop is running"):
        signal.send("shop", _async_wrapper=failing)

    assert diary.lines == ["2"]


class Rooms:
    """Has a method that has to be awaited."""

    async def book(self, sender: object, **payload: object) -> object:
        """Return what came."""
        return sender, payload


@pytest.mark.parametrize("watched", [False, True])
def test_a_wrapper_gets_every_kind_of_async_receiver(*, watched: bool) -> None:
    """Functions, methods and partials as they are, with the payload for what it makes of them."""
    signal, rooms, wrapper = Signal("paid"), Rooms(), Wrapper()
    call = partial(rooms.book, floor=1)
    signal.connect(rooms.book)
    signal.connect(call)
    for _ in range(2):
        with watching() if watched else nullcontext():
            results = signal.send("shop", total=12, _async_wrapper=wrapper.ensure_sync)

        assert results == [
            (rooms.book, ("ensured", ("shop", {"total": 12}))),
            (call, ("ensured", ("shop", {"total": 12, "floor": 1}))),
        ]
    assert wrapper.given == [rooms.book, call] * 2


@pytest.mark.parametrize("fails", ["first", "second", "third"])
def test_everybody_is_called_if_one_fails_among_those_that_are_wrapped(fails: str) -> None:
    """Async or not, and wherever it comes."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    errors = dict.fromkeys(["first", "second", "third"]) | {fails: LookupError(fails)}
    signal.connect(diary.async_receiver("first", error=errors["first"]))
    signal.connect(diary.receiver("second", error=errors["second"]))
    signal.connect(diary.async_receiver("third", error=errors["third"]))
    with pytest.raises(LookupError) as caught:
        signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert caught.value is errors[fails]
    assert diary.lines == ["first", "second", "third"]
    assert len(caught.value.__notes__) == 1


def test_what_leaves_at_once_leaves_the_wrapped_at_once() -> None:
    """Nobody else is called."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    signal.connect(diary.async_receiver("first", error=RecursionError()))
    signal.connect(diary.async_receiver("second"))
    with pytest.raises(RecursionError) as caught:
        signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert (diary.lines, getattr(caught.value, "__notes__", [])) == (["first"], [])


def test_who_is_disconnected_while_others_are_wrapped_is_not_called() -> None:
    """As in every send."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    last = diary.async_receiver("last")

    async def first(sender: object) -> None:
        signal.disconnect(last)

    for receiver in (first, last, diary.receiver("plain")):
        signal.connect(receiver)
    signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert (diary.lines, wrapper.given) == (["plain"], [first])


def test_a_wrapper_is_not_asked_to_wrap_the_dead() -> None:
    """The end of a receiver may not have been taken note of yet."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    signal.connect(diary.async_receiver("last"))
    [connection] = signal.connections
    snapshot = find(signal._registry, "shop")[2]

    def dead() -> None:
        """Be a reference to nobody."""

    snapshot.calls = ((dead, True, True), *snapshot.made_calls())
    snapshot.receiver_refs = (dead, *snapshot.receiver_refs)
    snapshot.connections = (connection, *snapshot.connections)
    signal.send("shop", _async_wrapper=wrapper.ensure_sync)

    assert (diary.lines, len(wrapper.given)) == (["last"], 1)


FOR_ASYNC = (
    "An _async_wrapper takes a coroutine function and returns a plain function that runs it, as "
    "asgiref.sync.async_to_sync and Flask's app.ensure_sync do."
)
FOR_SYNC = (
    "A _sync_wrapper takes a plain function and returns a coroutine function that calls it, as "
    "asgiref.sync.sync_to_async and Quart's app.ensure_async do."
)


def test_what_runs_coroutines_is_no_async_wrapper() -> None:
    """Nor what calls what it is given; the error says what it is, and what it returns."""
    signal, receiver = Signal("paid"), Diary().async_receiver("r")
    signal.connect(receiver)
    # A ValueError before Python 3.14, and a TypeError since.
    with pytest.raises((ValueError, TypeError), match="coroutine") as failed:
        signal.send("shop", _async_wrapper=asyncio.run)
    with pytest.raises(ArgumentError) as unusable:
        signal.send("shop", _async_wrapper=lambda function: function("shop"))

    assert failed.value.__notes__[0] == FOR_ASYNC
    assert str(unusable.value) == (
        f"_async_wrapper turned {name_of(receiver)} into a coroutine, which cannot be called. "
        f"{FOR_ASYNC}"
    )


@pytest.mark.parametrize("watched", [False, True])
async def test_what_begins_a_thread_is_no_sync_wrapper(*, watched: bool) -> None:
    """The error says what one is given, and what it returns."""
    signal, receiver = Signal("paid"), Diary().receiver("r")
    signal.connect(receiver)
    with watching() if watched else nullcontext(), pytest.raises(ArgumentError) as unusable:
        await signal.send_async("shop", _sync_wrapper=asyncio.to_thread)
    with pytest.raises(ArgumentError) as nothing:
        await signal.send_async("shop", _sync_wrapper=lambda function: None)

    assert [str(it.value) for it in (unusable, nothing)] == [
        f"_sync_wrapper turned {name_of(receiver)} into a {kind}, which cannot be called. "
        f"{FOR_SYNC}"
        for kind in ("coroutine", "NoneType")
    ]


def test_send_hands_on_an_awaitable_of_a_plain_function_as_it_is() -> None:
    """Only `send_async` awaits what a plain function returns."""
    signal, diary = Signal("paid"), Diary()
    asynchronous = diary.async_receiver("async")

    @wraps(asynchronous)
    def plain(*args: Any, **kwargs: Any) -> Awaitable[str]:
        return asynchronous(*args, **kwargs)

    signal.connect(plain)
    [(receiver, value)] = signal.send("shop")
    value.close()

    assert (receiver, diary.lines) == (plain, [])


# --- send_async ------------------------------------------------------------------------


async def test_send_async_awaits_async_receivers_and_calls_plain_ones() -> None:
    """Without a wrapper plain receivers are called in place, in one order with the others."""
    signal, diary = Signal("paid"), Diary()
    first, second, third = diary.async_receiver("1"), diary.receiver("2"), diary.async_receiver("3")
    for receiver in (first, second, third):
        signal.connect(receiver)

    assert await signal.send_async("shop", total=12) == [(first, "1"), (second, "2"), (third, "3")]


async def test_send_async_waits_for_one_receiver_before_it_calls_the_next() -> None:
    """Receivers are not run at once: each finds what those before it have done."""
    signal = Signal("paid")
    lines: list[str] = []

    async def slow(sender: object) -> None:
        lines.append("slow begins")
        await asyncio.sleep(0)
        lines.append("slow ends")

    def quick(sender: object) -> None:
        lines.append("quick")

    signal.connect(slow)
    signal.connect(quick)
    await signal.send_async("shop")

    assert lines == ["slow begins", "slow ends", "quick"]


async def test_send_async_awaits_what_a_plain_function_returns() -> None:
    """A wrapper of an async function is no coroutine function, but is awaited."""
    signal, diary = Signal("paid"), Diary()
    asynchronous = diary.async_receiver("async")

    @wraps(asynchronous)
    def plain(*args: Any, **kwargs: Any) -> Awaitable[str]:
        return asynchronous(*args, **kwargs)

    signal.connect(plain)

    assert await signal.send_async("shop") == [(plain, "async")]
    assert diary.lines == ["async"]


async def test_send_async_awaits_any_awaitable() -> None:
    """Futures and other objects with ``__await__`` are as good as coroutines."""
    signal = Signal("paid")
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.set_result("from the future")

    def receiver(sender: object) -> asyncio.Future[str]:
        return future

    signal.connect(receiver)

    assert await signal.send_async("shop") == [(receiver, "from the future")]


async def test_an_object_that_has_every_attribute_is_no_awaitable() -> None:
    """The type is asked: a mock that a receiver returns is a value like others."""

    class Everything:
        def __getattr__(self, name: str) -> object:
            return self

    signal, everything = Signal("paid"), Everything()

    def receiver(sender: object) -> Everything:
        return everything

    signal.connect(receiver)

    assert await signal.send_async("shop") == [(receiver, everything)]


async def test_send_async_hands_plain_receivers_to_the_wrapper_and_nobody_else() -> None:
    """``_sync_wrapper`` makes coroutine functions of plain receivers; the order stays."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    first, second, third = diary.receiver("1"), diary.async_receiver("2"), diary.receiver("3")
    for receiver in (first, second, third):
        signal.connect(receiver)
    results = await signal.send_async("shop", _sync_wrapper=wrapper.ensure_async)

    assert results == [(first, ("ensured", "1")), (second, "2"), (third, ("ensured", "3"))]
    assert wrapper.given == [first, third]
    assert diary.lines == ["1", "2", "3"]


async def test_an_inline_receiver_is_called_in_place_whatever_the_wrapper() -> None:
    """``inline=True`` is for cheap functions: no thread hop for them."""
    signal, diary, wrapper = Signal("paid"), Diary(), Wrapper()
    inline, other = diary.receiver("inline"), diary.receiver("other")
    signal.connect(inline, inline=True)
    signal.connect(other)
    results = await signal.send_async("shop", _sync_wrapper=wrapper.ensure_async)

    assert results == [(inline, "inline"), (other, ("ensured", "other"))]
    assert wrapper.given == [other]


async def test_an_awaitable_that_comes_through_the_wrapper_is_awaited() -> None:
    """A plain function that returns an awaitable is awaited behind a ``_sync_wrapper`` too."""
    signal, diary = Signal("paid"), Diary()
    asynchronous = diary.async_receiver("async")

    def plain(sender: object, **payload: object) -> Awaitable[str]:
        return asynchronous(sender, **payload)

    def ensure_async(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return call

    signal.connect(plain)

    assert await signal.send_async("shop", _sync_wrapper=ensure_async) == [(plain, "async")]


async def test_send_async_is_for_plain_receivers_alone_as_well() -> None:
    """Nobody has to know whether receivers are async."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)

    assert await signal.send_async("shop") == [(receiver, "r")]


async def test_whether_a_receiver_is_async_is_found_out_at_connect() -> None:
    """What was said of a receiver when it was connected counts in every send."""

    class Turning:
        async def __call__(self, sender: object) -> str:
            return "async"

    signal, turning = Signal("paid"), Turning()
    signal.connect(turning)
    Turning.__call__ = lambda self, sender: "plain"  # type: ignore[assignment,method-assign,return-value]

    assert [connection.is_async for connection in signal.connections] == [True]
    with pytest.raises(AsyncReceiverError):
        signal.send("shop")


async def test_tasks_may_send_one_signal_at_once() -> None:
    """Sends of several tasks run side by side, each with its own results."""
    signal = Signal("paid")

    async def receiver(sender: object) -> object:
        await asyncio.sleep(0)
        return sender

    signal.connect(receiver)
    results = await asyncio.gather(*(signal.send_async(number) for number in range(5)))

    assert results == [[(receiver, number)] for number in range(5)]


async def test_a_receiver_that_is_disconnected_during_a_plain_async_send_is_not_called() -> None:
    """The quick way of `send_async` keeps what the long one promises."""
    signal, heard = Signal("paid"), list[str]()

    async def first(sender: object) -> None:
        heard.append("first")
        signal.disconnect(second)

    def second(sender: object) -> None:
        heard.append("second")

    async def third(sender: object) -> None:
        heard.append("third")
        raise ValueError

    def fourth(sender: object) -> str:
        heard.append("fourth")
        return "last"

    for receiver in (first, second, third, fourth):
        signal.connect(receiver)
    with pytest.raises(ValueError):  # noqa: PT011 - a bare one is raised.
        await signal.send_async("shop")

    assert heard == ["first", "third", "fourth"]


async def test_the_wrapper_is_used_for_plain_receivers_of_a_watched_send() -> None:
    """Watching changes nothing of how receivers are called."""
    signal, wrapped = Signal("paid"), list[object]()

    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            wrapped.append(function)
            return function(*args, **kwargs)

        return call

    def plain(sender: object) -> str:
        return "plain"

    def quick(sender: object) -> str:
        return "quick"

    signal.connect(plain)
    signal.connect(quick, inline=True)
    with watching():
        results = await signal.send_async("shop", _sync_wrapper=wrapper)

    assert results == [(plain, "plain"), (quick, "quick")]
    assert wrapped == [plain]


# --- one after the other --------------------------------------------------------------------


def sent_in_a_block(signal: Signal, send: Callable[..., object]) -> object:
    """Send while a receiver is connected in this context alone."""
    with signal.connected_to(last, local=True):
        return send("shop")


def sent_muted(signal: Signal, send: Callable[..., object]) -> object:
    """Send while the signal is muted."""
    with signal.muted():
        return send("shop")


def sent_watched(signal: Signal, send: Callable[..., object]) -> object:
    """Send while an instrument watches."""
    with watching() as seen:
        results = send("shop")
    assert [(it.sender, len(it.deliveries)) for it in seen] == [("shop", 1)]
    return results


def sent_to_one_more(signal: Signal, send: Callable[..., object]) -> object:
    """Send once more is connected."""
    signal.connect(last)
    return send("shop")


def sent_by_whom_one_is_for(signal: Signal, send: Callable[..., object]) -> object:
    """Send by a sender that somebody is connected for, after one of its class."""
    signal.connect(last, "kiosk")
    assert len(cast("list[object]", send("shop"))) == 1
    return send("kiosk")


def sent_through_a_proxy(signal: Signal, send: Callable[..., object]) -> object:
    """Send by a proxy of an object that has sent before."""
    real = Real()
    send(real)
    signal.connect(last, real)
    return send(Proxy(real))


def sent_by_name(signal: Signal, send: Callable[..., object]) -> object:
    """Send a payload that has a ``sender``, after one that has none."""
    return send("shop", sender="kiosk")


def sent_to_nobody(signal: Signal, send: Callable[..., object]) -> object:
    """Send once the receiver has gone."""
    signal.disconnect(first)
    return send("shop")


class Real:
    """A sender."""


class Proxy:
    """A proxy of a sender."""

    def __init__(self, real: object) -> None:
        self._real = real

    def _get_current_object(self) -> object:
        return self._real


async def first(_: object, /, **payload: object) -> dict[str, object]:
    """Receive."""
    return payload


def last(_: object, /, **payload: object) -> str:
    """Receive, too."""
    return "last"


@pytest.mark.parametrize("how", ["a wrapper", "awaited", "first awaited"])
@pytest.mark.parametrize(
    ("then", "values"),
    [
        (sent_in_a_block, [{}, "last"]),
        (sent_muted, []),
        (sent_watched, [{}]),
        (sent_to_one_more, [{}, "last"]),
        (sent_by_whom_one_is_for, [{}, "last"]),
        (sent_through_a_proxy, [{}, "last"]),
        (sent_by_name, [{"sender": "kiosk"}]),
        (sent_to_nobody, []),
    ],
)
def test_a_send_uses_what_the_last_one_found_as_long_as_it_is_the_same(
    how: str, then: Callable[[Signal, Callable[..., object]], Any], values: list[object]
) -> None:
    """Whatever has changed between two sends, of either kind, counts at the next."""
    signal = Signal("paid")
    signal.connect(first)

    def wrapped(sender: object, /, **payload: object) -> object:
        return signal.send(sender, _async_wrapper=end_of_call, **payload)

    def awaited(sender: object, /, **payload: object) -> object:
        return end_of_call(signal.send_async)(sender, **payload)

    before = wrapped if how == "a wrapper" else awaited
    after = awaited if how == "awaited" else wrapped
    for _ in range(2):
        assert before("shop") == [(first, {})]

    assert [value for _, value in then(signal, after)] == values


def end_of_call(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a plain function of a coroutine function that never waits."""

    def call(*args: Any, **kwargs: Any) -> object:
        with pytest.raises(StopIteration) as end:
            function(*args, **kwargs).send(None)
        return end.value.value

    return call
