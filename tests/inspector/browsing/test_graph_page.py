"""The page of the graph in a browser: from a disk, without scripts, by keyboard, in the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.inspector.graph import as_html
from tests.inspector.browsing.servers import comes_to
from tests.inspector.graph.programs import SHOP
from tests.inspector.graph.test_document import ATTACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Write the page to a disk."""
    page = tmp_path / "signals.html"
    page.write_text(as_html(SHOP), encoding="utf-8")
    return page.as_uri()


def near(page: Page) -> set[str | None]:
    """Return the boxes that are not dimmed."""
    return {it.get_attribute("aria-label") for it in page.locator(".node.near").all()}


def test_a_box_in_focus_shows_what_leads_to_it_and_on_from_it(
    open_page: Callable[..., Page], address: str, console: list[str]
) -> None:
    """By keyboard as by mouse; its own policy lets the script run."""
    page = open_page(address)

    page.get_by_label("Signal shop.paid", exact=True).focus()
    focused = near(page)
    page.keyboard.press("Tab")
    page.get_by_label("Signal sent", exact=True).hover()
    hovered = near(page)
    page.mouse.move(0, 0)

    assert focused == {
        "Signal shop.paid",
        "Sent by shop.pay",
        "Receiver shop.thank",
        "Receiver shop.count.<locals>.<lambda>",
        "Dead receiver shop.make.<locals>.log, garbage-collected",
    }
    assert hovered == {"Sent by shop.pay", "Receiver shop.thank", "Signal sent"}
    assert console == []


def test_a_signal_leads_to_its_section_by_keyboard(
    open_page: Callable[..., Page], address: str
) -> None:
    """As any link; the picture can be skipped."""
    page = open_page(address)

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    comes_to(lambda: page.evaluate("document.activeElement.id"), "lists")
    page.get_by_label("Signal shop.lost").press("Enter")
    assert page.locator("section:target h3").inner_text() == "shop.lost"


def test_signals_are_filtered_by_name(open_page: Callable[..., Page], address: str) -> None:
    """And it is said how many are left."""
    page = open_page(address)

    page.get_by_label("Filter by name").fill("SHOP.")

    comes_to(page.locator("section:visible h3").all_inner_texts, ["shop.paid", "shop.lost"])
    comes_to(page.get_by_role("status").inner_text, "2 of 4 signals")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_fits_each_width_and_can_be_read_in_the_dark(
    open_page: Callable[..., Page], address: str, scheme: str, width: int
) -> None:
    """Only the picture scrolls sideways; text stands out from what is behind it."""
    page = open_page(address, width=width, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    light = page.evaluate("""() => {
        const sum = name => getComputedStyle(document.body)[name].match(/\\d+/g)
            .slice(0, 3).reduce((a, b) => a + Number(b), 0);
        return [sum("color"), sum("backgroundColor")];
    }""")
    assert (light[0] > light[1]) == (scheme == "dark")
    assert abs(light[0] - light[1]) > 450


def test_without_scripts_only_the_filter_is_missing(
    open_page: Callable[..., Page], address: str
) -> None:
    """What is known of the signals stands in the page."""
    page = open_page(address, java_script_enabled=False)

    assert page.locator("section h3").count() == 4
    assert page.locator(".node").count() == 8
    assert not page.get_by_label("Filter by name").is_visible()


def test_no_name_of_a_program_runs_in_the_browser(
    open_page: Callable[..., Page], tmp_path: Path, console: list[str]
) -> None:
    """It is shown as it is."""
    place = tmp_path / "attack.html"
    place.write_text(as_html(ATTACK), encoding="utf-8")

    page = open_page(place.as_uri())

    assert page.locator("script").count() == 1
    assert "</script><script>alert(1)</script>" in page.locator("h1").inner_text()
    assert console == []
