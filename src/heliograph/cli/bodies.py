"""Encodes the fields of a request as its body: a form, a form in parts, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph.cli.items import Item

_BOUNDARY = "heliograph-trace-3f1c9a52d7"
# What browsers write for what would end a name (WHATWG, multipart/form-data).
_IN_NAMES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"
JSON = "application/json"


def is_json(kind: str) -> bool:
    """Tell whether a content type is one of JSON (RFC 6839)."""
    essence = kind.partition(";")[0].strip().lower()
    return essence == JSON or essence.endswith("+json")


def as_form(fields: Iterable[Item]) -> bytes:
    """Return the body of a form."""
    return urlencode([(it.name, it.value) for it in fields]).encode()


def as_json(fields: Iterable[Item]) -> bytes:
    """Return an object of JSON.

    Raises:
        ValueError: If a name is there twice: JSON would keep one of them.
    """
    found: dict[str, Any] = {}
    for it in fields:
        if it.name in found:
            msg = f"{it.name!r} is there twice. A list is written {it.name}:='[1, 2]'."
            raise ValueError(msg)
        found[it.name] = json.loads(it.value) if it.sign == ":=" else it.value
    return json.dumps(found, ensure_ascii=False).encode()


def as_parts(fields: Sequence[Item]) -> tuple[str, bytes]:
    """Return the content type and the body of a form in parts, which may hold files."""
    boundary = _BOUNDARY
    while any(boundary.encode() in (it.content or it.value.encode()) for it in fields):
        boundary += "x"
    blocks = [b"--%s\r\n%s\r\n" % (boundary.encode(), _part(it)) for it in fields]
    body = b"".join([*blocks, b"--%s--\r\n" % boundary.encode()])
    return f"{PARTS}; boundary={boundary}", body


def _part(it: Item) -> bytes:
    head = f'Content-Disposition: form-data; name="{it.name.translate(_IN_NAMES)}"'
    if it.sign != "@":
        return f"{head}\r\n\r\n{it.value}".encode()
    head += f'; filename="{it.file.translate(_IN_NAMES)}"\r\nContent-Type: {it.kind}'
    return f"{head}\r\n\r\n".encode() + it.content
