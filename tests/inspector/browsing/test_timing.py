"""Server-Timing through real servers, read by a real browser as its network panel reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspector.browsing.apps.hostile import NAMES
from tests.inspector.browsing.servers import APPS, COMMANDS, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

OVER_ASGI = ("uvicorn", "hypercorn", "granian", "daphne")
READ = (
    "performance.getEntriesByType('navigation')[0].serverTiming"
    ".map(it => [it.name, it.description, it.duration])"
)


# Of gunicorn, the workers differ in how they wait, and not in headers.
@pytest.mark.parametrize("server", sorted({*COMMANDS} - {"gunicorn-gthread"}))
def test_the_browser_reads_the_names_back(
    server: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    """Whatever their names are: in 2 kB, beside the application's own, and never another status."""
    app = "timed_asgi" if server in OVER_ASGI else "timed_wsgi"
    with serving(server, f"{APPS}.{app}:app", tmp_path, HELIOGRAPH_CHECK="1") as running:
        page = open_page("about:blank")
        answer = page.goto(running.address)
        assert answer is not None
        assert answer.status == 200
        headers = [it["value"] for it in answer.headers_array() if it["name"] == "server-timing"]
        # Some servers put headers of one name on one line.
        assert len(", ".join(headers)) <= 2000
        own, *ours, rest = page.evaluate(READ)

    assert own == ["app", "", 5]
    assert [it[0] for it in ours] == [f"h{number}" for number in range(1, len(ours) + 1)]
    assert rest == ["more", f"{len(NAMES) + 500 - len(ours)} others", 0]
    told = [name for _, name, _ in ours]
    assert all(it.startswith("order-placed/") for it in told)
    assert [it for it in NAMES.values() if not any(name.endswith(it) for name in told)] == []
    durations = [took for _, _, took in ours]
    assert durations == sorted(durations, reverse=True)
    assert "a=b" not in page.evaluate("document.cookie")
