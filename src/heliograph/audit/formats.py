"""Entries in the formats of others: lines of JSON, CSV, and CloudEvents."""

from __future__ import annotations

import csv
import datetime as dt
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

from heliograph.audit.entry import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from heliograph.audit.reading import Found

FORMATS = ("json", "csv", "cloudevents")


def moment(microseconds: int) -> str:
    """Return a time as RFC 3339 writes it, in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    whole = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=rest)
    return whole.isoformat(timespec="microseconds").replace("+00:00", "Z")


def lines(several: Iterable[Found], form: str) -> Iterator[str]:
    """Give entries as lines of text.

    Args:
        several: The entries.
        form: One of `FORMATS`.
    """
    if form == "csv":
        yield _row([*_CSV])
    write: Callable[[Found], str] = {
        "json": lambda it: _json(as_json(it)),
        "csv": lambda it: _row([_cell(as_json(it).get(name)) for name in _CSV]),
        "cloudevents": lambda it: _json(as_cloud_event(it)),
    }[form]
    for it in several:
        yield write(it)


_CSV = ("seq", *HEADER, "data", "seal")


def as_json(found: Found) -> dict[str, Any]:
    """Return an entry as plain values, with its times as texts."""
    made = found.as_dict()
    for name in ("occurred_at", "recorded_at"):
        made[name] = moment(made[name])
    return made


def as_cloud_event(found: Found) -> dict[str, Any]:
    """Return an entry as an event of CloudEvents 1.0, in its JSON format."""
    header = found.header
    target = [it for it in (header["target_type"], header["target_id"]) if it is not None]
    made = {
        "specversion": "1.0",
        "id": header["id"],
        "source": f"/{header['service'] or header['host'] or 'heliograph'}",
        "type": header["action"],
        "subject": "/".join(target) or None,
        "time": moment(header["occurred_at"]),
        "datacontenttype": "application/json",
        "traceparent": _traceparent(header),
        "data": as_json(found),
    }
    return {name: it for name, it in made.items() if it is not None}


def _traceparent(header: dict[str, Any]) -> str | None:
    if header["trace_id"] is None:
        return None
    return f"00-{header['trace_id']}-{header['span_id']}-01"


def _json(made: dict[str, Any]) -> str:
    return json.dumps(made, ensure_ascii=False, sort_keys=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = _json(value) if isinstance(value, dict) else str(value)
    # Spreadsheets would run what begins like a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _row(cells: list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
