"""Draws what was measured as SVG, legible on light and on dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmarks.engines import Blinker, Heliograph, HeliographBlinker
from benchmarks.loops import CLoop, PlainLoop
from benchmarks.memory import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIZE = (7.6, 4.2)
# Halfway between black and white: the page behind shows through, whichever it is.
INK = "#717a84"
FAINT = "#717a8440"
# Ours stand out; it is them that the reader looks for.
COLORS = {
    Heliograph.name: "#1f7ae0",
    Blinker.name: "#d1495b",
    PlainLoop.name: INK,
    CLoop.name: INK,
}
OTHERS = ("#b8860b", "#2f9e62", "#9a6dd7", "#c2703d", "#2a9d9d", "#b05a9a")
DASHED = {PlainLoop.name: "--", CLoop.name: ":"}

SETTINGS = {
    "svg.fonttype": "none",  # Text stays text: small files, and fonts that the reader has.
    "svg.hashsalt": "heliograph",  # The same figures give the same file.
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}

Rows = list[dict[str, Any]]


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write those plots into *folder* for which there are results."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(SETTINGS):
        if "receivers" in results:
            _receivers(results["receivers"], folder / "receivers.svg")
        if "disconnect" in results:
            _disconnect(results["disconnect"], folder / "disconnect.svg")
        if "memory" in results:
            _memory(results["memory"], folder / "memory.svg")


def _receivers(rows: Rows, path: Path) -> None:
    figure, axes = _axes("Sending: nanoseconds, by number of receivers", rows)
    axes.set_xlabel("receivers")
    _save(figure, path)


def _disconnect(rows: Rows, path: Path) -> None:
    figure, axes = _axes("Disconnecting a receiver: nanoseconds, by other senders connected", rows)
    axes.set_xlabel("senders with a receiver of their own")
    _save(figure, path)


def _axes(title: str, rows: Rows) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    lines = {name: _line(rows, name) for name in _names(rows)}
    # The legend in the order in which the lines end.
    for name, line in sorted(lines.items(), key=lambda item: item[1][-1][1] / item[1][-1][0]):
        axes.plot(*zip(*line, strict=True), label=name, **_style(name, list(lines)))
    axes.set(title=title, xscale="log", yscale="log")
    axes.grid(visible=True)
    axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=True)
    return figure, axes


def _names(rows: Rows) -> list[str]:
    # Both of ours would be one line.
    names = dict.fromkeys(name for row in rows for name in row["engines"])
    return [name for name in names if name != HeliographBlinker.name]


def _line(rows: Rows, name: str) -> list[tuple[int, float]]:
    return [
        (row["size"], row["engines"][name]["minimum_ns"]) for row in rows if name in row["engines"]
    ]


def _style(name: str, names: list[str]) -> dict[str, Any]:
    others = [other for other in names if other not in COLORS]
    color = COLORS[name] if name in COLORS else OTHERS[others.index(name) % len(OTHERS)]
    width = 3.0 if name == Heliograph.name else 1.6
    return {"color": color, "linewidth": width, "linestyle": DASHED.get(name, "-")}


def _memory(weights: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    gauge, by_engine = next(iter(weights.items()))
    names = [name for name in by_engine if name != HeliographBlinker.name]
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(names)
    for place, name in enumerate(names):
        senders, stages = by_engine[name]
        bars = axes.barh(
            [stage + place * height for stage in range(len(STAGES))],
            [stages[stage] for stage in STAGES],
            height=height * 0.9,
            label=f"{name}, {senders:,} senders",
            color=_style(name, names)["color"],
        )
        axes.bar_label(bars, fmt="%.0f", padding=3, fontsize=9)
    axes.set_yticks([stage + 0.4 - height / 2 for stage in range(len(STAGES))], STAGES)
    axes.invert_yaxis()
    axes.set(title=f"Memory: bytes per connection ({gauge})", xticks=[])
    axes.spines["bottom"].set_visible(False)
    axes.margins(x=0.1)
    figure.legend(loc="outside lower center", ncols=len(names))
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    # Without a date: a file changes when its figures do.
    figure.savefig(path, transparent=True, metadata={"Date": None})
