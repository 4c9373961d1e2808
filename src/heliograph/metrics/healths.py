"""The health of a relay, a trail or something else as metrics, read when somebody asks."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import getdoc
from time import monotonic
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.describe import describe_callable, short_repr
from heliograph.metrics.families import Description, Family
from heliograph.metrics.names import COUNTER, GAUGE, label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph.metrics.families import Labels, Sink
    from heliograph.metrics.problems import Problems

REASON = "reason"
"""The label of counts that are kept by a text."""

_FRESH = 0.5
"""Seconds for which a value serves: all metrics of one reading are of one, which may have cost a
query of a database."""


class HealthMetric:
    """A metric that is read of a health.

    Args:
        about: What it is.
        read: Returns its values now.

    Attributes:
        field: The attribute of the health that it is.
        sinks: Nobody is told of single values.
        is_read: Whether its values are there only when they are read.
    """

    is_read = True

    def __init__(
        self, about: Description, field: str, read: Callable[[], dict[Labels, float]]
    ) -> None:
        self.about: Description = about
        self.field: str = field
        self.sinks: tuple[Sink, ...] = ()
        self._read = read

    def family(self) -> Family:
        """Return its values now."""
        return Family(self.about, self._read())

    def forget(self) -> None:
        """Go on: whoever has the health begins again by itself in a process that was forked."""


class Health:
    """A function that returns a health, and the metrics that its attributes are.

    Truths, whole numbers, seconds and counts by a text are metrics, each as its annotation says.
    The names in ``GROWING`` of the class, if it has that, are counts that never fall.

    Args:
        prefix: What the names of the metrics begin with.
        health: Returns the value, of a dataclass.
        problems: Where it is reported if that fails.

    Raises:
        ArgumentError: If it returns something else.
    """

    def __init__(self, prefix: str, health: Callable[[], Any], problems: Problems) -> None:
        self._prefix, self._health, self._problems = prefix, health, problems
        if not callable(health):
            msg = f"{describe_callable(health)} cannot be asked: pass the method, as relay.health."
            raise ArgumentError(msg)
        value: Any = health()
        if not is_dataclass(value) or isinstance(value, type):
            msg = f"{short_repr(value)} is no health: what is passed returns one, of a dataclass."
            raise ArgumentError(msg)
        self._value: Any = value
        self._until = monotonic() + _FRESH

    def metrics(self) -> Iterator[HealthMetric]:
        """Yield a metric for each attribute that can be one."""
        growing, docs = getattr(self._value, "GROWING", ()), _docs_of(type(self._value))
        for it in fields(self._value):
            kind = _kind_of(it.type)
            doc = docs.get(it.name, f"What health() says of {it.name!r}.")
            if kind in _OVER:
                counted = COUNTER if it.name in growing else GAUGE
                about = self._described(it.name, counted, _UNITS.get(kind, ""), doc, _OVER[kind])
                yield HealthMetric(about, it.name, partial(self._number, it.name))
            elif kind in ("Mapping", "dict"):
                about = self._described(it.name, COUNTER, "", doc)
                yield HealthMetric(about, it.name, partial(self._total, it.name))
                called = f"{it.name}.by_{REASON}"
                about = self._described(called, COUNTER, "", doc, labels=(REASON,))
                yield HealthMetric(about, called, partial(self._each, it.name))

    def _described(
        self,
        field: str,
        kind: str,
        unit: str,
        doc: str,
        over: str = "sum",
        labels: tuple[str, ...] = (),
    ) -> Description:
        return Description(f"{self._prefix}.{field}", kind, unit, doc, labels, over=over)

    def _number(self, field: str) -> dict[Labels, float]:
        found = self._found(field)
        return {} if found is None else {(): float(found)}

    def _total(self, field: str) -> dict[Labels, float]:
        found = self._found(field)
        return {} if found is None else {(): float(sum(found.values()))}

    def _each(self, field: str) -> dict[Labels, float]:
        found = self._found(field) or {}
        return {(label_text(reason),): float(count) for reason, count in found.items()}

    def _found(self, field: str) -> Any:
        now = monotonic()
        if now >= self._until:
            try:
                self._value = self._health()
            except Exception as error:  # noqa: BLE001 - an export has others to tell of.
                self._value = None
                what = f"The health of {self._prefix!r} could not be read"
                self._problems.report(f"{what}: its metrics are not exported.", error)
            self._until = now + _FRESH
        return getattr(self._value, field, None)


def _kind_of(annotation: Any) -> str:
    """Return the name of a type, whether or not its module evaluates annotations."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None)
    return str(name or annotation).partition("[")[0].removesuffix(" | None").rpartition(".")[2]


_OVER = {"bool": "min", "int": "sum", "float": "max"}
"""What gauges of these types are over several processes: if one is not connected, that matters."""

_UNITS = {"float": "s"}

_ATTRIBUTE = re.compile(r"^ +(\w+): (.+(?:\n {6,}.+)*)", re.MULTILINE)


def _docs_of(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of its attributes."""
    _, _, attributes = (getdoc(kind) or "").partition("Attributes:\n")
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}
