"""Whether a function is a stub: nothing is lost if its body never runs."""

from __future__ import annotations

from dis import get_instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

# The bytecode of a docstring, `...`, `pass`, `return` and `raise NotImplementedError("why")`, in
# plain functions and in coroutine functions, in every version of Python.
_OF_STUBS = {
    "CALL",
    "CALL_INTRINSIC_1",
    "LOAD_COMMON_CONSTANT",
    "LOAD_CONST",
    "LOAD_GLOBAL",
    "LOAD_SMALL_INT",
    "NOP",
    "POP_TOP",
    "PRECALL",
    "RAISE_VARARGS",
    "RERAISE",
    "RESUME",
    "RETURN_CONST",
    "RETURN_GENERATOR",
    "RETURN_VALUE",
}
_CONSTANTS = ("LOAD_COMMON_CONSTANT", "LOAD_CONST", "LOAD_SMALL_INT", "RETURN_CONST")
_MISSING = "NotImplementedError"


def is_stub(code: CodeType) -> bool:
    """Tell whether a function has only a docstring and a placeholder for its body.

    A placeholder is ``...``, ``pass``, ``return None`` or ``raise NotImplementedError``.
    """
    found = [(it.opname, it.argval) for it in get_instructions(code)]
    if not _OF_STUBS.issuperset(name for name, _ in found):
        return False
    if code.co_names:  # It may raise that error, with constants as arguments.
        return code.co_names == (_MISSING,)
    return all(value is None for name, value in found if name in _CONSTANTS)
