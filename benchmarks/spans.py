"""What a span costs that nobody hears of, beside two sends: ``python -m benchmarks.spans``."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import process_time_ns
from typing import Any

from benchmarks import circumstances
from benchmarks.engines import Sender
from heliograph import Namespace

RUNS = 300
TURNS = 5000

Work = Callable[[int], object]

shop, berlin, path = Namespace("shop"), Sender(), "books.csv"


@shop.span
def import_catalogue(sender: Sender, *, path: str) -> None:
    """A catalogue is read."""


@shop.declare
def catalogue_imported(sender: Sender, *, path: str) -> None:
    """A catalogue was read."""


def two_sends(turns: int) -> None:
    """Send twice."""
    for _ in range(turns):
        catalogue_imported.send(berlin, path=path)
        catalogue_imported.send(berlin, path=path)


def a_span(turns: int) -> None:
    """Enter and leave."""
    for _ in range(turns):
        with import_catalogue(berlin, path=path):
            pass


def a_span_with_something_added(turns: int) -> None:
    """Enter, add, and leave."""
    for _ in range(turns):
        with import_catalogue(berlin, path=path) as span:
            span.add(rows=7)


async def two_async_sends(turns: int) -> None:
    """Send twice."""
    for _ in range(turns):
        await catalogue_imported.send_async(berlin, path=path)
        await catalogue_imported.send_async(berlin, path=path)


async def an_async_span(turns: int) -> None:
    """Enter and leave."""
    for _ in range(turns):
        async with import_catalogue(berlin, path=path):
            pass


def awaited(function: Callable[[int], Coroutine[Any, Any, None]]) -> Work:
    """Return a plain function that runs a coroutine function, which never waits."""

    def run(turns: int) -> None:
        with suppress(StopIteration):
            function(turns).send(None)

    return run


def main() -> None:
    """Measure and print nanoseconds: the least of many runs, in which all take turns."""
    os.environ["HELIOGRAPH_CHECK"] = "0"  # As in production.
    works: dict[str, Work] = {
        "two sends": two_sends,
        "a span": a_span,
        "a span with something added": a_span_with_something_added,
        "two async sends": awaited(two_async_sends),
        "an async span": awaited(an_async_span),
    }
    least = dict.fromkeys(works, float("inf"))
    for _ in range(RUNS):
        for name, work in works.items():
            start = process_time_ns()
            work(TURNS)
            least[name] = min(least[name], (process_time_ns() - start) / TURNS)
    implementation = circumstances.values()["implementation"]
    print(f"Nanoseconds with nobody connected, sending in {implementation}:")
    for name, nanoseconds in least.items():
        print(f"{nanoseconds:8.0f}  {name}")


if __name__ == "__main__":
    main()
