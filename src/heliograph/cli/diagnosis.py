"""Prints what the doctor has found, for people: check by check, the worst first."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from heliograph.inspector.doctor import CHECKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from heliograph.inspector.doctor import Engine, Examination, Finding

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def print_diagnosis(examined: Examination, asked: Sequence[tuple[str, str]], out: Console) -> None:
    """Print an examination.

    Args:
        examined: The examination.
        asked: The requests that were sent, each with what the application answered.
        out: Where to print.
    """
    out.print(Text(_engine(examined.engine, examined.by_itself)), soft_wrap=True)
    for request, answer in asked:
        out.print(Text(f"{request}  {answer}", "dim"), soft_wrap=True)
    out.print()
    for (severity, check), several in groupby(examined.findings, _kind):
        _print_check(severity, check, list(several), out)
    out.print(Text(_summary(examined), "bold"))


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.severity, finding.check


def _engine(here: Engine, by_itself: Engine | None) -> str:
    written = "C" if here.implementation == "c" else "Python"
    said = f"Heliograph {here.version}, in {written}."
    if by_itself is None or not by_itself.uses_blinker:
        return said
    place = "Heliograph in Blinker's place" if by_itself.in_place else "Blinker"
    return f"{said} Started by itself, the program runs on {place}."


def _print_check(severity: str, check: str, findings: list[Finding], out: Console) -> None:
    title = Text.assemble((severity, _STYLES[severity]), f"  {check}: {CHECKS[check].what}")
    out.print(title)
    for it in findings:
        where = f"{it.location}  " if it.location else ""
        _print_indented(Text.assemble((where, "cyan"), it.message), 2, out)
    for line in dict.fromkeys(f"{it.reason} {it.remedy}" for it in findings):
        _print_indented(Text(line, "dim"), 4, out)
    out.print()


def _print_indented(text: Text, indent: int, out: Console) -> None:
    for line in text.wrap(out, max(out.width - indent, 20)):
        line.rstrip()
        out.print(Text(" " * indent).append_text(line), soft_wrap=True)


def _summary(examined: Examination) -> str:
    counts = examined.counts().items()
    found = [f"{many} {it if many == 1 else f'{it}s'}" for it, many in counts if many]
    silenced = f"{len(examined.silenced)} silenced" if examined.silenced else ""
    return f"{', '.join([*found, *filter(None, [silenced])]) or 'Nothing was found'}."
