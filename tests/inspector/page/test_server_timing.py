"""The Server-Timing header: its text, its bounds, and what stands beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import Namespace, Signal
from heliograph.inspector.page.headers import with_timings, with_timings_as_bytes
from heliograph.inspector.page.server_timing import Timing, header_value, room_beside
from heliograph.inspector.page.timings import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = Namespace("shop")
order_placed = shop.signal("order-placed")


@pytest.fixture
def stopwatch() -> Iterator[Stopwatch]:
    """Give a stopwatch that is stopped in the end."""
    made = Stopwatch()
    yield made
    made.stop()


def names(value: str) -> list[str]:
    """Return the descriptions in a header without escapes."""
    return [it.partition('desc="')[2].rstrip('"') for it in value.split(", ")]


def test_the_slowest_come_first_and_the_others_are_counted() -> None:
    """What does not fit is one entry, which says how many."""
    timings = [Timing(f"paid/receiver_{at}", at / 1000, 1) for at in range(5)]

    value = header_value(timings, 90)

    assert value == (
        'h1;dur=4;desc="paid/receiver_4", h2;dur=3;desc="paid/receiver_3", more;desc="3 others"'
    )


def test_one_that_is_left_out_is_no_plural() -> None:
    """The last entry is English."""
    timings = [Timing("a", 2, 1), Timing("b" * 90, 1, 1)]

    assert header_value(timings, 60) == 'h1;dur=2000;desc="a", more;desc="1 other"'


def test_several_calls_are_counted_in_the_name() -> None:
    """A receiver has one entry, however often it was called."""
    assert header_value([Timing("paid/pack", 0.0141, 200)]) == (
        'h1;dur=14.1;desc="paid/pack x 200"'
    )


def test_what_a_header_cannot_hold_is_replaced() -> None:
    """Servers answer 500 to what is not Latin-1, and a line break ends a header."""
    hostile = Timing('a "quoted" back\\slash, überprüfe_Ω\r\nSet-Cookie: x', 0.001, 1)

    assert header_value([hostile]) == (
        'h1;dur=1;desc="a \\"quoted\\" back\\\\slash, ?berpr?fe_???Set-Cookie: x"'
    )


def test_a_name_of_ten_thousand_letters_loses_its_middle() -> None:
    """One name does not crowd out the others."""
    value = header_value([Timing("a" * 5000 + "b" * 5000, 2, 1), Timing("c", 1, 1)])

    assert names(value) == ["a" * 60 + "..." + "b" * 60, "c"]


def test_without_room_nothing_is_said() -> None:
    """Not even how many there are."""
    assert header_value([Timing("a", 1, 1)], 5) == ""
    assert header_value([], 2000) == ""


@given(
    st.lists(st.tuples(st.text(max_size=300), st.floats(0, 1e6), st.integers(1, 10**6))),
    st.integers(0, 2500),
)
def test_no_program_makes_it_longer_than_its_bound(
    made: list[tuple[str, float, int]], limit: int
) -> None:
    """It is ASCII without control characters, and never above the limit."""
    value = header_value([Timing(*it) for it in made], limit)

    assert len(value) <= limit
    assert value.isascii()
    assert value.isprintable()


def test_an_applications_own_header_takes_room() -> None:
    """The bound counts all of them, as proxies do."""
    own = [("Server-Timing", "app;dur=5"), ("server-timing", "db;dur=1"), ("Content-Type", "x")]

    assert room_beside(own, 100) == 100 - len("app;dur=5, ") - len("db;dur=1, ")
    assert room_beside(own, 10) == 0


def test_other_origins_read_nothing_of_it() -> None:
    """A response that opens its timings to others tells its own alone."""
    assert room_beside([("Timing-Allow-Origin", "*")], 2000) == 0


def test_receivers_are_timed_in_the_context_that_asks(stopwatch: Stopwatch) -> None:
    """What is sent elsewhere or later does not count."""
    order_placed.connect(_pack)
    with stopwatch.timed() as timings:
        order_placed.send("shop")
        order_placed.send("shop")
        inside = timings.so_far()
    order_placed.send("shop")

    [timing] = inside
    assert (timing.name, timing.calls) == (f"order-placed/{__name__}._pack", 2)
    assert timings.so_far() == inside


def _pack(sender: object) -> None:
    """Pack."""


def test_two_requests_at_once_each_have_their_own(stopwatch: Stopwatch) -> None:
    """Tasks of one loop do not see each other's receivers."""
    order_placed.connect(_pack)

    async def request(times: int) -> int:
        with stopwatch.timed() as timings:
            for _ in range(times):
                await asyncio.sleep(0)
                order_placed.send("shop")
            return sum(it.calls for it in timings.so_far())

    async def both() -> tuple[int, int]:
        return await asyncio.gather(request(2), request(3))

    assert tuple(asyncio.run(both())) == (2, 3)


def test_of_two_nested_ones_the_inner_one_tells(stopwatch: Stopwatch) -> None:
    """An application that is mounted in another one has a header of its own."""
    order_placed.connect(_pack)
    inner = Stopwatch()
    with stopwatch.timed() as outer, inner.timed() as timings:
        order_placed.send("shop")
    inner.stop()

    assert (len(outer.so_far()), len(timings.so_far())) == (0, 1)


def test_a_signal_without_a_name_is_called_by_its_variable(stopwatch: Stopwatch) -> None:
    """As everywhere."""
    nameless = Signal()
    nameless.connect(_pack)
    with stopwatch.timed() as timings:
        nameless.send("shop")

    assert [it.name for it in timings.so_far()] == [f"a signal without a name/{__name__}._pack"]


def test_the_header_is_added_and_nothing_is_replaced(stopwatch: Stopwatch) -> None:
    """The application's own stays as it is, in WSGI and in ASGI."""
    order_placed.connect(_pack)
    with stopwatch.timed() as timings:
        order_placed.send("shop")
        texts = with_timings([("Server-Timing", "app;dur=5")], timings)
        raw = with_timings_as_bytes([(b"server-timing", b"app;dur=5")], timings)

    assert [it[0] for it in texts] == ["Server-Timing", "Server-Timing"]
    assert texts[0][1] == "app;dur=5"
    assert [(name, value[:3]) for name, value in raw] == [
        (b"server-timing", b"app"),
        (b"server-timing", b"h1;"),
    ]


def test_without_receivers_nothing_is_added(stopwatch: Stopwatch) -> None:
    """An empty header would be one more for nothing."""
    with stopwatch.timed() as timings:
        assert with_timings([("A", "b")], timings) == [("A", "b")]
        assert with_timings_as_bytes([(b"a", b"b")], timings) == [(b"a", b"b")]


def test_headers_that_are_no_text_are_left_to_the_server(stopwatch: Stopwatch) -> None:
    """They fail there, as they do without this."""
    broken: Any = [(None, None)]
    with stopwatch.timed() as timings:
        assert with_timings(broken, timings) == broken
