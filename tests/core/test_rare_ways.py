"""Ways through the engine that are rarely gone, and have to lead to the right place."""

from __future__ import annotations

import _thread
import asyncio
import os
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

from heliograph import Namespace, Signal, StateError, add_instrument, remove_instrument
from heliograph.core.connections.options import HOW, LISTENING, STRONGLY, WEAKLY
from heliograph.core.development import KNOWN
from heliograph.core.lock import under_lock
from heliograph.core.observing.nesting import Place, leave
from heliograph.core.sending.checks import is_as_expected
from heliograph.core.spans import span as spans
from heliograph.core.streams.blocking import _settle as settle
from heliograph.describe import location_of
from heliograph.transactions.errors import NoTransactionError


def receive(sender: object, **payload: object) -> None:
    """Hear it."""


def test_a_frame_is_where_it_is_at_work() -> None:
    """Not where its function begins."""
    frame = sys._getframe()
    assert location_of(frame) == f"{__file__}:{frame.f_lineno}"


def test_an_instrument_that_another_one_removes_as_it_fails_is_not_told() -> None:
    """It was there when telling began."""
    told: list[str] = []

    class Second:
        def on_connect(self, *what: object) -> None:
            told.append("second")

        def __call__(self, emission: object) -> None:
            """Look at nothing."""

    second = Second()

    class First(Second):
        def on_connect(self, *what: object) -> None:
            told.append("first")
            remove_instrument(second)
            raise LookupError

    first = First()
    for it in (first, second):
        add_instrument(it)
    try:
        Signal("paid").connect(receive)
    finally:
        for it in (first, second):
            with suppress(ValueError):
                remove_instrument(it)

    assert told == ["first"]


def test_work_that_ends_in_another_context_shortens_the_chain() -> None:
    """What is around it has ended, too; and the context is not touched."""
    var: ContextVar[Place | None] = ContextVar("work", default=None)
    outer, inner = Place(), Place()
    outer.work = outer.around = None
    inner.work = "work"
    inner.around = outer

    leave(var, inner)

    assert [inner.work, inner.around, var.get()] == [None, None, None]


def declared() -> Signal[Any]:
    """Declare a signal."""
    namespace = Namespace("rare ways")

    @namespace.declare
    def paid(sender: str, *, total: int, by: str = "cash") -> None:
        """Somebody has paid."""

    return paid


def test_what_another_declaration_expects_is_not_compared_with() -> None:
    """It was looked up before the signal was declared again."""
    signal, other = declared(), declared()
    signal.send("shop", total=1)
    registry = signal._registry
    registry.check(on=True)

    assert other.declaration is not None
    registry.expect(other.declaration, ({}, frozenset(), object))

    assert registry.expected is None


def test_nothing_is_as_expected_once_development_may_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variable that told of it is gone: Python asks again."""
    declared().send("shop", total=1)  # It is known from then on.
    variable = os.fsdecode(KNOWN[4])
    expected: Any = ({"total": int}, frozenset({"total"}), str)
    before = is_as_expected(expected, "shop", {"total": 1})
    monkeypatch.delenv(variable)

    assert (before, is_as_expected(expected, "shop", {"total": 1})) == (True, False)


def test_who_is_spared_is_not_called_once_another_has_disconnected_it() -> None:
    """Also in the middle of the send."""
    signal, calls = declared(), list[str]()
    signal.send("shop", total=1)  # What is expected is known from then on.

    def last(sender: str, total: int) -> None:
        calls.append("last")

    def first(sender: str, total: int) -> None:
        calls.append("first")
        signal.disconnect(last)

    for it in (first, last):
        signal.connect(it)
    signal.send("shop", total=1, by="card")

    assert calls == ["first"]


def test_a_thread_may_begin_with_connecting() -> None:
    """Nobody's code is below it on the stack."""
    signal = Signal("paid")

    _thread.start_new_thread(signal.connect, (receive,))
    for _ in range(1_000):
        if signal.receivers:
            break
        time.sleep(0.01)

    assert signal.send("shop") == [(receive, None)]


