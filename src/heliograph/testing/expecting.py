"""Expecting: a block in which something must be sent, or somebody must be connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import ANY
from heliograph.testing import messages
from heliograph.testing.capture import Capture
from heliograph.testing.emissions import checked
from heliograph.testing.engines import own
from heliograph.testing.errors import ExpectationError
from heliograph.testing.matching import SameSender, Wanted, by_key
from heliograph.testing.sent import sending_place, where

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

UNENTERED: list[list[Expectation]] = []
"""For each who watches, the expectations made meanwhile that nobody has entered yet."""


class Expectation(Capture):
    """A capture that insists, at the end of its block; made by `expect`."""

    def __init__(self, wanted: Wanted, times: int | None, local: bool) -> None:
        self._times = checked(times)
        super().__init__(wanted, local=local)
        self.made_at: str = where(*sending_place())
        self._used = True  # That it was not entered is for those to tell who watch.
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
    """Return a ``with`` block in which a signal must be sent; it holds what was, as a capture does.

    An error that leaves the block is more important, and passes unchanged.

    Args:
        signal: The signal.
        values: Payload by key, for keys that cannot be keyword arguments here.
        sender: Only what is sent by it counts.
        times: How often, exactly; otherwise at least once. 0 for not at all.
        local: As for `capture`.
        payload: Values or matchers.

    Raises:
        ArgumentError: If it is no signal, or *times* is no number.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with expect(order_paid, total=12) as paid:
        ...     _ = order_paid.send("shop", total=12, currency="EUR")
        >>> paid.one()["currency"]
        'EUR'
    """
    return Expectation(Wanted((signal,), sender, by_key(values, payload)), times, local)


def assert_connected(signal: Any, receiver: Callable[..., Any], sender: Any = ANY) -> None:
    """Insist that a receiver would be called when a sender sends a signal.

    Args:
        signal: A signal of Heliograph.
        receiver: What was given to ``connect``.
        sender: Who sends; by default, it does not matter for whom it is connected.

    Raises:
        ExpectationError: If it is not connected.
        ArgumentError: If *signal* is no signal of Heliograph.
    """
    __tracebackhide__ = True
    ours = own(signal, "assert_connected()")
    for connection in ours.connections:
        heard = connection.sender
        fits = sender is ANY or heard is ANY or SameSender(heard)(sender)
        if fits and connection.receiver == receiver:
            return
    raise ExpectationError(messages.not_connected(ours, receiver, sender))
