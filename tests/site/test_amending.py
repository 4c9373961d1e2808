"""What is amended in the HTML of the site, for those who have no mouse or do not see it."""

from __future__ import annotations

import pytest

from scripts.site.amending import amended
from scripts.site.pictures import coloured, receivers


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('<div class="highlight"><pre>x', '<div class="highlight"><pre tabindex="0">x'),
        (
            '<th class="head"></th><th class="head"><p>a</p></th>',
            '<td></td><th class="head"><p>a</p></th>',
        ),
        ('<th class="head text-right"><p></p></th>', "<td></td>"),
        (
            '<aside class="toc-drawer no-toc">',
            '<aside aria-label="This page" class="toc-drawer no-toc">',
        ),
        (
            "<dt>f(\n<dl>\n<dd><em>a</em>,</dd>\n<dd><em>b</em>,</dd>\n</dl>\n)</dt>",
            (
                '<dt>f(\n<div class="signature-lines"><div><em>a</em>,</div>\n'
                "<div><em>b</em>,</div>\n</div>\n)</dt>"
            ),
        ),
        ('<div id="search-results">', '<h1>Search</h1><div id="search-results">'),
        ("<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>", "<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>"),
    ],
)
def test_a_page_can_be_read_without_a_mouse_and_without_seeing_it(written: str, read: str) -> None:
    """What scrolls can have the focus, and what is no list, header or landmark is none."""
    assert amended(written) == read


def test_what_a_terminal_colours_is_coloured_by_classes() -> None:
    """So that the page chooses the colours, for a light and for a dark one."""
    printed = "\x1b[1;32mgood\x1b[0m <plain> \x1b[2mquiet\x1b[0m"

    assert coloured(printed) == (
        '<span class="bold green">good</span> &lt;plain&gt; <span class="dim">quiet</span>'
    )


def test_the_picture_of_weak_references_shows_what_becomes_of_receivers() -> None:
    """Those that somebody holds are still connected, and the others are gone."""
    assert [(it.what, it.alive) for it in receivers()] == [
        ("function of a module", True),
        ("method", True),
        ("method", False),
        ("function inside another", False),
        ("function, weak=False", True),
    ]
