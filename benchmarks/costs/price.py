"""A row of what users pay: the ways to do one thing, and what ours may cost at most."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.engines import UnsupportedError
from benchmarks.tables import Table, factor, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.harness import Timings, Work

OURS = "heliograph"


@dataclass(frozen=True)
class Price:
    """One thing that users do, and how it is done in each way.

    Attributes:
        row: What is done; the name of the line.
        ways: Makes the work of each way, by its name: `OURS`, and what it is compared with,
            such as ``"blinker"``, ``"by hand"``, ``"h.blinker"`` or the name of a peer.
        base: The way that the price is a multiple of.
        most: What `OURS` may cost at most with the part in C, as a multiple of `base`.
        most_in_python: The same without the part in C; None if nothing was promised.
    """

    row: str
    ways: Mapping[str, Callable[[], Work]]
    base: str
    most: float
    most_in_python: float | None = None

    def works(self) -> dict[str, Work]:
        """Return the work of each way, without those for which something is not installed."""
        made: dict[str, Work] = {}
        for name, make in self.ways.items():
            with suppress(UnsupportedError):
                made[name] = make()
        return made


def prices_table(
    title: str, measured: Sequence[tuple[Price, Timings]], *, in_python: bool = False
) -> Table:
    """One line per price: what it costs, at most, whether that holds, and what others cost."""
    others = list(dict.fromkeys(way for price, _ in measured for way in price.ways if way != OURS))
    head = ["row", "×", "base, ns", OURS, "at most", "holds", *others]
    lines = [_line(price, timings, others, in_python=in_python) for price, timings in measured]
    return Table(title, head, lines, words=2)


def plain_prices(measured: Sequence[tuple[Price, Timings]]) -> list[dict[str, object]]:
    """Return the timings as values that JSON can hold."""
    return [
        {
            "row": price.row,
            "base": price.base,
            "ways": {
                name: {
                    "minimum_ns": timing.minimum,
                    "median_ns": timing.median,
                    "of_base": timing.over(timings[price.base]),
                }
                for name, timing in timings.items()
            },
        }
        for price, timings in measured
    ]


def _line(price: Price, timings: Timings, others: Sequence[str], *, in_python: bool) -> list[str]:
    base = timings[price.base]
    ours = timings[OURS].over(base)
    most = price.most_in_python if in_python else price.most
    promised = ["–", "–"] if most is None else [factor(most), "yes" if ours <= most else "no"]
    beside = [factor(timings[it].over(base)) if it in timings else "–" for it in others]
    return [price.row, price.base, number(base.minimum), factor(ours), *promised, *beside]
