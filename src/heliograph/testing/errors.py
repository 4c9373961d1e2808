"""The error of a test whose signals were not sent, received or connected as it expects."""

from __future__ import annotations

from heliograph import SignalError


class ExpectationError(SignalError, AssertionError):
    """An expectation failed; the message says what happened instead."""

    __module__ = "heliograph.testing"  # pytest shows it before each message.
