"""Call sites: where the user's code calls the engine, and warnings that point there."""

from __future__ import annotations

import sys
from sys import _getframe
from weakref import ref

from heliograph.core.errors import ReceiverWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    # The code object that calls, and an offset into it: finding the line number takes longer than
    # all the rest of connecting, and few programs ask for it.
    CallSite = tuple[CodeType, int]

ENGINES = {__name__.partition(".")[0]}
"""Packages whose code is not the user's.

By the names of modules, not of files, as a program may be frozen or compiled elsewhere.
"""


class Modules(dict[str, bool]):
    """Whether modules belong to certain packages, found out once for each."""

    def __init__(self, packages: set[str]) -> None:
        super().__init__()
        self._packages = packages

    def __missing__(self, module: str) -> bool:
        if len(self) >= _MOST_MODULES:  # A program may run any number of texts by `exec`.
            self.clear()
        return self.setdefault(module, module.partition(".")[0] in self._packages)


_MOST_MODULES = 4096
is_of_an_engine: Modules = Modules(ENGINES)

is_of_asyncio: Modules = Modules({"asyncio"})

_looked_up = dict.get  # Code run by `exec` may have a mapping of its own for globals.

_shown: dict[Any, Any] = {}
"""Python's record of the warnings that were shown, as each module has one of its own.

By default Python shows each warning once; a server might cause the same one in every request.
"""


def call_site(inside: int = 1) -> CallSite:
    """Return the place in the user's code that calls the engine.

    Args:
        inside: How many calls of the engine's functions are known to be under way.
    """
    try:
        frame = _getframe(inside + 1)
    except ValueError:  # pragma: no cover - of a thread that C began, which is not measured.
        frame = _getframe(inside)
    # Code run by `exec` may have any name, or none.
    while type(name := _looked_up(frame.f_globals, "__name__")) is str:
        if not is_of_an_engine[name] or frame.f_back is None:
            break
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def calling_location(*skipped: str) -> str | None:
    """Return the ``file:line`` of the code that is calling Heliograph now.

    An instrument learns from this where a signal is sent, in its `on_start`.

    Args:
        skipped: Names of modules and packages whose lines do not count, as Heliograph's own do
            not: the instrument's, for instance.

    Returns:
        The location, or None if a task of asyncio does nothing but send.
    """
    frame, look_up, engines = sys._getframe(1), _looked_up, is_of_an_engine
    while True:
        name = look_up(frame.f_globals, "__name__")
        # Instruments ask at each send: a look into a table takes a fifth of comparing names.
        ours = type(name) is str and engines[name]
        back = frame.f_back
        if back is None or not (ours or (skipped and _is_in(name, skipped))):
            break
        frame = back
    if type(name) is str and is_of_asyncio[name]:
        return None
    return file_and_line((frame.f_code, frame.f_lasti))


def _is_in(name: object, packages: tuple[str, ...]) -> bool:
    # Not by its file, as programs are frozen, and run elsewhere than they were compiled. What
    # `exec` runs may have any name, or none.
    return type(name) is str and f"{name}.".startswith(tuple(f"{it}." for it in packages))


class Callers:
    """Where the user's code calls the engine."""

    location: staticmethod[..., str | None] = staticmethod(calling_location)


def pass_over(package: str) -> None:
    """Take the code of a package for the engine's: its functions call ours."""
    ENGINES.add(package)
    is_of_an_engine.clear()


def line_of(site: CallSite) -> int:
    """Return the line number of a call site."""
    code, offset = site
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


places: dict[int, tuple[Any, dict[int, str]]] = {}
"""The call sites that were shown, by the ids of their code: each code, held weakly, and what was
found out of it."""

_MOST_PLACES = 4096
_NOWHERE: tuple[Any, dict[int, str]] = (lambda: None, {})


def file_and_line(site: CallSite) -> str:
    """Return a call site as ``file:line``.

    Finding a line takes the longer the further down it is, up to a tenth of a millisecond, and who
    watches asks at each delivery.
    """
    code, offset = site
    # By its id, as hashing code takes longer the more constants it has.
    code_ref, known = places.get(id(code), _NOWHERE)
    if code_ref() is not code:
        if len(places) >= _MOST_PLACES:
            places.clear()
        known = {}
        places[id(code)] = ref(code), known
    if offset not in known:
        known[offset] = f"{code.co_filename}:{line_of(site)}"
    return known[offset]


def warn_at(
    site: CallSite,
    message: str,
    kind: type[Warning] = ReceiverWarning,
    *,
    module: str | None = None,
) -> None:
    """Warn of something that the code at a place does: it connects a receiver, mostly.

    Args:
        site: The place in the user's code.
        message: What is wrong, and what to write instead.
        kind: The class of the warning.
        module: The module that filters of warnings look at; by default, that of the place.
    """
    from warnings import warn_explicit

    # Python says nothing at all where the module is given as None.
    given: dict[str, Any] = {} if module is None else {"module": module}
    warn_explicit(message, kind, site[0].co_filename, line_of(site), registry=_shown, **given)
