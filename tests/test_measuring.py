"""The mark `unmeasured`, of `conftest.py`."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.unmeasured
def test_a_test_may_be_measured_for_no_coverage() -> None:
    """Whoever else traces this thread, such as a debugger, goes on doing so."""
    assert "coverage" not in type(sys.gettrace()).__module__
