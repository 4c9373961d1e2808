"""Metrics of a program's own signals: an instrument for each, which reads their emissions."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

from heliograph.metrics.names import UNKNOWN, label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph import Emission
    from heliograph.metrics.families import Collected
    from heliograph.metrics.payloads import Reader
    from heliograph.metrics.problems import Problems


class Recorder:
    """The instrument that adds to one metric at each emission of a signal.

    A muted emission is none: a program mutes a signal so that it has not happened. What has come
    from another process is none either: it was added where it was sent.

    Args:
        collected: The metric.
        labels: What reads its labels, by their names.
        value: What reads the value to add, or that value.
        problems: Where it reports what cannot be read.
    """

    def __init__(
        self,
        collected: Collected,
        labels: Sequence[tuple[str, Reader]],
        value: Reader | float,
        problems: Problems,
    ) -> None:
        self._collected = collected
        self._labels = labels
        self._read = None if isinstance(value, int | float) else value
        self._one = value if isinstance(value, int | float) else 0.0
        self._problems = problems

    def __call__(self, emission: Emission) -> None:
        """Add what was sent to the metric."""
        if emission.muted or emission.origin is not None:
            return
        value = self._one
        if self._read is not None:
            try:
                value = _number(self._read(emission))
            except Exception as error:  # noqa: BLE001 - the program is told, and goes on.
                self._report("value", "nothing is recorded for such emissions", error)
                return
        labels = tuple(self._label(name, read, emission) for name, read in self._labels)
        self._collected.add_checked(labels, value)

    def _label(self, name: str, read: Reader, emission: Emission) -> Any:
        try:
            found = read(emission)
            # What a program returns may have no hash.
            return found if isinstance(found, str) else label_text(found)
        except Exception as error:  # noqa: BLE001 - as above.
            self._report(f"label {name!r}", f"it is {UNKNOWN} for such emissions", error)
            return UNKNOWN

    def _report(self, what: str, so: str, error: Exception) -> None:
        self._problems.report(
            f"The {what} of the metric {self._collected.about.name!r} could not be read: {so}. "
            f"The reading raised {type(error).__name__}.",
            error,
        )


def _number(value: object) -> float:
    if not isinstance(value, Real | Decimal):
        msg = f"a {type(value).__name__} is no number."
        raise TypeError(msg)
    return float(value)
