"""Names in the annotations of `heliograph.testing` that only type checkers import."""

# ruff: noqa: F403, F401 - they serve others, who evaluate annotations.

from __future__ import annotations

from unittest import TestResult

from heliograph.annotating import *
from heliograph.testing.emissions import Emissions
from heliograph.testing.matching import Criteria
from heliograph.testing.sent import Captured, Sent, Snapshot
