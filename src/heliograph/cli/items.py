"""The words of a request: fields, headers, files and bodies, each told by its sign.

The signs are HTTPie's, as many people have them in their fingers.
"""

from __future__ import annotations

import json
import mimetypes
import re
import sys
from dataclasses import dataclass
from pathlib import Path

# The first sign in the word counts; of those that begin there, the longest.
_WORD = re.compile(r"(?P<name>[^=:@]*)(?P<sign>:=@|==|:=|=@|=|@|:)(?P<value>.*)", re.DOTALL)
# What RFC 9110 (5.1, 5.5) allows; a server refuses anything else.
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[^\r\n\0]*")
# A value that begins like another sign: `name=\@ada` is text, and `name=@ada` a file.
_ESCAPE = re.compile(r"\\(?=[@=])")
# How JSON begins that is a whole body.
_JSON = ("{", "[")

HOW = (
    "Write name=value for a field, name==value for the query, name:=json for JSON, Name:value for "
    "a header, name@file for a file; @file or a JSON object for the whole body. Put quotation "
    "marks around a value with blanks."
)


@dataclass(frozen=True)
class Item:
    """One word of a request.

    Attributes:
        sign: ``=`` a field, ``==`` one of the query, ``:=`` JSON, ``:`` a header, ``@`` a file of
            a form; empty for the whole body.
        name: The name, or for a whole body its content type.
        value: The value; JSON is parsed when it is sent.
        file: The name of the file, for those of a form.
        content: The content of a file or a body.
        kind: The content type of a file.
    """

    sign: str
    name: str
    value: str = ""
    file: str = ""
    content: bytes = b""
    kind: str = ""


def parse_item(word: str) -> Item:
    """Read one word of a request, with the files that it names.

    Raises:
        ValueError: If it is none; the message says what to write.
    """
    if word.lstrip().startswith(_JSON):
        return Item("", "application/json", content=_checked(word, word).encode())
    parts = _WORD.fullmatch(word)
    if parts is None or not (parts["name"] or parts["sign"] == "@"):
        raise _no_item(word)
    name, sign, value = parts["name"], parts["sign"], parts["value"]
    match sign:
        case "@":
            return file_of(name, value) if name else body_of(value)
        case ":":
            return header_of(name, value)
        case ":=@" | ":=":
            text = _text_of(value) if sign == ":=@" else value
            return Item(":=", name, _checked(text, word))
        case "=@":
            return Item("=", name, _text_of(value))
        case _:
            return Item(sign, name, _ESCAPE.sub("", value, count=1))


def header_of(name: str, value: str) -> Item:
    """Return a header.

    Raises:
        ValueError: If no server would take it.
    """
    if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
        word = f"{name}:{value}"
        raise _no_item(word)
    return Item(":", name, value.strip(" \t"))


def file_of(name: str, place: str) -> Item:
    """Return a file of a form; ``place;type=text/plain`` says its content type, as for curl."""
    path, _, kind = place.partition(";type=")
    return Item(
        "@", name, file=Path(path).name, content=read_file(path), kind=kind or guessed_kind(path)
    )


def body_of(place: str) -> Item:
    """Return the whole body, from a file."""
    return Item("", guessed_kind(place), content=read_file(place))


def guessed_kind(place: str) -> str:
    """Return the content type of a file, by its name."""
    return mimetypes.guess_type(place)[0] or "application/octet-stream"


def read_file(place: str) -> bytes:
    """Return the content of a file; ``-`` is the standard input.

    Raises:
        ValueError: If it cannot be read.
    """
    if place == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(place).expanduser().read_bytes()
    except OSError as error:
        msg = f"{place!r} cannot be read: {error.strerror}."
        raise ValueError(msg) from None


def _text_of(place: str) -> str:
    try:
        return read_file(place).decode()
    except UnicodeDecodeError:
        msg = f"{place!r} is not text in UTF-8. Send it as a file: name@{place}."
        raise ValueError(msg) from None


def _checked(text: str, word: str) -> str:
    """Return a text that is JSON."""
    try:
        json.loads(text)
    except ValueError as error:
        msg = (
            f"{word!r} is not JSON: {error}. Text is written name=value, or in JSON with quotation "
            "marks of its own: 'name:=\"value\"'."
        )
        raise ValueError(msg) from None
    return text


def _no_item(word: str) -> ValueError:
    return ValueError(f"{word!r} is neither a field nor a header nor a file. {HOW}")
