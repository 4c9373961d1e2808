"""The one canonical encoding of entries, and the digests over it.

Each value is made plain first, so that the bytes depend on no Python and no database: texts lose
what PostgreSQL refuses, keys become texts, numbers with a point become the text that gives them
back. What was changed is noted. Digests are over the bytes that are stored.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from heliograph.audit.errors import PayloadError
from heliograph.describe import describe_callable, short_repr
from heliograph.redaction import HIDDEN, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ENCODING = f"heliograph-1 msgspec-{msgspec.__version__}"
"""What made the bytes, in each seal. The bytes of one version are those of every other."""

_ENCODER = msgspec.json.Encoder(order="sorted")
encode: Callable[[Any], bytes] = _ENCODER.encode

# NUL, which no text of PostgreSQL has, and halves of characters, which no encoding has.
_REFUSED = re.compile("[\0\ud800-\udfff]")
# What would end a line, or turn around how the rest of it is read.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_MOST_LETTERS = 10_000
_DEEPEST = 16
_MOST_BITS = 10_000  # Python writes no number of more than 4,300 digits.
_LONGEST_WORD = 24  # What stands around a value, and most numbers.


class Plain:
    """Makes the values of one payload plain, and notes what it has changed.

    Args:
        redaction: Which values are hidden, by their names.

    Attributes:
        notes: What was changed: the path in the payload, and how.
        letters: About how many letters it has become, so that few payloads have to be measured.
    """

    __slots__ = ("_redaction", "letters", "notes")

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self.notes: list[str] = []
        self.letters: int = 0

    def value(self, value: Any, path: str, depth: int = 0) -> Any:
        """Return a value that has one encoding.

        Raises:
            PayloadError: If two keys of a mapping become the same text.
        """
        kind = type(value)
        if kind in _AS_IT_IS:
            self.letters += _LONGEST_WORD
            return value
        convert = _EXACTLY.get(kind)  # Looked up, as there are many of these.
        if convert is not None and depth <= _DEEPEST:
            return convert(self, value, path, depth)
        return self._by_rule(value, path, depth)

    def _by_rule(self, value: Any, path: str, depth: int) -> Any:
        if depth > _DEEPEST:
            return self.noted(path, "cut", "…")
        for kinds, convert in _RULES:
            if isinstance(value, kinds):
                return convert(self, value, path, depth)
        if is_dataclass(value) and not isinstance(value, type):
            shown = [(it.name, getattr(value, it.name)) for it in fields(value)]
            return self.items(shown, path, depth)
        return self.noted(path, "as text", self._described(value))

    def payload(self, items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Return a payload whose values have one encoding each.

        Raises:
            PayloadError: If two keys of a mapping become the same text.
        """
        return self.items(items, "", 0)

    def text(self, text: str, path: str) -> str:
        """Return a text that every database takes, cut where it is very long."""
        if len(text) > _MOST_LETTERS:
            text = self.noted(path, "cut", text[:_MOST_LETTERS] + "…")
        self.letters += len(text) + _LONGEST_WORD
        if (not text.isascii() or "\0" in text) and _REFUSED.search(text):
            text = self.noted(path, "replaced", _REFUSED.sub(_REPLACEMENT, text))
        return text

    def without_secrets(self, text: str, path: str) -> str:
        """Return a text in which secrets are hidden, by their shape."""
        shown = self._redaction.without_secrets(text)
        return shown if shown == text else self.noted(path, "redacted", shown)

    def items(self, items: Iterable[tuple[Any, Any]], path: str, depth: int) -> dict[str, Any]:
        """Return keys and values that have one encoding, with secrets hidden by their names.

        Raises:
            PayloadError: If two keys become the same text.
        """
        made: dict[str, Any] = {}
        for key, value in items:
            name = key if type(key) is str else self._key(key, path)
            where = f"{path}.{name}" if path else name
            name = self.text(name, where)
            if name in made:
                msg = f"two keys of {path or 'the payload'} become the same text, {name!r}."
                raise PayloadError(msg)
            if self._redaction.hides(name):
                made[name] = self.noted(where, "redacted", HIDDEN)
            else:
                made[name] = self.value(value, where, depth + 1)
        return made

    def _key(self, key: Any, path: str) -> str:
        plain = self.value(key, f"{path}.<key>", _DEEPEST)
        return plain if isinstance(plain, str) else encode(plain).decode()

    def _described(self, value: object) -> str:
        text = describe_callable(value) if callable(value) else short_repr(value)
        return _REFUSED.sub(_REPLACEMENT, self._redaction.text(text))

    def noted(self, path: str, how: str, value: Any) -> Any:
        """Note that a value was changed, and return what it was changed to."""
        self.notes.append(f"{path}: {how}")
        return value


