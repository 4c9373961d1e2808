"""What a test fails with when signals were not sent, received or connected as it expects."""

from __future__ import annotations

from heliograph import SignalError


class ExpectationError(SignalError, AssertionError):
    """Something was not as a test expects; the message says what was instead."""

    __module__ = "heliograph.testing"  # It stands before each message.
