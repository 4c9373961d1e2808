"""Keeping receivers from being called for a while: all of a signal, or all but some."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from heliograph import ArgumentError
from heliograph.testing.engines import own
from heliograph.testing.names import title
from heliograph.testing.shortening import shown
from heliograph.testing.unused import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heliograph import Signal

F = TypeVar("F", bound="Callable[..., Any]")


class Silence(Block):
    """What mutes signals inside of a ``with`` block, or while a decorated function runs."""

    def __init__(self, signals: Sequence[Signal], name: str, what: str, **how: Any) -> None:
        """Make what can be entered.

        Args:
            signals: Which are muted.
            name: The function that makes it.
            what: What is silent then.
            how: How they are muted, as `Signal.muted` takes it.
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
        return f"<Silence of {self._what}: {'on' if self._inside else 'off'}>"

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
            ArgumentError: If it is a class, whose tests would not be found any more; or
                a generator function.
        """
        self._used = True
        if issubclass(type(function), type):
            msg = (
                f"{function.__qualname__} is a class: a function would take its place, and its "
                "tests would not be found. Decorate its methods, or have an autouse fixture of "
                f"which the body is `with {self._name}(...): yield`."
            )
            raise ArgumentError(msg)
        for signal in self._signals:
            function = signal.muted(**self._how)(function)
        return function


def mute(*signals: Any, local: bool = False) -> Silence:
    """Return a block in which nobody receives these signals; captures see them nevertheless.

    Args:
        signals: Signals of Heliograph.
        local: Whether only what is sent in the current context is muted: this thread
            or task, and the tasks started from it.

    Raises:
        ArgumentError: If something is no signal of Heliograph.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with mute(order_paid):
        ...     order_paid.send("shop")
        []
    """
    ours = [own(it, "mute()") for it in signals]
    return Silence(ours, "mute", ", ".join(map(title, ours)) or "nothing", local=local)


def only(
    *receivers: Callable[..., Any], of: Signal | Iterable[Signal], local: bool = False
) -> Silence:
    """Return a block in which signals call just these receivers, where they are connected.

    Args:
        receivers: What was given to ``connect``.
        of: The signal, or the signals, whose other receivers are not called.
        local: As for `mute`.

    Raises:
        ArgumentError: If something is no signal of Heliograph, or if a receiver is
            connected to none of the signals.
    """
    signals = [own(it, "only()") for it in (of if isinstance(of, (list, tuple, set)) else [of])]
    for receiver in receivers:
        if not any(_is_connected(signal, receiver) for signal in signals):
            names = " or ".join(map(title, signals))
            msg = f"{shown(receiver)} is not connected to {names}: nothing would be called."
            raise ArgumentError(msg)
    spared = ", ".join(map(shown, receivers)) or "nobody"
    what = f"{', '.join(map(title, signals)) or 'nothing'}, except for {spared}"
    return Silence(signals, "only", what, local=local, except_for=receivers)


def _is_connected(signal: Signal, receiver: Callable[..., Any]) -> bool:
    return any(connection.receiver == receiver for connection in signal.connections)
