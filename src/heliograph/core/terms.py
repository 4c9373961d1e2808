"""How a connection delivers, and the place in the source that made it."""

from __future__ import annotations

import sys

from heliograph.core.errors import ArgumentError, ReceiverWarning

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Final

    Place = tuple[CodeType, int]
    Terms = tuple[int, str, bool, bool, "Scope | None", Place]

# One tuple, which the equal ones of a receiver share.
PRIORITY: Final = 0
ON_ERROR: Final = 1
INLINE: Final = 2
WEAK: Final = 3
SCOPE: Final = 4
PLACE: Final = 5

# By the names of modules, as a program may be frozen, or run where it was not compiled. Blinker's
# functions forward to ours once that is installed, and keep their module.
_NOT_THE_USERS = (__name__.partition(".")[0], "blinker")

_looked_up = dict.get

_shown: dict[Any, Any] = {}
"""Where Python notes which warnings were shown, as it does in each module for its own.

By its usual filter it shows each once: a server may do the same for every request.
"""


class Scope:
    """One `with` block that connects or mutes: everywhere, or in its own context alone."""

    __slots__ = ("block", "everywhere", "made", "outer")

    def __init__(self, block: object, *, everywhere: bool) -> None:
        # What was entered, until this ends; and what there is to undo.
        self.block: object = block
        self.everywhere: bool = everywhere
        self.made: Any = None
        # The one inside of which it was entered.
        self.outer: Scope | None = None


def terms(priority: int, on_error: str, inline: bool, weak: bool) -> Terms:
    """Return how a connection delivers, with the place in the user's code that makes it.

    Raises:
        ArgumentError: If an option has a value that it cannot have.
    """
    if type(priority) is not int or on_error != "raise":
        _check(priority, on_error)
    # The code object and an offset into it, because finding the line number takes
    # longer than all the rest of connecting, and few ask for it.
    frame = sys._getframe(1)
    # What `exec` runs may have any name, or none.
    while type(name := _looked_up(frame.f_globals, "__name__")) is str:
        if name.partition(".")[0] not in _NOT_THE_USERS or frame.f_back is None:
            break
        frame = frame.f_back
    return priority, on_error, inline, weak, None, (frame.f_code, frame.f_lasti)


def place() -> Place:
    """Return the place in the user's code that calls the engine."""
    return terms(0, "raise", False, False)[PLACE]


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
    from difflib import get_close_matches  # Only those who misspell pay for it.

    code = method.__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    options = [name for name in parameters if name not in ("self", "receiver")]
    name = next(iter(misspelt))
    close = get_close_matches(name, options, 1)
    there = f"There are {', '.join(options)}."
    if "where" in options:
        there = f"What the payload must have is given as `where={{{name!r}: ...}}`."
    hint = f"Did you mean {close[0]!r}?" if close else there
    msg = f"{method.__name__}() has no option {name!r}. {hint}"
    raise ArgumentError(msg)


def line_of(place: Place) -> int:
    """Return the line number of a place in the source."""
    code, offset = place
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def where_is(place: Place) -> str:
    """Return a place in the source as ``file:line``."""
    return f"{place[0].co_filename}:{line_of(place)}"


def warn_at(
    place: Place,
    message: str,
    kind: type[Warning] = ReceiverWarning,
    *,
    module: str | None = None,
) -> None:
    """Warn of what is done at a place: a receiver is connected, mostly.

    Args:
        place: The place in the user's code.
        message: What is wrong, and what to write instead.
        kind: The class of the warning.
        module: The module that filters of warnings look at; by default, that of the place.
    """
    from warnings import warn_explicit  # Only those who are warned pay for it.

    # Python says nothing at all where the module is given as None.
    given: dict[str, Any] = {} if module is None else {"module": module}
    warn_explicit(message, kind, place[0].co_filename, line_of(place), registry=_shown, **given)
