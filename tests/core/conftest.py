"""The engine's tests run in C and in Python; the id of a test says in which."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.implementations import pytest_generate_tests, served
from tests.threads import FREE_THREADED

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pytest_generate_tests", "served"]


@pytest.fixture(scope="module", autouse=True)
def _passed_over() -> Iterator[None]:
    """Let the garbage collector pass over what was imported, whenever a test calls it.

    That is a million objects where the tests of all folders were collected, and a good half of a
    second; to collect them first would take as long.
    """
    if not FREE_THREADED:  # There, what is frozen and freed stays frozen in its next life.
        gc.freeze()
    yield
    gc.unfreeze()
