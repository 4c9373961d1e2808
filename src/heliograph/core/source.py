"""Places in the source: where the user's code calls the engine, and warnings that point there."""

from __future__ import annotations

import sys

from heliograph.core.errors import ReceiverWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    # The code object and an offset into it, because finding the line number takes longer
    # than all the rest of connecting, and few ask for it.
    Place = tuple[CodeType, int]

# By the names of modules, as a program may be frozen, or run where it was not compiled. Blinker's
# functions forward to ours once that is installed, and keep their module.
_NOT_THE_USERS = (__name__.partition(".")[0], "blinker")

_looked_up = dict.get

_shown: dict[Any, Any] = {}
"""Where Python notes which warnings were shown, as it does in each module for its own.

By its usual filter it shows each once: a server may do the same for every request.
"""


def place() -> Place:
    """Return the place in the user's code that calls the engine."""
    frame = sys._getframe(1)
    # What `exec` runs may have any name, or none.
    while type(name := _looked_up(frame.f_globals, "__name__")) is str:
        if name.partition(".")[0] not in _NOT_THE_USERS or frame.f_back is None:
            break
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


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
    from warnings import warn_explicit

    # Python says nothing at all where the module is given as None.
    given: dict[str, Any] = {} if module is None else {"module": module}
    warn_explicit(message, kind, place[0].co_filename, line_of(place), registry=_shown, **given)
