"""Whether a receiver accepts every declared payload, and which arguments are omitted for it."""

from __future__ import annotations

from types import FunctionType, MethodType
from weakref import ref

from heliograph.core.callables import OWN_RECEIVERS
from heliograph.core.claims import told_text, without_partials
from heliograph.core.declared.signatures import signature_of, signature_text
from heliograph.core.declared.taken import taken_by
from heliograph.core.describe import name_of
from heliograph.core.errors import ReceiverError
from heliograph.core.source import warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.declared.taken import Taken
    from heliograph.core.source import CallSite

    # The code of a function, or a class of the engine's own receivers; how many of its arguments
    # by position have defaults, and which of those by keyword; and what is omitted for it.
    Fitted = tuple[ref[CodeType] | ref[type], int, tuple[str, ...], frozenset[str]]

_NOTHING: frozenset[str] = frozenset()

_MOST_FITTED = 256


def omitted_for(receiver: Callable[..., Any], declaration: Declaration) -> frozenset[str]:
    """Return the names of the optional and offered arguments that a receiver does not take.

    Plain functions and methods of one code, with defaults for the same parameters, take the same:
    it is looked at once, and noted for the next one.

    Raises:
        ReceiverError: If it does not accept every declared payload.
    """
    given: Any = receiver
    bound = type(given) is MethodType
    function = given.__func__ if bound else given
    if type(function) is not FunctionType or function.__dict__:
        if type(given) in OWN_RECEIVERS:
            return _of_own(type(given), declaration)
        return _looked_at(receiver, declaration)
    # By its id, as hashing code takes longer the more constants it has. The ids of objects are far
    # apart, so that the next number is free for methods.
    code = function.__code__
    place, defaults = id(code) + bound, len(function.__defaults__ or ())
    by_name = tuple(function.__kwdefaults__ or ())
    known = declaration._fitted.get(place)
    if known is not None:
        code_ref, defaults_then, by_name_then, omitted = known
        if code_ref() is code and defaults == defaults_then and by_name == by_name_then:
            return omitted
    omitted = _looked_at(receiver, declaration)
    if len(declaration._fitted) >= _MOST_FITTED:  # A program may run any number of texts by `exec`.
        declaration._fitted.clear()
    declaration._fitted[place] = ref(code), defaults, by_name, omitted
    return omitted


def _of_own(kind: type, declaration: Declaration) -> frozenset[str]:
    """Return what is omitted for receivers that the engine itself makes: they take everything."""
    if id(kind) not in declaration._fitted:  # It is there for C, as that of functions.
        declaration._fitted[id(kind)] = ref(kind), 0, (), _NOTHING
    return _NOTHING


def _looked_at(receiver: Callable[..., Any], declaration: Declaration) -> frozenset[str]:
    taken = taken_by(receiver)
    takes_sender, sender_name, named, needed, by_position, extra = taken
    # The usual receiver is asked no more than this, which takes half the time of `_problems`.
    if (
        not takes_sender
        or by_position
        or sender_name in declaration.names
        or not declaration.required.issuperset(needed)
        or not (extra or declaration.needed.issubset(named))
    ):
        msg = (
            f"It {', and it '.join(_problems(taken, declaration))}.\n"
            f"  The payload:  {declaration.signature}\n"
            f"  The receiver: {signature_text(signature_of(receiver))}"
        )
        raise ReceiverError(msg)
    return _NOTHING if extra else declaration.omissible.difference(named)


def _problems(taken: Taken, declaration: Declaration) -> Iterator[str]:
    """Yield why a receiver does not accept every declared payload, in its own order."""
    if not taken.takes_sender:
        yield "takes no positional argument for the sender"
    elif taken.sender_name in declaration.names:
        yield f"names its first parameter {taken.sender_name!r}, which the payload uses too"
    for name in taken.by_position:
        yield f"needs {name!r} by position, and only the sender is passed so"
    for name in taken.needed:
        if name in declaration.optional:
            yield f"needs {name!r}, which a send may leave out: give it a default"
        elif name not in declaration.required:
            yield f"needs {name!r}, which is not in the payload"
    needed = declaration.needed.difference(taken.named)
    if needed and not taken.extra:
        missing = [name for name in declaration.names if name in needed]
        yield f"does not take {', '.join(map(repr, missing))}: name what it uses, and add **extra"


def warn_of_deprecation(receiver: Any, declaration: Declaration, site: CallSite) -> None:
    """Warn at the place that connects a receiver, if the signal or an argument is deprecated."""
    module = told_text(without_partials(receiver), "__module__")
    for message in _deprecations(receiver, declaration):
        warn_at(site, message, DeprecationWarning, module=module)


def _deprecations(receiver: Any, declaration: Declaration) -> Iterator[str]:
    who = f"{name_of(receiver)} is connected to signal {declaration.name!r}"
    if declaration.deprecated is not None:
        yield f"{who}, which is deprecated: {declaration.deprecated}"
    named = taken_by(receiver).named
    for argument in declaration.arguments:
        if argument.deprecated is not None and argument.name in named:
            yield f"{who} and takes {argument.name!r}, which is deprecated: {argument.deprecated}"
