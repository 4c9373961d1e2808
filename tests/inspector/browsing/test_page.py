"""The page in a real browser: what it shows, by which means, and what it never does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.inspector.perfetto import problems_of
from tests.inspector.browsing.apps.hostile import HOSTILE
from tests.inspector.browsing.servers import APPS, ROOT, awaited, comes_to, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.inspector.browsing.servers import Server

    OpenPage = Callable[..., Page]


# What they look at is made once, and takes seconds.
pytestmark = pytest.mark.xdist_group("the page")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a shop in which something has happened."""
    with serving("werkzeug", f"{APPS}.shop:app", tmp_path_factory.mktemp("shop")) as server:
        visit(server)
        yield server


def visit(server: Server) -> None:
    """Let everything happen once."""
    for path in ("/", "/lines", "/slow", "/hostile", "/broken", "/nowhere"):
        server.ask(path)
    server.ask("/orders", method="POST")


def requests(page: Page) -> Any:
    """Return the rows of the list."""
    return page.get_by_role("listbox").get_by_role("option")


def request_row(page: Page, path: str) -> Any:
    """Return the newest request for a path in the list."""
    return requests(page).filter(has=page.get_by_text(path, exact=True)).first


def opened(page: Page, path: str) -> Any:
    """Open a request, and return its tree."""
    request_row(page, path).click()
    page.get_by_role("heading", name=path).wait_for()
    return page.get_by_role("tree")


def labels(page: Page) -> list[str]:
    """Return what a screen reader says of the rows of the tree, without times."""
    rows = page.get_by_role("treeitem").all()
    return [re.sub(r", [\d.]+ (s|ms|µs)", "", str(it.get_attribute("aria-label"))) for it in rows]


