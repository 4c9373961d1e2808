"""Tells signals of Heliograph, Blinker and Django apart, and notes what the other two send."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph import ArgumentError, Signal, default_namespace
from heliograph.describe import short_repr, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Note = Callable[[Any, Any, Mapping[str, Any], str], object]

_OTHERS = {
    ("blinker.base", "Signal"): "Blinker",
    ("django.dispatch.dispatcher", "Signal"): "Django",
}


def other_engine(signal: Any) -> str | None:
    """Return the name of the engine of a signal, or None if it is Heliograph's.

    Raises:
        ArgumentError: If *signal* is not a signal.
    """
    kind = type(signal)
    if issubclass(kind, Signal):
        return None
    engine = _engine(kind)
    if engine is not None:
        return engine
    what = f"{short_repr(signal)} is not a signal of Heliograph, Blinker or Django."
    msg = f"{what} {_instead(signal)}"
    raise ArgumentError(msg.rstrip())


def _instead(given: object) -> str:
    """Return what to write instead of something that is not a signal, where that is known."""
    if isinstance(given, str):
        return only_a_name(given)
    if isinstance(given, Mapping):
        return "Pass its signals one by one, as `*namespace.values()`."
    several = isinstance(given, (list, tuple, set, frozenset))
    return "Pass the signals one by one, without brackets." if several else ""


def _engine(kind: type) -> str | None:
    names = ((it.__module__, it.__qualname__) for it in kind.__mro__)
    return next((_OTHERS[it] for it in names if it in _OTHERS), None)


def only_a_name(name: str, seen: Iterable[Any] = ()) -> str:
    """Return what to write instead of the name of a signal.

    Args:
        name: The name.
        seen: Signals that were sent; perhaps no module holds them.
    """
    alike = name.replace("-", "_")

    def fits(variable: str, value: Any) -> bool:
        kind = type(value)
        if not issubclass(kind, Signal) and _engine(kind) is None:
            return False
        own_name = getattr(value, "name", None) or ""
        return alike in (variable, str(own_name).replace("-", "_"))

    held = _outermost(variables(fits))
    loose = [it for it in seen if fits("", it) and not any(it is each for each in held.values())]
    found = [*held, *(f"the one of that name that was sent, {it!r}" for it in loose)]
    if not found and name in default_namespace:
        found = [f"heliograph.signal({name!r})"]
    if not found:
        return "It is only a name, and no module has a signal of that name: pass the signal itself."
    return f"It is only a name: pass the signal itself, {' or '.join(found)}."


def _outermost(found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return one variable of each package for each value: modules pass on what they import."""
    kept: dict[tuple[str, int], tuple[str, Any]] = {}
    for name, value in sorted(found, key=lambda it: it[0].count(".")):
        kept.setdefault((name.partition(".")[0], id(value)), (name, value))
    return dict(kept.values())


def only_heliographs(signal: Any, what: str) -> Signal:
    """Return a signal of Heliograph as it is.

    Args:
        signal: The signal.
        what: What cannot be done with other signals, for the message.

    Raises:
        ArgumentError: If the signal is not Heliograph's.
    """
    engine = other_engine(signal)
    if engine is not None:
        msg = (
            f"{short_repr(signal)} is a signal of {engine}, and {what} works only with "
            f"Heliograph's.{how_to_install(engine)}"
        )
        raise ArgumentError(msg)
    return signal  # type: ignore[no-any-return]  # All others have been refused.


def how_to_install(engine: str) -> str:
    """Return how to make another engine's signals Heliograph's, where that is possible."""
    if engine != "Blinker":
        return ""
    return (
        " To make Blinker's signals Heliograph's, run pytest with --signals-install or set "
        "signals_install = true; without pytest, call heliograph.blinker.install()."
    )


def note_sends(signal: Any, note: Note) -> Callable[[], object]:
    """Call ``note(signal, sender, payload, package)`` for each send of another engine's signal.

    Returns:
        A function that ends this.
    """
    package, is_django = _package(signal), other_engine(signal) == "Django"

    def receive(sender: Any, **payload: Any) -> None:
        if is_django:  # Django adds it for receivers; the sender did not send it.
            del payload["signal"]
        note(signal, sender, payload, package)

    async def receive_async(sender: Any, **payload: Any) -> None:
        receive(sender, **payload)

    receiver = receive_async if _is_awaited(signal) else receive
    signal.connect(receiver, weak=False)
    return lambda: signal.disconnect(receiver)


def _package(signal: Any) -> str:
    """Return the package of the engine, whose lines do not count as the sender's."""
    kind = next(it for it in type(signal).__mro__ if (it.__module__, it.__qualname__) in _OTHERS)
    return kind.__module__.rpartition(".")[0]


def _is_awaited(signal: Any) -> bool:
    # Blinker's send_async refuses plain receivers, and its send refuses async ones. The receivers
    # that are connected already show which of the two the program uses.
    if other_engine(signal) != "Blinker":
        return False
    held = signal.receivers.values()
    receivers = (it() if isinstance(it, ref) else it for it in held)
    return any(iscoroutinefunction(receiver) for receiver in receivers)
