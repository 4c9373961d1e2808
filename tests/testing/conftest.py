"""The testing kit is tested on sends in C and in Python; the id of a test says on which."""

from __future__ import annotations

from tests.implementations import pytest_generate_tests, served

__all__ = ["pytest_generate_tests", "served"]
