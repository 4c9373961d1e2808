"""Sending: what was found wrong in Blinker is right."""

from __future__ import annotations

import asyncio
import functools
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import (
    ANY,
    AsyncReceiverError,
    ReceiverWarning,
    blinker,
)
from tests.blinker.receivers import heard, q, r
from tests.core.handling import call_while_handling, chain
from tests.core.logs import logging_fails

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Signals = type[heliograph.Signal]


@pytest.mark.parametrize("name", ["receiver_connected", "receiver_disconnected"])
def test_the_usual_receiver_hears_meta_signals(signals: Signals, name: str) -> None:
    """`def receiver(sender, **extra)`, the shape of all receivers, fits."""
    signal = signals()
    told: list[object] = []

    class Told:
        def method(self, sender: object, **extra: object) -> None:
            told.append(("method", sender))

    def function(sender: object, **extra: object) -> None:
        told.append(("function", sender))

    it = Told()
    getattr(signal, name).connect(function)
    getattr(signal, name).connect(it.method)
    signal.connect(r, "a")
    signal.disconnect(r, "a")

    assert told == [("function", signal), ("method", signal)]


def test_a_meta_receiver_may_ask_for_the_other_sender_by_name() -> None:
    """What collides comes as `connected_sender`, if it is wanted."""
    signal = blinker.Signal()
    told: list[object] = []

    @signal.receiver_connected.connect
    def wants(sender: object, receiver: object, connected_sender: object, weak: bool) -> None:
        told.append(("wants", receiver, connected_sender, weak))

    @signal.receiver_connected.connect
    def all_of_it(sender: object, **extra: object) -> None:
        told.append(extra)

    @signal.receiver_connected.connect
    def wants_not(sender: object, receiver: object, weak: bool) -> None:
        told.append(("wants not", receiver, weak))

    class Callable:
        def __call__(self, signal: object, /, **extra: object) -> None:
            told.append(("object", extra["sender"]))

    it = Callable()
    signal.receiver_connected.connect(it)
    signal.connect(r, "a")

    assert told == [
        ("wants", r, "a", True),
        {"receiver": r, "connected_sender": "a", "weak": True},
        ("wants not", r, True),
        ("object", "a"),
    ]


def test_a_meta_receiver_may_call_the_signal_itself() -> None:
    """It is no method without its object: the payload has a sender for the second parameter."""
    signal = blinker.Signal()
    told: list[object] = []

    def receive(self: object, sender: object, **payload: object) -> None:
        told.append((self, sender))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signal.receiver_connected.connect(receive)
        signal.connect(r, "a")
        signal.receiver_disconnected.connect_via(signal)(receive)
        with signal.receiver_connected.connected_to(receive):
            signal.disconnect(r, "a")

    assert told == [(signal, "a")] * 2


@pytest.mark.parametrize("error", [TypeError, LookupError, KeyboardInterrupt])
def test_a_meta_receiver_that_raises_undoes_the_connection(
    signal: heliograph.Signal, error: type[BaseException]
) -> None:
    """`connect` raises, so nothing was connected, whatever was raised."""

    def veto(_: object, **extra: object) -> None:
        raise error

    signal.receiver_connected.connect(veto)
    with pytest.raises(error):
        signal.connect(r)

    assert signal.connections == ()


def test_a_veto_leaves_what_was_connected_before(signal: heliograph.Signal) -> None:
    """It undoes this connection, not the receiver's others."""
    signal.connect(r, "a")

    def veto(_: object, **extra: object) -> None:
        raise LookupError

    signal.receiver_connected.connect(veto)
    with pytest.raises(LookupError):
        signal.connect(r)

    assert [c.sender for c in signal.connections] == ["a"]


