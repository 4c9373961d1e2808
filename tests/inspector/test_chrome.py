"""What was seen as a file for Perfetto: nested in tracks, whatever overlaps."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
import time
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from heliograph import Signal
from heliograph.inspector.chrome import chrome_trace
from heliograph.inspector.lanes import Bar, lay_out
from heliograph.inspector.parts import Part
from heliograph.inspector.perfetto import problems_of
from heliograph.inspector.recorder import Recorder
from heliograph.inspector.seen import SeenEmission

if TYPE_CHECKING:
    from collections.abc import Callable


def recorded(work: Callable[[], object], title: str = "GET /") -> Part:
    """Return what was sent while a function ran."""
    with Recorder(early=True) as recorder:
        started, clock = time.time(), time.perf_counter()
        work()
        duration = time.perf_counter() - clock
        under_way = recorder.under_way()
    seen = [it for it in recorder.after().seen if isinstance(it, SeenEmission)]
    return Part(title, "200 OK", False, None, started, duration, (*seen, *under_way))


def slices(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Return the kinds and names of all slices, and the number of their track."""
    return [(it["cat"], it["name"], it["tid"]) for it in document["traceEvents"] if it["ph"] == "X"]


def tracks(document: dict[str, Any]) -> dict[int, str]:
    """Return the names of all tracks."""
    named = (it for it in document["traceEvents"] if it["name"] == "thread_name")
    return {it["tid"]: it["args"]["name"] for it in named}


outer, inner, last = Signal("outer"), Signal("inner"), Signal("last")


def checked(*parts: Part) -> dict[str, Any]:
    """Return a document after it went through JSON and the rules."""
    document: dict[str, Any] = json.loads(json.dumps(chrome_trace(parts)))
    assert problems_of(document) == []
    return document


def test_what_a_receiver_sends_is_a_slice_inside_of_its_slice() -> None:
    """Everything that one thread does lies in one track."""

    def pack(sender: object, **extra: object) -> None:
        inner.send(sender)
        inner.send(sender)

    def work() -> None:
        outer.send("shop", total=3)
        last.send("shop")

    with outer.connected_to(pack):
        document = checked(recorded(work))

    here = f"{__name__}.{pack.__qualname__}"
    assert slices(document) == [
        ("part", "GET /", 1),
        ("emission", "outer", 1),
        ("delivery", here, 1),
        ("emission", "inner", 1),
        ("emission", "inner", 1),
        ("emission", "last", 1),
    ]
    [sent] = [it["args"] for it in document["traceEvents"] if it["name"] == "outer"]
    assert (sent["payload.total"], sent["in"]) == ("?", "MainThread")


def test_tasks_that_overlap_have_tracks_of_their_own() -> None:
    """Each with an arrow from where it was started."""

    async def wait(sender: object) -> None:
        await asyncio.sleep(0.01)

    async def spread(sender: object) -> None:
        await asyncio.gather(*(inner.send_async(it) for it in range(3)))

    async def work() -> None:
        await asyncio.gather(*(outer.send_async(it) for it in range(2)))

    with outer.connected_to(spread), inner.connected_to(wait):
        document = checked(recorded(lambda: asyncio.run(work())))

    assert sorted(name for _, name, _ in slices(document)).count("inner") == 6
    # Six waits overlap, and the last one of each may share the track of what has started it.
    assert len({track for kind, name, track in slices(document) if name == "inner"}) == 6
    arrows = [it["ph"] for it in document["traceEvents"] if it["name"] == "started"]
    assert arrows == ["s", "f"] * (len(arrows) // 2)
    assert len(arrows) // 2 == len(tracks(document)) - 1


def test_what_outlives_its_request_has_a_track_beside_it() -> None:
    """A thread that goes on is drawn as long as it took, or as long as it was watched."""
    begun, over = threading.Event(), threading.Event()

    def linger(sender: object) -> None:
        begun.set()
        over.wait(10)

    threads = list[threading.Thread]()

    def start(sender: object) -> None:
        run = contextvars.copy_context().run
        threads.append(threading.Thread(target=run, args=[inner.send, "shop"]))
        threads[0].start()
        begun.wait(10)

    with outer.connected_to(start), inner.connected_to(linger):
        part = recorded(lambda: outer.send("shop"))
        over.set()
        threads[0].join()
    document = checked(part)

    kinds = [(kind, name.rpartition(".")[2], track) for kind, name, track in slices(document)]
    assert kinds == [
        ("part", "GET /", 1),
        ("emission", "outer", 1),
        ("delivery", "start", 1),
        ("emission", "inner", 2),
    ]
    assert tracks(document) == {1: "GET /", 2: "GET /, beside it 1"}


def test_parts_have_tracks_one_below_the_other() -> None:
    """In the order in which they began; without any emission, too."""
    first, second = recorded(lambda: None, "GET /a"), recorded(last.send, "GET /b")

    document = checked(second, first)

    assert list(tracks(document).values()) == ["GET /a", "GET /b"]
    assert checked()["traceEvents"] == []


bars = st.recursive(
    st.builds(
        lambda start, took: Bar("leaf", "x", start, start + took),
        st.integers(0, 50),
        st.integers(0, 20),
    ),
    lambda inside: st.builds(
        lambda start, took, bars: Bar("bar", "x", start, start + took, {}, bars),
        st.integers(0, 50),
        st.integers(0, 40),
        st.lists(inside, max_size=4),
    ),
    max_leaves=20,
)


@given(st.lists(bars, max_size=5))
def test_in_a_lane_bars_are_apart_or_inside_of_each_other(given_bars: list[Bar]) -> None:
    """However they overlap, and wherever they were started."""
    placed = lay_out(given_bars)

    assert len(placed) == sum(map(count, given_bars))
    events = [
        {
            "ph": "X",
            "name": it.bar.name,
            "pid": 1,
            "tid": it.lane,
            "ts": it.bar.start / 1000,
            "dur": (it.bar.end - it.bar.start) / 1000,
        }
        for it in placed
    ]
    assert problems_of({"traceEvents": events}) == []


def count(bar: Bar) -> int:
    """Return how many bars it is, with those inside of it."""
    return 1 + sum(map(count, bar.inside))
