"""Metrics as the text that Prometheus reads: written at once, which takes a part of the time.

Prometheus's client makes an object of each sample first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.metrics.histogram import Histogram
from heliograph.metrics.names import COUNTER, in_ascii, prometheus_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heliograph.metrics.families import Family


def text_of(families: Iterable[Family], *, openmetrics: bool) -> str:
    """Return the lines of metrics, without an end.

    Args:
        families: The metrics.
        openmetrics: Whether they are written in the format of OpenMetrics, which calls a counter
            by its name without ``_total`` in front of the samples.
    """
    return "".join(line for it in families for line in _lines(it, openmetrics=openmetrics))


def bound_text(bound: float) -> str:
    """Return a bound as it is written in the label ``le``."""
    return "+Inf" if bound == float("inf") else repr(bound)


def _lines(family: Family, *, openmetrics: bool) -> Iterator[str]:
    about = family.about
    name = prometheus_name(about.name, about.kind, about.unit)
    sample = f"{name}_total" if about.kind == COUNTER else name
    title = name if openmetrics else sample
    # Quotes are escaped in one of the formats alone; so there are none.
    doc = " ".join(about.doc.replace("\\", "/").replace('"', "'").split())
    yield f"# HELP {title} {doc}\n"
    yield f"# TYPE {title} {about.kind}\n"
    names = [in_ascii(it) for it in about.labels]
    for values, value in family.series.items():
        labels = ",".join(
            f'{label}="{_escaped(text)}"' for label, text in zip(names, values, strict=True)
        )
        if isinstance(value, Histogram):
            yield from _lines_of(name, labels, value)
        else:
            yield f"{sample}{{{labels}}} {value!r}\n" if labels else f"{sample} {value!r}\n"


def _lines_of(name: str, labels: str, histogram: Histogram) -> Iterator[str]:
    before = f"{labels}," if labels else ""
    for bound, below in histogram.cumulative():
        yield f'{name}_bucket{{{before}le="{bound_text(bound)}"}} {below}\n'
    braces = f"{{{labels}}}" if labels else ""
    yield f"{name}_count{braces} {histogram.count}\n"
    yield f"{name}_sum{braces} {histogram.sum!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
