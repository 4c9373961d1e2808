"""Receivers that are called later than the send, with times of the test's own."""

from __future__ import annotations

from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, AsyncReceiverError, Signal, add_instrument, remove_instrument
from heliograph.blinker import Signal as BlinkersSignal
from heliograph.postponing import Postponed, current_arrival, load_timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Emission

WAITING: list[Postponed] = []


def later(postponed: Postponed) -> bool:
    """Keep a delivery."""
    WAITING.append(postponed)
    return True


def at_once(postponed: Postponed) -> bool:
    """Keep none."""
    return False


def never(postponed: Postponed) -> bool:
    """Refuse all."""
    msg = "that time never comes"
    raise LookupError(msg)


TIMES: dict[str, Callable[[Postponed], bool]] = {"later": later, "at_once": at_once, "never": never}
for name, timing in TIMES.items():
    load_timing(name, lambda it=timing: it)  # type: ignore[misc]  # A default, not a parameter.


@pytest.fixture(autouse=True)
def waiting() -> list[Postponed]:
    """Give what waits, and begin with nothing."""
    WAITING.clear()
    return WAITING


@pytest.fixture
def paid() -> Signal:
    """Give a signal."""
    return Signal("order-paid")


@pytest.fixture
def heard() -> list[Any]:
    """Give a list for what is heard."""
    return []


