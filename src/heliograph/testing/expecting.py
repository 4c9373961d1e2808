"""Expects that a block sends a signal, or that a receiver is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import ANY
from heliograph.describe import calling_location, relative_location
from heliograph.testing import messages
from heliograph.testing.capture import Capture
from heliograph.testing.emissions import checked
from heliograph.testing.engines import only_heliographs
from heliograph.testing.errors import ExpectationError
from heliograph.testing.matching import Criteria, SameSender, by_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

UNENTERED: list[list[Expectation]] = []
"""For each watch that is open, the expectations made since then and not entered yet."""


class Expectation(Capture):
    """A capture that insists, at the end of its block; made by `expect`."""

    def __init__(self, wanted: Criteria, times: int | None, local: bool) -> None:
        self._times = checked(times)
        super().__init__(wanted, local=local)
        self.made_at: str = relative_location(calling_location() or "a task of its own")
        self._used = True  # The watches report it if it is never entered.
        for made in tuple(UNENTERED):
            made.append(self)

    def __enter__(self) -> Self:
        """Begin to capture."""
        for made in tuple(UNENTERED):
            made[:] = [it for it in made if it is not self]
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        __tracebackhide__ = True
        super().__exit__(kind, *more)
        if kind is None:
            self._insist(self._wanted, self._list(), self._times)


def expect(
    signal: Any,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    sender: Any = ANY,
    times: int | None = None,
    local: bool = False,
    **payload: Any,
) -> Expectation:
    """Return a ``with`` block that must send a signal; it can be read as a capture can.

    An error that leaves the block is more important, and passes unchanged.

    Args:
        signal: The signal.
        values: Payload by key, for keys that cannot be keyword arguments here.
        sender: Count only what this sender sends.
        times: How often, exactly; by default, at least once. 0 for not at all.
        local: As for `capture`.
        payload: Values or matchers.

    Raises:
        ArgumentError: If *signal* is not a signal, or *times* is not such a number.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with expect(order_paid, total=12) as paid:
        ...     _ = order_paid.send("shop", total=12, currency="EUR")
        >>> paid.one()["currency"]
        'EUR'
    """
    return Expectation(Criteria((signal,), sender, by_key(values, payload)), times, local)


def assert_connected(signal: Any, receiver: Callable[..., Any], sender: Any = ANY) -> None:
    """Insist that a receiver would be called when a sender sends a signal.

    Args:
        signal: A signal of Heliograph.
        receiver: The receiver, as it was passed to ``connect``.
        sender: The sender; by default, a connection for any sender will do.

    Raises:
        ExpectationError: If the receiver is not connected.
        ArgumentError: If *signal* is not a signal of Heliograph.
    """
    __tracebackhide__ = True
    ours = only_heliographs(signal, "assert_connected()")
    for connection in ours.connections:
        heard = connection.sender
        fits = sender is ANY or heard is ANY or SameSender(heard)(sender)
        if fits and connection.receiver == receiver:
            return
    raise ExpectationError(messages.not_connected(ours, receiver, sender))
