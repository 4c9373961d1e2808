"""What a file for Perfetto must keep, and how a file that does not is found out."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.inspector.perfetto import problems_of


def event(kind: str, ts: float, name: str = "a", **more: Any) -> dict[str, Any]:
    """Return an event on the first track of process 1."""
    return {"ph": kind, "name": name, "ts": ts, "pid": 1, "tid": 1, **more}


def problems(*events: Any) -> list[str]:
    """Return what is wrong with a document of these events."""
    return problems_of({"traceEvents": [*events]})


def test_a_right_document_has_no_problems() -> None:
    """Slices inside of slices, pairs, arrows, and names."""
    assert (
        problems(
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "GET /"}},
            event("X", 0, dur=10.5),
            event("X", 0, "b", dur=3),
            event("X", 3, "c", dur=7.5),
            event("X", 3.5, "d", dur=0),
            event("X", 4, "beside", dur=100, tid=2),
            event("X", 4, "of another process", dur=1, pid=2),
            event("B", 20),
            event("B", 21, "b"),
            event("E", 22, "b"),
            event("E", 23),
            event("b", 1, id=1, cat="x"),
            event("b", 2, "inner", id=1, cat="x"),
            event("n", 2, id=1, cat="x"),
            event("e", 3, id=1, cat="x"),
            event("e", 9, id=1, cat="x"),
            event("b", 1, id=1, cat="x", pid=2),
            event("e", 2, id=1, cat="x", pid=2),
            event("s", 1, id=7),
            event("f", 5, id=7, tid=2, bp="e"),
            event("i", 5),
        )
        == []
    )


@pytest.mark.parametrize(
    "document", [None, [], {}, {"traceEvents": None}, {"traceEvents": {"ph": "X"}}]
)
def test_what_is_no_document_is_said(document: object) -> None:
    """It has a list of events."""
    assert problems_of(document) == ["It has no list 'traceEvents'."]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (3, "Event 0 is no object."),
        (event("Q", 0), "Event 0, Q 'a', is of no known kind."),
        (event("X", 0, 3, dur=1), "Event 0, X 3, has no name."),  # type: ignore[arg-type]  # On purpose.
        (event("X", 0), "Event 0, X 'a', has no duration 'dur'."),
        (event("X", 0, dur=-1), "Event 0, X 'a', has no duration 'dur'."),
        (event("X", -1, dur=1), "Event 0, X 'a', has no time 'ts'."),
        (event("i", 0, pid="1"), "Event 0, i 'a', has no number 'pid'."),
        (event("i", 0, tid=None), "Event 0, i 'a', has no number 'tid'."),
        (event("s", 0), "Event 0, s 'a', has no id."),
        (event("M", 0, "what"), "Event 0, M 'what', is no known metadata."),
        (
            event("M", 0, "thread_name"),
            "Event 0, M 'thread_name', has not the one argument of metadata.",
        ),
        (event("i", float("nan")), "It cannot be written as JSON."),
    ],
)
def test_an_event_that_lacks_something_is_named(wrong: Any, fault: str) -> None:
    """By its number, kind and name."""
    assert fault in problems(wrong)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (
            [event("X", 0, dur=10), event("X", 5, "b", dur=6)],
            ["On track (1, 1), 'b' begins in 'a' and ends after it."],
        ),
        ([event("B", 0)], ["On track (1, 1), 'a' does not end."]),
        ([event("E", 4)], ["On track (1, 1), an end at 4 ends nothing."]),
        ([event("b", 0, id=1)], ["'a' of id 1 has no end."]),
        ([event("e", 0, id=1)], ["e 'a' has id 1, for which nothing is under way."]),
        (
            [event("b", 0, id=1), event("e", 1, id=1, cat="x"), event("e", 2, id=1)],
            ["e 'a' has id 1, for which nothing is under way."],
        ),
        (
            [event(kind, at, id=1) for at, kind in enumerate("bebe")],
            ["Id 1 serves twice in process 1."],
        ),
        (
            [event("X", 0, dur=2), event("s", 1, id=1)],
            ["Arrow 1 of process 1 has not one start and one end."],
        ),
        (
            [event("X", 0, dur=2), event("s", 2, id=1), event("f", 1, id=1)],
            ["Arrow 1 of process 1 ends before it starts."],
        ),
        (
            [event("X", 0, dur=2), event("s", 1, id=1), event("f", 3, id=1)],
            ["Arrow 1 has an end at 3 outside of every slice."],
        ),
    ],
)
def test_events_that_do_not_fit_together_are_told(
    events: list[dict[str, Any]], found: list[str]
) -> None:
    """Each rule, and a document that breaks it alone."""
    assert problems(*events) == found


def test_events_may_come_in_any_order() -> None:
    """Viewers sort them by their time."""
    assert problems(event("E", 3), event("B", 1)) == []
    assert problems(event("X", 1, "b", dur=1), event("X", 0, dur=5)) == []
