"""What one worker sends and another receives, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.inspector.browsing.servers import APPS, awaited, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]


def test_what_arrived_is_followed_to_where_it_was_sent_and_back(
    tmp_path: Path, open_page: OpenPage, console: list[str]
) -> None:
    """Each end names the other worker, and leads to it."""
    app = f"{APPS}.relayed:app"
    with serving("gunicorn", app, tmp_path, "--workers", "2", HELIOGRAPH_ATTACH="shop") as server:
        page = open_page(server.page)
        page.get_by_text("Live · 2 workers").wait_for()
        web = server.ask("/pay")[1]
        worker = awaited(lambda: server.ask(f"/arrive?from={web}")[1])

        page.get_by_role("option").filter(has_text="/pay").click()
        tree, facts = page.get_by_role("tree"), page.locator(".about")
        tree.get_by_text("order_paid").click()
        sent = tree.get_by_role("treeitem", selected=True)
        assert str(sent.get_attribute("aria-label")).startswith(
            "Signal order_paid, relayed to other processes, 0 receivers"
        )
        assert "Relayed to" in facts.inner_text()
        facts.get_by_role("link", name=f"worker {worker}").click()

        page.get_by_role("heading", name="/arrive").wait_for()
        tree.get_by_text("order_paid").click()
        arrived = tree.get_by_role("treeitem", selected=True)
        assert str(arrived.get_attribute("aria-label")).startswith(
            f"Signal order_paid, relayed by shop@web:{web}, 1 receiver"
        )
        tree.get_by_text("bill").click()
        assert f"shop@web:{web}:66087e94" in facts.inner_text().replace("\u200b", "")
        facts.get_by_role("link", name=f"GET /pay, worker {web}").click()

        page.get_by_role("heading", name="/pay").wait_for()
        assert console == []
