"""Rows that show whether an operation costs more with other senders and receivers around."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from benchmarks.engines import SENDER, Engine, Sender, UnsupportedError
from benchmarks.harness import Row, Work
from benchmarks.rows import (
    connecting,
    connecting_for_a_while,
    disconnecting,
    new_receivers,
    sending_to_its_own_receiver,
)

Crowd = Callable[[Engine, int], object]
Operation = Callable[[Engine], Work]


def _other_senders(engine: Engine, count: int) -> object:
    """Connect one receiver for each of *count* senders."""
    receiver, senders = engine.new_receiver(), [Sender() for _ in range(count)]
    for sender in senders:
        engine.hear(receiver, sender)
    return receiver, senders


def _past_senders(engine: Engine, count: int) -> object:
    """Connect one receiver for each of *count* senders, and disconnect it from each again."""
    receiver, senders = engine.new_receiver(), [Sender() for _ in range(count)]
    for sender in senders:
        engine.connect(receiver, sender)
        engine.disconnect(receiver, sender)
    return receiver, senders


def _past_receivers(engine: Engine, count: int) -> object:
    """Connect *count* receivers for every sender, and disconnect all but ten of them again."""
    receivers = new_receivers(engine, count)
    for receiver in receivers:
        engine.connect(receiver)
    for receiver in receivers[10:]:
        engine.disconnect(receiver)
    return receivers[:10]


def _other_receivers(engine: Engine, count: int) -> object:
    """Connect *count* receivers for every sender."""
    receivers = new_receivers(engine, count)
    for receiver in receivers:
        engine.hear(receiver)
    return receivers


def _receivers_of_another(engine: Engine, count: int) -> object:
    """Connect *count* receivers for another sender than the one that sends."""
    receivers, sender = new_receivers(engine, count), Sender()
    for receiver in receivers:
        engine.hear(receiver, sender)
    return receivers, sender


def _receivers_dying(engine: Engine) -> Work:
    connect = engine.connect

    def connected(count: int) -> list[object]:
        receivers: list[object] = list(new_receivers(engine, count))
        for receiver in receivers:
            connect(receiver)
        return receivers

    return Work(_drop_each, items=connected)


def _senders_dying(engine: Engine) -> Work:
    connect = engine.connect
    receiver = engine.new_receiver()

    def connected(count: int) -> list[object]:
        senders: list[object] = [Sender() for _ in range(count)]
        for sender in senders:
            connect(receiver, sender)
        return senders

    return Work(_drop_each, items=connected, alive=receiver)


def _drop_each(doomed: Iterable[object]) -> None:
    # The list holds the only references; the death of the object itself is timed with the rest.
    last_ones = cast("list[object]", doomed)
    while last_ones:
        del last_ones[-1]


def _connecting_for_a_sender(engine: Engine) -> Work:
    return connecting(engine, SENDER)


def _connecting_and_sending(engine: Engine) -> Work:
    """Connect a receiver and send, so that the receivers are listed again each time."""
    connect, disconnect = engine.connect, engine.disconnect
    send = engine.sending()

    def run(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            connect(receiver)
            send((None,))

    def after(receivers: Iterable[object]) -> None:
        for receiver in receivers:
            disconnect(receiver)

    def unconnected(count: int) -> list[object]:
        return list(new_receivers(engine, count))

    return Work(run, items=unconnected, after=after)


AMONG_SENDERS: dict[str, Operation] = {
    "connect": connecting,
    "connect for a sender": _connecting_for_a_sender,
    "disconnect": disconnecting,
    "connected_to": connecting_for_a_while,
    "a receiver dies": _receivers_dying,
    "a sender dies": _senders_dying,
    "send to one receiver": sending_to_its_own_receiver,
}

AMONG_RECEIVERS: dict[str, Operation] = {
    "connect": connecting,
    "disconnect": disconnecting,
    "connected_to": connecting_for_a_while,
    "a receiver dies": _receivers_dying,
}

AFTER_RECEIVERS: dict[str, Operation] = {
    **AMONG_RECEIVERS,
    "connect, then send": _connecting_and_sending,
    "send to one receiver": sending_to_its_own_receiver,
}

CROWDS: tuple[tuple[str, Crowd, dict[str, Operation]], ...] = (
    ("other senders", _other_senders, AMONG_SENDERS),
    ("past senders", _past_senders, AMONG_SENDERS),
    ("other receivers", _other_receivers, AMONG_RECEIVERS),
    ("past receivers", _past_receivers, AFTER_RECEIVERS),
    (
        "receivers of another sender",
        _receivers_of_another,
        {"send to one receiver": sending_to_its_own_receiver},
    ),
)


def growth_rows(sizes: Iterable[int]) -> list[Row]:
    """Return every operation among every crowd, at each of *sizes*."""
    sizes = tuple(sizes)
    return [
        Row(f"{operation}, {of_what}", _among(crowd, prepare, size), size)
        for of_what, crowd, operations in CROWDS
        for operation, prepare in operations.items()
        for size in sizes
    ]


def disconnecting_rows(sizes: Iterable[int]) -> list[Row]:
    """Return disconnecting among other senders, at each of *sizes*."""
    return [Row(f"{size:,}", _among(_other_senders, disconnecting, size), size) for size in sizes]


def _among(crowd: Crowd, operation: Operation, size: int) -> Operation:
    def prepare(engine: Engine) -> Work:
        if engine.most is not None and size > engine.most:
            raise UnsupportedError
        others = crowd(engine, size)
        work = operation(engine)
        return Work(work.run, work.items, work.after, alive=(others, work.alive))

    return prepare
