"""The rules and the captures for `unittest.TestCase`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import TestCase

from heliograph import ANY
from heliograph.testing.capture import Capture, capture
from heliograph.testing.isolation import isolated
from heliograph.testing.muting import mute
from heliograph.testing.rules import FailureWatch, ForgottenWatch, check_rules

if TYPE_CHECKING:
    from unittest import TestResult

    from heliograph.testing.sent import Snapshot


class SignalsMixin(TestCase):
    """A mixin to put before `unittest.TestCase` or `unittest.IsolatedAsyncioTestCase`.

    It covers each test from before ``setUp`` to after the last cleanup. It undoes what the
    test connects, and fails the test if a receiver connected with ``on_error="log"`` fails,
    or if an `expect` was never entered.

    Attributes:
        signals: Everything that is sent on Heliograph during the test, in order.
    """

    signals: Capture

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the test. The test runner calls this."""
        watches = FailureWatch(), ForgottenWatch()
        with isolated(), capture() as self.signals, watches[0], watches[1]:
            # The cleanup that is added first runs last.
            self.addCleanup(check_rules, *watches)
            return super().run(result)

    def capture_signals(
        self,
        *signals: Any,
        sender: Any = ANY,
        snapshot: Snapshot = "shallow",
        local: bool = False,
    ) -> Capture:
        """Capture signals until the end of the test; see `heliograph.testing.capture`."""
        return self.enterContext(capture(*signals, sender=sender, snapshot=snapshot, local=local))

    def mute_signals(self, *signals: Any, local: bool = False) -> None:
        """Mute signals until the end of the test; see `heliograph.testing.mute`."""
        self.enterContext(mute(*signals, local=local))
