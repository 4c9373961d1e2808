"""Shows a response as text: its headers, and its body as far as that is text."""

from __future__ import annotations

import codecs
import json
import re
from email.message import Message
from typing import TYPE_CHECKING

from heliograph.cli.bodies import is_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.cli.client import Answer

# A terminal obeys some of these: a response must not be able to command it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def response_lines(answer: Answer, *, headers: bool, body: bool) -> list[str]:
    """Return the lines of a response."""
    lines = [f"{name}: {value}" for name, value in answer.headers] if headers else []
    if body and answer.size:
        lines += [""] if lines else []
        lines += _body(answer)
    return [_CONTROLS.sub(_escaped, it) for it in lines]


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _body(answer: Answer) -> Iterator[str]:
    given = {name.lower(): value for name, value in answer.headers}
    kind = given.get("content-type", "")
    whole = answer.size == len(answer.body)
    encoded = "content-encoding" in given
    text = None if encoded else _decoded(answer.body, kind, whole=whole)
    if text is None:
        many = "1 byte" if answer.size == 1 else f"{answer.size:,} bytes"
        yield f"({many} of {kind or 'an unknown type'})"
        return
    yield from (_indented(text) if whole and is_json(kind) else text).splitlines()
    if not whole:
        yield f"(the first {len(answer.body):,} of {answer.size:,} bytes)"


def _decoded(body: bytes, kind: str, *, whole: bool) -> str | None:
    """Return a body as text, or None if it is none."""
    message = Message()
    message["Content-Type"] = kind
    charset = message.get_content_charset("utf-8")
    try:
        # What was cut may end in the middle of a letter.
        text: str = codecs.getincrementaldecoder(charset)().decode(body, final=whole)
    except (LookupError, UnicodeDecodeError):
        return None
    return None if "\0" in text else text


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
