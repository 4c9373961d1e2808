"""Writes what was seen as trace events of Chrome's format, which Perfetto reads.

Each part of the program's life has a track. What overlaps with it, in tasks and threads, has
further tracks beside it, and an arrow shows where it was started.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from heliograph.inspector.lanes import Bar, lay_out
from heliograph.inspector.timeline import arrange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph.inspector.lanes import Placed
    from heliograph.inspector.parts import Part
    from heliograph.inspector.seen import SeenDelivery, SeenEmission
    from heliograph.inspector.timeline import SeenNode

    Event = dict[str, Any]
    # What does one thing at a time: a thread, or a task in it.
    Context = tuple[str, str | None]


def chrome_trace(parts: Iterable[Part]) -> dict[str, Any]:
    """Return a document of trace events; written as JSON, it is a file for Perfetto.

    Times are microseconds since the first part began.
    """
    parts = sorted(parts, key=lambda it: it.started)
    begin = _nanoseconds(parts[0].started) if parts else 0
    tracks, arrows = count(1), count(1)
    processes: dict[str, int] = {}
    events: list[Event] = []
    for part in parts:
        name = part.emissions[0].process if part.emissions else "1"
        process = processes.setdefault(name, _number(name, processes))
        placed = lay_out([_bar(part)])
        numbers = [next(tracks) for _ in range(max(it.lane for it in placed) + 1)]
        events += _names(part.title, process, numbers)
        for it in placed:
            events += _events(it, process, numbers, begin, arrows)
    named = (_metadata("process_name", it, 0, f"process {name}") for name, it in processes.items())
    return {"traceEvents": [*named, *events], "displayTimeUnit": "ms"}


def _number(name: str, taken: dict[str, int]) -> int:
    """Return a number for a process: its own, unless an earlier one had it."""
    own = int(name.partition("-")[0])
    return next(it for it in count(own) if it not in taken.values())


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


# --- bars ------------------------------------------------------------------------------


def _bar(part: Part) -> Bar:
    start = _nanoseconds(part.started)
    end = start + _nanoseconds(part.duration)
    details = {"outcome": part.outcome, "error at": part.location, "lost": part.lost or None}
    bar = Bar(part.title, "part", start, end, _known(details))
    bar.inside = _in_turn(arrange(part.emissions), None, bar, end)
    return bar


def _in_turn(
    nodes: Iterable[SeenNode], context: Context | None, around: Bar, last: int
) -> list[Bar]:
    """Return the bars of emissions, of which those of one thread or task do not overlap.

    Clocks are not that exact. What was sent in the context of the bar around it is inside of it.
    What is under way goes on until the last moment.
    """
    free: dict[Context, int] = {}
    if context is not None:
        free[context] = around.start
    bars = []
    for node in nodes:
        it = node.emission
        own = it.thread, it.task
        start = max(_nanoseconds(it.started), free.get(own, around.start), around.start)
        end = max(start, last) if it.under_way else start + _nanoseconds(it.duration)
        if own == context:
            start, end = min(start, around.end), min(end, around.end)
        free[own] = end
        bars.append(_of_emission(node, start, end, last))
    return bars


def _of_emission(node: SeenNode, start: int, end: int, last: int) -> Bar:
    it = node.emission
    bar = Bar(it.signal, "emission", start, end, _told(it))
    context = it.thread, it.task
    at = start
    for turn in node.turns:
        until = min(at + _nanoseconds(turn.delivery.duration), end)
        inner = Bar(turn.delivery.receiver, "delivery", at, until, _details(turn.delivery))
        inner.inside = _in_turn(turn.inside, context, inner, last)
        bar.inside.append(inner)
        at = until
    bar.inside += _in_turn(node.unfinished, context, bar, last)
    return bar


def _told(it: SeenEmission) -> dict[str, Any]:
    payload = {f"payload.{name}": value or "?" for name, value in it.payload.items()}
    task = it.thread if it.task is None else f"{it.thread}, {it.task}"
    return _known(
        {
            "sender": it.sender,
            "sent at": it.location,
            "in": task,
            "muted": it.muted or None,
            "unheard": it.unheard,
            "relayed by": it.origin,
            "envelope": ", ".join(it.envelopes),
            "problem": it.problem,
            "under way": it.under_way or None,
            **payload,
        }
    )


def _details(it: SeenDelivery) -> dict[str, Any]:
    return _known(
        {
            "defined at": it.location,
            "connected at": it.connected,
            "error": it.error,
            "error at": it.error_location,
            "wrapped": it.hop or None,
        }
    )


def _known(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value not in (None, "")}


# --- events ----------------------------------------------------------------------------


def _names(title: str, process: int, tracks: Sequence[int]) -> Iterator[Event]:
    for at, track in enumerate(tracks):
        name = f"{title}, beside it {at}" if at else title
        yield _metadata("thread_name", process, track, name)
        yield {**_metadata("thread_sort_index", process, track, ""), "args": {"sort_index": track}}


def _metadata(kind: str, process: int, track: int, name: str) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": track, "args": {"name": name}}


def _events(
    it: Placed, process: int, tracks: Sequence[int], begin: int, arrows: Iterator[int]
) -> Iterator[Event]:
    bar, here = it.bar, {"pid": process, "tid": tracks[it.lane]}
    start = _microseconds(bar.start - begin)
    yield {
        **here,
        "ph": "X",
        "name": bar.name,
        "cat": bar.kind,
        "ts": start,
        "dur": _microseconds(bar.end - bar.start),
        "args": bar.details,
    }
    if it.moved is not None:
        arrow = {"name": "started", "cat": "started", "id": next(arrows)}
        left = min(bar.start, it.moved.bar.end)
        origin = {"pid": process, "tid": tracks[it.moved.lane], "ts": _microseconds(left - begin)}
        yield {**arrow, "ph": "s", **origin}
        yield {**arrow, "ph": "f", "bp": "e", **here, "ts": start}


def _microseconds(nanoseconds: int) -> float:
    return nanoseconds / 1000
