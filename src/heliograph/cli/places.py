"""Says what a receiver or an error is called, and where in the source it comes from."""

from __future__ import annotations

import functools
import inspect
import sysconfig
from pathlib import Path
from traceback import walk_tb
from types import MethodType
from typing import Any

import heliograph

_PARTIALS = 1000
"""How many partials of each other are looked behind: one may be a partial of itself."""


def name_of(receiver: Any) -> str:
    """Return the module and the qualified name of the function that a receiver runs."""
    function = _function(receiver)
    module = getattr(function, "__module__", None)
    return f"{module}.{function.__qualname__}" if module else str(function.__qualname__)


def where_defined(receiver: Any) -> str:
    """Return the file and the line of the function that a receiver runs."""
    function = _function(receiver)
    code = getattr(function, "__code__", None)
    if code is not None:
        return f"{_short(code.co_filename)}:{code.co_firstlineno}"
    try:
        return f"{_short(inspect.getfile(function))}:{inspect.getsourcelines(function)[1]}"
    except (OSError, TypeError):
        return "built in"


def shortened(where: str) -> str:
    """Return a ``file:line`` as the user would write it from here."""
    filename, _, line = where.rpartition(":")
    return f"{_short(filename)}:{line}"


def said(error: BaseException) -> str:
    """Return the type and the message of an error."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def where_raised(error: BaseException) -> str:
    """Return the file and the line that an error comes from, or "" if nothing is known.

    Of the lines that it went through, the last one that is neither of Python nor of an
    installed package: that one can be changed.
    """
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"{_short(error.filename)}:{error.lineno}"
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [(filename, line) for filename, line in lines if _is_own(filename)]
    return next((f"{_short(filename)}:{line}" for filename, line in reversed(own or lines)), "")


def _function(receiver: Any) -> Any:
    """Return what has the lines that a receiver runs: a function, or a class."""
    for _ in range(_PARTIALS):
        if not issubclass(type(receiver), functools.partial):
            break
        receiver = receiver.func
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    try:
        function = inspect.unwrap(function)
        is_named = type(function.__qualname__) is str
    except Exception:  # noqa: BLE001 - what a mock or an unbound proxy says of itself may fail.
        is_named = False
    return function if is_named else type(function).__call__


def _is_own(filename: str) -> bool:
    return Path(filename).is_file() and not any(map(Path(filename).is_relative_to, _installed()))


@functools.cache
def _installed() -> tuple[Path, ...]:
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return (Path(heliograph.__file__).parent, *map(Path, paths))


def _short(filename: str) -> str:
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
