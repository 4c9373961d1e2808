"""What a run lost against the figures that landed: those of the last run into the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.costs.price import OURS
from benchmarks.tables import Table, factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Ratios = dict[str, dict[str, float]]
"""What each row of ours costs as a multiple of what it is measured by, by table."""

LANDED = Path(__file__).with_name("landed.json")

LIMIT = 1.15
"""How many times its ratio of before a row may cost."""


def ratios(results: Mapping[str, object]) -> Ratios:
    """Return the ratios that are in what was measured, which is by table as for JSON."""
    found = {key: dict(_of_rows(rows)) for key, rows in results.items() if isinstance(rows, list)}
    return {key: rows for key, rows in found.items() if rows}


def _of_rows(rows: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for row in rows:
        ways = row.get("ways") or row.get("engines") or {}
        ours = ways.get(OURS, {})
        ratio = ours.get("of_base") or ours.get("of_blinker")
        # A row of several sizes is about growth, which its own table shows.
        if ratio is not None and not row.get("size"):
            yield row["row"], ratio


def landed() -> Ratios:
    """Return the ratios that landed."""
    found: Ratios = json.loads(LANDED.read_text(encoding="utf-8")) if LANDED.exists() else {}
    return found


def land(now: Ratios) -> None:
    """Keep these ratios, beside those of tables that were not measured."""
    text = json.dumps(landed() | now, indent=1, sort_keys=True)
    LANDED.write_text(f"{text}\n", encoding="utf-8")


def losses_table(now: Ratios, before: Ratios) -> Table:
    """One line per row that costs more than it did."""
    lines = [
        [key, row, factor(was), factor(ratio), factor(ratio / was)]
        for key, rows in now.items()
        for row, ratio in rows.items()
        if (was := before.get(key, {}).get(row)) and ratio > was * LIMIT
    ]
    title = f"Rows that cost more than {LIMIT} times what landed: {len(lines) or 'none'}"
    return Table(title, ["table", "row", "landed", "now", "times"], lines, words=2)