# How values of each kind are made plain: where they are in the payload, and how deep.


def _mapping(plain: Plain, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    return plain.items(value.items(), path, depth)


def _list(plain: Plain, value: Iterable[Any], path: str, depth: int) -> list[Any]:
    return [plain.value(it, f"{path}[{at}]", depth + 1) for at, it in enumerate(value)]


def _set(plain: Plain, value: Iterable[Any], path: str, depth: int) -> list[Any]:
    return sorted((plain.value(it, f"{path}[]", depth + 1) for it in value), key=encode)


def _enum(plain: Plain, value: enum.Enum, path: str, depth: int) -> Any:
    return plain.value(value.value, path, depth + 1)


def _str(plain: Plain, value: str, path: str, _: int) -> str:
    return plain.text(plain.without_secrets(str.__str__(value), path), path)


def _int(plain: Plain, value: int, path: str, _: int) -> int | str:
    size = value.bit_length()
    plain.letters += _LONGEST_WORD + size // 3
    if size <= _MOST_BITS:
        return int.__int__(value)
    return plain.text(plain.noted(path, "as text", hex(value)), path)


def _float(plain: Plain, value: float, path: str, _: int) -> str:
    text: str = float.__repr__(value)
    return text if isfinite(value) else plain.noted(path, "not a number", text)


def _bytes(plain: Plain, value: bytes, path: str, _: int) -> str:
    return plain.text(b64encode(value).decode(), path)


def _written(_: Plain, value: object, __: str, ___: int) -> str:
    return str(value)


def _iso(_: Plain, value: dt.date | dt.time, __: str, ___: int) -> str:
    return value.isoformat()


_AS_IT_IS = (type(None), bool)
_EXACTLY: dict[type, Callable[[Plain, Any, str, int], Any]] = {
    str: _str,
    int: _int,
    float: _float,
    dict: _mapping,
    list: _list,
    tuple: _list,
}
# Enums come first, as some of them are texts or numbers as well.
_RULES: tuple[tuple[Any, Callable[[Plain, Any, str, int], Any]], ...] = (
    (enum.Enum, _enum),
    (Mapping, _mapping),
    ((list, tuple), _list),
    ((set, frozenset), _set),
    (str, _str),
    (int, _int),
    (float, _float),
    ((Decimal, UUID), _written),
    ((dt.date, dt.time), _iso),
    ((bytes, bytearray), _bytes),
)


def one_line(text: str, most: int = 200) -> str:
    """Return a text that can stand in a log or a header: no line breaks, no controls, cut."""
    return _CONTROLS.sub(_REPLACEMENT, text[:most])


def digest_of_data(salt: bytes, data: bytes) -> bytes:
    """Return the digest of what an entry tells, which stays when that is erased.

    With the salt, whoever sees it cannot try out what was erased.
    """
    return hashlib.sha256(salt + data).digest()


def digest_of_entry(header: Sequence[Any], data_digest: bytes) -> bytes:
    """Return the digest of an entry: of its header, and of what it tells."""
    return hashlib.sha256(encode(header) + data_digest).digest()
