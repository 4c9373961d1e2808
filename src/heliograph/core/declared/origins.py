"""Where a declaration stands, and whether another one is the same one run again."""

from __future__ import annotations

import sys
from typing import NamedTuple
from weakref import ref

from heliograph.core.source import line_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FunctionType
    from typing import Any

    from heliograph.core.source import CallSite

# The flag of a code object, as the inspect module documents it: it has fast locals.
_OPTIMIZED = 0x01


class Origin(NamedTuple):
    """The place of a declaration.

    Attributes:
        file: The name of the file.
        module: The name of the module.
        within: The qualified name of the function or class around it, with a dot, or "".
        line: The line number.
        payload: The class that describes the payload, or "": one line, in a loop, may make
            several declarations.
        run: The code that was running, mostly that of the module. Weakly held; None if it is
            not known.
    """

    file: str
    module: str
    within: str
    line: int
    payload: str
    run: ref[CodeType] | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def is_again(self, other: Origin) -> bool:
        """Tell whether this is the other declaration again, or an edited version of it.

        A module runs again if it is reloaded, or if it is the main program and is imported by
        name as well. Then its code is another object, and the place may be at another line. Two
        places in one run are two declarations.
        """
        # Notebooks and shells give each cell another file name, and all cells the same module.
        if self.within != other.within or (self.file != other.file and self.module != other.module):
            return False
        one_run = self.run is not None and self.run() is not None and self.run == other.run
        same = self.line == other.line and self.payload == other.payload
        return same or not one_run

    def unlinked(self) -> Origin:
        """Return a copy without the code, which cannot be pickled."""
        return self._replace(run=None)


def origin_of_stub(stub: FunctionType) -> Origin:
    """Return the origin of a declaration by a stub."""
    code = stub.__code__
    within = stub.__qualname__.rpartition(stub.__name__)[0]
    run = _running_around(code)
    return Origin(code.co_filename, stub.__module__, within, code.co_firstlineno, "", run)


def origin_of_call(site: CallSite, payload: type) -> Origin:
    """Return the origin of a declaration by a call that passes a class."""
    code = site[0]
    dot = ".<locals>." if code.co_flags & _OPTIMIZED else "."
    within = "" if code.co_name == "<module>" else f"{code.co_qualname}{dot}"
    # By its file: the main program has two names if it is imported as well.
    home = getattr(sys.modules.get(payload.__module__), "__file__", payload.__module__)
    described = f"{home}:{payload.__qualname__}"
    return Origin(code.co_filename, _module_of(code), within, line_of(site), described, ref(code))


def _module_of(code: CodeType) -> str:
    """Return the name of the module in which this code is running now."""
    frame: Any = sys._getframe(1)
    while frame.f_code is not code:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))


def _running_around(code: CodeType) -> ref[CodeType] | None:
    """Return the running code that contains a function."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if any(it is code for it in frame.f_code.co_consts):
            return ref(frame.f_code)
        frame = frame.f_back
    return None
