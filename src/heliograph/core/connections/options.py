"""The options of a connection: their defaults, checked and completed in one place."""

from __future__ import annotations

import sys
from collections import namedtuple

from heliograph.core.describe import short_repr
from heliograph.core.errors import ArgumentError
from heliograph.core.source import call_site
from heliograph.core.timings import check_timing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final, NamedTuple

    from heliograph.core.connections.keywords import ConnectOptions, OnError
    from heliograph.core.connections.scopes import Scope
    from heliograph.core.source import CallSite

# A new option is a line here, in `ConnectOptions`, and where it is read.
DEFAULTS: ConnectOptions = {"priority": 0, "on_error": "raise", "inline": False, "when": None}
"""The options that every connecting method takes by keyword."""

if TYPE_CHECKING:

    class How(NamedTuple):
        """How a connection delivers, and whether it lets its receiver be garbage-collected."""

        priority: int
        on_error: OnError
        inline: bool
        when: str | None
        weak: bool

    # And the block that made it, if one did, and where in the source it was made.
    Options = tuple[How, Scope | None, CallSite]

else:
    How = namedtuple("How", [*DEFAULTS, "weak"])  # noqa: PYI024 - `typing` is costly to import.

# Where options have what.
HOW: Final = 0
SCOPE: Final = 1
SITE: Final = 2

WEAKLY: How = How(**DEFAULTS, weak=True)
STRONGLY: How = How(**DEFAULTS, weak=False)
"""How connections deliver for which nothing is given. They share these."""

# When a reader wakes up, the other receivers should have finished. And `inline`, so that a
# `_sync_wrapper` does not call a stream in another thread.
LISTENING: How = How(-sys.maxsize, "raise", inline=True, when=None, weak=False)
"""The same for what keeps emissions for readers."""


def completed(given: Mapping[str, Any], weak: bool, method: Any) -> Options:
    """Check the options that a method was given, and complete them with the defaults.

    Raises:
        ArgumentError: If there is no such option, or it cannot have that value.
    """
    if not given:
        return WEAKLY if weak else STRONGLY, None, call_site()
    check_names(given, method)
    how = How(**{**DEFAULTS, **given}, weak=bool(weak))
    _check_values(how)
    return _shared(how), None, call_site()


def listening(site: CallSite) -> Options:
    """Return the options of what keeps emissions for readers."""
    return LISTENING, None, site


def held(how: How, weak: bool) -> How:
    """Return the same way to deliver, with the receiver held so."""
    return how if how.weak is weak else _shared(How(*how[:-1], weak))


def _shared(how: How) -> How:
    return next((it for it in (WEAKLY, STRONGLY) if it == how), how)


def changes_nothing(how: How, before: How) -> bool:
    """Tell whether connecting again, in this way, leaves a connection as it is.

    Strong stays strong, as somebody relies on it; and the first call site stays.
    """
    return how is before or (how == held(before, how.weak) and (how.weak or not before.weak))


def _check_values(how: How) -> None:
    on_error: object = how.on_error
    priority: object = how.priority
    if on_error not in ("raise", "log"):
        msg = f"on_error={short_repr(on_error)} is not a way to treat errors. Use 'raise' or 'log'."
        raise ArgumentError(msg)
    if not isinstance(priority, int):
        shown = short_repr(priority)
        msg = f"priority={shown} is not a number. Use an int; higher ones are called earlier."
        raise ArgumentError(msg)
    check_timing(how.when)


def check_names(given: Mapping[str, Any], method: Any) -> None:
    """Refuse an option that connecting does not have.

    Raises:
        ArgumentError: If there is one.
    """
    if not given.keys() <= DEFAULTS.keys():
        refuse_misspelt([it for it in given if it not in DEFAULTS], method, DEFAULTS)


def refuse_misspelt(misspelt: Iterable[str], method: Any, more: Iterable[str] = ()) -> None:
    """Name an option that a method does not have, and the most similar one that it has.

    Args:
        misspelt: The names that it was given.
        method: The method, whose parameters are its options.
        more: Options that it takes besides.

    Raises:
        ArgumentError: Always.
    """
    from difflib import get_close_matches

    code = getattr(method, "__wrapped__", method).__code__  # It may be in C.
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    options = [name for name in (*parameters, *more) if name not in ("self", "receiver")]
    name = next(iter(misspelt))
    close = get_close_matches(name, options, 1)
    there = f"There are {', '.join(options)}."
    if "matching" in options:
        there = f"What the payload must have is given as `matching={{{name!r}: ...}}`."
    hint = f"Did you mean {close[0]!r}?" if close else there
    msg = f"{method.__name__}() has no option {name!r}. {hint}"
    raise ArgumentError(msg)
