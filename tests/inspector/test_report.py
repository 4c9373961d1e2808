"""What is written to the log of what was counted."""

from __future__ import annotations

import gc
import os
import re
from datetime import UTC, datetime

import pytest

from heliograph import Signal
from heliograph.inspector.report import as_text
from heliograph.metrics import Metrics
from tests.cli.children import without_times


def note(sender: object) -> None:
    """Receive."""


def fail(sender: object) -> None:
    """Raise."""
    msg = "secret"
    raise LookupError(msg)


def test_it_has_receivers_errors_unheard_and_dead_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without values and messages of errors."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")  # It would warn of the receiver that dies.
    paid, lonely = Signal("order-paid"), Signal("order-lost")

    def connect_and_die() -> None:
        def gone(sender: object) -> None:
            """Die."""

        lonely.connect(gone)

    connect_and_die()
    gc.collect()
    with paid.connected_to(note), paid.connected_to(fail), Metrics() as metrics:
        with pytest.raises(LookupError):
            paid.send("shop")
        lonely.send("shop")
        lonely.send("shop")
        snapshot = metrics.snapshot()

    first, *lines = without_times(as_text(snapshot)).splitlines()
    since = datetime.fromtimestamp(snapshot.since, UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert first == (
        f"Signals of process {os.getpid()} since {since} UTC: 3 emissions of 2 signals."
    )
    times = "# ms in all, median # ms, 99th percentile # ms, slowest # ms"
    shown = {re.sub(r" at \S+$", "", it) for it in lines}
    assert shown == {
        f"  order-paid → {__name__}.note: 1 calls, no errors, {times}",
        f"  order-paid → {__name__}.fail: 1 calls, 1 LookupError, {times}",
        "  order-lost: 2 of 2 reached no receiver",
        "  order-lost: 1 receivers were garbage-collected while connected",
    }


def test_many_receivers_are_cut_off() -> None:
    """Those that take least are left out; senders are told apart if they have names."""
    many = Signal("many")
    for at in range(25):

        def receive(sender: object) -> None:
            """Receive."""

        receive.__qualname__ = f"receive_{at}"
        many.connect(receive, weak=False)
    metrics = Metrics()
    metrics.name_senders(str)
    with metrics:
        many.send("kiosk")

    lines = as_text(metrics.snapshot()).splitlines()
    assert lines[1].startswith("  many from kiosk → ")
    assert len(lines) == 22
    assert lines[-1] == "  … and 5 receivers that took less time"