def test_a_postponed_receiver_is_called_when_it_is_delivered(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """The others are called at once; the send returns only those."""

    def now(sender: object, *, n: int) -> None:
        heard.append(("now", n))

    def then(sender: object, *, n: int) -> None:
        heard.append(("then", n))

    paid.connect(then, when="later")
    paid.connect(now)

    assert paid.send("shop", n=1) == [(now, None)]
    assert heard == [("now", 1)]
    [postponed] = waiting
    postponed.deliver()
    assert heard == [("now", 1), ("then", 1)]


def test_a_postponed_delivery_tells_what_it_is(paid: Signal, waiting: list[Postponed]) -> None:
    """Its signal, sender, payload and connection."""
    paid.connect(print, when="later")
    paid.send("shop", n=1)
    [postponed] = waiting

    assert (postponed.signal, postponed.sender, postponed.payload) == (paid, "shop", {"n": 1})
    assert postponed.connection == paid.connections[0]
    assert postponed.connection.when == "later"
    assert not postponed.is_async
    assert repr(postponed) == "<Postponed delivery of signal 'order-paid' to builtins.print>"


def test_where_the_time_never_comes_nobody_is_called(paid: Signal, heard: list[Any]) -> None:
    """The error comes before the first receiver is called."""
    paid.connect(heard.append, priority=1, weak=False)
    paid.connect(print, when="never")

    with pytest.raises(LookupError, match="that time never comes"):
        paid.send("shop")

    assert heard == []


def test_a_time_may_be_now(paid: Signal, heard: list[Any]) -> None:
    """Then it is called in its place, as if it had not been postponed."""
    paid.connect(lambda sender: heard.append("second"), when="at_once", weak=False)
    paid.connect(lambda sender: heard.append("first"), priority=1, weak=False)

    assert len(paid.send("shop")) == 2
    assert heard == ["first", "second"]


def test_only_the_connections_of_the_sender_are_postponed(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """One receiver may be connected for many senders."""

    class Shop:
        """A sender that can be held weakly, so that connections share what they look up."""

    senders = [Shop() for _ in range(3)]
    for sender in senders:
        paid.connect(heard.append, sender=sender, when="later", weak=False)

    for sender in reversed(senders):
        paid.send(sender)
    paid.send("nobody is connected for this one")

    assert [it.connection.sender for it in waiting] == senders[::-1]
    for it in waiting:
        it.deliver()
    assert heard == senders[::-1]


def test_who_has_gone_by_then_is_not_called(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """Disconnected or dead, or muted where it is delivered."""

    def dying(sender: object) -> None: ...

    def leaving(sender: object) -> None:
        heard.append(sender)

    paid.connect(dying, when="later")
    paid.connect(leaving, when="later")
    paid.send("one")
    del dying
    with paid.muted():
        for it in waiting:
            it.deliver()
    paid.disconnect(leaving)
    for it in waiting:
        it.deliver()

    assert heard == []


def test_a_muted_send_postpones_nothing(paid: Signal, waiting: list[Postponed]) -> None:
    """Nobody would be called."""
    paid.connect(print, when="later")
    with paid.muted():
        paid.send("shop")

    assert waiting == []


def test_a_declared_receiver_is_spared_what_it_does_not_take(
    waiting: list[Postponed], heard: list[Any]
) -> None:
    """As in any send."""
    from heliograph import Namespace

    shop = Namespace("shop")

    @shop.declare
    def paid(sender: str, *, total: int, currency: str = "EUR") -> None: ...

    def take(sender: str, *, total: int) -> None:
        heard.append(total)

    connect: Any = paid.connect  # Type checkers want all of the payload to be taken.
    connect(take, when="later")
    paid.send("shop", total=3, currency="CHF")
    waiting[0].deliver()

    assert heard == [3]


def test_its_error_is_raised_by_the_delivery(paid: Signal, waiting: list[Postponed]) -> None:
    """With a note that names the signal and the receiver; or logged and counted."""

    def fail(sender: object) -> None:
        msg = "out of ink"
        raise OSError(msg)

    paid.connect(fail, when="later")
    paid.send("shop")
    with pytest.raises(OSError, match="out of ink") as caught:
        waiting[0].deliver()
    assert "while signal 'order-paid' was delivered to" in caught.value.__notes__[0]

    paid.connect(fail, when="later", on_error="log")
    paid.send("shop")
    waiting[1].deliver()
    assert paid.connections[0].receiver_failures == 1


async def test_an_async_receiver_is_awaited(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """A plain `send` can postpone it; only a plain delivery is refused."""

    @paid.connect(when="later")
    async def then(sender: object) -> None:
        heard.append(sender)

    assert paid.send("one") == []
    assert await paid.send_async("two") == []
    with pytest.raises(AsyncReceiverError, match=r"then is async, and what signal 'order-paid'"):
        waiting[0].deliver()
    for it in waiting:
        assert it.is_async
        await it.deliver_async()

    assert heard == ["one", "two"]


def test_an_instrument_sees_the_send_and_then_the_delivery(
    paid: Signal, waiting: list[Postponed]
) -> None:
    """Two emissions: the receiver is reached by the second."""
    seen: list[Emission] = []
    paid.connect(print, when="later")
    add_instrument(seen.append, [paid])
    try:
        paid.send("shop")
        waiting[0].deliver()
    finally:
        remove_instrument(seen.append)

    assert [[it.receiver for it in one.deliveries] for one in seen] == [[], [print]]


def test_a_block_connects_a_receiver_that_waits(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """It is called only while the block goes on."""
    with paid.connected_to(heard.append, when="later", local=True):
        paid.send("one")
        waiting[0].deliver()
        paid.send("two")
    waiting[1].deliver()

    assert heard == ["one"]


def test_an_overridden_search_for_receivers_postpones_too(
    waiting: list[Postponed], heard: list[Any]
) -> None:
    """Tracing libraries wrap what a signal finds."""

    class Traced(BlinkersSignal):
        """A signal that wraps its receivers."""

        def receivers_for(self, sender: object) -> Any:
            for receiver in super().receivers_for(sender):

                def wrapper(*args: Any, it: Any = receiver, **payload: Any) -> None:
                    heard.append("wrapped")
                    it(*args, **payload)

                wrapper.__wrapped__ = receiver  # type: ignore[attr-defined]  # As functools does.
                yield wrapper

    paid = Traced("order-paid")
    paid.connect(heard.append, when="later", weak=False)
    assert paid.send("shop") == []
    waiting[0].deliver()

    assert heard == ["wrapped", "shop"]


@pytest.mark.once
@pytest.mark.parametrize("when", ["tomorrow", 3, True])
def test_a_time_that_nobody_waits_for_is_refused(paid: Signal, when: Any) -> None:
    """When connecting; the message has those that exist."""
    with pytest.raises(ArgumentError, match=r"when=.* is not a time to call .* Use 'after_commit'"):
        paid.connect(print, when=when)
    with suppress(ArgumentError):
        paid.connected_to(print, when=when)

    assert paid.connections == ()


async def test_connections_may_change_while_it_is_sent_async(
    paid: Signal, waiting: list[Postponed], heard: list[Any]
) -> None:
    """Who leaves meanwhile is not called, and who comes waits for the next send."""

    def last(sender: object) -> None:
        heard.append("last")

    def leave(sender: object) -> None:
        heard.append("first")
        paid.disconnect(last)
        paid.connect(heard.append, weak=False)

    paid.connect(leave)
    paid.connect(last)
    await paid.send_async("shop")

    assert (heard, waiting) == (["first"], [])


def test_a_copied_context_leaves_what_is_over(paid: Signal, heard: list[Any]) -> None:
    """A block inside of it stands in no block that has ended meanwhile."""
    with paid.connected_to(heard.append, local=True), paid.muted(local=True):
        context = copy_context()

    def send() -> None:
        with paid.connected_to(heard.append, local=True):
            paid.send("shop")

    context.run(send)
    paid.send("kiosk")

    assert heard == ["shop"]


def test_what_comes_from_another_process_says_so(paid: Signal, heard: list[Any]) -> None:
    """Its emission has this one delivery, the process that sent it, and the envelope."""
    seen: list[Emission] = []
    paid.connect(heard.append, weak=False)
    [connection] = paid.connections
    arrived = Postponed(
        paid, "shop", {}, connection, connection.receiver, "shop@web:1:ab", "envelope-1"
    )

    add_instrument(seen.append, [paid])
    arrived.deliver()
    paid.send("shop")
    remove_instrument(seen.append)

    assert heard == ["shop", "shop"]
    assert [(it.origin, it.envelopes, len(it.deliveries)) for it in seen] == [
        ("shop@web:1:ab", ("envelope-1",), 1),
        (None, (), 1),
    ]


def test_what_goes_to_other_processes_tells_in_which_envelopes(
    paid: Signal, waiting: list[Postponed]
) -> None:
    """Whoever takes it there says so while it is handed over; nobody else has an id."""
    seen: list[Emission] = []

    def crossing(postponed: Postponed) -> bool:
        postponed.travels_in(f"envelope of {postponed.connection.name.rpartition('.')[2]}")
        return later(postponed)

    load_timing("crossing", lambda: crossing)

    def first(sender: object) -> None: ...
    def second(sender: object) -> None: ...
    def here(sender: object) -> None: ...

    paid.connect(first, when="crossing")
    paid.connect(second, when="crossing")
    paid.connect(here, when="later")

    add_instrument(seen.append, [paid])
    paid.send("shop")
    remove_instrument(seen.append)

    assert [(it.origin, it.envelopes) for it in seen] == [
        (None, ("envelope of first", "envelope of second"))
    ]
    assert [it.envelopes for it in waiting] == [
        ("envelope of first",),
        ("envelope of second",),
        (),
    ]


async def test_a_receiver_and_what_it_calls_know_whence_it_has_come(paid: Signal) -> None:
    """Plain or async, until it returns or raises; what is sent here has come from nowhere."""
    found: list[Any] = []

    def look(sender: object) -> None:
        arrival = current_arrival()
        found.append(arrival and (arrival.origin, arrival.envelope, arrival.receiver))

    async def look_async(sender: object) -> None:
        look(sender)
        raise LookupError

    inner = Signal("inner")
    inner.connect(look)

    def send_inside(sender: object) -> None:
        inner.send(sender)

    for it in (look, send_inside, look_async):
        paid.connect(it)
        connection = paid.connections[-1]
        arrived = Postponed(paid, "shop", {}, connection, connection.receiver, "web", "one")
        with suppress(LookupError):
            await arrived.deliver_async()
        assert current_arrival() is None
        if not arrived.is_async:
            arrived.deliver()
        paid.disconnect(it)
    look("shop")

    plain = [("web", "one", look)] * 2 + [("web", "one", send_inside)] * 2
    assert found == [*plain, ("web", "one", look_async), None]
