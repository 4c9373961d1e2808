"""What a change did to the wiring, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heliograph.inspector.graph import WiredReceiver, WiredSignal, Wiring, changes

A = WiredReceiver("a", "ANY", 0, "raise", True, False, False)
B = replace(A, name="b")
PAID = WiredSignal("paid", ("total: int",), ("pay",), (A, B))


def told(before: list[WiredSignal], after: list[WiredSignal]) -> list[str]:
    """Return the changes as they are printed."""
    return [str(it) for it in changes(Wiring(tuple(before)), Wiring(tuple(after)))]


def test_the_same_wiring_has_no_changes() -> None:
    """Two signals of one name are compared in their order."""
    assert told([PAID, PAID], [PAID, PAID]) == []


def test_a_signal_comes_and_goes_with_all_that_belongs_to_it() -> None:
    """A receiver is named with the sender that it hears."""
    kiosk = replace(PAID, receivers=(replace(A, sender="'kiosk'"),))

    assert told([], [kiosk]) == [
        "+ paid: signal",
        "+ paid: sent by pay",
        "+ paid: receiver a from 'kiosk'",
    ]
    assert told([PAID], []) == [
        "- paid: signal",
        "- paid: sent by pay",
        "- paid: receiver a",
        "- paid: receiver b",
    ]
    assert told([PAID], [PAID, PAID])[0] == "+ paid: signal"


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (replace(PAID, sends=("buy",)), ["- paid: sent by pay", "+ paid: sent by buy"]),
        (replace(PAID, payload=()), ["~ paid: payload (total: int) is now ()"]),
        (replace(PAID, payload=None), ["~ paid: payload (total: int) is now not declared"]),
        (replace(PAID, receivers=(A,)), ["- paid: receiver b"]),
        (replace(PAID, receivers=(A, B, A)), ["+ paid: receiver a"]),
        (
            replace(PAID, receivers=(B, A)),
            ["~ paid: receivers are called in another order: b, a"],
        ),
        (
            replace(PAID, receivers=(replace(A, priority=1, on_error="log"), B)),
            ["~ paid: receiver a: priority 0 is now 1, on_error 'raise' is now 'log'"],
        ),
    ],
)
def test_each_difference_is_one_sentence(after: WiredSignal, change: list[str]) -> None:
    """What is new, what is gone, and what is different."""
    assert told([PAID], [after]) == change
