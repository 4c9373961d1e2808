"""Tests of what is sent: capture, expect, mute and isolate signals, with pytest and without."""

from __future__ import annotations

from heliograph.testing.capture import Capture, capture
from heliograph.testing.emissions import Emissions
from heliograph.testing.errors import ExpectationError
from heliograph.testing.expecting import Expectation, assert_connected, expect
from heliograph.testing.isolation import isolated
from heliograph.testing.muting import Muting, mute, only
from heliograph.testing.rendered import Flashes, Templates
from heliograph.testing.rules import LoggedErrors, expect_logged
from heliograph.testing.sent import Sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heliograph.testing.case import SignalsMixin

__all__ = [
    "Capture",
    "Emissions",
    "Expectation",
    "ExpectationError",
    "Flashes",
    "LoggedErrors",
    "Muting",
    "Sent",
    "SignalsMixin",
    "Templates",
    "assert_connected",
    "capture",
    "expect",
    "expect_logged",
    "isolated",
    "mute",
    "only",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what needs `unittest` when it is asked for: pytest does without."""
        if name != "SignalsMixin":
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from heliograph.testing.case import SignalsMixin

        return SignalsMixin

    def __dir__() -> list[str]:
        return [*__all__, *(name for name in globals() if name.startswith("__"))]
