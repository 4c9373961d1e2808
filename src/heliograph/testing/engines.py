"""Whose signal something is: Heliograph's, Blinker's or Django's; and hearing the latter two."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph import ArgumentError, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Note = Callable[[Any, Any, Mapping[str, Any], str], object]

_OTHERS = {
    ("blinker.base", "Signal"): "Blinker",
    ("django.dispatch.dispatcher", "Signal"): "Django",
}


def other_engine(signal: Any) -> str | None:
    """Return the name of the engine of a signal that is not Heliograph's.

    Raises:
        ArgumentError: If it is no signal at all.
    """
    if isinstance(signal, Signal):
        return None
    for kind in type(signal).__mro__:
        engine = _OTHERS.get((kind.__module__, kind.__qualname__))
        if engine is not None:
            return engine
    hint = ""
    if isinstance(signal, str):
        hint = f" It is only a name: pass the signal, such as heliograph.signal({signal!r})."
    msg = f"{signal!r} is not a signal of Heliograph, Blinker or Django.{hint}"
    raise ArgumentError(msg)


def own(signal: Any, what: str) -> Signal:
    """Return the signal, if it is Heliograph's.

    Raises:
        ArgumentError: If it is not; *what* says what cannot be done with it.
    """
    engine = other_engine(signal)
    if engine is not None:
        msg = (
            f"{signal!r} is a signal of {engine}, and {what} works with those of Heliograph alone. "
            "heliograph.blinker.install() makes them of Blinker's."
        )
        raise ArgumentError(msg)
    return signal  # type: ignore[no-any-return]  # Any other has been refused.


def hear(signal: Any, note: Note) -> Callable[[], object]:
    """Call ``note(signal, sender, payload, package)`` for each send of another engine's signal.

    Returns:
        What ends that.
    """
    package, is_django = _package(signal), other_engine(signal) == "Django"

    def receive(sender: Any, **payload: Any) -> None:
        if is_django:  # It is told to receivers, and not part of what was sent.
            del payload["signal"]
        note(signal, sender, payload, package)

    async def receive_async(sender: Any, **payload: Any) -> None:
        receive(sender, **payload)

    receiver = receive_async if _is_awaited(signal) else receive
    signal.connect(receiver, weak=False)
    return lambda: signal.disconnect(receiver)


def _package(signal: Any) -> str:
    """Return the package of the engine, whose lines are not the ones that sent."""
    kind = next(it for it in type(signal).__mro__ if (it.__module__, it.__qualname__) in _OTHERS)
    return kind.__module__.rpartition(".")[0]


def _is_awaited(signal: Any) -> bool:
    # Blinker's send_async refuses plain receivers, and its send async ones. Whoever has
    # connected before has found out which of the two is used.
    if other_engine(signal) != "Blinker":
        return False
    held = signal.receivers.values()
    receivers = (it() if isinstance(it, ref) else it for it in held)
    return any(iscoroutinefunction(receiver) for receiver in receivers)
