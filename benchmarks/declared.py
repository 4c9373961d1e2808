"""The cost of a declaration when sending and connecting, and of a span without receivers."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from benchmarks.engines import SENDER, Heliograph
from benchmarks.harness import Row, Work, prepared
from benchmarks.rows import connecting, sending
from heliograph import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from typing import Any

shop = Namespace("shop")


@shop.span
def import_catalogue(sender: object, *, a: int) -> None:
    """A catalogue is read."""


class Declared(Heliograph):
    """The signal at the front door, declared."""

    name = "declared"

    def __init__(self) -> None:
        namespace = Namespace()

        @namespace.declare
        def paid(sender: object, *, a: int) -> None:
            """An order was paid."""

        self.signal = paid


ROWS = (
    Row("nobody connected", sending(0)),
    Row("1 receiver", sending(1)),
    Row("10 receivers", sending(10)),
    Row("connect", connecting),
)


@contextmanager
def in_production() -> Iterator[None]:
    """Turn checks of payloads off, also in development."""
    before = os.environ.get("HELIOGRAPH_CHECK")
    os.environ["HELIOGRAPH_CHECK"] = "0"
    try:
        yield
    finally:
        os.environ.pop("HELIOGRAPH_CHECK")
        if before is not None:
            os.environ["HELIOGRAPH_CHECK"] = before


def declared_beside_plain() -> Iterator[tuple[str, Work, Work]]:
    """Give each operation on a plain signal, and on a declared one."""
    for row in ROWS:
        plain, declared = prepared(row, (Heliograph, Declared)).values()
        yield row.name, plain, declared


def span_beside_sends() -> Iterator[tuple[str, Work, Work]]:
    """Yield two sends without receivers, and a span without receivers, in their three forms."""
    signal = Declared().signal
    with import_catalogue(SENDER, a=1):
        pass  # The first send finds out that this is production, before the clock starts.
    twice, twice_async = Work(_sending_twice(signal)), Work(_awaited(_sending_twice_async(signal)))
    yield "with", twice, Work(_in_a_span)
    yield "with, something added", twice, Work(_in_a_span_with_something_added)
    yield "async with", twice_async, Work(_awaited(_in_an_async_span))


def _sending_twice(signal: Any) -> Callable[[Iterable[object]], None]:
    def run(items: Iterable[object]) -> None:
        for _ in items:
            signal.send(SENDER, a=1)
            signal.send(SENDER, a=1)

    return run


def _sending_twice_async(signal: Any) -> Callable[[Iterable[object]], Coroutine[Any, Any, None]]:
    async def run(items: Iterable[object]) -> None:
        for _ in items:
            await signal.send_async(SENDER, a=1)
            await signal.send_async(SENDER, a=1)

    return run


def _in_a_span(items: Iterable[object]) -> None:
    for _ in items:
        with import_catalogue(SENDER, a=1):
            pass


def _in_a_span_with_something_added(items: Iterable[object]) -> None:
    for _ in items:
        with import_catalogue(SENDER, a=1) as span:
            span.add(rows=7)


async def _in_an_async_span(items: Iterable[object]) -> None:
    for _ in items:
        async with import_catalogue(SENDER, a=1):
            pass


def _awaited(
    function: Callable[[Iterable[object]], Coroutine[Any, Any, None]],
) -> Callable[[Iterable[object]], None]:
    """Return a plain function that runs a coroutine function, which never waits."""

    def run(items: Iterable[object]) -> None:
        with suppress(StopIteration):
            function(items).send(None)

    return run
