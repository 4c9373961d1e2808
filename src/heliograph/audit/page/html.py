"""The trail as HTML: a form, a table, and one entry; without a script, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from heliograph.audit.formats import as_json, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from heliograph.audit.reading import Found, Stats

FIELDS = ("actor", "action", "target", "outcome", "request", "signal", "since", "until")
"""What can be searched for, in the order of the form."""

_COLUMNS = ("no.", "when (UTC)", "action", "outcome", "actor", "target")
_HEADINGS = "".join(f'<th scope="col">{it}</th>' for it in _COLUMNS) + (
    '<th scope="col" class="less">tells</th>'
)

_OUTCOMES = ("success", "failure", "denied", "unknown")

STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5b6675; --line: #dde2e8;
  --back: #fff; --mark: #b3261e; --link: #0b57a4; --field: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b4; --line: #2c3541;
  --back: #12161c; --mark: #ff8a80; --link: #8ab8f5; --field: #1a2029; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 4rem; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 .25rem; }
a { color: var(--link); }
p, .soft { color: var(--soft); margin: 0 0 1.25rem; }
form { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  margin-bottom: 1.5rem; }
label { display: block; font-size: .8rem; color: var(--soft); }
input, select, button { width: 100%; font: inherit; color: inherit; padding: .35rem .5rem;
  border: 1px solid var(--line); border-radius: .35rem; background: var(--field); }
button { align-self: end; cursor: pointer; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
.rows { min-width: 34rem; }
th { text-align: left; white-space: nowrap; font-size: .8rem; font-weight: 500;
  color: var(--soft); }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
td.time { white-space: nowrap; }
.bad { color: var(--mark); font-weight: 600; }
code { font: .85rem/1.45 ui-monospace, monospace; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 40rem) { .less { display: none; } }
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: nothing runs, and nothing is loaded."""


def page_of_entries(
    found: Iterable[Found], stats: Stats, wanted: Mapping[str, str], more: int | None
) -> str:
    """Return the page with a form and the entries that were found.

    Args:
        found: The entries.
        stats: What is in the trail.
        wanted: What the form says.
        more: The number of the entry before which older ones go on, or None.
    """
    rows = "".join(map(_row, found))
    table = (
        f'<div class="wide"><table class="rows"><thead><tr>{_HEADINGS}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    older = ""
    if more is not None:
        address = urlencode({**wanted, "before": more})
        older = f'<p><a href="?{escape(address)}">Older entries</a></p>'
    below = table if rows else "<p>No entry matches.</p>"
    return _document("The trail", _summary(stats) + _form(wanted) + below + older)


def page_of_entry(found: Found) -> str:
    """Return the page of one entry."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(_shown(value))}</code></td></tr>'
        for name, value in as_json(found).items()
        if value not in (None, "")
    )
    erased = "<p>What it told was erased; the seals still hold.</p>" if found.data is None else ""
    body = (
        f'<p><a href="./">All entries</a></p>{erased}<div class="wide"><table>{rows}</table></div>'
    )
    return _document(f"Entry {found.seq}", body)


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def _summary(stats: Stats) -> str:
    entries, seals = _counted(stats.entries, "entry", "entries"), _counted(stats.seals, "seal")
    text = f"{entries}, {seals}, {stats.unsealed} not sealed yet."
    return f"<p>{text} Nothing can be changed here.</p>"


def _counted(several: int, one: str, more: str = "") -> str:
    return f"{several} {one if several == 1 else more or f'{one}s'}"


def _form(wanted: Mapping[str, str]) -> str:
    fields = "".join(_field(name, wanted.get(name, "")) for name in FIELDS)
    return f'<form role="search">{fields}<button>Search</button></form>'


def _field(name: str, value: str) -> str:
    if name == "outcome":
        options = "".join(
            f"<option{' selected' if it == value else ''}>{it}</option>" for it in ("", *_OUTCOMES)
        )
        return f'<label>{name}<select name="{name}">{options}</select></label>'
    hint = ' placeholder="2h, 7d, 2026-01-31"' if name in ("since", "until") else ""
    return f'<label>{name}<input name="{name}" value="{escape(value)}"{hint}></label>'


def _row(found: Found) -> str:
    at = found.header
    target = ":".join(it for it in (at["target_type"], at["target_id"]) if it)
    bad = "" if at["outcome"] == "success" else ' class="bad"'
    told = "erased" if found.data is None else _shown(found.data.get("payload", {}))
    cells = (
        f'<td><a href="?entry={found.seq}">{found.seq}</a></td>'
        f'<td class="time">{moment(at["occurred_at"])[:19].replace("T", " ")}</td>'
        f"<td>{escape(_shown(at['action']))}</td><td{bad}>{escape(at['outcome'])}</td>"
        f"<td>{escape(_shown(at['actor_id'] or ''))}</td><td>{escape(_shown(target))}</td>"
        f'<td class="less"><code>{escape(told[:300])}</code></td>'
    )
    return f"<tr>{cells}</tr>"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {_shown(it)}" for name, it in value.items())
    return "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in str(value))
