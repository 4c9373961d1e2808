"""Draws the pictures of the site from runs, as HTML that follows the colours of the page."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from heliograph import Signal
from scripts.site.markdown import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REQUESTS = ("POST /orders item=3", "POST /orders item=7")


def tree() -> str:
    """Return the tree of orders in the example shop, as a terminal shows it."""
    printed = _run("trace", "shop:app", *_REQUESTS, FORCE_COLOR="1", COLUMNS="94")
    words = f"What heliograph trace prints for {' and '.join(_REQUESTS)}"
    return (
        f'<figure class="picture terminal"><pre tabindex="0" role="region" '
        f'aria-label="{escape(words)}">{coloured(printed).rstrip()}</pre></figure>'
    )


def graph() -> str:
    """Return the graph of the example shop's own signals."""
    page = _run("graph", "shop", "shop.*", "stock.*", "--format", "html")
    drawn = re.search(r"<svg.*</svg>", page, re.DOTALL)
    if drawn is None:
        msg = "`heliograph graph` has drawn nothing."
        raise ValueError(msg)
    # The lists that its boxes lead to are on the page that the command writes.
    picture = re.sub(r'<a\b[^>]*?(class="[^"]*")[^>]*>', r"<g \1>", drawn[0])
    picture = picture.replace("</a>", "</g>")
    shown = picture.replace('role="group"', 'role="img"', 1)
    opened = '<figure class="picture graph" tabindex="0" role="region" aria-label="Graph">'
    return f"{opened}{shown}</figure>"


class Held(NamedTuple):
    """What became of a receiver: what it is, who held it, and whether it is still connected."""

    what: str
    holder: str
    alive: bool


def holders() -> str:
    """Return who holds receivers of each kind, and which of them are left."""
    rows = list(receivers())
    height = 54 * len(rows) + 40
    parts = [
        f'<svg viewBox="0 0 720 {height}" role="img" aria-label="{escape(_in_words(rows))}">',
        *(
            f'<text class="head" x="{x}" y="20">{it}</text>'
            for x, it in ((12, "holds it"), (262, "receiver"), (560, "signal"))
        ),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, 40 + 54 * number)
    return f'<figure class="picture holders">{"".join(parts)}</svg></figure>'


def receivers() -> Iterator[Held]:
    """Connect a receiver of each kind, drop what made it, and tell which are still connected."""

    class Basket:
        def empty(self, _sender: object) -> None:
            """Be called."""

    def nested() -> Callable[[object], None]:
        def log(_sender: object) -> None:
            """Be called."""

        return log

    basket = Basket()
    yield _held("function of a module", "its module", lambda: of_this_module)
    yield _held("method", "its object, in use", lambda: basket.empty)
    yield _held("method", "", lambda: Basket().empty)
    yield _held("function inside another", "", nested)
    yield _held("function, weak=False", "the connection", nested, weak=False)


def of_this_module(_sender: object) -> None:
    """Be called: the receiver that a module holds."""


def _held(
    what: str, holder: str, made: Callable[[], Callable[[object], None]], *, weak: bool = True
) -> Held:
    signal = Signal("order-paid")
    receiver = made()
    signal.connect(receiver, weak=weak)
    del receiver
    gc.collect()
    return Held(what, holder, bool(signal.connections))


def _row(row: Held, y: int) -> Iterator[str]:
    state = "alive" if row.alive else "gone"
    if row.holder:
        yield f'<rect class="holder" x="12" y="{y}" width="170" height="34" rx="6"/>'
        yield f'<text x="24" y="{y + 22}">{escape(row.holder)}</text>'
        yield f'<path class="strong" d="M182 {y + 17}H262"/>'
    yield f'<rect class="{state}" x="262" y="{y}" width="210" height="34" rx="6"/>'
    yield f'<text x="274" y="{y + 22}">{escape(row.what)}</text>'
    if row.alive:
        kind = "strong" if "weak=False" in row.what else "weak"
        yield f'<path class="{kind}" d="M560 {y + 17}H472"/>'
    yield f'<rect class="holder" x="560" y="{y}" width="148" height="34" rx="6"/>'
    yield f'<text x="572" y="{y + 22}">{"connected" if row.alive else "not connected"}</text>'


def _in_words(rows: list[Held]) -> str:
    told = (
        f"A {row.what} held by {row.holder or 'nobody'} is "
        f"{'still connected' if row.alive else 'gone'}."
        for row in rows
    )
    return " ".join(told)


PICTURES = {"graph": graph, "holders": holders, "tree": tree}


def coloured(printed: str) -> str:
    """Return what a command printed for a terminal as HTML, with a class for each colour."""
    names = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
    parts = re.split(r"\x1b\[([\d;]*)m", printed)
    found = [escape(parts[0])]
    for codes, text in zip(parts[1::2], parts[2::2], strict=True):
        classes = " ".join(names[it] for it in codes.split(";") if it in names)
        shown = escape(text)
        found.append(f'<span class="{classes}">{shown}</span>' if classes and shown else shown)
    return "".join(found)


def _run(*arguments: str, **environment: str) -> str:
    """Return what a command of Heliograph prints about the example shop."""
    done = subprocess.run(
        [sys.executable, "-m", "heliograph", *arguments],
        cwd=ROOT / "examples",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout
