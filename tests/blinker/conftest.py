"""Tests run in C and in Python, on Heliograph's signals and on the stand-in for Blinker's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import blinker
from tests.implementations import pytest_generate_tests, served

if TYPE_CHECKING:
    Signals = type[heliograph.Signal]

__all__ = ["pytest_generate_tests", "served", "signal", "signals"]


@pytest.fixture(params=[heliograph.Signal, blinker.Signal], ids=["heliograph", "blinker"])
def signals(request: pytest.FixtureRequest) -> Signals:
    """Return a class of signals."""
    chosen: Signals = request.param
    return chosen


@pytest.fixture
def signal(signals: Signals) -> heliograph.Signal:
    """Return a signal."""
    return signals()
