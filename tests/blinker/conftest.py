"""A signal of each kind: Heliograph's own, and that which stands in for Blinker's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import blinker

if TYPE_CHECKING:
    Signals = type[heliograph.Signal]


@pytest.fixture(params=[heliograph.Signal, blinker.Signal], ids=["heliograph", "blinker"])
def signals(request: pytest.FixtureRequest) -> Signals:
    """Return a class of signals."""
    chosen: Signals = request.param
    return chosen


@pytest.fixture
def signal(signals: Signals) -> heliograph.Signal:
    """Return a signal."""
    return signals()
