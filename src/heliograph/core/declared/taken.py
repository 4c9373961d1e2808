"""What a receiver takes: the sender, and arguments by name."""

from __future__ import annotations

from inspect import Parameter
from types import FunctionType, MethodType
from typing import NamedTuple

from heliograph.core.declared.signatures import told_signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any

# The flags of a code object, as the inspect module documents them.
_VARARGS = 0x04
_VARKEYWORDS = 0x08

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
_new: Any = tuple.__new__  # Half the time that the `__new__` of a named tuple takes.


class Taken(NamedTuple):
    """What a receiver takes.

    Attributes:
        takes_sender: Whether the sender can be passed, which is always by position.
        sender_name: The name of the parameter for it, if it can be passed by keyword too.
        named: The names of the other arguments that can be passed by keyword.
        needed: The names of those of them that have no default.
        by_position: The names of arguments that can be passed by position alone, and have no
            default.
        extra: Whether it takes arguments that it does not name.
    """

    takes_sender: bool
    sender_name: str | None
    named: tuple[str, ...]
    needed: tuple[str, ...]
    by_position: tuple[str, ...]
    extra: bool


_ANYTHING = Taken(True, None, (), (), (), True)


def taken_by(receiver: Callable[..., Any]) -> Taken:
    """Return what a receiver takes; if its signature cannot be read, that is anything."""
    given: Any = receiver
    is_method = type(given) is MethodType
    function = given.__func__ if is_method else given
    # What a decorator says of a function is in the function's dict.
    plain = type(function) is FunctionType and not function.__dict__
    # The object of a method may be one of its `*args`, which is rare.
    if plain and (not is_method or function.__code__.co_argcount):
        return _of_function(function, int(is_method))
    signature = told_signature(receiver)
    return _ANYTHING if signature is None else _of_signature(signature)


def _of_function(function: FunctionType, bound: int) -> Taken:
    """Return what a plain function takes, in a twentieth of the time that `inspect` needs.

    Args:
        function: The function.
        bound: How many of its arguments are given already.
    """
    code = function.__code__
    names, positional, only_positional = code.co_varnames, code.co_argcount, code.co_posonlyargcount
    end = positional + code.co_kwonlyargcount
    takes_sender = positional > bound
    start = bound + 1 if takes_sender else bound
    first_named = max(start, only_positional) if only_positional else start
    bare = positional - len(function.__defaults__ or ())
    needed, given = names[positional:end], function.__kwdefaults__
    if given:
        needed = tuple([name for name in needed if name not in given])
    taken: Taken = _new(
        Taken,
        (
            takes_sender or bool(code.co_flags & _VARARGS),
            names[bound] if takes_sender and bound >= only_positional else None,
            names[first_named:end],
            names[first_named:bare] + needed,
            names[start : min(bare, only_positional)] if only_positional else (),
            bool(code.co_flags & _VARKEYWORDS),
        ),
    )
    return taken


def _of_signature(signature: Signature) -> Taken:
    """Return what a callable takes whose signature `inspect` has read."""
    parameters = list(signature.parameters.values())
    kinds = {it.kind for it in parameters}
    sender = parameters.pop(0) if parameters and parameters[0].kind in _BY_POSITION else None
    bare = [it for it in parameters if it.default is it.empty and it.kind not in _VARIABLE]
    return Taken(
        takes_sender=sender is not None or Parameter.VAR_POSITIONAL in kinds,
        sender_name=sender.name if sender is not None and sender.kind in _BY_KEYWORD else None,
        named=tuple(it.name for it in parameters if it.kind in _BY_KEYWORD),
        needed=tuple(it.name for it in bare if it.kind in _BY_KEYWORD),
        by_position=tuple(it.name for it in bare if it.kind not in _BY_KEYWORD),
        extra=Parameter.VAR_KEYWORD in kinds,
    )
