"""Which emissions a reader wants, and how messages say it."""

from __future__ import annotations

from heliograph.core.describe import describe_sender, short_repr, title_of
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.identity import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from heliograph.core.observing.emission import Emission

    Wanted = Callable[[Emission], object] | Mapping[str, object]


def predicate(matching: Wanted) -> Callable[[Emission], object]:
    """Return a function that tells whether an emission is wanted.

    Raises:
        ArgumentError: If *matching* cannot choose emissions.
    """
    if callable(matching):
        return matching
    try:
        wanted = dict(matching)
    except (TypeError, ValueError):
        text = short_repr(matching)
        msg = f"matching={text} cannot choose emissions. Use a mapping or a function."
        raise ArgumentError(msg) from None
    return lambda emission: all(
        name in emission.payload and _is_equal(emission.payload[name], value)
        for name, value in wanted.items()
    )


def _is_equal(found: Any, wanted: Any) -> bool:
    """Tell whether two values are equal; values that cannot be compared are not."""
    if found is wanted:
        return True
    try:
        answer = found == wanted
        # Arrays compare each element, and an array of one element has a truth value.
        return bool(answer) and not hasattr(type(answer), "__len__")
    except Exception:  # noqa: BLE001 - the objects are the users', and comparing them may fail in any way.
        return False


def chosen(
    matches: Callable[[Emission], object], emission: Emission
) -> Emission | Exception | None:
    """Return an emission if it is wanted, None if not, and the error if choosing fails."""
    try:
        return emission if matches(emission) else None
    except Exception as error:  # noqa: BLE001 - it goes to the reader, not to the sender.
        return error


def which(signal: Any, sender: object, matches: object) -> str:
    """Return which emissions are wanted, as messages say it."""
    of_sender = "" if sender is ANY else f" from {describe_sender(sender)}"
    some = "" if matches is None else " that `matching` accepts"
    return f"of {title_of(signal)}{of_sender}{some}"


def ended(signal: Any) -> StateError:
    """Return the error of a reader to whom nothing comes any more."""
    return StateError(f"The stream of {title_of(signal)} is closed and empty: make another one.")
