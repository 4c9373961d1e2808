"""What messages call receivers, signals and whatever else is passed to the engine."""

from __future__ import annotations

from heliograph.core.claims import told_text, without_partials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def name_of(thing: Any) -> str:
    """Return how messages call a receiver or any other object: ``module.qualified_name``."""
    thing = without_partials(thing)
    name = told_text(thing, "__qualname__")
    if name is not None:
        return f"{told_text(thing, '__module__') or type(thing).__module__}.{name}"
    return f"{type(thing).__module__}.{type(thing).__qualname__} object"


def called(given: object) -> str:
    """Return how messages call what was given for a callable, and may be anything."""
    return name_of(given) if callable(given) else repr(given)


def title_of(signal: Any) -> str:
    """Return how messages call a signal."""
    name = getattr(signal, "name", None)
    return "a signal without a name" if name is None else f"signal {name!r}"