def test_a_span_may_have_receivers_that_wait() -> None:
    """They are not async, which a plain block would refuse; here is no commit to wait for."""
    namespace = Namespace("rare ways")

    @namespace.span
    def checkout(sender: str) -> None:
        """Somebody checks out."""

    checkout.finished.connect(receive, when="after_commit")

    with pytest.raises(NoTransactionError), checkout("shop"):
        pass


async def test_who_waits_for_a_stream_that_another_closes_is_told() -> None:
    """It would wait forever."""
    stream = Signal("paid").stream()
    waits = stream.next()
    stream.close()

    with pytest.raises(StateError):
        await waits


async def test_who_is_woken_by_both_a_send_and_the_clock_is_woken_once() -> None:
    """The second one finds it awake."""
    woken = asyncio.get_running_loop().create_future()

    settle(woken, True)
    settle(woken, False)

    assert await woken is True


def test_a_stream_that_begins_in_the_middle_of_a_change_hears_what_comes_later() -> None:
    """As when the handler of a POSIX signal makes one."""
    signal, made = Signal("paid"), list[Any]()

    under_lock(lambda: made.append(signal.stream()))
    with made[0] as stream:
        signal.send("shop")

        assert stream.wait(timeout=1).sender == "shop"


async def test_an_async_block_that_cannot_begin_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the handler of a POSIX signal raises at that moment."""

    class Interrupted:
        def get(self) -> None:
            """Be in no work."""

        def set(self, place: object) -> None:
            raise KeyboardInterrupt

    namespace = Namespace("rare ways")

    @namespace.span
    def checkout(sender: str) -> None:
        """Somebody checks out."""

    checkout.finished.connect(receive)
    span = checkout("shop")
    monkeypatch.setattr(spans, "PLACE", Interrupted())

    with pytest.raises(KeyboardInterrupt):
        await span.__aenter__()

    assert span._place is not None
    assert span._place.work is None


def test_a_reader_may_have_gone_when_it_is_woken() -> None:
    """Another thread may have woken it before."""
    with Signal("paid").stream() as stream:
        inbox = stream._inbox
        inbox.waiting.append(inbox.waiting.clear)

        inbox.wake()

        assert not inbox.waiting


def test_a_group_with_an_error_of_the_whole_program_ends_the_send_as_it_is() -> None:
    """Nobody who handles it needs to know the receiver."""
    signal = Signal("paid")
    group = ExceptionGroup("several", [RecursionError(), ValueError()])

    @signal.connect
    def fail(sender: str) -> None:
        raise group

    with pytest.raises(ExceptionGroup) as caught:
        signal.send("shop")

    assert caught.value is group
    assert not hasattr(group, "__notes__")


async def test_waiting_ends_when_somebody_closes_what_waits() -> None:
    """It is among the receivers of its signal, where anybody finds it."""
    signal = Signal("paid")
    upcoming = signal.next()
    [connection] = signal.connections
    inbox: Any = connection.receiver
    waiting = asyncio.create_task(upcoming)
    await asyncio.sleep(0)
    inbox.close()
    with pytest.raises(StateError, match="The stream of signal 'paid' is closed and empty"):
        await waiting


def test_connections_for_which_nothing_is_given_share_how_they_deliver() -> None:
    """A million of them need no more than two of these."""
    signal = Signal("paid")
    signal.connect(receive)
    signal.connect(receive, "shop", priority=0, on_error="raise")
    signal.connect(receive, "kiosk", weak=False)
    signal.connect(receive, "kiosk", weak=False, inline=False)
    with signal.connected_to(print), signal.stream() as stream:
        found = [it._options[HOW] for it in signal.connections]
        assert stream.lost == 0

    shared = [WEAKLY, WEAKLY, STRONGLY, STRONGLY, LISTENING]
    assert list(map(id, found)) == list(map(id, shared))
    assert [it.weak for it in signal.connections] == [True, True, False]


def test_connecting_again_as_at_first_shares_the_options_of_the_receiver() -> None:
    """With a tuple of its own, a connection would be twice as large."""
    signal = Signal("paid")
    signal.connect(receive)
    for priority in (1, 0):
        signal.connect(receive, priority=priority)

    [connection] = signal.connections
    assert connection._options is connection._receiver_ref.options
