"""What something is called, where it is, and how it went: the words of all messages.

Heliograph's own messages, tests, traces and pages use these; so may yours, in an instrument for
instance. No function here fails, or shows values of a payload unless it is passed one.

Names: `name_of`, `title_of`, `label_of`, `variables`, `describe_sender`, `describe_callable`.
Places in the source: `location_of`, `calling_location`, `relative_location`, `portable_location`.
What came of a send: `describe_error`, `describe_outcome`, `describe_duration`, `emission_tree`.
Values: `short_repr`, `full_repr`.

Example:
    >>> from heliograph import Signal
    >>> from heliograph.describe import name_of, relative_location, title_of
    >>> order_paid = Signal("order-paid")
    >>> _ = order_paid.connect(print)
    >>> [connection] = order_paid.connections
    >>> f"{connection.name} is connected to {title_of(order_paid)}"
    "builtins.print is connected to signal 'order-paid'"
"""

from __future__ import annotations

from heliograph.core.describe import (
    describe_callable,
    describe_duration,
    describe_error,
    describe_outcome,
    describe_sender,
    full_repr,
    label_of,
    name_of,
    short_repr,
    title_of,
    variables,
)
from heliograph.core.locations import (
    calling_location,
    location_of,
    portable_location,
    relative_location,
)
from heliograph.core.observing.tree import EmissionNode, emission_tree

__all__ = [
    "EmissionNode",
    "calling_location",
    "describe_callable",
    "describe_duration",
    "describe_error",
    "describe_outcome",
    "describe_sender",
    "emission_tree",
    "full_repr",
    "label_of",
    "location_of",
    "name_of",
    "portable_location",
    "relative_location",
    "short_repr",
    "title_of",
    "variables",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
