"""`heliograph metrics`: a dashboard and alert rules for a program's metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.children import heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    from heliograph import Signal
    from heliograph.metrics import Metrics

    paid = Signal("paid")
    metrics = Metrics()
    metrics.count(paid, "orders", doc="Orders that were paid.")
    nothing = None
"""


def test_a_dashboard_has_what_the_program_declares(tmp_path: Path) -> None:
    """Printed, or written to a file; the title is that which was asked for."""
    write(tmp_path / "shop.py", SHOP)
    ended = heliograph("metrics", "dashboard", "shop:metrics", "--title", "Shop", cwd=tmp_path)
    heliograph("metrics", "dashboard", "shop", "-o", "made.json", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    made = json.loads(ended.out)
    assert made["title"] == "Shop"
    assert "Orders that were paid" in [it["title"] for it in made["panels"]]
    # No requests are declared.
    assert "Requests" not in [it["title"] for it in made["panels"]]
    assert json.loads((tmp_path / "made.json").read_text())["panels"] == made["panels"]


def test_alert_rules_are_made_of_what_every_program_has(tmp_path: Path) -> None:
    """Without a name, they are for signals and requests."""
    ended = heliograph("metrics", "alerts", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    [group] = json.loads(ended.out)["groups"]
    assert [it["alert"] for it in group["rules"]] == [
        "RequestsFail",
        "RequestFailed",
        "RequestsAreSlow",
        "ReceiverFails",
        "ReceiverIsSlow",
        "ReceiversDie",
        "MetricsHaveProblems",
    ]


def test_what_is_no_metrics_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A module that is not there, and a name of something else."""
    write(tmp_path / "shop.py", SHOP)
    missing = heliograph("metrics", "alerts", "shops:metrics", cwd=tmp_path)
    wrong = heliograph("metrics", "alerts", "shop:nothing", cwd=tmp_path)

    assert (missing.status, missing.out) == (1, "")
    assert "'shops:metrics' cannot be loaded: ModuleNotFoundError" in missing.err
    assert (wrong.status, wrong.out) == (2, "")
    assert "'shop:nothing' is no Metrics, but NoneType" in wrong.err
