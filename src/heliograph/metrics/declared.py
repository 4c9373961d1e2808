"""The metrics that a program has declared, no two of one name."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.describe import short_repr
from heliograph.metrics import http, of_signals
from heliograph.metrics.families import Collected, Description, Family
from heliograph.metrics.healths import HealthMetric
from heliograph.metrics.names import (
    checked_label,
    checked_name,
    in_ascii,
    label_text,
    sample_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from heliograph.metrics.healths import Health
    from heliograph.metrics.problems import Problems

    Labels = tuple[str, ...]

ALWAYS = (*of_signals.ALL, *http.ALL)
"""The metrics whose names and labels are known."""

COMMON: tuple[float, ...] = (
    5.0,
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1000.0,
    2500.0,
    5000.0,
    7500.0,
    10000.0,
)
"""The bounds of values that are no seconds, if a program gives none: OpenTelemetry's."""


class Declared:
    """The declared metrics of one `Metrics`.

    Args:
        problems: Where metrics report what they leave out.
        taken: Metrics that are there already, whose names are taken.
    """

    def __init__(self, problems: Problems, taken: Iterable[Description]) -> None:
        self._problems = problems
        self._all: dict[Description, Collected | HealthMetric] = {}
        self._owners: dict[str, Description] = {}
        self._watching: list[Callable[[Collected | HealthMetric], object]] = []
        for about in taken:
            self._owners |= dict.fromkeys(_names_of(about), about)

    def add(self, about: Description, at_most: int, expected: Iterable[Labels] = ()) -> Collected:
        """Declare a metric.

        Raises:
            ArgumentError: If its name, or a name that Prometheus makes of it, is taken.
        """
        self.check(about)
        collected = Collected(about, self._problems, at_most, expected)
        self._keep(collected)
        return collected

    def add_health(self, health: Health) -> None:
        """Declare the metrics of a health.

        Raises:
            ArgumentError: If a name is taken: then none is declared.
        """
        found = [*health.metrics()]
        for it in found:
            checked_name(it.about.name)
            self.check(it.about)
        for it in found:
            self._keep(it)

    def _keep(self, metric: Collected | HealthMetric) -> None:
        self._owners |= dict.fromkeys(_names_of(metric.about), metric.about)
        self._all[metric.about] = metric
        for tell in self._watching:
            tell(metric)

    def check(self, about: Description) -> None:
        """Refuse a metric whose name is taken."""
        for name in _names_of(about):
            owner = self._owners.get(name)
            if owner is not None:
                msg = (
                    f"The metric {about.name!r} ({about.kind}) would collide with "
                    f"{owner.name!r} ({owner.kind}), which is declared already: both are "
                    f"{name!r} to some system. Pass another name=."
                )
                raise ArgumentError(msg)

    def watch(self, tell: Callable[[Collected | HealthMetric], object]) -> None:
        """Call a function with each metric, those that are declared later too."""
        self._watching.append(tell)
        for collected in tuple(self._all.values()):
            tell(collected)

    def unwatch(self, tell: Callable[[Collected | HealthMetric], object]) -> None:
        """Call a function no longer."""
        self._watching = [it for it in self._watching if it != tell]

    def families(self) -> Iterator[Family]:
        """Yield the values of all."""
        for collected in tuple(self._all.values()):
            yield collected.family()

    def of_healths(self) -> list[HealthMetric]:
        """Return the metrics of healths."""
        return [it for it in tuple(self._all.values()) if isinstance(it, HealthMetric)]

    def forget(self) -> None:
        """Begin with nothing. For a process that was forked."""
        for collected in self._all.values():
            collected.forget()


def _names_of(about: Description) -> set[str]:
    # OpenTelemetry does not tell capital letters from small ones.
    names = {about.name, *sample_names(about.name, about.kind, about.unit)}
    return {it.lower() for it in names}


def described(
    name: str, kind: str, unit: object, doc: str, labels: Iterable[str], bounds: Any = ()
) -> Description:
    """Return the description of a metric that a program declares.

    Raises:
        ArgumentError: If a name, the unit or the bounds are none.
    """
    if not isinstance(unit, str) or not unit.isascii():
        msg = f'unit={short_repr(unit)} is no unit: pass a short text such as "s", "By" or "EUR".'
        raise ArgumentError(msg)
    checked = tuple(checked_label(it) for it in labels)
    if len({in_ascii(it) for it in checked}) < len(checked):
        msg = f"The labels {', '.join(checked)} of {name!r} would be one in Prometheus."
        raise ArgumentError(msg)
    return Description(checked_name(name), kind, unit, doc, checked, _checked_bounds(bounds))


def _checked_bounds(bounds: Any) -> tuple[float, ...]:
    try:
        found = tuple(float(it) for it in bounds)
    except (TypeError, ValueError):
        found = (float("nan"),)
    if not all(map(isfinite, found)) or any(low >= high for low, high in pairwise(found)):
        msg = f"buckets={short_repr(bounds)} are no bounds: pass numbers, the smaller ones first."
        raise ArgumentError(msg)
    return found


def checked_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels of everything, as safe text.

    Raises:
        ArgumentError: If a name is none, or taken by a metric that is always there.
    """
    found = {checked_label(name): label_text(value) for name, value in labels.items()}
    taken = {in_ascii(label) for about in ALWAYS for label in about.labels}
    for name in found:
        if in_ascii(name) in taken:
            msg = f"The label {name!r} is one of some metric already: choose another name."
            raise ArgumentError(msg)
    return found


def expected_labels(
    expected: Sequence[Mapping[str, object]], labels: tuple[str, ...]
) -> list[Labels]:
    """Return label sets in the order of the labels.

    Raises:
        ArgumentError: If one of them has other labels.
    """
    for it in expected:
        if set(it) != set(labels):
            msg = (
                f"expected= has the labels {', '.join(it) or 'none'}, and the metric has "
                f"{', '.join(labels) or 'none'}: name the same ones."
            )
            raise ArgumentError(msg)
    return [tuple(label_text(it[name]) for name in labels) for it in expected]
