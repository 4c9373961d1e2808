"""The rules and the captures for `unittest.TestCase`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import TestCase

from heliograph import ANY
from heliograph.testing.capture import Capture, capture
from heliograph.testing.isolation import isolated
from heliograph.testing.rules import FailureWatch, ForgottenWatch, check
from heliograph.testing.silencing import mute

if TYPE_CHECKING:
    from unittest import TestResult

    from heliograph.testing.sent import Snapshot


class SignalsMixin(TestCase):
    """Mix it in before `unittest.TestCase`, or `unittest.IsolatedAsyncioTestCase`.

    For each test, from before ``setUp`` to after the last cleanup: what it connects
    is undone; it fails if a receiver connected with ``on_error="log"`` does, or if an
    `expect` was never entered.

    Attributes:
        signals: Everything that is sent on Heliograph during the test, in order.
    """

    signals: Capture

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the test. The test runner calls this."""
        watches = FailureWatch(), ForgottenWatch()
        with isolated(), capture() as self.signals, watches[0], watches[1]:
            # The first cleanup that is added is the last that is called.
            self.addCleanup(check, *watches)
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
