"""Faults in the middle of a load: what was sent has arrived, or its loss was told."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.relay.brokers import BROKERS
from tests.relay.faults import CHOSEN, FAULTS, run


@pytest.mark.parametrize("fault", CHOSEN)
@pytest.mark.parametrize("name", BROKERS)
def test_nothing_is_lost_without_a_word(name: str, fault: str) -> None:
    """Nothing at all of what is stored; `make faults` lets the other faults happen, ten times."""
    with BROKERS[name]() as broker:
        reports = run(fault, name, broker, f"shop-{uuid4()}")

    assert [it.mode for it in reports if it.silent] == []
    assert [it.holes for it in reports if it.mode != "broadcast"] == [0, 0]
    assert all(it.sent > 0 for it in reports)


def test_every_fault_that_is_chosen_is_one() -> None:
    """So that a new name does not leave one out."""
    assert {*CHOSEN} <= FAULTS.keys()
