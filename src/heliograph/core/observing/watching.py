"""Begins and ends the watching of a send: makes the emission, and nests it in its parent."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.observing.emission import PLACE, emission, outlive
from heliograph.core.observing.instruments import tell, tell_start
from heliograph.core.observing.nesting import innermost, place_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.observing.emission import Emission
    from heliograph.core.observing.nesting import Place
    from heliograph.core.observing.wishes import Watchers


def begin_watching(
    watchers: Watchers, signal: Any, sender: object, payload: dict[str, Any], *, muted: bool = False
) -> Place:
    """Begin to watch a send; return the place for the caller to enter. Its work is the emission."""
    around = PLACE.get()
    if around is not None:
        around = innermost(around)
    seen = emission(signal, sender, payload, None if around is None else around.work, muted)
    if watchers.on_start:
        tell_start(watchers, seen)
        seen._clock = perf_counter()
    return place_for(seen, around)


def end_watching(place: Place, seen: Emission) -> None:
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
        tell(seen._signal._registry.watchers, seen)
    finally:
        if seen._parent is not None and (around is None or around.work is not seen._parent):
            outlive(seen)
