"""Mutes signals inside a block: for all receivers, or for all but some."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from heliograph import ArgumentError
from heliograph.describe import full_repr
from heliograph.testing.engines import only_heliographs
from heliograph.testing.formatting import label
from heliograph.testing.unused import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heliograph import Signal

F = TypeVar("F", bound="Callable[..., Any]")


class Muting(Block):
    """Mutes signals inside a ``with`` block, or while a decorated function runs."""

    def __init__(self, signals: Sequence[Signal], name: str, what: str, **how: Any) -> None:
        """Make a block.

        Args:
            signals: The signals to mute.
            name: The function that makes the block.
            what: What is muted, in words.
            how: Options of `Signal.muted`.
        """
        self._signals = signals
        self._name = name
        self._what = what
        self._how = how
        self._inside: list[ExitStack] = []
        super().__init__()

    def _called(self) -> str:
        return f"{self._name}() of {self._what}"

    def __repr__(self) -> str:
        return f"<Muting of {self._what}: {'on' if self._inside else 'off'}>"

    def __enter__(self) -> None:
        self._used = True
        with ExitStack() as stack:
            for signal in self._signals:
                stack.enter_context(signal.muted(**self._how))
            self._inside.append(stack.pop_all())

    def __exit__(self, *_: object) -> None:
        self._inside.pop().close()

    def __call__(self, function: F) -> F:
        """Decorate a function or a coroutine function.

        Raises:
            ArgumentError: If it is a class, as its tests would no longer be found; or a
                generator function.
        """
        self._used = True
        if issubclass(type(function), type):
            msg = (
                f"{function.__qualname__} is a class: a function would replace it, and its tests "
                "would not be found. Decorate its methods, or write an autouse fixture with the "
                f"body `with {self._name}(...): yield`."
            )
            raise ArgumentError(msg)
        for signal in self._signals:
            function = signal.muted(**self._how)(function)
        return function


def mute(*signals: Any, local: bool = False) -> Muting:
    """Return a block in which these signals call no receivers. Captures still see them.

    Args:
        signals: Signals of Heliograph.
        local: Whether to mute only what is sent in the current context: this thread
            or task, and the tasks started from it.

    Raises:
        ArgumentError: If something is not a signal of Heliograph.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with mute(order_paid):
        ...     order_paid.send("shop")
        []
    """
    ours = [only_heliographs(it, "mute()") for it in signals]
    return Muting(ours, "mute", ", ".join(map(label, ours)) or "nothing", local=local)


def only(
    *receivers: Callable[..., Any], of: Signal | Iterable[Signal], local: bool = False
) -> Muting:
    """Return a block in which signals call only these receivers, where they are connected.

    Args:
        receivers: The receivers, as they were passed to ``connect``.
        of: The signal, or the signals, whose other receivers are not called.
        local: As for `mute`.

    Raises:
        ArgumentError: If something is not a signal of Heliograph, or if a receiver is not
            connected to any of the signals.
    """
    several = of if isinstance(of, (list, tuple, set)) else [of]
    signals = [only_heliographs(it, "only()") for it in several]
    for receiver in receivers:
        if not any(_is_connected(signal, receiver) for signal in signals):
            names = " or ".join(map(label, signals))
            msg = f"{full_repr(receiver)} is not connected to {names}, so nothing would be called."
            raise ArgumentError(msg)
    spared = ", ".join(map(full_repr, receivers)) or "none"
    what = f"{', '.join(map(label, signals)) or 'nothing'}, except for {spared}"
    return Muting(signals, "only", what, local=local, except_for=receivers)


def _is_connected(signal: Signal, receiver: Callable[..., Any]) -> bool:
    return any(connection.receiver == receiver for connection in signal.connections)
