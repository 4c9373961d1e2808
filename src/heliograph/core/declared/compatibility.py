"""Whether a receiver accepts every declared payload, and which arguments are omitted for it."""

from __future__ import annotations

from inspect import Parameter

from heliograph.core.claims import told_text, without_partials
from heliograph.core.declared.signatures import signature_of, signature_text, told_signature
from heliograph.core.describe import name_of
from heliograph.core.errors import ReceiverError
from heliograph.core.source import warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.source import CallSite

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class _ReceiverSignature:
    """The signature of a receiver; one that cannot be read counts as accepting everything."""

    def __init__(self, receiver: Callable[..., Any]) -> None:
        signature = told_signature(receiver)
        if signature is None:
            signature = signature_of(lambda *args, **extra: None)  # noqa: ARG005 - any.
        self.signature = signature
        parameters = list(self.signature.parameters.values())
        first = parameters[0] if parameters else None
        self.sender = first if first is not None and first.kind in _BY_POSITION else None
        self.others = parameters if self.sender is None else parameters[1:]
        self.named = {it.name for it in self.others if it.kind in _BY_KEYWORD}
        self.extra = any(it.kind is it.VAR_KEYWORD for it in parameters)
        self.any_position = any(it.kind is it.VAR_POSITIONAL for it in parameters)


def omitted_for(receiver: Callable[..., Any], declaration: Declaration) -> frozenset[str]:
    """Return the names of the optional and offered arguments that a receiver does not take.

    Raises:
        ReceiverError: If it does not accept every declared payload.
    """
    taken = _ReceiverSignature(receiver)
    problems = [*_of_the_sender(taken, declaration), *_of_the_payload(taken, declaration)]
    if problems:
        msg = (
            f"It {', and it '.join(problems)}.\n"
            f"  The payload:  {declaration.signature}\n"
            f"  The receiver: {signature_text(taken.signature)}"
        )
        raise ReceiverError(msg)
    omissible = declaration.optional | declaration.offered
    return frozenset() if taken.extra else omissible - taken.named


def _of_the_sender(taken: _ReceiverSignature, declaration: Declaration) -> Iterator[str]:
    sender = taken.sender
    if sender is None:
        if not taken.any_position:
            yield "takes no positional argument for the sender"
    elif sender.kind is not sender.POSITIONAL_ONLY and sender.name in declaration.names:
        yield f"names its first parameter {sender.name!r}, which the payload uses too"


def _of_the_payload(taken: _ReceiverSignature, declaration: Declaration) -> Iterator[str]:
    for it in taken.others:
        if it.default is not it.empty or it.kind in (it.VAR_POSITIONAL, it.VAR_KEYWORD):
            continue
        if it.kind is it.POSITIONAL_ONLY:
            yield f"needs {it.name!r} by position, and only the sender is passed so"
        elif it.name in declaration.optional:
            yield f"needs {it.name!r}, which a send may leave out: give it a default"
        elif it.name not in declaration.required:
            yield f"needs {it.name!r}, which is not in the payload"
    needed = declaration.required - declaration.offered - taken.named
    missing = [name for name in declaration.names if name in needed]
    if missing and not taken.extra:
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
    for argument in declaration.arguments:
        if argument.deprecated is not None and argument.name in _ReceiverSignature(receiver).named:
            yield f"{who} and takes {argument.name!r}, which is deprecated: {argument.deprecated}"
