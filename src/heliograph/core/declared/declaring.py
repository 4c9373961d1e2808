"""Reads declarations: from the signature of a stub, or from a class that describes a payload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from inspect import Parameter, cleandoc
from types import FunctionType
from typing import (
    NamedTuple,
    NotRequired,
    Required,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from heliograph.core.callables import called, name_of
from heliograph.core.declared.declaration import Argument, Declaration
from heliograph.core.declared.hints import evaluated
from heliograph.core.declared.signatures import AsWritten, annotation_text, signature_of
from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_EMPTY = Parameter.empty
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_CLASS = "Use a dataclass with kw_only=True, or a TypedDict."
_SHAPE = "Write it as `def name(sender, *, first, second=None)`."
# Those of `send` itself, and what receivers call their first parameter.
_TAKEN = ("_async_wrapper", "_sync_wrapper", "sender")


class Remarks(NamedTuple):
    """What is said of a signal beside the signature of its sends."""

    prefix: str
    name: str | None = None
    doc: str | None = None
    deprecated: str | None = None
    deprecated_arguments: Mapping[str, str] | None = None


class _Source(NamedTuple):
    """What was read of a stub or a class."""

    name: str | None
    doc: str | None
    sender: object
    fields: Sequence[Parameter]
    module: str
    where: str


def read_stub(stub: Any, remarks: Remarks) -> Declaration:
    """Return what a stub declares by its signature; nothing in it runs.

    Raises:
        ArgumentError: If it declares no signal.
    """
    with _named(called(stub)):
        if type(stub) is not FunctionType:
            msg = f"It is not a function. {_SHAPE}"
            raise ArgumentError(msg)
        sender, *payload = signature_of(stub).parameters.values() or (None,)
        source = _Source(
            name=stub.__name__ if stub.__name__.isidentifier() else None,
            doc=stub.__doc__,
            sender=_sender(sender),
            fields=_payload(payload, stub.__globals__),
            module=stub.__module__,
            where=f"{stub.__code__.co_filename}:{stub.__code__.co_firstlineno}",
        )
        return _declaration(source, remarks)


def read_class(payload: Any, sender: type | None, where: str, remarks: Remarks) -> Declaration:
    """Return what a class declares: a dataclass or another one that is made by keywords alone.

    Raises:
        ArgumentError: If it describes no payload.
    """
    with _named(called(payload)):
        if not issubclass(type(payload), type):
            msg = f"It is not a class. {_CLASS}"
            raise ArgumentError(msg)
        fields = list(_items(payload) if is_typeddict(payload) else _constructor(payload))
        doc = payload.__doc__ or ""
        # A dataclass without a docstring gets its signature for one.
        own = None if doc.startswith(f"{payload.__name__}(") else doc
        by = _EMPTY if sender is None else sender
        return _declaration(_Source(None, own, by, fields, payload.__module__, where), remarks)


@contextmanager
def _named(source: str) -> Iterator[None]:
    try:
        yield
    except ArgumentError as error:
        msg = f"{source} cannot declare a signal. {error}"
        raise ArgumentError(msg) from error.__cause__


def _sender(first: Parameter | None) -> object:
    if first is None or first.kind not in _BY_POSITION:
        msg = f"It takes no sender, and every signal is sent by somebody. {_SHAPE}"
        raise ArgumentError(msg)
    return first.annotation


def _payload(parameters: Sequence[Parameter], names: dict[str, Any]) -> list[Parameter]:
    fields: list[Parameter] = []
    for it in parameters:
        if it.kind is it.VAR_KEYWORD:
            fields += _items(_unpacked(it, names))
        elif it.kind is it.KEYWORD_ONLY:
            fields.append(it)
        else:
            raise _by_position(it, _SHAPE)
    return fields


def _unpacked(extra: Parameter, names: dict[str, Any]) -> Any:
    """Return the TypedDict of ``**payload: Unpack[OrderPaid]``."""
    with _evaluating(f"The annotation of '**{extra.name}'"):
        hint = None if extra.annotation is _EMPTY else evaluated(extra.annotation, names)
    if get_origin(hint) is not Unpack:
        msg = (
            f"'**{extra.name}' does not say what is sent. Name the arguments, or describe them "
            f"by a TypedDict: `**{extra.name}: Unpack[OrderPaid]`."
        )
        raise ArgumentError(msg)
    return get_args(hint)[0]


def _items(described: Any) -> Iterator[Parameter]:
    with _evaluating(f"{name_of(described)} has an annotation that"):
        hints = get_type_hints(described, include_extras=True)
    for name, hint in hints.items():
        required = name in described.__required_keys__
        # What is written as text is not seen by the class itself.
        if get_origin(hint) in (Required, NotRequired):
            required = get_origin(hint) is Required
            [hint] = get_args(hint)  # noqa: PLW2901 - the same, unwrapped.
        default = _EMPTY if required else AsWritten("...")
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _constructor(described: type) -> Iterator[Parameter]:
    try:
        parameters = signature_of(described).parameters
    except (TypeError, ValueError):  # It is written in C, say.
        msg = f"It does not tell how it is made. {_CLASS}"
        raise ArgumentError(msg) from None
    for it in parameters.values():
        if it.kind is not it.KEYWORD_ONLY:
            raise _by_position(it, _CLASS)
        yield it


def _by_position(it: Parameter, advice: str) -> ArgumentError:
    bare = it.replace(annotation=_EMPTY, default=_EMPTY)
    msg = f"'{bare}' could be given by position, and payloads are sent by keyword. {advice}"
    return ArgumentError(msg)


@contextmanager
def _evaluating(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        msg = (
            f"{what} cannot be evaluated ({type(error).__name__}: {error}). Import what it names "
            "at run time, not for type checkers alone."
        )
        raise ArgumentError(msg) from error


def _declaration(source: _Source, remarks: Remarks) -> Declaration:
    name = source.name if remarks.name is None else remarks.name
    if not (isinstance(name, str) and name):
        msg = f"{name!r} is not a name for a signal: use a string, such as name='order_paid'."
        raise ArgumentError(msg)
    doc = remarks.doc or source.doc
    instead = _advices(remarks.deprecated_arguments)
    arguments = tuple(_argument(it, instead.pop(it.name, None)) for it in source.fields)
    for unknown in instead:
        msg = f"deprecated_arguments names {unknown!r}, which is not in the payload."
        raise ArgumentError(msg)
    hints = {"sender": source.sender, **{it.name: it.annotation for it in source.fields}}
    return Declaration(
        name=remarks.prefix + name,
        doc=cleandoc(doc) if doc else None,
        sender=annotation_text(source.sender),
        arguments=arguments,
        deprecated=_advice(remarks.deprecated),
        where=source.where,
        _module=source.module,
        _hints={name: it for name, it in hints.items() if it is not _EMPTY},
    )


def _advices(texts: object) -> dict[str, str]:
    if texts is None or isinstance(texts, Mapping):
        return dict(texts or {})
    msg = (
        f"deprecated_arguments={texts!r} does not say what to use instead of each argument: write "
        "it as {'total': 'use order.total'}."
    )
    raise ArgumentError(msg)


def _advice(text: object) -> str | None:
    if text is None or (isinstance(text, str) and text.strip()):
        return text
    msg = f"{text!r} is no advice for a deprecation: say what to use instead."
    raise ArgumentError(msg)


def _argument(field: Parameter, deprecated: str | None) -> Argument:
    if field.name in _TAKEN:
        msg = f"{field.name!r} cannot be in a payload: it is an argument of sending itself."
        raise ArgumentError(msg)
    default = None if field.default is _EMPTY else _shown(field)
    return Argument(field.name, annotation_text(field.annotation), default, _advice(deprecated))


def _shown(field: Parameter) -> str:
    try:
        # Without the address that it may have, which is another one in each run.
        return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(field.default))
    except Exception as error:
        msg = f"The default of {field.name!r} cannot be shown, as its repr() fails."
        raise ArgumentError(msg) from error
