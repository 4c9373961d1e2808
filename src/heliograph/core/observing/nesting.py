"""Which work the current context is inside: the innermost that is still under way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import ContextVar
    from typing import Any


class Place:
    """A place inside a piece of work. It lets go of the work when that ends.

    Contexts hold places and not the work, because tasks and threads may keep the context in
    which they were started for as long as they live.
    """

    __slots__ = ("around", "teller", "work")

    work: Any
    around: Place | None
    # Of a send that is watched: who has told instruments of its start, if any wanted to know.
    teller: Any


def innermost(place: Place | None) -> Place | None:
    """Return the place, or the nearest one around it whose work is under way."""
    while place is not None and place.work is None:
        place = place.around
    return place


def enter(var: ContextVar[Place | None], place: Place) -> None:
    """Put the current context at a place."""
    try:
        var.set(place)
    except BaseException:  # A signal handler's, after the call.
        leave(var, place)
        raise


def leave(var: ContextVar[Place | None], place: Place) -> None:
    """End the work of a place."""
    place.work = None
    if place.around is not None:
        # Otherwise each job that starts the next one would make the chain longer.
        place.around = innermost(place.around)
    # Work may begin in one context and end in another: a generator that the collector closes.
    if var.get() is place:
        var.set(place.around)
