"""The rows that every signals library has an answer to: sending, connecting, disconnecting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.engines import SENDER, Engine, Loop, Sender
from benchmarks.harness import Row, Work
from benchmarks.receivers import asynchronous

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.receivers import Receiver

Preparation = Callable[[Engine], Work]


def new_receivers(engine: Engine, count: int) -> list[Receiver]:
    """Return *count* receivers for *engine*; the caller keeps them alive."""
    return [engine.new_receiver() for _ in range(count)]


def sending(receivers: int, keywords: int = 1, *, exact: bool = False) -> Preparation:
    """Return the work of sending so many keywords to so many receivers of all senders."""
    return _among_receivers(
        lambda engine: [engine.new_receiver(keywords, exact=exact) for _ in range(receivers)],
        lambda engine: engine.sending(keywords),
    )


def _sending_as_flask(receivers: int) -> Preparation:
    return _among_receivers(
        lambda engine: new_receivers(engine, receivers), lambda engine: engine.sending_as_flask()
    )


def _guarding(receivers: int) -> Preparation:
    return _among_receivers(
        lambda engine: new_receivers(engine, receivers), lambda engine: engine.guarding()
    )


def _among_receivers(
    new: Callable[[Engine], list[Receiver]], loop: Callable[[Engine], Loop]
) -> Preparation:
    def prepare(engine: Engine) -> Work:
        heard_by = new(engine)
        for receiver in heard_by:
            engine.hear(receiver)
        return Work(loop(engine), alive=heard_by)

    return prepare


def _sending_among_others(engine: Engine) -> Work:
    others = [(engine.new_receiver(), Sender()) for _ in range(10)]
    for receiver, sender in others:
        engine.hear(receiver, sender)
    return Work(engine.sending(), alive=others)


def sending_to_its_own_receiver(engine: Engine, sender: object = SENDER) -> Work:
    """Send as *sender*, for whom alone one receiver is connected."""
    receiver = engine.new_receiver()
    engine.hear(receiver, sender)
    return Work(engine.sending(sender=sender), alive=receiver)


def _sending_as_nobody(engine: Engine) -> Work:
    receiver = engine.new_receiver()
    engine.hear(receiver)
    return Work(engine.sending(sender=None), alive=receiver)


def _sending_to_a_method(engine: Engine) -> Work:
    owner = engine.new_method_owner()
    engine.hear(owner.receive)
    return Work(engine.sending(), alive=owner)


def _awaiting(engine: Engine) -> Work:
    receiver = asynchronous()
    engine.hear(receiver)
    return Work(engine.sending_async(), alive=receiver)


def connecting(engine: Engine, *sender: object) -> Work:
    """Connect receivers that were never connected before, to every sender or to *sender*."""
    connect, disconnect = engine.connect, engine.disconnect
    forerunners: list[Receiver] = []

    # Disconnecting may sweep the processor's caches (Blinker's does, among many senders).
    # Connecting should not pay for that, so a few receivers are connected before the clock starts.
    def unconnected(count: int) -> list[Receiver]:
        receivers = new_receivers(engine, count)
        forerunners.extend(new_receivers(engine, 5))
        run(forerunners)
        return receivers

    def run(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            connect(receiver, *sender)

    def after(receivers: Iterable[object]) -> None:
        for receiver in (*receivers, *forerunners):
            disconnect(receiver, *sender)
        forerunners.clear()

    return Work(run, items=unconnected, after=after)


def disconnecting(engine: Engine, *sender: object) -> Work:
    """Disconnect receivers as they were connected: from every sender or from *sender*."""
    connect, disconnect = engine.connect, engine.disconnect

    def connected(count: int) -> list[Receiver]:
        receivers = new_receivers(engine, count)
        for receiver in receivers:
            connect(receiver, *sender)
        return receivers

    def run(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            disconnect(receiver, *sender)

    return Work(run, items=connected)


def connecting_for_a_while(engine: Engine, *sender: object) -> Work:
    """Enter and leave a ``with`` block that connects one receiver."""
    connected_to = engine.connected_to
    receiver = engine.new_receiver()

    def run(items: Iterable[object]) -> None:
        for _ in items:
            with connected_to(receiver, *sender):
                pass

    return Work(run)


SENDING = (
    Row("nobody connected", sending(0)),
    Row("10 for other senders", _sending_among_others),
    Row("1 receiver, no keyword", sending(1, 0)),
    Row("1 receiver, 1 keyword", sending(1)),
    Row("1 receiver, 3 keywords", sending(1, 3)),
    Row("1 receiver, exact", sending(1, exact=True)),
    Row("1 receiver of this sender", sending_to_its_own_receiver),
    Row("1 receiver of a str", lambda engine: sending_to_its_own_receiver(engine, "shop")),
    Row("1 receiver, no sender", _sending_as_nobody),
    Row("1 weak bound method", _sending_to_a_method),
    Row("3 receivers", sending(3)),
    Row("10 receivers", sending(10)),
    Row("10 receivers, exact", sending(10, exact=True)),
    Row("100 receivers", sending(100)),
    Row("1 coroutine, awaited", _awaiting),
    Row("guard, nobody connected", _guarding(0)),
    Row("guard, 1 receiver", _guarding(1)),
)

# The wrapper that Flask passes with every send is measured beside sends without it.
AS_FLASK = tuple(
    (Row(name, sending(receivers)), Row(name, _sending_as_flask(receivers)))
    for name, receivers in (("nobody connected", 0), ("1 receiver", 1), ("10 receivers", 10))
)

CONNECTING = (
    Row("connect", connecting),
    Row("connect for a sender", lambda engine: connecting(engine, SENDER)),
    Row("disconnect", disconnecting),
    Row("disconnect from a sender", lambda engine: disconnecting(engine, SENDER)),
    Row("connected_to", connecting_for_a_while),
    Row("connected_to for a sender", lambda engine: connecting_for_a_while(engine, SENDER)),
)
