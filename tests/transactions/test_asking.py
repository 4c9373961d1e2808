"""Asking a server how a transaction has ended."""

from __future__ import annotations

import pytest

from heliograph.transactions.asking import settled


@pytest.mark.parametrize(
    ("answers", "committed", "pauses"),
    [
        (["committed"], True, 0),
        (["aborted"], False, 0),
        (["unknown"], False, 0),
        (["in progress", "unreachable", "committed"], True, 2),
        (["in progress"] * 9, False, 3),
    ],
    ids=["committed", "aborted", "unknown", "later", "never"],
)
def test_it_asks_until_the_transaction_is_over(
    answers: list[str], committed: bool, pauses: int
) -> None:
    """Or until its time is over."""
    waiting = iter(answers)
    paused: list[float] = []

    asked = settled(lambda: next(waiting), 0.25, pause=paused.append, clock=lambda: sum(paused))

    assert (asked, len(paused)) == (committed, pauses)
