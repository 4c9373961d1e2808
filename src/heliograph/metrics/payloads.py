"""Which part of an emission a metric reads, checked against the declaration of its signal."""

from __future__ import annotations

import dis
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.describe import short_repr, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph import Emission, Signal

    Reader = Callable[[Emission], Any]


def reader(signal: Signal[...], what: str, given: object) -> Reader:
    """Return a function that reads a value from an emission.

    Args:
        signal: The signal that is read.
        what: What the message calls the value.
        given: The name of an argument of the payload, or such a function.

    Raises:
        ArgumentError: If it is neither, or if the signal is declared without an argument of that
            name, or of a name that the function reads from the payload.
    """
    if isinstance(given, str):
        _check_names(signal, what, [given])
        return lambda emission: emission.payload[given]
    if not callable(given):
        msg = (
            f"{what}={short_repr(given)} reads nothing of {title_of(signal)}: pass the name of an "
            "argument of its payload, or a function that is called with the emission."
        )
        raise ArgumentError(msg)
    _check_names(signal, what, _names_in(getattr(given, "__code__", None)))
    return given


def _check_names(signal: Signal[...], what: str, names: Any) -> None:
    declaration = signal.declaration
    if declaration is None:
        return
    for name in names:
        if name not in declaration.names:
            msg = (
                f"{what} reads {name!r}, which {title_of(signal)} is not declared with: its "
                f"payload is {declaration.signature}, at {declaration.location}."
            )
            raise ArgumentError(msg)


def _names_in(code: Any) -> Iterator[str]:
    """Yield the names that code reads from a payload, as in ``e.payload["total"]``."""
    if code is None:  # A part in C, or an object with a `__call__`.
        return
    steps = [it for it in dis.get_instructions(code) if it.opname != "PUSH_NULL"]
    for before, step in pairwise(steps):
        is_key = step.opname.startswith("LOAD_CONST") and isinstance(step.argval, str)
        if is_key and before.argval == "payload":
            yield step.argval
