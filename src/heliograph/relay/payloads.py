"""Payload: a declared payload as JSON, checked against the declaration in both directions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph import ArgumentError
from heliograph.describe import title_of
from heliograph.relay.envelopes import is_deeper
from heliograph.relay.errors import EnvelopeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph import Signal
    from heliograph.relay.limits import Limits

_VALUE = re.compile(r"(?<=Invalid enum value) .*(?= - at )", re.DOTALL)
"""The one place where the library's words have a value in them."""


class Payload:
    """Writes and reads the payload of one declared signal.

    Arguments that the declaration gives a default may be missing, and those that it does not
    name are ignored when they arrive: old and new versions of a program understand each other.

    Args:
        signal: The signal.
        limits: How large and how deep it may be.

    Raises:
        ArgumentError: If the signal is not declared, or has an argument whose type has no JSON.
    """

    def __init__(self, signal: Signal[...], limits: Limits) -> None:
        declaration = signal.declaration
        if declaration is None:
            msg = (
                f"{title_of(signal)} is not declared, so nobody knows what it carries: declare it "
                "with Namespace.declare before it is relayed."
            )
            raise ArgumentError(msg)
        self._title = title_of(signal)
        self._declaration = declaration
        self._names = frozenset(declaration.names)
        self._limits = limits
        types = declaration.types()
        fields = [_field(it, kind, declaration.required) for it, kind in types.items()]
        try:
            struct = msgspec.defstruct("Payload", fields, kw_only=True)
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct)
        except TypeError as error:
            msg = f"The payload of {self._title} cannot cross: {error}."
            raise ArgumentError(msg) from None
        for name, kind in types.items():
            self._check_type(name, kind)
        self._encoder = msgspec.json.Encoder()

    def _check_type(self, name: str, kind: Any) -> None:
        try:
            msgspec.json.schema(kind, schema_hook=_schema_of)
        except TypeError:
            msg = (
                f"The payload of {self._title} cannot cross: the type of {name!r} has no JSON. "
                "Use numbers, texts, lists, dictionaries, dates, UUIDs, decimals, enums, "
                "dataclasses, typed dictionaries or structs."
            )
            raise ArgumentError(msg) from None

    def _check_names(self, payload: Mapping[str, Any]) -> None:
        declaration = self._declaration
        found = [f"{it!r} is missing" for it in sorted(declaration.required - payload.keys())]
        found += [f"{it!r} is not in it" for it in sorted(payload.keys() - self._names)]
        if found:
            msg = f"{self._title} cannot cross: {'; '.join(found)}. It is {declaration.signature}."
            raise ArgumentError(msg)

    def write(self, payload: Mapping[str, Any]) -> msgspec.Raw:
        """Return a payload as JSON, which another process can read again.

        Raises:
            ArgumentError: If it cannot cross: its names, its types or its size are wrong.
        """
        if payload.keys() != self._names:
            self._check_names(payload)
        try:
            written = self._encoder.encode(dict(payload))
            self._decoder.decode(written)
        except (TypeError, ValueError, RecursionError) as error:
            msg = f"The payload of {self._title} cannot cross: {_said(error)}."
            raise ArgumentError(msg) from None
        if len(written) > self._limits.message_bytes:
            msg = (
                f"The payload of {self._title} has {len(written):,} bytes as JSON, and "
                f"{self._limits.message_bytes:,} are allowed: send a key, and let receivers fetch "
                "the rest; or raise Limits(message_bytes=...)."
            )
            raise ArgumentError(msg)
        if is_deeper(written, self._limits.depth):
            msg = f"The payload of {self._title} is nested deeper than {self._limits.depth} levels."
            raise ArgumentError(msg)
        return msgspec.Raw(written)

    def read(self, written: msgspec.Raw) -> dict[str, Any]:
        """Return the keyword arguments in some JSON, whoever may have written it.

        Raises:
            EnvelopeError: If it does not fit the declaration.
        """
        try:
            found = self._decoder.decode(written)
        except Exception as error:  # noqa: BLE001 - a type of the program's may raise anything.
            msg = f"The payload of {self._title} does not fit its declaration: {_said(error)}."
            raise EnvelopeError(msg, "payload") from None
        every = dict(zip(self._declaration.names, msgspec.structs.astuple(found), strict=True))
        if not self._declaration.optional:
            return every
        return {name: value for name, value in every.items() if value is not msgspec.UNSET}


def _field(name: str, kind: Any, required: frozenset[str]) -> Any:
    if name in required:
        return (name, kind)
    # A union with `object` is no union: anything may be left out there.
    kind = kind if kind is Any else kind | msgspec.UnsetType
    return (name, kind, msgspec.UNSET)


def _schema_of(kind: Any) -> dict[str, Any]:
    """Return what is said of a type that the library does not know."""
    if kind is object:
        return {"title": "anything"}  # None at all would be taken for no answer.
    raise NotImplementedError


def _said(error: Exception) -> str:
    """Return the words of an error, without a value."""
    return _VALUE.sub("", str(error))
