"""Requests as they are written on the command line: method, path, fields, headers, body."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from heliograph.cli.bodies import FORM, JSON, PARTS, as_form, as_json, as_parts, is_json
from heliograph.cli.items import Item, file_of, header_of, parse_item, read_file
from heliograph.redaction import HIDDEN, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SECRETS = Redaction()
_METHOD = re.compile(r"[A-Za-z]+")
# Written alone, in capitals, they are no names of programs.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
# A word that is a whole request, or begins one: "POST /orders item=3", "/orders".
_BEGINS = re.compile(rf"\s*(({'|'.join(_METHODS)})\s|([A-Za-z]+\s+)?(/|[A-Za-z]+://))")
# Their fields are the query.
_ASKING = ("GET", "HEAD")


@dataclass(frozen=True)
class Request:
    """One request to send.

    Attributes:
        method: The method.
        path: The path, as it was written.
        target: The path with the whole query.
        headers: The headers, that of the body among them.
        body: The body.
        words: What was written after the path, to show it, without secrets.
    """

    method: str
    path: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    words: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The request as one may write it on the command line, without its body."""
        words = [shlex.quote(it) if re.search(r"[\s'\"\\]", it) else it for it in self.words]
        return " ".join([self.method, self.path, *words])


@dataclass(frozen=True)
class Given:
    """What options say of requests, as for curl.

    Attributes:
        method: The method of the request, or None.
        headers: ``Name: value``, for all requests.
        data: Parts of the body; ``@file`` is the content of a file.
        parts: ``name=value`` or ``name=@file``, sent as a form in parts.
        in_json: Whether fields, and *data*, are sent as JSON.
    """

    method: str | None = None
    headers: Sequence[str] = ()
    data: Sequence[str] = ()
    parts: Sequence[str] = ()
    in_json: bool = False

    def of_one(self) -> list[Item]:
        """Return what can belong to one request only."""
        items = list(map(_part, self.parts))
        if self.data:
            contents = [read_file(it[1:]) if it[:1] == "@" else it.encode() for it in self.data]
            # As curl joins what it sends as a form, and as JSON.
            kind, glue = (JSON, b"") if self.in_json else (FORM, b"&")
            items.append(Item("", kind, content=glue.join(contents)))
        return items


def is_request(word: str) -> bool:
    """Tell whether an argument is meant as a request, and not as an application."""
    first, _, more = word.strip().partition(" ")
    if first.startswith("/"):
        place = Path(first.partition(":")[0])
        return not (place.is_file() or (place / "__init__.py").is_file())
    if not more:
        return first in _METHODS
    method = _METHOD.fullmatch(first) is not None
    return method and (first.isupper() or more.lstrip().startswith("/"))


def parse_requests(words: Iterable[str], given: Given | None = None) -> list[Request]:
    """Read the requests of a command line.

    A request is one word, ``"POST /orders item=3"``, or several: ``POST /orders item=3``.

    Raises:
        ValueError: If they are malformed; the message says what to write.
    """
    given = given or Given()
    drafts = list(map(_draft, _groups(words)))
    own = given.of_one()
    if len(drafts) > 1 and (own or given.method):
        msg = (
            "-X, -d and -F are for one request, and these are several. Write the method and the "
            'body into each: "POST /orders item=3".'
        )
        raise ValueError(msg)
    more = [*own, *map(_header, given.headers)]
    return [_finished(_with(it, given, more)) for it in drafts]


def _with(draft: Draft, given: Given, more: Sequence[Item]) -> Draft:
    return replace(
        draft,
        method=given.method.upper() if given.method else draft.method,
        items=(*draft.items, *more),
        in_parts=bool(given.parts),
        in_json=given.in_json,
    )


def _header(text: str) -> Item:
    name, colon, value = text.partition(":")
    return header_of(name, value) if colon else parse_item(text)


def _part(text: str) -> Item:
    name, sign, value = text.partition("=")
    if name and value.startswith("@"):
        return file_of(name, value[1:])
    if not name or not sign:
        msg = f"{text!r} is no part of a form. Write -F name=value or -F name=@file."
        raise ValueError(msg)
    return Item("=", name, value)


