"""The graph as an HTML file: what is in it, and what may run in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from heliograph.inspector import Catalogue, DeadInfo, NamespaceInfo, SendInfo
from heliograph.inspector.graph import as_html
from tests.inspector.graph.programs import NOTHING, PAID, SHOP, THANK

HOSTILE = '</script><script>alert(1)</script><!--style--><b x="\'">&amp;'
ATTACK = Catalogue(
    HOSTILE,
    (
        NamespaceInfo(
            HOSTILE,
            "",
            (
                replace(
                    NOTHING,
                    name=HOSTILE,
                    doc=HOSTILE,
                    location=HOSTILE,
                    receivers=(replace(THANK, name=HOSTILE, location=HOSTILE, sender=HOSTILE),),
                    dead=(DeadInfo(HOSTILE, HOSTILE),),
                    unknown=(HOSTILE,),
                    sends=(SendInfo(HOSTILE, HOSTILE),),
                ),
            ),
        ),
    ),
    (HOSTILE,),
)


class Reader(HTMLParser):
    """Reads a page as a browser does: its elements, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data.strip())

    def all_of(self, attribute: str) -> list[str | None]:
        """Return the values of an attribute."""
        return [found[attribute] for _, found in self.elements if attribute in found]


def test_the_page_tells_all_that_is_known_of_each_signal() -> None:
    """In sections, so that nobody needs the picture."""
    texts = [it for it in Reader(as_html(SHOP)).texts if it]

    section = texts[texts.index("(total: int, note: str = '', any=1)") - 1 :]
    assert section[: section.index("shop.lost")] == [
        "shop.paid",
        "(total: int, note: str = '', any=1)",
        "shop.py:3",
        "All is paid <b>in full</b>.",
        "Sent by",
        "shop.pay",
        "shop.py:20",
        "shop.pay",
        "shop.py:22",
        "Received by, in this order",
        "shop.thank",
        "shop.py:7",
        "shop.count.<locals>.<lambda>",
        "from 'a \"shop\"', priority -1, errors logged, async, inline, after the commit, strong",
        "shop.py:9",
        "Dead receivers",
        "shop.make.<locals>.log",
        "garbage-collected; it was connected at",
        "shop.py:12",
        "Not imported, and so not known",
        "shop.mail",
    ]
    assert "Nobody hears it." in section
    assert "No place in the source sends it." in section
    assert "Signals: 4. Connections: 3. Not imported, and so not known: shop.mail." in texts


def test_the_page_lets_its_one_style_and_its_one_script_run_and_nothing_else() -> None:
    """Its policy names both by what is in them; nothing is fetched from anywhere."""
    page = as_html(SHOP)
    reader = Reader(page)

    [style] = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    [script] = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    hashes = [
        base64.b64encode(hashlib.sha256(it.encode()).digest()).decode() for it in (style, script)
    ]
    assert next(it["content"] for _, it in reader.elements if "http-equiv" in it) == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'"
    )
    assert reader.all_of("style") == []
    assert reader.all_of("src") == []
    assert [it for _, found in reader.elements for it in found if it.startswith("on")] == []
    assert all(str(it).startswith("#") for it in reader.all_of("href"))


def test_no_name_of_a_program_becomes_an_element() -> None:
    """Not even one that looks like a place of the page where something is put in."""
    attacked = Reader(as_html(ATTACK))
    harmless = Reader(as_html(replace(SHOP, namespaces=(NamespaceInfo("a", "", (PAID,)),))))

    assert [it for it, _ in attacked.elements].count("script") == 1
    assert {it for it, _ in attacked.elements} == {it for it, _ in harmless.elements}
    assert HOSTILE in attacked.texts


def test_every_link_leads_to_a_section_and_every_line_to_a_box() -> None:
    """No two elements have the same id."""
    reader = Reader(as_html(SHOP))
    ids = reader.all_of("id")

    assert len(ids) == len(set(ids))
    assert {str(it)[1:] for it in reader.all_of("href")} <= set(ids)
    nodes = set(reader.all_of("data-node"))
    assert {*reader.all_of("data-source"), *reader.all_of("data-target")} <= nodes


def test_a_program_without_signals_has_a_page_that_says_so() -> None:
    """Without a picture."""
    page = as_html(Catalogue("shop", ()))

    assert "<p>No signals.</p>" in page
    assert "<svg" not in page
