"""Emissions as a recorder keeps them: tuples, which cost a third of the values they become."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from heliograph.inspector.seen import SeenDelivery, SeenEmission

if TYPE_CHECKING:
    from heliograph.inspector.naming import SignalNames

# In the order of the attributes of `SeenDelivery`.
DeliveryNote = tuple[
    str, str | None, str | None, float, str | None, str | None, bool, bool, bool, bool
]
Payload = tuple[str, ...] | dict[str, str]

# What a note needs, by tracemalloc: a test holds the sum above what is measured.
_EMISSION_SIZE = 620
_DELIVERY_SIZE = 250
REQUEST_SIZE = 700
_VALUE_SIZE = 130


class Begun(NamedTuple):
    """What is known of a send when it begins."""

    id: int
    parent: int | None
    turn: int
    names: SignalNames
    sender: str
    payload: Payload
    thread: str
    task: str | None
    location: str | None
    request: str | None
    began: float
    origin: str | None
    envelopes: tuple[str, ...]


class Note(NamedTuple):
    """An emission as it is kept: a tuple costs a third of the value that it becomes."""

    begun: Begun
    started: float
    duration: float
    muted: bool
    unheard: str | None
    deliveries: tuple[DeliveryNote, ...]
    errors: tuple[tuple[str, str | None], ...]
    declared: bool
    problem: str | None
    under_way: bool = False


_DELIVERIES = [it.name for it in fields(SeenEmission)].index("deliveries")


def _fields(note: Note, process: str) -> tuple[Any, ...]:
    """Return the attributes of a `SeenEmission` in their order, with its deliveries as tuples."""
    begun = note.begun
    payload = begun.payload
    return (
        *(process, begun.id, begun.parent, begun.turn, *begun.names.found(), begun.sender),
        dict(payload) if type(payload) is dict else dict.fromkeys(payload),
        *(note.started, note.duration, begun.thread, begun.task, begun.location, begun.request),
        *(note.muted, note.unheard, note.problem, note.deliveries, note.errors, note.under_way),
        *(note.declared, begun.origin, begun.envelopes),
    )


def value_of(note: Note, process: str) -> SeenEmission:
    """Return the value that a note becomes."""
    values = [*_fields(note, process)]
    values[_DELIVERIES] = tuple([SeenDelivery(*it) for it in note.deliveries])
    return SeenEmission(*values)


def row_of(note: Note, process: str) -> tuple[Any, ...]:
    """Return the row that this value would become."""
    return "emission", *_fields(note, process)


def size_of(note: Note) -> int:
    """Return about how many bytes a note needs."""
    payload = note.begun.payload
    size = _EMISSION_SIZE + _DELIVERY_SIZE * len(note.deliveries) + 8 * len(payload)
    if type(payload) is dict:
        size += sum(_VALUE_SIZE + 4 * len(it) for it in payload.values())
    for envelope in note.begun.envelopes:
        size += _VALUE_SIZE + 4 * len(envelope)
    if note.begun.origin is not None:
        size += _VALUE_SIZE + 4 * len(note.begun.origin)
    for text, _ in note.errors:
        size += _VALUE_SIZE + 4 * len(text)
    if note.problem is not None:
        size += _VALUE_SIZE + 4 * len(note.problem)
    for it in note.deliveries:
        if it[4] is not None:
            size += 4 * len(it[4])
    return size if note.unheard is None else size + 4 * len(note.unheard)