def test_a_veto_of_connecting_again_leaves_the_connection() -> None:
    """What was connected before the call is connected after it."""
    signal = blinker.Signal()
    signal.connect(r, "a")

    @signal.receiver_connected.connect
    def veto(_: object, **extra: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        signal.connect(r, "a")

    assert heard(signal, "a") == ["r"]


def test_an_async_meta_receiver_is_refused_before_it_is_called(
    signal: heliograph.Signal,
) -> None:
    """`connect` cannot await it; the error names it, and nothing is connected."""

    async def later(sender: object, **extra: object) -> None: ...

    signal.receiver_connected.connect(later)
    with pytest.raises(AsyncReceiverError, match="later"):
        signal.connect(r)

    assert signal.connections == ()


def test_a_payload_with_a_key_sender_says_how_to_receive_it(signal: heliograph.Signal) -> None:
    """The error explains itself, and a positional-only parameter takes it."""
    signal.connect(r)
    with pytest.raises(TypeError) as caught:
        signal.send("a", sender="b")

    assert any("make the parameter positional-only" in note for note in caught.value.__notes__)

    def fits(_: object, /, sender: object) -> object:
        return sender

    signal.disconnect(r)
    signal.connect(fits)

    assert signal.send("a", sender="b") == [(fits, "b")]


async def _coroutine(sender: object, **payload: object) -> str:
    return "awaited"


class _AsyncCall:
    async def __call__(self, sender: object, **payload: object) -> str:
        return "awaited"

    async def method(self, sender: object, **payload: object) -> str:
        return "awaited"


def _marked() -> Any:
    from asgiref.sync import markcoroutinefunction

    def wrapper(sender: object, **payload: object) -> Any:
        return _coroutine(sender, **payload)

    return markcoroutinefunction(wrapper)


_CALLABLE = _AsyncCall()

ASYNC = pytest.mark.parametrize(
    "receiver",
    [
        _coroutine,
        _CALLABLE,
        _CALLABLE.method,
        functools.partial(_coroutine, x=1),
        functools.partial(_CALLABLE, x=1),
        _marked(),
    ],
    ids=["function", "object", "method", "partial", "partial of object", "marked"],
)


@ASYNC
async def test_async_receivers_are_awaited(signal: heliograph.Signal, receiver: Any) -> None:
    """Whatever shape they have, with a wrapper for plain ones and without."""
    signal.connect(receiver, weak=False)

    def wrapper(plain: object) -> Any:
        raise AssertionError(plain)

    assert await signal.send_async("a") == [(receiver, "awaited")]
    assert await signal.send_async("a", _sync_wrapper=wrapper) == [(receiver, "awaited")]


@ASYNC
def test_async_receivers_get_flasks_wrapper(signal: heliograph.Signal, receiver: Any) -> None:
    """Whatever shape they have, and without it they are refused."""
    signal.connect(receiver, weak=False)

    def wrapper(coroutine_function: Any) -> Any:
        return lambda sender: asyncio.run(coroutine_function(sender))

    assert signal.send("a", _async_wrapper=wrapper) == [(receiver, "awaited")]
    with pytest.raises(AsyncReceiverError):
        signal.send("a")


async def test_a_coroutine_of_a_plain_function_is_awaited(signal: heliograph.Signal) -> None:
    """A decorated coroutine function and a lambda around one are heard."""

    @functools.wraps(_coroutine)
    def decorated(*args: Any, **payload: Any) -> Any:
        return _coroutine(*args, **payload)

    async def ensure_async_call(plain: Any, *args: Any, **payload: Any) -> Any:
        return plain(*args, **payload)

    def ensure_async(plain: Any) -> Any:
        return functools.partial(ensure_async_call, plain)

    signal.connect(decorated)
    signal.connect(lambda sender, **_: _coroutine(sender), weak=False)

    assert [value for _, value in await signal.send_async("a")] == ["awaited"] * 2
    found = await signal.send_async("a", _sync_wrapper=ensure_async)
    assert [value for _, value in found] == ["awaited"] * 2


def test_a_generator_function_is_warned_of(signal: heliograph.Signal) -> None:
    """Calling it runs none of its lines; on Blinker's names, programs may take what it returns."""

    async def generator(sender: object) -> AsyncIterator[int]:
        yield 1

    if isinstance(signal, heliograph.blinker.Signal):
        signal.connect(generator)
    else:
        with pytest.warns(ReceiverWarning, match="generator"):
            signal.connect(generator)


def test_a_send_that_cannot_be_completed_calls_nobody(signal: heliograph.Signal) -> None:
    """Whether all can be called is known before the first is."""
    called: list[object] = []
    signal.connect(called.append, weak=False)
    signal.connect(_coroutine)
    with pytest.raises(AsyncReceiverError, match="_coroutine"):
        signal.send("a")

    assert called == []


async def test_an_async_send_needs_no_wrapper(signal: heliograph.Signal) -> None:
    """Plain and async receivers are called in one order."""
    signal.connect(r)
    signal.connect(_coroutine)
    signal.connect(q)

    assert [value for _, value in await signal.send_async("a")] == ["r", "awaited", "q"]


@pytest.mark.parametrize("from_whom", [ANY, "a"])
def test_who_is_disconnected_during_a_send_is_not_called(
    signal: heliograph.Signal, from_whom: Any
) -> None:
    """From all senders or from this one."""

    @signal.connect
    def disconnecting(sender: object) -> str:
        signal.disconnect(q, sender=from_whom)
        return "disconnecting"

    signal.connect(q, sender="a")
    signal.connect(r)

    assert heard(signal, "a") == ["disconnecting", "r"]


def test_who_is_connected_during_a_send_is_called_from_the_next(
    signal: heliograph.Signal,
) -> None:
    """And a receiver may disconnect itself or send again."""

    @signal.connect
    def connecting(sender: object) -> object:
        signal.disconnect(connecting)
        signal.connect(q)
        return heard(signal, "inner")

    assert heard(signal, "a") == [["q"]]
    assert heard(signal, "a") == ["q"]


def test_every_receiver_is_called_though_one_fails(signal: heliograph.Signal) -> None:
    """Then the error is raised, with a note that says whose it is."""
    called: list[object] = []

    @signal.connect
    def fail(sender: object) -> None:
        raise LookupError(sender)

    signal.connect(called.append, weak=False)
    with pytest.raises(LookupError) as caught:
        signal.send("a")

    assert called == ["a"]
    assert "fail" in caught.value.__notes__[0]


def test_an_observer_cannot_break_what_it_observes(
    signal: heliograph.Signal, caplog: pytest.LogCaptureFixture
) -> None:
    """`on_error="log"` logs its error and keeps the other results."""

    def fail(sender: object) -> None:
        raise LookupError(sender)

    signal.connect(fail, on_error="log")
    signal.connect(r)

    assert heard(signal, "a") == ["r"]
    assert [(it.name, it.levelname) for it in caplog.records] == [("heliograph", "ERROR")]
    assert [c.receiver_failures for c in signal.connections] == [1, 0]


# --- several errors --------------------------------------------------------------------


class VetoError(Exception):
    """What a receiver says no with."""


class LateError(Exception):
    """What another one fails with."""


def veto(sender: object, **payload: object) -> None:
    """Say no."""
    raise VetoError


def fail_late(sender: object, **payload: object) -> None:
    """Fail."""
    raise LateError


async def veto_async(sender: object, **payload: object) -> None:
    """Say no."""
    raise VetoError


WAYS: dict[str, Callable[[blinker.Signal], object]] = {
    "send": lambda signal: signal.send("shop", card="card-5f2c"),
    "send_async": lambda signal: asyncio.run(signal.send_async("shop", card="card-5f2c")),
}


@pytest.mark.parametrize("way", WAYS)
def test_of_several_errors_the_first_is_raised_as_itself(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An unchanged program's `except` clause fits; nothing of the others is lost."""
    signal = blinker.NamedSignal("paid")
    called: list[str] = []
    signal.connect(veto)
    signal.connect(fail_late)
    signal.connect(lambda *_, **__: called.append("last"), weak=False)
    places = [it.location for it in signal.connections]
    with pytest.raises(VetoError) as caught:
        WAYS[way](signal)

    assert caught.value.__notes__ == [
        f"while signal 'paid' was delivered to {__name__}.veto, connected at {places[0]}",
        (
            f"and {__name__}.fail_late, connected at {places[1]}, raised LateError: "
            "see the log of 'heliograph'"
        ),
    ]
    assert called == ["last"]

    [record] = caplog.records
    assert record.getMessage() == (
        f"{__name__}.fail_late, connected at {places[1]} failed when signal 'paid' was delivered "
        "to it; the error of an earlier one is raised."
    )
    assert record.exc_info is not None
    assert record.exc_info[0] is LateError


def test_the_first_of_several_async_errors_is_raised_as_itself() -> None:
    """Whoever fails, plain or async."""
    signal = blinker.Signal()
    signal.connect(veto_async)
    signal.connect(fail_late)
    with pytest.raises(VetoError):
        asyncio.run(signal.send_async("shop"))


def test_the_first_of_several_errors_keeps_what_it_came_from() -> None:
    """As one error alone does."""
    signal = blinker.Signal()

    @signal.connect
    def _inner(sender: object) -> None:
        try:
            _ = dict[str, int]()["inner"]
        except KeyError:
            raise VetoError  # noqa: B904 - that is the point.

    signal.connect(fail_late)
    with pytest.raises(VetoError) as caught:
        call_while_handling(lambda: signal.send("shop"))

    assert chain(caught.value) == ["VetoError", "KeyError", "ZeroDivisionError"]


def test_an_error_that_is_raised_again_and_again_does_not_grow() -> None:
    """It is noted once who else failed."""
    signal, error = blinker.Signal(), VetoError()

    def fail_again(sender: object) -> None:
        raise error

    signal.connect(fail_again)
    signal.connect(fail_late)
    for _ in range(3):
        with pytest.raises(VetoError):
            signal.send("shop")

    assert len(error.__notes__) == 2


def test_the_first_error_is_raised_though_logging_the_others_fails() -> None:
    """What was to be raised is not replaced."""
    signal = blinker.Signal()
    signal.connect(veto)
    signal.connect(fail_late)
    with logging_fails(OSError()), pytest.raises(VetoError):
        signal.send("shop")


def test_several_receivers_of_meta_signals_fail_with_the_first_error() -> None:
    """Which undoes the connection, as that of one does."""
    signal = blinker.Signal()
    signal.receiver_connected.connect(veto)
    signal.receiver_connected.connect(fail_late)
    with pytest.raises(VetoError):
        signal.connect(r)

    assert not signal.receivers


def test_subclasses_raise_the_first_error_and_may_be_heliographs_own() -> None:
    """A class of somebody's behaves as the one that it is derived from."""

    class Theirs(blinker.Signal):
        """A program's own signal."""

    class Ours(heliograph.Signal):
        """One for Heliograph."""

    raised = list[type[BaseException]]()
    for kind in (Theirs, Ours):
        signal = kind()
        signal.connect(veto)
        signal.connect(fail_late)
        try:
            signal.send("shop")
        except Exception as error:  # noqa: BLE001 - which one is the question.
            raised.append(type(error))

    assert raised == [VetoError, ExceptionGroup]
