"""What a send costs with an instrument, beside a send without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines import Blinker, Engine, Heliograph
from benchmarks.harness import Row, Work, prepared
from benchmarks.receivers import asynchronous
from benchmarks.roster import ENGINES
from benchmarks.rows import new_receivers, sending
from heliograph import Signal, add_instrument, remove_instrument

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.harness import Items
    from benchmarks.rows import Preparation
    from heliograph import Emission

    Instruments = Callable[[], list[Callable[[Emission], object]]]


class Counting:
    """An instrument that counts emissions: the least that one can do."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, emission: Emission) -> None:
        """Count one more."""
        self.count += 1


class _OfAnother(Counting):
    """One that wants to see another signal alone."""


OTHER = Signal("other")


class Reading:
    """An instrument that reads the outcome of every delivery."""

    def __init__(self) -> None:
        self.last: object = None

    def __call__(self, emission: Emission) -> None:
        """Read receiver, outcome and duration of each."""
        for it in emission.deliveries:
            self.last = it.receiver, it.value, it.error, it.duration


class Measuring:
    """An instrument that keeps count, errors and seconds of each receiver, as metrics do."""

    def __init__(self) -> None:
        self.seconds: dict[object, list[float]] = {}
        self.errors: dict[object, int] = {}

    def __call__(self, emission: Emission) -> None:
        """Add each delivery to the figures of its connection."""
        seconds = self.seconds
        for it in emission.deliveries:
            figures = seconds.get(it.connection)
            if figures is None:
                figures = seconds[it.connection] = [0, 0.0]
            figures[0] += 1
            figures[1] += it.duration
            if it.error is not None:
                self.errors[it.connection] = self.errors.get(it.connection, 0) + 1


def _nothing(emission: Emission) -> None:
    """Do nothing: a function is called at less cost than an object."""


UNWATCHED = "unwatched"
WATCHED: dict[str, Instruments] = {
    "another signal": lambda: [_OfAnother()],
    "does nothing": lambda: [_nothing],
    "counts": lambda: [Counting()],
    "three count": lambda: [Counting(), Counting(), Counting()],
    "reads deliveries": lambda: [Reading()],
    "measures receivers": lambda: [Measuring()],
}


def watched(work: Work, instruments: Instruments) -> Work:
    """Return the same work, done while such instruments watch; adding them is not timed."""
    watching = instruments()

    def items(count: int) -> Items:
        for instrument in watching:
            signals = [OTHER] if isinstance(instrument, _OfAnother) else None
            add_instrument(instrument, signals=signals)
        return work.items(count)

    def after(done: Items) -> None:
        for instrument in watching:
            remove_instrument(instrument)
        work.after(done)

    return Work(work.run, items=items, after=after, alive=work.alive)


def _nested(engine: Engine) -> Work:
    """Send to one receiver, which sends another signal to one receiver."""
    inner = type(engine)()
    innermost = inner.new_receiver()
    inner.hear(innermost)
    send = inner.send

    def receiver(sender: object, **kw: object) -> None:
        send(sender, a=1)

    engine.hear(receiver)
    return Work(engine.sending(), alive=(receiver, innermost, inner))


def _to_async(receivers: int) -> Preparation:
    def prepare(engine: Engine) -> Work:
        heard_by = [asynchronous() for _ in range(receivers)]
        for receiver in heard_by:
            engine.hear(receiver)
        return Work(engine.sending_async(), alive=heard_by)

    return prepare


SIZES = {
    0: "0 receivers",
    1: "1 receiver",
    3: "3 receivers",
    10: "10 receivers",
    100: "100 receivers",
}
ROWS = (
    *(Row(name, sending(size)) for size, name in SIZES.items()),
    Row("1 receiver that sends to 1", _nested),
    Row("1 coroutine, awaited", _to_async(1)),
    Row("10 coroutines, awaited", _to_async(10)),
)


def ways_to_watch(row: Row) -> dict[str, Work]:
    """Return a row unwatched on Blinker and Heliograph, then watched in every way there is."""
    works = {
        Blinker.name: row.prepare(Blinker()),
        UNWATCHED: row.prepare(Heliograph()),
        **{
            name: watched(row.prepare(Heliograph()), instruments)
            for name, instruments in WATCHED.items()
        },
    }
    sizes = {name: size for size, name in SIZES.items()}
    if row.name in sizes:
        peers = prepared(Row(row.name, _in_its_own_way(sizes[row.name])), ENGINES)
        works |= {f"{name}, watched": work for name, work in peers.items()}
    return works


def _in_its_own_way(receivers: int) -> Preparation:
    def prepare(engine: Engine) -> Work:
        heard_by = new_receivers(engine, receivers)
        for receiver in heard_by:
            engine.hear(receiver)
        return Work(engine.sending_watched(), alive=heard_by)

    return prepare
