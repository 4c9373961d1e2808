"""Where something is in the source, as ``file:line``: absolute, or as one would write it."""

from __future__ import annotations

import functools
import os
import sys
from types import CodeType, FrameType

from heliograph.core.claims import followed, function_of, told, told_text, without_partials
from heliograph.core.source import Callers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


# Instruments call it at each send: another function around it would take as long again.
calling_location: Callable[..., str | None] = Callers.location


def location_of(thing: Any) -> str | None:
    """Return the ``file:line`` where something is, with an absolute path, or None if unknown.

    A connection, or a dead receiver, is where it was connected; a declared signal where it is
    declared; a captured emission where it was sent; a function, a class or a code object where
    it is defined; a frame where it is at work. An error is where it was raised: of the lines
    that it went through, the last one that is neither Python's nor an installed package's.

    Example:
        >>> import textwrap
        >>> location_of(textwrap.dedent)
        '...textwrap.py:...'
        >>> location_of(print) is None
        True
    """
    if isinstance(thing, BaseException):
        return _of_error(thing)
    kind = type(thing)
    if kind is FrameType:
        return f"{thing.f_code.co_filename}:{thing.f_lineno}"
    if str(told(kind, "__module__")).startswith("heliograph."):
        thing = told(thing, "declaration") or thing
        if (known := told_text(thing, "location")) is not None:
            return known
    return _of_code(thing)


def relative_location(location: str, folder: str = ".") -> str:
    """Return a ``file:line`` as one would write it from a folder.

    A location outside the folder stays as it is.

    Args:
        location: A ``file:line``.
        folder: The folder, the current one by default; ``"~"`` is the user's home, and is kept
            as a part of what is returned.

    Example:
        >>> relative_location("/srv/shop/app.py:12", "/srv")
        'shop/app.py:12'
    """
    try:
        root = os.path.abspath(os.path.expanduser(folder))  # noqa: PTH100, PTH111 - pathlib is slow.
    except OSError:  # The current folder has been removed.
        return location
    root = root.rstrip(os.sep) + os.sep
    if not os.path.normcase(location).startswith(os.path.normcase(root)):
        return location
    below = location[len(root) :]
    return f"~{os.sep}{below}" if folder.startswith("~") else below


def portable_location(location: str) -> str:
    """Return a ``file:line`` as it is on every machine: as Python imports it, or from here."""
    # Where Python installs comes first: an environment may be inside of the folder of its user.
    for folder in (*_installed(), ".", *sys.path):
        found = relative_location(location, folder)
        if found != location:
            return found.replace(os.sep, "/")
    return location


def _of_code(thing: Any) -> str | None:
    if type(thing) is CodeType:
        return f"{thing.co_filename}:{thing.co_firstlineno}"
    thing = without_partials(thing)
    for it in (_undecorated(thing), told(type(thing), "__call__")):
        code = told(it, "__code__")
        if type(code) is CodeType:
            return _of_code(code)
    return _of_class(thing) if issubclass(type(thing), type) else None


def _undecorated(function: Any) -> Any:
    *_, innermost = followed(function_of(function), "__wrapped__")
    return innermost


def _of_class(kind: Any) -> str | None:
    from inspect import getfile, getsourcelines

    try:
        return f"{getfile(kind)}:{getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return None  # It is built in, or its source is not there.


def _of_error(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename):  # noqa: PTH113 - pathlib is slow.
        return f"{error.filename}:{error.lineno}"
    places, traceback = list[tuple[str, int]](), error.__traceback__
    while traceback is not None:
        places.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    own = [it for it in places if _is_own(it[0])]
    return next((f"{filename}:{line}" for filename, line in reversed(own or places)), None)


def _is_own(filename: str) -> bool:
    if not os.path.isfile(filename):  # noqa: PTH113 - pathlib is slow.
        return False
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - slow, too.
    return all(relative_location(filename, it) == filename for it in (ours, *_installed()))


@functools.cache
def _installed() -> tuple[str, ...]:
    """Return the folders of installed packages and of Python itself, the innermost first."""
    from sysconfig import get_path

    names = ("purelib", "platlib", "stdlib", "platstdlib")
    return tuple(get_path(it) for it in names)
