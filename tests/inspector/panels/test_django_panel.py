"""The panel in a real django-debug-toolbar, over WSGI and ASGI."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).with_name("django_pages.py")
STATUSES = {"/": 200, "/json": 200, "/stream": 200, "/nowhere": 404, "/broken": 500}


def visited(how: str) -> tuple[dict[str, int], list[str], str]:
    """Visit the project's pages in a process of their own."""
    ended = subprocess.run(
        [sys.executable, PAGES, how], capture_output=True, text=True, check=True, timeout=60
    )
    found: Any = json.loads(ended.stdout)
    return found[0], found[1], found[2]


@pytest.mark.parametrize("how", ["wsgi", "asgi"])
def test_the_toolbar_shows_what_the_signals_did(how: str) -> None:
    """Signals with their receivers and what these sent, failed ones named, nothing unescaped."""
    statuses, subtitle, panel = visited(how)

    assert (statuses, subtitle) == (STATUSES, ["2 sent, 2 failed"])
    cells = re.findall(r"<tr><td>(.*?)</td>.*?<td>([^<]*|<strong>.*?)</td></tr>", panel)
    space = "&nbsp;" * 4
    error = "<strong>failed</strong>: ValueError: &lt;img src=x onerror=alert(1)&gt;"
    assert cells == [
        ("<strong>order-placed &lt;script&gt;alert(1)&lt;/script&gt; &quot;&amp;</strong>", ""),
        (f"{space}__main__.pack", error),
        (f"{space * 2}<strong>packed</strong>", ""),
        (f"{space * 3}__main__.fail", error),
    ]
    assert "There is no page to look further" in panel


def test_outside_of_the_toolbar_the_header_stays() -> None:
    """The toolbar replaces the application's own; ours stands beside what is left of it."""
    ended = subprocess.run(
        [sys.executable, PAGES, "outside"], capture_output=True, text=True, check=True, timeout=60
    )
    headers, panel = json.loads(ended.stdout)

    theirs, ours = headers
    assert "app;dur=5" not in theirs
    assert theirs.startswith("TimerPanel_")
    assert re.sub(r"dur=[\d.]+", "dur=#", ours) == (
        'h1;dur=#;desc="order-placed <script>alert(1)</script> \\"&/__main__.pack", '
        'h2;dur=#;desc="packed/__main__.fail"'
    )
    assert '<a href="/_signals/">All requests, live</a>' in panel


@pytest.mark.parametrize("how", ["wsgi-broken", "asgi-broken"])
def test_a_panel_in_which_everything_fails_changes_no_page(how: str) -> None:
    """Whatever raises: collecting, storing, showing."""
    statuses, subtitle, panel = visited(how)

    assert (statuses, subtitle) == (STATUSES, ["failed"])
    assert panel == "This panel has failed; the log tells more."


def test_a_panel_that_could_not_collect_says_why() -> None:
    """In its own place."""
    statuses, subtitle, panel = visited("wsgi-broken-half")

    assert (statuses, subtitle) == (STATUSES, ["failed"])
    assert panel.startswith(
        "<p><strong>This panel has failed</strong>: OSError: a source &lt;b&gt;fails&lt;/b&gt;</p>"
    )
