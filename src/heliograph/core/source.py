"""Call sites: where the user's code calls the engine, and warnings that point there."""

from __future__ import annotations

import sys

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


class _Modules(dict[str, bool]):
    """Whether modules belong to these packages, found out once for each."""

    def __missing__(self, module: str) -> bool:
        if len(self) >= _MOST_MODULES:  # A program may run any number of texts by `exec`.
            self.clear()
        return self.setdefault(module, module.partition(".")[0] in ENGINES)


_MOST_MODULES = 4096
_is_of_an_engine = _Modules()

_looked_up = dict.get

_shown: dict[Any, Any] = {}
"""Python's record of the warnings that were shown, as each module has one of its own.

By default Python shows each warning once; a server might cause the same one in every request.
"""


def call_site() -> CallSite:
    """Return the place in the user's code that calls the engine."""
    frame = sys._getframe(1)  # The engine's own. A thread may begin there.
    frame = frame.f_back or frame
    # Code run by `exec` may have any name, or none.
    while type(name := _looked_up(frame.f_globals, "__name__")) is str:
        if not _is_of_an_engine[name] or frame.f_back is None:
            break
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def pass_over(package: str) -> None:
    """Take the code of a package for the engine's: its functions call ours."""
    ENGINES.add(package)
    _is_of_an_engine.clear()


def line_of(site: CallSite) -> int:
    """Return the line number of a call site."""
    code, offset = site
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def file_and_line(site: CallSite) -> str:
    """Return a call site as ``file:line``."""
    return f"{site[0].co_filename}:{line_of(site)}"


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
