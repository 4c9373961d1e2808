"""The text of a panel: a row for each signal and receiver, as data and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from heliograph.describe import describe_duration
from heliograph.inspector.timeline import arrange, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph.inspector.seen import SeenDelivery, SeenEmission
    from heliograph.inspector.timeline import SeenNode

    # Text-keyed dicts of plain values: a toolbar may store them as JSON.
    Row = dict[str, Any]

_MOST = 500


def rows_of(emissions: Iterable[SeenEmission]) -> list[Row]:
    """Return what a panel shows, from the outermost emission to the innermost receiver."""
    return list(_rows(fold(arrange(emissions)), 0))


def _rows(nodes: Iterable[SeenNode], level: int) -> Iterator[Row]:
    for node in nodes:
        it = node.emission
        yield {
            "kind": "signal",
            "level": level,
            "name": it.signal,
            "times": node.count,
            "took": describe_duration(node.total),
            "place": it.location or "",
            "said": it.unheard or ("muted" if it.muted else it.crossing),
            "failed": False,
        }
        for turn in node.turns:
            yield _receiver(turn.delivery, turn.total, level + 1)
            yield from _rows(turn.inside, level + 2)
        yield from _rows(node.unfinished, level + 1)


def _receiver(it: SeenDelivery, took: float, level: int) -> Row:
    return {
        "kind": "receiver",
        "level": level,
        "name": it.receiver,
        "times": 1,
        "took": describe_duration(took),
        "place": it.location or "",
        "said": it.error or "",
        "failed": it.error is not None,
    }


def summary(rows: Sequence[Row]) -> str:
    """Say in a few words what was sent and called."""
    sent = sum(it["times"] for it in rows if it["kind"] == "signal")
    failed = sum(it["failed"] for it in rows)
    words = f"{sent} sent"
    return f"{words}, {failed} failed" if failed else words


def as_html(rows: Sequence[Row], link: str | None, problem: str | None) -> str:
    """Return the content of a panel: no script, no style, and everything escaped.

    Args:
        rows: What was sent.
        link: The address of the page, or None if there is none.
        problem: What went wrong in the panel itself, or None.
    """
    parts = []
    if problem is not None:
        parts.append(f"<p><strong>This panel has failed</strong>: {escape(problem)}</p>")
    parts.append(f"<p>{_where(link)}</p>")
    if rows:
        titles = ("Signal, receiver", "Time", "Place", "")
        head = "".join(f"<th>{it}</th>" for it in titles)
        body = "".join(map(_row, rows[:_MOST]))
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        if len(rows) > _MOST:
            parts.append(f"<p>{len(rows) - _MOST} more rows are not shown.</p>")
    elif problem is None:
        parts.append("<p>No signal was sent until the response was ready.</p>")
    return "".join(parts)


def _where(link: str | None) -> str:
    told = "What the signals did until the response was ready."
    if link is None:
        return f"{told} There is no page to look further: serve it with Inspector."
    return f'{told} <a href="{escape(link)}">All requests, live</a>'


def _row(row: Row) -> str:
    indent = "&nbsp;" * 4 * min(row["level"], 12)
    name = escape(row["name"])
    times = f" × {row['times']}" if row["times"] > 1 else ""
    shown = f"<strong>{name}</strong>{times}" if row["kind"] == "signal" else f"{name}{times}"
    said = (
        f"<strong>failed</strong>: {escape(row['said'])}" if row["failed"] else escape(row["said"])
    )
    cells = (f"{indent}{shown}", escape(row["took"]), f"<code>{escape(row['place'])}</code>", said)
    return f"<tr>{''.join(f'<td>{it}</td>' for it in cells)}</tr>"
