"""Reads declarations: from the signature of a stub, or from a class that describes a payload."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
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

from heliograph.core.declared.declaration import Argument, Declaration
from heliograph.core.declared.origins import origin_of_call, origin_of_stub
from heliograph.core.declared.runtime_types import Hint, evaluated
from heliograph.core.declared.signatures import (
    AsWritten,
    annotation_text,
    annotations_of,
    own_annotations,
    signature_of,
)
from heliograph.core.declared.stubs import is_stub
from heliograph.core.describe import describe_callable, describe_error, name_of, short_repr
from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from heliograph.core.declared.origins import Origin
    from heliograph.core.source import CallSite

_EMPTY = Parameter.empty
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_CLASS = "Use a dataclass with kw_only=True, or a TypedDict."
_SHAPE = "Write it as `def name(sender, *, first, second=None)`."
_SENDER = Parameter("sender", Parameter.POSITIONAL_ONLY)
_WORK = (
    "A declaration is a signature and a docstring, and receivers do the work: move it into another "
    "function, and connect that."
)
# Parameters of `send` itself, and the usual name of a receiver's first parameter.
_TAKEN = ("_async_wrapper", "_sync_wrapper", "sender")


class DeclareOptions(NamedTuple):
    """The options of a declaration: all that is not in the signature."""

    prefix: str
    name: str | None = None
    doc: str | None = None
    deprecated: str | None = None
    deprecated_arguments: Mapping[str, str] | None = None
    offered: Collection[str] = ()


class _Field(NamedTuple):
    """One argument, or the sender."""

    shown: Parameter
    hint: Hint


class _Parsed(NamedTuple):
    """What a stub or a class declares, as it was read."""

    name: str | None
    doc: str | None
    sender: _Field
    fields: Sequence[_Field]
    origin: Origin


def read_stub(stub: Any, options: DeclareOptions, advice: str = _WORK) -> Declaration:
    """Return what a stub declares by its signature; nothing in it runs.

    Args:
        stub: A function without a body.
        options: The options of the declaration.
        advice: Where to move the body, if the function has one.

    Raises:
        ArgumentError: If the stub cannot declare a signal.
    """
    with _named(describe_callable(stub)):
        if type(stub) is not FunctionType:
            msg = f"It is not a function. {_instead_of(stub)}"
            raise ArgumentError(msg)
        origin = origin_of_stub(stub)
        if not is_stub(stub.__code__):
            msg = f"Its body, at {origin}, would never run. {advice}"
            raise ArgumentError(msg)
        sender, *payload = list(_fields_of(stub)) or (None,)
        source = _Parsed(
            name=stub.__name__ if stub.__name__.isidentifier() else None,
            doc=stub.__doc__,
            sender=_sender(sender),
            fields=_payload(payload, stub.__globals__),
            origin=origin,
        )
        return _declaration(source, options)


def _instead_of(stub: object) -> str:
    """Return what to write instead of declaring by something that is not a function."""
    if isinstance(stub, str):
        return f"Give a name by keyword: `name={stub!r}`."
    if isinstance(stub, type):
        return f"A class describes the payload of `declare_payload(name, {stub.__name__})`."
    return _SHAPE


def read_class(
    payload: Any, sender: type | None, site: CallSite, options: DeclareOptions
) -> Declaration:
    """Return what a class declares, such as a dataclass with keyword-only fields.

    Args:
        payload: The class.
        sender: The class of the senders, or None.
        site: The place that declares the signal.
        options: The options of the declaration.

    Raises:
        ArgumentError: If the class cannot describe a payload.
    """
    with _named(describe_callable(payload)):
        if not issubclass(type(payload), type):
            msg = f"It is not a class. {_CLASS}"
            raise ArgumentError(msg)
        fields = list(_items(payload) if is_typeddict(payload) else _constructor(payload))
        doc = payload.__doc__ or ""
        # Python gives a dataclass without a docstring its signature as one.
        own = None if doc.startswith(f"{payload.__name__}(") else doc
        by = _SENDER if sender is None else _SENDER.replace(annotation=sender)
        origin = origin_of_call(site, payload)
        source = _Parsed(None, own, _field(by, payload.__module__), fields, origin)
        return _declaration(source, options)


@contextmanager
def _named(source: str) -> Iterator[None]:
    try:
        yield
    except ArgumentError as error:
        msg = f"{source} cannot declare a signal. {error}"
        raise ArgumentError(msg) from error.__cause__


def _field(shown: Parameter, module: str) -> _Field:
    return _Field(shown, Hint(shown.annotation, module))


def _fields_of(stub: FunctionType) -> Iterator[_Field]:
    meant = annotations_of(stub)
    for it in signature_of(stub).parameters.values():
        yield _Field(it, Hint(meant[it.name], stub.__module__))


def _sender(first: _Field | None) -> _Field:
    if first is None or first.shown.kind not in _BY_POSITION:
        msg = f"It has no parameter for the sender. {_SHAPE}"
        raise ArgumentError(msg)
    return first


def _payload(parameters: Sequence[_Field], names: dict[str, Any]) -> list[_Field]:
    fields: list[_Field] = []
    for it in parameters:
        if it.shown.kind is Parameter.VAR_KEYWORD:
            fields += _items(_unpacked(it, names))
        elif it.shown.kind is Parameter.KEYWORD_ONLY:
            fields.append(it)
        else:
            raise _by_position(it.shown, _SHAPE)
    return fields


def _unpacked(extra: _Field, names: dict[str, Any]) -> Any:
    """Return the TypedDict of ``**payload: Unpack[OrderPaid]``."""
    name, annotation = extra.shown.name, extra.hint.annotation
    with _evaluating(f"The annotation of '**{name}'"):
        hint = None if annotation is _EMPTY else evaluated(annotation, names)
    if get_origin(hint) is not Unpack:
        msg = (
            f"'**{name}' does not say what a send carries. Name the arguments, or describe "
            f"them by a TypedDict: `**{name}: Unpack[OrderPaid]`."
        )
        raise ArgumentError(msg)
    return get_args(hint)[0]


def _items(described: Any) -> Iterator[_Field]:
    with _evaluating(f"{name_of(described)} has an annotation that"):
        hints = get_type_hints(described, include_extras=True)
    for name, hint in hints.items():
        required = name in described.__required_keys__
        # The class itself cannot see Required in an annotation that is text.
        if get_origin(hint) in (Required, NotRequired):
            required = get_origin(hint) is Required
            [hint] = get_args(hint)  # noqa: PLW2901 - the same, unwrapped.
        default = _EMPTY if required else AsWritten("...")
        shown = Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        yield _field(shown, described.__module__)


def _constructor(described: type) -> Iterator[_Field]:
    try:
        parameters = signature_of(described).parameters
        meant = annotations_of(described)
    except (TypeError, ValueError):  # It is written in C, say.
        msg = f"The signature of its constructor cannot be read. {_CLASS}"
        raise ArgumentError(msg) from None
    for it in parameters.values():
        if it.kind is not it.KEYWORD_ONLY:
            raise _by_position(it, _CLASS)
        yield _Field(it, Hint(meant[it.name], _home_of(it.name, described).__module__))


def _home_of(name: str, described: type) -> type:
    """Return the class that annotates a field: its module gives text annotations their meaning."""
    return next((it for it in described.__mro__ if name in own_annotations(it)), described)


def _by_position(it: Parameter, advice: str) -> ArgumentError:
    bare = it.replace(annotation=_EMPTY, default=_EMPTY)
    msg = f"'{bare}' could be passed by position, and payloads are sent by keyword. {advice}"
    return ArgumentError(msg)


@contextmanager
def _evaluating(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        msg = (
            f"{what} cannot be evaluated ({describe_error(error)}). Import the names in it "
            "at run time, not only for type checkers."
        )
        raise ArgumentError(msg) from error


def _declaration(source: _Parsed, options: DeclareOptions) -> Declaration:
    name = source.name if options.name is None else options.name
    if not (isinstance(name, str) and name):
        msg = f"{name!r} is not a name for a signal: use a string, such as name='order_paid'."
        raise ArgumentError(msg)
    doc = options.doc or source.doc
    instead = _all_advice(options.deprecated_arguments)
    shown = [it.shown for it in source.fields]
    offered = _all_offered(options.offered, [it.name for it in shown])
    arguments = tuple(
        _argument(it, instead.pop(it.name, None), offered=it.name in offered) for it in shown
    )
    for unknown in instead:
        msg = f"deprecated_arguments names {unknown!r}, which is not in the payload."
        raise ArgumentError(msg)
    hints = {"sender": source.sender.hint, **{it.shown.name: it.hint for it in source.fields}}
    return Declaration(
        name=options.prefix + name,
        doc=cleandoc(doc) if doc else None,
        sender=annotation_text(source.sender.shown.annotation),
        arguments=arguments,
        deprecated=_advice(options.deprecated),
        location=str(source.origin),
        _origin=source.origin,
        _hints={name: (it,) for name, it in hints.items() if it.annotation is not _EMPTY},
    )


def _all_advice(texts: object) -> dict[str, str]:
    if texts is None or isinstance(texts, Mapping):
        return dict(texts or {})
    shown = short_repr(texts)
    msg = (
        f"deprecated_arguments={shown} does not say what to use instead of each argument: pass "
        "a dict such as {'total': 'use order.total'}."
    )
    raise ArgumentError(msg)


def _all_offered(names: object, payload: list[str]) -> Collection[str]:
    if isinstance(names, str) or not isinstance(names, Collection):
        msg = f"offered={short_repr(names)} does not name arguments: write them as {{'request'}}."
        raise ArgumentError(msg)
    for unknown in names:
        if unknown not in payload:
            msg = f"offered names {unknown!r}, which is not in the payload."
            raise ArgumentError(msg)
    return names


def _advice(text: object) -> str | None:
    if text is None or (isinstance(text, str) and text.strip()):
        return text
    msg = f"{short_repr(text)} does not explain a deprecation: say what to use instead."
    raise ArgumentError(msg)


def _argument(field: Parameter, deprecated: str | None, *, offered: bool) -> Argument:
    if field.name in _TAKEN:
        msg = f"{field.name!r} cannot be in a payload: `send` uses the name itself."
        raise ArgumentError(msg)
    default = None if field.default is _EMPTY else _shown(field)
    return Argument(
        field.name, annotation_text(field.annotation), default, _advice(deprecated), offered
    )


def _shown(field: Parameter) -> str:
    try:
        # Without the address that it may contain, which changes with every run.
        return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(field.default))
    except Exception as error:
        msg = f"The default of {field.name!r} cannot be shown, as its repr() fails."
        raise ArgumentError(msg) from error
