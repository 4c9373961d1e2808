"""The dashboard and the alert rules: what is in them; Prometheus itself reads the rules."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from heliograph import Signal
from heliograph.metrics import Metrics
from heliograph.metrics.dashboards import alerts, dashboard, queries
from tests.debian import needed

if TYPE_CHECKING:
    from pathlib import Path


def metrics_of_all_kinds() -> Metrics:
    """Give metrics of which each kind is there, with labels and without."""
    paid, gone = Signal("paid"), Signal("gone")
    made = Metrics()
    made.http()
    made.count(paid, labels={"plan": "plan"})
    made.observe(paid, value="total", unit="EUR", labels={"plan.kind": "plan"})
    made.gauge(paid, gone, name="open", labels={"plan": "plan"})
    made.gauge(paid, gone, name="all.open")
    return made


def test_each_declared_metric_has_a_panel() -> None:
    """With labels in the legend, and quantiles of histograms."""
    made = dashboard(metrics_of_all_kinds(), "Shop")

    by_title = {it["title"]: it for it in made["panels"]}
    assert len(by_title) == len(made["panels"]) - 1  # Two gauges have one text.
    value = by_title["A value of each emission of signal 'paid'"]
    assert value["fieldConfig"]["defaults"]["unit"] == "currencyEUR"
    rate = "sum by (le, plan_kind) (rate(paid_value_eur_bucket[$__rate_interval]))"
    assert [(it["legendFormat"], it["expr"]) for it in value["targets"]] == [
        (f"p{it} {{{{plan_kind}}}}", f"histogram_quantile(0.{it}, {rate})") for it in (50, 95, 99)
    ]
    assert "sum by (plan) (rate(paid_total[$__rate_interval]))" in queries(made)
    assert {"sum by (plan) (open)", "sum (all_open)"} < set(queries(made))
    assert json.loads(json.dumps(made)) == made


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    """A rule file in JSON is one in YAML; its own tool checks it."""
    needed("prometheus")
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps(alerts(metrics_of_all_kinds())))
    checker = shutil.which("promtool")
    assert checker is not None
    done = subprocess.run(
        [checker, "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 rules found" in done.stdout


def test_without_requests_there_are_rules_of_signals_alone() -> None:
    """What is not declared has no samples."""
    names = [it["alert"] for it in alerts(Metrics())["groups"][0]["rules"]]

    assert names == ["ReceiverFails", "ReceiverIsSlow", "ReceiversDie", "MetricsHaveProblems"]
    assert all("http" not in it for it in queries(dashboard(Metrics())))