def test_requests_appear_as_they_come(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """Without loading the page again, with method, path, status and how many signals were sent."""
    page = open_page(shop.page)
    shop.ask("/orders/77")

    row = request_row(page, "/orders/77")
    row.wait_for()
    told = ["GET", "/orders/77", "200", "#", "#", "·", "9", "signals"]
    comes_to(
        lambda: re.sub(r"[\d.]+ ms|\d\d:\d\d:\d\d", "#", row.inner_text()).split(),
        told,
    )
    assert page.title() == "Live · Signals"
    page.get_by_role("status").first.get_by_text("Live · process ").wait_for()
    assert console == []


def test_a_request_is_a_tree_of_signals_and_receivers(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """Each receiver with what it sent; what nobody heard is folded away unless asked for."""
    page = open_page(shop.page)
    opened(page, "/orders")

    module = f"{APPS}.shop"
    heard = [
        "Signal order-placed, 2 receivers",
        f"Receiver {module}.send_receipt",
        "Signal receipt-sent, 1 receiver",
        f"Receiver {module}.archive",
        f"Receiver {module}.index_order",
    ]
    comes_to(lambda: labels(page), heard)
    levels = [it.get_attribute("aria-level") for it in page.get_by_role("treeitem").all()]
    assert levels == ["1", "2", "3", "4", "2"]
    page.get_by_role("button", name=re.compile("Show .* that nobody heard")).click()
    awaited(lambda: "Signal stock-counted, no receivers" in labels(page))
    assert console == []


def test_a_bar_is_where_and_as_long_as_its_receiver_ran(shop: Server, open_page: OpenPage) -> None:
    """One inside of another lies inside of it."""
    page = open_page(shop.page)
    opened(page, "/orders")
    # In one step, as the page may have another scale in the next.
    bars = page.locator(".bar-row .bar")
    bars.nth(4).wait_for()
    boxes = bars.evaluate_all("bars => bars.map(it => it.getBoundingClientRect().toJSON())")
    placed, receipt, sent, archived, indexed = boxes

    for inner, outer in ((receipt, placed), (sent, receipt), (archived, sent), (indexed, placed)):
        assert inner["x"] >= outer["x"] - 1
        # Bars of no length have three pixels.
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 4
    assert indexed["x"] >= receipt["x"]
    assert indexed["width"] > receipt["width"]


def test_many_equal_signals_are_one_row(shop: Server, open_page: OpenPage) -> None:
    """With how many and how long in all; the row opens by the keyboard."""
    page = open_page(shop.page)
    tree = opened(page, "/lines")
    comes_to(lambda: labels(page), ["line-packed, sent 200 times in all"])

    tree.focus()
    page.keyboard.press("ArrowRight")
    awaited(lambda: len(labels(page)) > 10)
    assert labels(page)[1] == "Signal line-packed, 1 receiver"


def test_what_was_slow_or_failed_is_found(shop: Server, open_page: OpenPage) -> None:
    """By filters, and by marks that are more than a colour."""
    page = open_page(shop.page)
    requests(page).first.wait_for()
    paths = page.locator(".request .path")

    page.get_by_label("Failed").check()
    comes_to(lambda: set(paths.all_inner_texts()), {"/hostile", "/broken"})
    assert page.locator(".request .mark.failed").count() == paths.count()
    page.get_by_label("Failed").uncheck()
    page.get_by_label("Slower than").select_option("Over 100 ms")
    awaited(lambda: "/slow" in paths.all_inner_texts())
    page.get_by_label("Slower than").select_option("Any time")
    page.get_by_label(re.compile("Filter")).fill("count_line")
    comes_to(lambda: set(paths.all_inner_texts()), {"/lines"})
    page.get_by_label(re.compile("Filter")).fill("nothing fits this")
    page.get_by_text("No request fits the filter.").wait_for()


def test_hostile_names_and_values_are_text(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """Wherever they are shown; secrets are hidden by the key."""
    page = open_page(shop.page)
    opened(page, "/hostile")
    page.locator(".about").get_by_text("ValueError").wait_for()
    assert HOSTILE in page.locator(".about .error").inner_text()
    page.get_by_role("treeitem").first.click()
    payload = page.locator(".payload").inner_text()
    assert "api_key = [redacted]" in payload
    assert "<img src=x onerror=alert(1)>" in payload

    page.locator(".about a").click()
    page.get_by_role("heading", level=2).wait_for()
    assert page.get_by_role("heading", level=2).inner_text() == HOSTILE
    for name in ("Called", "Unheard", "Not called", "Live"):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_timeout(100)
    opened(page, "/broken")
    page.get_by_role("button", name="Copy as test").click()
    page.get_by_role("button", name="Copy", exact=True).wait_for()
    assert page.locator("img, iframe, object, main script").count() == 0
    assert console == []


def test_the_views_tell_what_was_called_and_what_was_not(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """Three tables, each a link away."""
    page = open_page(shop.page)
    requests(page).first.wait_for()
    page.get_by_role("link", name="Called", exact=True).click()
    row = page.get_by_role("row").filter(has_text="count_line")
    cells = row.get_by_role("cell")
    counted = ["line-packed", f"{APPS}.shop.count_line", "200", "0"]
    comes_to(lambda: cells.all_inner_texts()[:4], counted)
    page.get_by_role("button", name="Calls").click()
    calls = page.get_by_role("columnheader", name="Calls")
    comes_to(lambda: calls.get_attribute("aria-sort"), "descending")

    page.get_by_role("link", name="Not called").click()
    row = page.get_by_role("row").filter(has_text="never_called")
    told = row.get_by_role("cell")
    comes_to(lambda: told.all_inner_texts()[::4], ["price-changed", "the signal was not sent"])
    page.get_by_role("link", name="Unheard").click()
    row = page.get_by_role("row").filter(has_text="stock-counted").first
    why = row.get_by_role("cell")
    comes_to(lambda: why.all_inner_texts()[1:2], ["no receivers"])
    assert console == []


def test_a_signal_has_a_page_of_its_own(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """With its receivers in calling order, and how long they took."""
    page = open_page(f"{shop.page}#/signal/shop/order-placed")
    page.get_by_role("img", name=re.compile("Latency distribution: .* median")).first.wait_for()

    names = page.locator(".receivers .who .name")
    connected = [f"{APPS}.shop.send_receipt", f"{APPS}.shop.index_order"]
    comes_to(names.all_inner_texts, connected)
    page.get_by_text("Connected at").first.wait_for()
    page.locator(".sends a").first.click()
    page.get_by_role("tree").wait_for()
    page.go_back()
    page.locator(".receivers").wait_for()
    assert console == []


def test_a_trace_becomes_a_test_that_runs(
    shop: Server, open_page: OpenPage, tmp_path: Path, console: list[str]
) -> None:
    """What is copied is given to pytest as it is, with a fixture `client`; and it passes."""
    page = open_page(shop.page, permissions=["clipboard-read", "clipboard-write"])
    opened(page, "/orders")
    page.get_by_role("button", name="Copy as test").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Escape")
    comes_to(page.get_by_role("dialog").count, 0)

    (tmp_path / "test_copied.py").write_text(copied, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        f"import pytest\nfrom {APPS}.shop import app\n\n"
        "@pytest.fixture\ndef client():\n    return app.test_client()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "heliograph", "-p", "no:randomly"]
    ended = subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-o", f"pythonpath={ROOT}", tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr + copied
    assert 'signals.assert_sent(order_placed, times=1, item="mirror", total=950)' in copied
    assert console == []


def test_a_trace_is_downloaded_for_perfetto(
    shop: Server, open_page: OpenPage, console: list[str]
) -> None:
    """As a file that our validator accepts."""
    page = open_page(shop.page)
    opened(page, "/orders")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download for Perfetto").click()

    assert downloading.value.suggested_filename == "signals.perfetto.json"
    trace = json.loads(Path(downloading.value.path()).read_text())
    assert problems_of(trace) == []
    assert "POST /orders" in [it["name"] for it in trace["traceEvents"]]
    assert console == []


def test_everything_is_done_by_the_keyboard(shop: Server, open_page: OpenPage) -> None:
    """From the filter to a receiver's facts, in the order in which the eye goes."""
    page = open_page(shop.page)
    requests(page).first.wait_for()
    assert focus_order(page, 9) == [
        "Skip to the signals", "Live", "Called", "Not called", "Unheard", "Pause", "Clear",
        "Filter by path, signal, receiver or error", "Failed",
    ]  # fmt: skip

    page.keyboard.press("/")  # In a checkbox it is no text.
    page.keyboard.type("post /orders")
    page.get_by_role("listbox").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.textContent.startsWith('POST/orders')")
    page.get_by_role("tree").focus()
    for key in ("ArrowDown", "ArrowDown", *["ArrowLeft"] * 5):
        page.keyboard.press(key)
    comes_to(lambda: len(labels(page)), 1)
    active = page.get_by_role("tree").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-expanded") == "false"


def focus_order(page: Page, many: int) -> list[str]:
    """Return the names of what the tab key reaches first."""
    found = []
    for _ in range(many):
        page.keyboard.press("Tab")
        found.append(
            page.evaluate(
                "(it => it.getAttribute('aria-label') || it.labels?.[0]?.textContent"
                " || it.textContent.trim())(document.activeElement)"
            )
        )
    return found


def test_pausing_and_clearing_are_the_readers_own(shop: Server, open_page: OpenPage) -> None:
    """Paused, nothing moves; going on, nothing is missing."""
    page = open_page(shop.page)
    requests(page).first.wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Nothing was sent yet").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused").wait_for()
    shop.ask("/orders/88")
    page.wait_for_timeout(1200)
    assert requests(page).count() == 0
    page.get_by_role("button", name="Go on").click()
    request_row(page, "/orders/88").wait_for()


CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_view_can_be_read(
    shop: Server, open_page: OpenPage, width: int, scheme: str, tmp_path: Path, console: list[str]
) -> None:
    """On a phone nothing is cut off; in the light and in the dark, text has contrast (WCAG AA)."""
    page = open_page(shop.page, width=width, height=740, color_scheme=scheme)
    requests(page).first.wait_for()
    views = ["#/live", "#/called", "#/idle", "#/unheard", "#/signal/shop/order-placed"]
    opened(page, "/hostile")
    views.append(page.evaluate("location.hash"))
    for view in views:
        page.evaluate("it => { location.hash = it }", view)
        page.wait_for_timeout(150)
        name = re.sub(r"\W+", "-", view)[:20].strip("-")
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        assert page.evaluate(CONTRAST) == [], view
        assert nameless(page) == [], view
    assert console == []


NAMELESS = Path(__file__).with_name("nameless.js").read_text(encoding="utf-8")


def nameless(page: Page) -> list[str]:
    """Return the controls that a screen reader could not name."""
    found: list[str] = page.evaluate(NAMELESS)
    return found
