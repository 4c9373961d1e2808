"""Holds a file of trace events against what Perfetto says of the format.

The format is Chrome's JSON of trace events, which ui.perfetto.dev reads. These are the rules of its
documentation, as far as a trace of signals uses them. That a viewer opens a file is not shown by
this.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Trace = dict[str, Any]
    Track = tuple[object, object]

_KNOWN = ("X", "B", "E", "b", "e", "n", "s", "f", "i", "M")
_METADATA = ("process_name", "thread_name", "process_sort_index", "thread_sort_index")


def problems_of(document: object) -> list[str]:
    """Return what is wrong with a trace, a sentence each; an empty list if nothing is.

    Example:
        >>> problems_of({"traceEvents": [{"ph": "b", "name": "a", "ts": 0, "pid": 1, "tid": 1}]})
        ["Event 0, b 'a', has no id."]
    """
    found = list(_in_shape(document))
    if found:
        return found
    events: list[Trace] = document["traceEvents"]  # type: ignore[index]  # `_in_shape` has seen to it.
    rules: tuple[Callable[[list[Trace]], Iterator[str]], ...] = (
        _stacked,
        _nested,
        _paired,
        _joined,
    )
    return [problem for rule in rules for problem in rule(events)]


def _in_shape(document: object) -> Iterator[str]:
    if not isinstance(document, dict) or not isinstance(document.get("traceEvents"), list):
        yield "It has no list 'traceEvents'."
        return
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError):
        yield "It cannot be written as JSON."
    for at, it in enumerate(document["traceEvents"]):
        if not isinstance(it, dict):
            yield f"Event {at} is no object."
        else:
            yield from (f"Event {at}, {_title(it)}, {fault}." for fault in _faults(it))


def _title(it: Trace) -> str:
    return f"{it.get('ph')} {it.get('name')!r}"


def _faults(it: Trace) -> Iterator[str]:
    kind = it.get("ph")
    if kind not in _KNOWN:
        yield "is of no known kind"
    if not isinstance(it.get("name"), str) and kind not in ("E", "e"):
        yield "has no name"
    for key in ("pid", "tid"):
        if not isinstance(it.get(key), int):
            yield f"has no number {key!r}"
    if kind == "M":
        yield from _faults_of_metadata(it)
    elif not _is_time(it.get("ts")):
        yield "has no time 'ts'"
    if kind == "X" and not _is_time(it.get("dur")):
        yield "has no duration 'dur'"
    if kind in ("b", "e", "n", "s", "f") and not isinstance(it.get("id"), (int, str)):
        yield "has no id"


def _faults_of_metadata(it: Trace) -> Iterator[str]:
    if it["name"] not in _METADATA:
        yield "is no known metadata"
    elif not isinstance(it.get("args"), dict) or len(it["args"]) != 1:
        yield "has not the one argument of metadata"


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and value >= 0


def _nanoseconds(microseconds: float) -> int:
    # Whole numbers, as sums of fractions differ in their last place.
    return round(microseconds * 1000)


def _span(it: Trace) -> tuple[int, int]:
    start = _nanoseconds(it["ts"])
    return start, start + _nanoseconds(it["dur"])


def _by_track(events: Iterable[Trace], *kinds: str) -> dict[Track, list[Trace]]:
    found: dict[Track, list[Trace]] = defaultdict(list)
    for it in events:
        if it["ph"] in kinds:
            found[it["pid"], it["tid"]].append(it)
    return found


def _stacked(events: list[Trace]) -> Iterator[str]:
    """On each track, the last that began ends first."""
    for track, own in _by_track(events, "B", "E").items():
        under_way: list[Trace] = []
        for it in sorted(own, key=lambda it: _nanoseconds(it["ts"])):
            if it["ph"] == "B":
                under_way.append(it)
            elif not under_way:
                yield f"On track {track}, an end at {it['ts']} ends nothing."
            else:
                under_way.pop()
        yield from (f"On track {track}, {it['name']!r} does not end." for it in under_way)


def _nested(events: list[Trace]) -> Iterator[str]:
    """On each track, a slice lies inside of another one or apart from it."""
    for track, slices in _by_track(events, "X").items():
        around: list[tuple[int, Trace]] = []
        for it in sorted(slices, key=lambda it: (_span(it)[0], -_span(it)[1])):
            start, end = _span(it)
            while around and around[-1][0] <= start:
                around.pop()
            if around and end > around[-1][0]:
                outer = around[-1][1]["name"]
                yield f"On track {track}, {it['name']!r} begins in {outer!r} and ends after it."
            around.append((end, it))


def _paired(events: list[Trace]) -> Iterator[str]:
    """Each asynchronous begin has its end, and an id serves once in a process."""
    under_way: dict[tuple[object, object, object], list[str]] = defaultdict(list)
    served: set[tuple[object, object]] = set()
    asynchronous = [it for it in events if it["ph"] in ("b", "e", "n")]
    for it in sorted(asynchronous, key=lambda it: _nanoseconds(it["ts"])):
        key, own = (it["pid"], it.get("cat"), it["id"]), (it["pid"], it["id"])
        if it["ph"] == "b":
            if not under_way[key] and own in served:
                yield f"Id {it['id']!r} serves twice in process {it['pid']}."
            served.add(own)
            under_way[key].append(it["name"])
        elif not under_way[key]:
            yield f"{_title(it)} has id {it['id']!r}, for which nothing is under way."
        elif it["ph"] == "e":
            under_way[key].pop()
    for (_, _, name), left in under_way.items():
        yield from (f"{it!r} of id {name!r} has no end." for it in left)


def _joined(events: list[Trace]) -> Iterator[str]:
    """Each arrow has one start and one end, later, and both lie inside of slices."""
    slices = _by_track(events, "X")
    ends: dict[tuple[object, object], dict[str, list[Trace]]] = defaultdict(
        lambda: {"s": [], "f": []}
    )
    for it in events:
        if it["ph"] in ("s", "f"):
            ends[it["pid"], it["id"]][it["ph"]].append(it)
            time = _nanoseconds(it["ts"])
            spans = map(_span, slices[it["pid"], it["tid"]])
            if not any(start <= time <= end for start, end in spans):
                yield f"Arrow {it['id']!r} has an end at {it['ts']} outside of every slice."
    for (process, name), both in ends.items():
        if [len(both["s"]), len(both["f"])] != [1, 1]:
            yield f"Arrow {name!r} of process {process} has not one start and one end."
        elif both["f"][0]["ts"] < both["s"][0]["ts"]:
            yield f"Arrow {name!r} of process {process} ends before it starts."
