"""Prints what receivers took in all, as a table, or line by line where that is too narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from heliograph.cli.showing import print_tree
from heliograph.describe import describe_duration
from heliograph.inspector import Branch, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from heliograph.inspector.totals import Total, Totals

_NUMBERS = ("calls", "errors", "total", "median", "99 %", "slowest")
# Beside six numbers, names need some room.
_NARROW = 110


def print_totals(totals: Totals, console: Console, *, most: int | None = None) -> None:
    """Print a table of the receivers, and below it the signals that reached nobody.

    Args:
        totals: The receivers, in the order in which they are shown.
        console: Prints them.
        most: Show no more receivers than this.
    """
    shown = totals.receivers[:most]
    if console.width < _NARROW:
        for it in shown:
            print_tree(_lines(it), console)
    else:
        console.print(_table(shown))
    for line in _notes(totals, len(shown)):
        console.print(Text(line, "dim"), soft_wrap=True)


def _table(shown: Sequence[Total]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("signal", overflow="fold")
    table.add_column("receiver", overflow="fold")
    for name in _NUMBERS:
        # A number stays together with its unit.
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("slowest sent at", overflow="fold")
    for it in shown:
        table.add_row(*_row(it))
    return table


def _row(it: Total) -> list[Text]:
    calls, errors, *times = _numbers(it)
    place = f"  {it.location or 'built in'}"
    return [
        Text(it.signal, "cyan"),
        Text.assemble(it.receiver, (place, "dim")),
        Text(calls),
        Text(errors, "red"),
        *map(Text, times),
        Text(it.place or "", "dim"),
    ]


def _numbers(it: Total) -> list[str]:
    errors = ", ".join(f"{many:,} {name}" for name, many in it.errors.items())
    times = (it.seconds, it.median, it.p99, it.slowest)
    return [f"{it.count:,}", errors, *map(describe_duration, times)]


def _lines(it: Total) -> Branch:
    place = it.location or "built in"
    first = Piece(it.signal, "signal"), Piece(it.receiver), Piece(place, "quiet")
    numbers = [
        Piece(f"{name} {number}", "bad" if name == "errors" else "", whole=True)
        for name, number in zip(_NUMBERS, _numbers(it), strict=True)
        if number
    ]
    if it.place:
        numbers.append(Piece(f"sent at {it.place}", "quiet"))
    return Branch((first,), (Branch((tuple(numbers),)),))


def _notes(totals: Totals, shown: int) -> list[str]:
    many, emissions = len(totals.receivers), totals.emissions
    left_out = f", {many - shown} of them not shown" if many > shown else ""
    return [
        f"{_counted(emissions, 'emission')}, {_counted(many, 'receiver')}{left_out}",
        *(f"{name}: {count} reached no receiver" for name, count in totals.unheard.items()),
        *(
            f"{name}: {_counted(count, 'receiver')} died while connected"
            for name, count in totals.dead.items()
        ),
    ]


def _counted(many: int, what: str) -> str:
    return f"{many} {what}{'' if many == 1 else 's'}"
