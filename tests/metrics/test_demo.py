"""The demonstration: the shop of the examples, served, visited and counted."""

from __future__ import annotations

import subprocess
import sys

from tests.debian import needed
from tests.lifecycle.served import ROOT

SHOWN = """\
  heliograph_http_errors_total 1.0
  heliograph_messages_flashed_total{category="success"} 3.0
  heliograph_messages_flashed_total{category="warning"} 1.0
  shop_order_quantity_count 3.0
  shop_order_quantity_sum 6.0
  shop_orders_total 3.0
  shop_views_total{product="mirror"} 5.0
"""


def test_the_demonstration_shows_what_was_visited() -> None:
    """Its page has the counts of all workers, and Prometheus answers with the same."""
    needed("prometheus")
    done = subprocess.run(
        [sys.executable, "measure.py"],
        cwd=ROOT / "examples",
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )

    lines = done.stdout.splitlines()
    assert set(SHOWN.splitlines()) <= set(lines)
    answers = lines[lines.index("Prometheus says:") :]
    assert {
        "  requests by status, 200: 13",
        "  requests by status, 303: 4",
        "  requests by status, 404: 1",
        "  requests by status, 500: 1",
        "  orders: 3",
    } <= set(answers)
    [failed] = [it for it in answers if it.startswith("  failed requests in a minute: ")]
    assert float(failed.rpartition(" ")[2]) >= 1
