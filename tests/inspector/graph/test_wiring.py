"""The snapshot of a wiring: what is kept, and what is refused as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from heliograph.inspector import Catalogue, NamespaceInfo
from heliograph.inspector.graph import (
    SnapshotError,
    WiredReceiver,
    WiredSignal,
    Wiring,
    as_snapshot,
    from_snapshot,
    wiring_of,
)
from tests.inspector.graph.programs import PAID, SENT, SHOP, THANK

KEPT = Wiring(
    (
        WiredSignal("flask.request-started", None, (), ()),
        WiredSignal(
            "sent",
            None,
            ("shop.pay",),
            (WiredReceiver("shop.thank", "ANY", 0, "raise", True, False, False),),
        ),
        WiredSignal("shop.lost", None, (), ()),
        WiredSignal(
            "shop.paid",
            ("total: int", "note: str = ''", "any=1"),
            ("shop.pay",),
            (
                WiredReceiver("shop.thank", "ANY", 0, "raise", True, False, False),
                WiredReceiver(
                    "shop.count.<locals>.<lambda>",
                    "'a \"shop\"'",
                    -1,
                    "log",
                    False,
                    True,
                    True,
                    "after_commit",
                ),
            ),
        ),
    )
)


def test_a_snapshot_has_the_wiring_and_comes_back_as_it_was() -> None:
    """Signals sorted by name, receivers in the order of the calls; in ASCII."""
    text = as_snapshot(wiring_of(SHOP))

    assert wiring_of(SHOP) == KEPT
    assert from_snapshot(text) == KEPT
    assert text.isascii()
    assert json.loads(text)["format"] == "heliograph-wiring"


def test_a_snapshot_does_not_change_with_lines_and_the_order_of_modules() -> None:
    """Otherwise each edit would change it."""
    moved = replace(PAID, location="b.py:1", receivers=(replace(THANK, location="b.py:9"),))
    stayed = replace(PAID, receivers=(THANK,))

    def text(*signals: Any) -> str:
        return as_snapshot(wiring_of(Catalogue("a", (NamespaceInfo("shop", "", signals),))))

    assert text(moved, SENT) == text(SENT, stayed)


def changed(**fields: object) -> str:
    """Return a snapshot with other fields, without those that are None."""
    content = {**json.loads(as_snapshot(KEPT)), **fields}
    return json.dumps({key: value for key, value in content.items() if value is not None})


AGAIN = "Write it again with `heliograph graph --snapshot FILE`."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", f"It is no JSON (Expecting value: line 1 column 1 (char 0)). {AGAIN}"),
        (
            "[1]",
            (
                "It is JSON, but no snapshot: 'heliograph-wiring' is not its format. Write one "
                "with `heliograph graph --snapshot FILE`."
            ),
        ),
        (
            changed(format="other"),
            (
                "It is JSON, but no snapshot: 'heliograph-wiring' is not its format. Write one "
                "with `heliograph graph --snapshot FILE`."
            ),
        ),
        (
            changed(version=2),
            (
                "It is a snapshot of version 2, and this Heliograph reads version 1. Use the "
                "Heliograph that has written it, or write it again."
            ),
        ),
        (
            changed(signals=None),
            f"It is a snapshot, but a damaged one (KeyError: 'signals'). {AGAIN}",
        ),
        (
            changed(signals=[{"name": 3, "payload": None, "sends": [], "receivers": []}]),
            f"It is a snapshot, but a damaged one (TypeError: 3 is no text). {AGAIN}",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused(text: str, problem: str) -> None:
    """With what it is instead, and what to do."""
    with pytest.raises(SnapshotError) as refused:
        from_snapshot(text)

    assert str(refused.value) == problem


@pytest.mark.parametrize("receivers", [[{}], [{"name": "a", "colour": 1}], 3, ["a"]])
def test_a_damaged_receiver_is_refused(receivers: object) -> None:
    """Whatever it lacks, or has too much."""
    signal = {"name": "a", "payload": ["b"], "sends": [], "receivers": receivers}

    with pytest.raises(SnapshotError, match=r"It is a snapshot, but a damaged one \(TypeError: "):
        from_snapshot(changed(signals=[signal]))
