"""Whose signal something is: Heliograph's, Blinker's or Django's; and hearing the latter two."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph import ArgumentError, Signal, default_namespace
from heliograph.testing.names import variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    kind = type(signal)
    if issubclass(kind, Signal):
        return None
    engine = _engine(kind)
    if engine is not None:
        return engine
    msg = f"{signal!r} is not a signal of Heliograph, Blinker or Django. {_instead(signal)}"
    raise ArgumentError(msg.rstrip())


def _instead(given: object) -> str:
    """Return what to write instead of what is no signal, if that can be known."""
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
        seen: Signals that were sent, which no module may hold.
    """
    alike = name.replace("-", "_")

    def fits(variable: str, value: Any) -> bool:
        kind = type(value)
        if not issubclass(kind, Signal) and _engine(kind) is None:
            return False
        own_name = getattr(value, "name", None) or ""
        return alike in (variable, str(own_name).replace("-", "_"))

    held = dict(variables(fits))
    loose = [it for it in seen if fits("", it) and not any(it is each for each in held.values())]
    found = [*held, *(f"the one of that name that was sent, {it!r}" for it in loose)]
    if not found and name in default_namespace:
        found = [f"heliograph.signal({name!r})"]
    if not found:
        return "It is only a name, and no module has a signal of that name: pass the signal itself."
    return f"It is only a name: pass the signal itself, {' or '.join(found)}."


def own(signal: Any, what: str) -> Signal:
    """Return the signal, if it is Heliograph's.

    Raises:
        ArgumentError: If it is not; *what* says what cannot be done with it.
    """
    engine = other_engine(signal)
    if engine is not None:
        msg = (
            f"{signal!r} is a signal of {engine}, and {what} works with those of Heliograph alone."
            f"{how_to_install(engine)}"
        )
        raise ArgumentError(msg)
    return signal  # type: ignore[no-any-return]  # Any other has been refused.


def how_to_install(engine: str) -> str:
    """Return how signals of another engine become Heliograph's, where they can."""
    if engine != "Blinker":
        return ""
    return (
        " Run pytest with --signals-install, or set signals_install = true, and those of Blinker "
        "are Heliograph's; without pytest, heliograph.blinker.install() makes them so."
    )


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
