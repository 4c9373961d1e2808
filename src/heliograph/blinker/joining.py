"""Lets a signal of Blinker's names share its connections with one of another library's."""

from __future__ import annotations

from heliograph import ReceiverError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import heliograph
    from heliograph.blinker.base import Signal


def join(signal: Signal, other: heliograph.Signal) -> Callable[[], None]:
    """Let two signals share their connections: who connects to one is called by both.

    Args:
        signal: Its receivers are connected to the other one, too, with their options.
        other: The signal whose connections both have from now on. If it is declared, all
            receivers of both are held to that.

    Returns:
        What lets *signal* go its own way again, with a copy of all connections.

    Raises:
        ReceiverError: If a receiver of *signal* cannot take what the other one is declared to
            send. Nothing has changed then.
    """
    before = signal._registry
    moved = []
    try:
        for it in signal.connections:
            try:
                moved += other._connect_with(it.receiver, it.sender, it._options)
            except ReceiverError as error:
                raise other._not_connected(it.name, error) from None
    except BaseException:
        other._registry.end(moved)
        raise
    other._registry.strict = False
    signal._registry = other._registry

    def part() -> None:
        signal._registry = before
        _copy(other, signal)

    return part


def _copy(source: heliograph.Signal, signal: Signal) -> None:
    here = {(it.receiver, it.sender) for it in signal.connections}
    there = {(it.receiver, it.sender) for it in source.connections}
    for it in signal.connections:
        if (it.receiver, it.sender) not in there:
            signal._registry.end([it])
    for it in source.connections:
        if (it.receiver, it.sender) not in here:
            signal._connect_with(it.receiver, it.sender, it._options)
