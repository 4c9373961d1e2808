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
    from typing import Any, NamedTuple

    from heliograph.core.connections.keywords import ConnectOptions, OnError
    from heliograph.core.connections.scopes import Scope
    from heliograph.core.source import CallSite

# A new option is a line here, in `ConnectOptions`, and where it is read.
DEFAULTS: ConnectOptions = {"priority": 0, "on_error": "raise", "inline": False, "when": None}
"""The options that every connecting method takes by keyword."""

# When a reader wakes up, the other receivers should have finished. And `inline`, so that a
# `_sync_wrapper` does not call a stream in another thread.
LISTENING: tuple[Any, ...] = tuple({**DEFAULTS, "priority": -sys.maxsize, "inline": True}.values())
"""The same for what keeps emissions for readers."""

USUAL: tuple[object, ...] = tuple(DEFAULTS.values())
GIVEN: int = len(USUAL)
_new: Any = tuple.__new__  # Half the time that the `__new__` of a named tuple takes.

if TYPE_CHECKING:

    class Options(NamedTuple):
        """How a connection delivers, what it holds, and where in the source it was made."""

        priority: int
        on_error: OnError
        inline: bool
        when: str | None
        weak: bool
        scope: Scope | None
        call_site: CallSite

else:
    fields = [*DEFAULTS, "weak", "scope", "call_site"]
    Options = namedtuple("Options", fields)  # noqa: PYI024 - `typing` is costly to import.


def completed(given: Mapping[str, Any], weak: bool, method: Any) -> Options:
    """Check the options that a method was given, and complete them with the defaults.

    Raises:
        ArgumentError: If there is no such option, or it cannot have that value.
    """
    if not given:
        return usual(weak)
    check_names(given, method)
    options: Options = _new(Options, (*{**DEFAULTS, **given}.values(), weak, None, call_site()))
    _check_values(options)
    return options


def usual(weak: bool, inside: int = 1) -> Options:
    """Return the options of a connection for which none are given.

    Args:
        weak: Whether it lets the receiver be garbage-collected.
        inside: How many calls of the engine's functions are known to be under way.
    """
    # Not unpacked, as concatenating takes half the time.
    options: Options = _new(Options, USUAL + (weak, None, call_site(inside)))  # noqa: RUF005 - just told.
    return options


def listening(site: CallSite) -> Options:
    """Return the options of what keeps emissions for readers."""
    options: Options = _new(Options, LISTENING + (False, None, site))  # noqa: RUF005 - as above.
    return options


def derived(options: Options, weak: bool, scope: Scope | None, site: CallSite) -> Options:
    """Return options that differ in what no keyword argument gives."""
    # Not unpacked, as in `usual`.
    made: Options = _new(Options, options[:GIVEN] + (weak, scope, site))  # noqa: RUF005 - just told.
    return made


def changes_nothing(given: tuple[object, ...], weak: bool, before: Options) -> bool:
    """Tell whether connecting again leaves a connection as it is.

    Strong stays strong, as somebody relies on it; and the first call site stays.

    Args:
        given: The options that are given by keyword, or their defaults.
        weak: Whether the receiver may be garbage-collected.
        before: The options of the connection.
    """
    if before.weak and not weak:
        return False
    return given == before[:GIVEN]


def _check_values(options: Options) -> None:
    on_error: object = options.on_error
    priority: object = options.priority
    if on_error not in ("raise", "log"):
        msg = f"on_error={short_repr(on_error)} is not a way to treat errors. Use 'raise' or 'log'."
        raise ArgumentError(msg)
    if not isinstance(priority, int):
        shown = short_repr(priority)
        msg = f"priority={shown} is not a number. Use an int; higher ones are called earlier."
        raise ArgumentError(msg)
    check_timing(options.when)


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
