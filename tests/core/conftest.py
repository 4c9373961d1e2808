"""The engine's tests run in C and in Python; the id of a test says in which."""

from __future__ import annotations

from tests.implementations import pytest_generate_tests, served

__all__ = ["pytest_generate_tests", "served"]