@dataclass(frozen=True)
class Draft:
    """A request while it is written.

    Attributes:
        text: What the user wrote, for messages.
        method: The method, or None where the user did not write any.
        path: The path, as it was written.
        items: The other words.
        in_parts: Whether fields are sent as a form in parts.
        in_json: Whether fields, and *data*, are sent as JSON.
    """

    text: str
    method: str | None
    path: str
    items: tuple[Item, ...] = ()
    words: tuple[str, ...] = ()
    in_parts: bool = False
    in_json: bool = False

    def of(self, *signs: str) -> list[Item]:
        """Return the items with one of these signs."""
        return [it for it in self.items if it.sign in signs]

    def kind(self) -> str:
        """Return the content type that the user asks for, or ""."""
        return next((it.value for it in self.of(":") if it.name.lower() == "content-type"), "")

    def wants_json(self) -> bool:
        """Tell whether fields are sent as JSON."""
        return self.in_json or bool(self.of(":=")) or is_json(self.kind())

    def asks(self) -> bool:
        """Tell whether plain fields go into the query."""
        has_body = self.of("", "@") or self.wants_json() or self.in_parts
        method = self.method or ("POST" if has_body else "GET")
        return method in _ASKING and not has_body


def _groups(words: Iterable[str]) -> Iterator[list[str]]:
    """Divide the words of a command line into those of each request."""
    group: list[str] = []
    for word in words:
        begins = _BEGINS.match(word) or _METHOD.fullmatch(word)
        awaits_path = len(group) == 1 and _METHOD.fullmatch(group[0])
        if group and begins and not awaits_path:
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _draft(group: Sequence[str]) -> Draft:
    text = group[0] if len(group) == 1 else shlex.join(group)
    try:
        words = [*shlex.split(group[0]), *group[1:]]
    except ValueError as error:
        msg = f"{text!r} has a quotation mark that is not closed ({error})."
        raise ValueError(msg) from None
    match words:
        case [path, *rest] if path.startswith("/"):
            method = None
        case [method, path, *rest] if _METHOD.fullmatch(method):
            method = method.upper()
        case _:
            msg = f'{text!r} is not a request. Write a method and a path, as in "GET /".'
            raise ValueError(msg)
    # Two slashes begin the name of a host.
    if not path.startswith("/") or path.startswith("//"):
        better = f"{method or 'GET'} /{urlsplit(path).path.lstrip('/')}"
        msg = (
            f"{text!r} asks for {path!r}, but a path begins with one slash and without a host: "
            f'"{better}".'
        )
        raise ValueError(msg)
    items = tuple(map(parse_item, rest))
    return Draft(text, method, path, items, tuple(map(_shown, rest, items)))


def _shown(word: str, item: Item) -> str:
    """Return a word as titles show it, which are written to files as well."""
    hidden = item.name and item.sign and _SECRETS.hides(item.name)
    return f"{item.name}{item.sign}{HIDDEN}" if hidden else word


def _finished(draft: Draft) -> Request:
    """Return the request as it is sent.

    Raises:
        ValueError: If its parts do not fit together.
    """
    asks = draft.asks()
    fields = [] if asks else draft.of("=", ":=", "@")
    kind, body = _body(draft, fields)
    method = draft.method or ("POST" if kind and not asks else "GET")
    headers = [(it.name, it.value) for it in draft.of(":")]
    if kind and not (draft.of("") and draft.kind()):
        headers = [it for it in headers if it[0].lower() != "content-type"]
        headers.append(("Content-Type", kind))
    query = draft.of("==", "=") if asks else draft.of("==")
    target = _with_query(draft.path, query)
    return Request(method, draft.path, target, tuple(headers), body, draft.words)


def _with_query(path: str, query: Iterable[Item]) -> str:
    more = urlencode([(it.name, it.value) for it in query])
    return path + ("&" if "?" in path else "?") + more if more else path


def _body(draft: Draft, fields: list[Item]) -> tuple[str, bytes]:
    """Return the content type and the body; both empty without a body."""
    whole = draft.of("")
    if whole and (fields or len(whole) > 1):
        msg = f"{draft.text!r} has several bodies. Send one: fields, a file, or JSON."
        raise ValueError(msg)
    if whole:
        return whole[0].name, whole[0].content
    if not fields:
        return (JSON, b"{}") if draft.in_json and draft.method not in _ASKING else ("", b"")
    if draft.wants_json():
        return _json(draft, fields)
    kind = draft.kind().lower()
    if draft.in_parts or draft.of("@") or kind.startswith(PARTS):
        return as_parts(fields)
    if kind and not kind.startswith(FORM):
        msg = (
            f"{draft.text!r} has fields, which are sent as a form or as JSON, but its Content-Type "
            f"is {draft.kind()!r}. Leave out the header, or send the body as a file: @file."
        )
        raise ValueError(msg)
    return FORM, as_form(fields)


def _json(draft: Draft, fields: list[Item]) -> tuple[str, bytes]:
    if draft.of("@"):
        msg = f"{draft.text!r} has a file, which is sent in a form, and JSON. Send one of them."
        raise ValueError(msg)
    return draft.kind() or JSON, as_json(fields)
