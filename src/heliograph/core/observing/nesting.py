"""What the current context is inside of: the innermost piece of work that is still under way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import ContextVar
    from typing import Any


class Place:
    """A place inside of a piece of work, of which it knows nothing any more once that is over.

    Contexts hold places, and not the work: tasks and threads may keep the context that they
    were started in for as long as they live.
    """

    __slots__ = ("around", "work")

    work: Any
    around: Place | None


def place_for(work: Any, around: Place | None) -> Place:
    """Make a place. It has no `__init__`, which would take longer than all the rest."""
    place = Place()
    place.work = work
    place.around = around
    return place


def innermost(place: Place | None) -> Place | None:
    """Return a place, or the nearest one around it where something is under way."""
    while place is not None and place.work is None:
        place = place.around
    return place


def enter(var: ContextVar[Place | None], place: Place) -> None:
    """Let the current context be at a place."""
    try:
        var.set(place)
    except BaseException:  # A signal handler's, after the call.
        leave(var, place)
        raise


def leave(var: ContextVar[Place | None], place: Place) -> None:
    """Let what was done at a place be over."""
    place.work = None
    if place.around is not None:
        # Or each job that starts the next one would make the chain longer.
        place.around = innermost(place.around)
    # Elsewhere if it began in one context and ends in another, as what the collector closes.
    if var.get() is place:
        var.set(place.around)
