"""What tests of every room can be marked with."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage of a test that is marked with `unmeasured`.

    What repeats something a thousand times takes four times as long if each line is noted; other
    tests run the same lines once.
    """
    loaded = sys.modules.get("coverage")
    measuring = loaded and loaded.Coverage.current()
    if not measuring or item.get_closest_marker("unmeasured") is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of what was imported before, as if it began here.
            measuring.start()
