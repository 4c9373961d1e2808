"""Puts the prices on several Pythons beside each other, each measured in a run of its own.

    .venv/bin/python -m benchmarks costs --json 3.11.json
    PYTHON_JIT=1 python3.15 -m benchmarks costs --json jit.json
    .venv/bin/python -m benchmarks.pythons 3.11=3.11.json "3.15 JIT=jit.json" [--docs]

Ratios of different runs can be compared, as each was taken in one; times cannot.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import pages
from benchmarks.costs.roster import PRICES
from benchmarks.losses import ratios
from benchmarks.tables import DASH, Table, factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.costs.price import Price

KEYS = {"costs": "costs on other Pythons", "costs pure": "costs pure on other Pythons"}
"""What a run calls its prices, and where the table of all runs stands in the documentation."""


def beside_table(key: str, runs: Mapping[str, Mapping[str, float]]) -> Table:
    """One line per price, one column per Python, and those on which it is missed.

    Args:
        key: One of `KEYS`.
        runs: What each row costs as a multiple of its base, by the name of each Python.
    """
    lines = [
        _line(price.row, price.base, most, [it.get(price.row) for it in runs.values()], [*runs])
        for price in PRICES
        if any(price.row in it for it in runs.values())
        for most in [_most(price, key)]
    ]
    return Table(KEYS[key], ["row", "×", "at most", *runs, "missed on"], lines, words=2)


def _most(price: Price, key: str) -> float | None:
    return price.most if key == "costs" else price.most_in_python


def _line(
    row: str, base: str, most: float | None, found: list[float | None], names: list[str]
) -> list[str]:
    missed = [
        name
        for name, ratio in zip(names, found, strict=True)
        if most is not None and ratio is not None and ratio > most
    ]
    said = "all" if missed == names else ", ".join(missed) or DASH
    return [row, base, factor(most), *map(factor, found), said]


def main() -> None:
    """Print the tables, or put them into the documentation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pythons")
    parser.add_argument("runs", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    named = dict(it.rpartition("=")[::2] for it in options.runs)
    runs = {name: ratios(json.loads(Path(file).read_text())) for name, file in named.items()}
    tables = {
        place: beside_table(key, {name: run.get(key, {}) for name, run in runs.items()})
        for key, place in KEYS.items()
    }
    for table in tables.values():
        print(table.text())
    if options.docs:
        pages.write({place: table.markdown() for place, table in tables.items()})


if __name__ == "__main__":
    main()
