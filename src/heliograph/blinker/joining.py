"""Lets a signal of Blinker's names share its connections with one of another library's."""

from __future__ import annotations

from heliograph import ReceiverError
from heliograph.blinker.tables import receiver_key, sender_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from typing import Any

    import heliograph
    from heliograph import Connection
    from heliograph.blinker.base import Signal


def join(signal: Signal, other: heliograph.Signal) -> Callable[[], None]:
    """Let two signals share their connections: who connects to one is called by both.

    Args:
        signal: Its receivers are connected to the other one, too, with their options.
        other: The signal whose connections both have from now on. If it is declared, all
            receivers of both are held to that.

    Returns:
        What lets *signal* go its own way again: each has its own connections, as far as they were
        not ended, and both have those that were made while they were joined. Temporary ones stay
        where their blocks made them, and end with these.

    Raises:
        ReceiverError: If a receiver of *signal* cannot take what the other one is declared to
            send. Nothing has changed then.
    """
    before = signal._registry
    known = {_who(it) for _, it in _alive(other)}
    foreign = known - {_who(it) for _, it in _alive(signal)}
    moved: list[Connection] = []
    try:
        for receiver, it in _alive(signal):
            try:
                made = other._connect_with(receiver, it.sender, it._options)
            except ReceiverError as error:
                raise other._not_connected(it.name, error) from None
            # Somebody has connected it to the other one, too: that stays.
            moved += () if _lasts(it) and _who(it) in known else made
    except BaseException:
        other._registry.end(moved)
        raise
    other._registry.strict = False
    signal._registry = other._registry

    def part() -> None:
        signal._registry = before
        _copy(other, signal, foreign)
        other._registry.end(moved)

    return part


def _alive(signal: heliograph.Signal) -> Iterator[tuple[Callable[..., Any], Connection]]:
    # Holding each one, as a receiver may be gone at any moment.
    return ((found, it) for it in signal.connections if (found := it.receiver) is not None)


def _lasts(connection: Connection) -> bool:
    _, scope, _ = connection._options
    return scope is None


def _who(connection: Connection) -> Hashable:
    # Receivers and senders may have no hash, or be equal.
    return receiver_key(connection._receiver_ref, connection.receiver), sender_key(connection)


def _copy(source: heliograph.Signal, signal: Signal, foreign: set[Hashable]) -> None:
    here = [(_who(it), it) for _, it in _alive(signal) if _lasts(it)]
    there = [(_who(it), receiver, it) for receiver, it in _alive(source) if _lasts(it)]
    known, wanted = {who for who, _ in here}, {who for who, _, _ in there}
    signal._registry.end(it for who, it in here if who not in wanted)
    for who, receiver, it in there:
        if who not in known and who not in foreign:
            signal._connect_with(receiver, it.sender, it._options)
