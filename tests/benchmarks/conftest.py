"""What benchmarks change of a process is put back, as other tests run in it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from zope import event

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Put back who hears of zope's events: a process has one list of them."""
    before = [*event.subscribers]
    yield
    event.subscribers[:] = before
