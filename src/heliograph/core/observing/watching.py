"""Begins and ends the watching of a send: makes the emission, and nests it in its parent."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.observing.emission import PLACE, Emission, outlive
from heliograph.core.observing.nesting import Place, innermost
from heliograph.core.observing.telling import is_telling, tell, tell_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.observing.wishes import Watchers


def begin_watching(
    watchers: Watchers,
    signal: Any,
    sender: object,
    payload: dict[str, Any],
    muted: bool = False,
    origin: str | None = None,
    envelopes: tuple[str, ...] = (),
) -> Place:
    """Begin to watch a send; return the place for the caller to enter. Its work is the emission."""
    around = PLACE.get()
    while around is not None and around.work is None:
        around = around.around
    parent = None if around is None else around.work
    place, seen = Place(), Emission()  # Functions that make them would take as long again.
    place.around, place.work, place.teller = around, seen, None
    seen._signal = signal
    seen._sender = sender
    seen._payload = payload
    seen._parent = parent
    seen._turn = 0 if parent is None else len(parent._deliveries)
    seen._muted = muted
    if origin is not None:
        seen._origin = origin
    if envelopes:
        seen._envelopes = envelopes
    seen._started = None
    seen._duration = 0.0
    seen._deliveries = []
    seen._clock = perf_counter()
    if watchers.on_start:
        place.teller = tell_start(watchers, seen)
        seen._clock = perf_counter()
    return place


def current_emission(signal: Any, sender: object, payload: dict[str, Any]) -> Emission:
    """Return the emission that is being sent; if an instrument watches, the one that it sees."""
    around = PLACE.get()
    while around is not None and around.work is None:
        around = around.around
    seen = Emission()
    if around is None:
        seen._parent = None
        seen._turn = 0
    else:
        parent = seen._parent = around.work
        # What an instrument sends is not watched, and the emission that it sees has ended.
        if parent._signal is signal and parent._sender is sender and not is_telling():
            return parent  # type: ignore[no-any-return]  # It is one.
        seen._turn = len(parent._deliveries)
    seen._signal = signal
    seen._sender = sender
    seen._payload = payload
    seen._muted = False
    seen._started = None
    seen._duration = 0.0
    seen._deliveries = []
    seen._clock = perf_counter()
    return seen


def end_watching(place: Place, seen: Emission, teller: Any = None) -> None:
    """End a send that was watched, and call the instruments.

    Before it calls this, the caller ends the work of the place by an assignment: there may be
    no room left on the stack for a call, and a signal handler may raise after any call. The
    context may stay at the place, which then has no work.
    """
    around = place.around
    if around is not None:
        # Otherwise each job that starts the next one would make the chain longer.
        around = place.around = innermost(around)
    seen._duration = perf_counter() - seen._clock
    try:
        tell(seen._signal._registry.watchers, seen, teller)
    finally:
        if seen._parent is not None and (around is None or around.work is not seen._parent):
            outlive(seen)
