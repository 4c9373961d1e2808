"""Lets a signal of Blinker's names share its connections with one of another library's."""

from __future__ import annotations

from heliograph import ReceiverError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
        What lets *signal* go its own way again, with a copy of all lasting connections. Temporary
        ones stay where their blocks made them, and end with these.

    Raises:
        ReceiverError: If a receiver of *signal* cannot take what the other one is declared to
            send. Nothing has changed then.
    """
    before = signal._registry
    moved = []
    try:
        for receiver, it in _alive(signal):
            try:
                moved += other._connect_with(receiver, it.sender, it._options)
            except ReceiverError as error:
                raise other._not_connected(it.name, error) from None
    except BaseException:
        other._registry.end(moved)
        raise
    other._registry.strict = False
    signal._registry = other._registry

    def part() -> None:
        signal._registry = before
        other._registry.end(it for it in moved if not _lasts(it))
        _copy(other, signal)

    return part


def _alive(signal: heliograph.Signal) -> Iterator[tuple[Callable[..., Any], Connection]]:
    # Holding each one, as a receiver may be gone at any moment.
    return ((found, it) for it in signal.connections if (found := it.receiver) is not None)


def _lasts(connection: Connection) -> bool:
    return connection._options.scope is None


def _copy(source: heliograph.Signal, signal: Signal) -> None:
    here = [(receiver, it) for receiver, it in _alive(signal) if _lasts(it)]
    there = [(receiver, it) for receiver, it in _alive(source) if _lasts(it)]
    known = {(receiver, it.sender) for receiver, it in here}
    wanted = {(receiver, it.sender) for receiver, it in there}
    signal._registry.end(it for receiver, it in here if (receiver, it.sender) not in wanted)
    for receiver, it in there:
        if (receiver, it.sender) not in known:
            signal._connect_with(receiver, it.sender, it._options)
