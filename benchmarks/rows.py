"""The rows that every signals library has an answer to: sending, connecting, disconnecting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines import SENDER, Engine, Receiver, Sender
from benchmarks.harness import Row, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def new_receiver() -> Receiver:
    """Return a receiver of its own, which does nothing as cheaply as possible."""

    def receiver(sender: object, **kw: object) -> object:
        return None

    return receiver


def new_receivers(count: int) -> list[Receiver]:
    """Return *count* receivers; whoever gets them keeps them alive."""
    return [new_receiver() for _ in range(count)]


class Listener:
    """An object with a method that receives."""

    def receive(self, sender: object, **kw: object) -> object:
        """Receive nothing in particular."""
        return None


def _sending(receivers: int, keywords: int, *, wrapped: bool = False) -> Callable[[Engine], Work]:
    def prepare(engine: Engine) -> Work:
        heard_by = new_receivers(receivers)
        for receiver in heard_by:
            engine.hear(receiver)
        return Work(engine.sending(keywords, wrapped=wrapped), alive=heard_by)

    return prepare


def _sending_among_others(engine: Engine) -> Work:
    others = [(new_receiver(), Sender()) for _ in range(10)]
    for receiver, sender in others:
        engine.hear(receiver, sender)
    return Work(engine.sending(1), alive=others)


def _sending_to_its_own_receiver(engine: Engine) -> Work:
    receiver = new_receiver()
    engine.hear(receiver, SENDER)
    return Work(engine.sending(1), alive=receiver)


def _sending_to_a_method(engine: Engine) -> Work:
    listener = Listener()
    engine.hear(listener.receive)
    return Work(engine.sending(1), alive=listener)


def connecting(engine: Engine, *sender: object) -> Work:
    """Connect receivers that were never connected before, to every sender or to *sender*."""
    connect, disconnect = engine.connect, engine.disconnect
    forerunners: list[Receiver] = []

    # Disconnecting may sweep the processor's caches (Blinker's does, among many senders).
    # Connecting is not to pay for that, so a few receivers nobody times go first.
    def unconnected(count: int) -> list[Receiver]:
        receivers = new_receivers(count)
        forerunners.extend(new_receivers(5))
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
        receivers = new_receivers(count)
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
    receiver = new_receiver()

    def run(items: Iterable[object]) -> None:
        for _ in items:
            with connected_to(receiver, *sender):
                pass

    return Work(run)


SENDING = (
    Row("nobody connected", _sending(0, 1)),
    Row("10 others connected, not for this sender", _sending_among_others),
    Row("1 receiver, no keyword", _sending(1, 0)),
    Row("1 receiver, 1 keyword", _sending(1, 1)),
    Row("1 receiver, 3 keywords", _sending(1, 3)),
    Row("1 receiver of this sender", _sending_to_its_own_receiver),
    Row("1 weak bound method", _sending_to_a_method),
    Row("3 receivers", _sending(3, 1)),
    Row("10 receivers", _sending(10, 1)),
    Row("100 receivers", _sending(100, 1)),
    Row("as Flask sends, nobody connected", _sending(0, 1, wrapped=True)),
    Row("as Flask sends, 1 receiver", _sending(1, 1, wrapped=True)),
    Row("as Flask sends, 10 receivers", _sending(10, 1, wrapped=True)),
)

CONNECTING = (
    Row("connect", connecting),
    Row("connect for a sender", lambda engine: connecting(engine, SENDER)),
    Row("disconnect", disconnecting),
    Row("disconnect from a sender", lambda engine: disconnecting(engine, SENDER)),
    Row("connected_to", connecting_for_a_while),
    Row("connected_to for a sender", lambda engine: connecting_for_a_while(engine, SENDER)),
)
