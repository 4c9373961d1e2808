"""How a connection delivers."""

from __future__ import annotations

from heliograph.core.errors import ArgumentError
from heliograph.core.source import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from heliograph.core.connections.scopes import Scope
    from heliograph.core.source import Place

    Terms = tuple[int, str, bool, bool, "Scope | None", Place]

# One tuple, which the equal ones of a receiver share.
PRIORITY: Final = 0
ON_ERROR: Final = 1
INLINE: Final = 2
WEAK: Final = 3
SCOPE: Final = 4
PLACE: Final = 5


def terms(priority: int, on_error: str, inline: bool, weak: bool) -> Terms:
    """Return how a connection delivers, with the place in the user's code that makes it.

    Raises:
        ArgumentError: If an option has a value that it cannot have.
    """
    if type(priority) is not int or on_error != "raise":
        _check(priority, on_error)
    return priority, on_error, inline, weak, None, place()


def _check(priority: object, on_error: str) -> None:
    if on_error not in ("raise", "log"):
        msg = f"on_error={on_error!r} is not a way to treat errors. Use 'raise' or 'log'."
        raise ArgumentError(msg)
    if not isinstance(priority, int):
        msg = f"priority={priority!r} is not a number. Use an int; higher ones are called earlier."
        raise ArgumentError(msg)


def refuse_misspelt(misspelt: dict[str, Any], method: Any) -> None:
    """Tell of an option that a method has not got, and of the nearest that it has.

    Raises:
        ArgumentError: Always.
    """
    from difflib import get_close_matches

    code = method.__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    options = [name for name in parameters if name not in ("self", "receiver")]
    name = next(iter(misspelt))
    close = get_close_matches(name, options, 1)
    there = f"There are {', '.join(options)}."
    if "matching" in options:
        there = f"What the payload must have is given as `matching={{{name!r}: ...}}`."
    hint = f"Did you mean {close[0]!r}?" if close else there
    msg = f"{method.__name__}() has no option {name!r}. {hint}"
    raise ArgumentError(msg)
