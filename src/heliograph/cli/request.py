"""A request as it is written on the command line: method, path, fields and headers."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import click

_METHOD = re.compile(r"[A-Za-z]+")
_FIELD = re.compile(r"(?P<name>[^=:]+)(?P<kind>[=:])(?P<value>.*)", re.DOTALL)
# What RFC 9110 (5.1, 5.5) allows; a server refuses anything else.
_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\r\n\0]*")
# Chance enough: what is typed on a command line does not contain it.
_BOUNDARY = "heliograph-trace-3f1c9a52d7"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Request:
    """One request to send."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def asks_by_query(self) -> bool:
        """Whether its fields go into the path, and not into a form."""
        return self.method in ("GET", "HEAD")

    def written(self) -> list[str]:
        """Return fields and headers as one may write them on the command line."""
        words = [f"{name}={value}" for name, value in self.fields]
        words += [f"{name}:{value}" for name, value in self.headers]
        return [shlex.quote(word) if re.search(r"[\s'\"\\]", word) else word for word in words]

    def target(self) -> str:
        """Return the path with the whole query."""
        if not self.fields or not self.asks_by_query:
            return self.path
        return self.path + ("&" if "?" in self.path else "?") + urlencode(self.fields)

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for ``open`` of a Werkzeug test client."""
        form = dict[str, list[str]]()
        for name, value in () if self.asks_by_query else self.fields:
            form.setdefault(name, []).append(value)
        headers = [*self.headers]
        return {"method": self.method, "path": self.target(), "headers": headers, "data": form}

    def form(self) -> tuple[str, bytes]:
        """Return the content type and the body that carry its fields; both empty without a form."""
        if not self.fields or self.asks_by_query:
            return "", b""
        wanted = {value for name, value in self.headers if name.lower() == "content-type"}
        if any(kind.lower().startswith("multipart/") for kind in wanted):
            return f"multipart/form-data; boundary={_BOUNDARY}", _multipart(self.fields)
        return "application/x-www-form-urlencoded", urlencode(self.fields).encode()


def _multipart(fields: tuple[tuple[str, str], ...]) -> bytes:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return "".join([*parts, f"--{_BOUNDARY}--\r\n"]).encode()


if TYPE_CHECKING:
    _ParamType = click.ParamType["Request"]
else:
    _ParamType = click.ParamType  # Older ones are not generic.


class RequestType(_ParamType):
    """Parses ``"POST /orders item=3 Accept:text/html"``."""

    name = "request"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Request:
        """Parse one request; raise `click.BadParameter` if it is malformed."""
        try:
            return parse(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


def parse(text: str) -> Request:
    """Parse a request.

    Raises:
        ValueError: If it is malformed; the message says what to write.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        msg = f"{text!r} has a quotation mark that is not closed ({error})."
        raise ValueError(msg) from None
    if words and words[0].startswith("/"):
        words = ["GET", *words]
    match words:
        case [method, path, *rest] if _METHOD.fullmatch(method):
            request = Request(method.upper(), path, *_sorted_out(text, rest))
        case _:
            msg = (
                f"{text!r} is not a request. Write a method and a path in one pair of quotation "
                'marks: "GET /".'
            )
            raise ValueError(msg)
    _check_path(text, request)
    _check_form(text, request)
    return request


def _sorted_out(text: str, words: list[str]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return fields and headers."""
    found: dict[str, list[tuple[str, str]]] = {"=": [], ":": []}
    for word in words:
        parts = _FIELD.fullmatch(word)
        if parts is None or (parts["kind"] == ":" and not _HEADER.fullmatch(word)):
            msg = (
                f"{text!r} contains {word!r}, which is neither a field (name=value) nor a header "
                "(Name:value). Put quotation marks around a value with blanks."
            )
            raise ValueError(msg)
        found[parts["kind"]].append((parts["name"], parts["value"]))
    return tuple(found["="]), tuple(found[":"])


def _check_path(text: str, request: Request) -> None:
    # Two slashes begin the name of a host.
    if not request.path.startswith("/") or request.path.startswith("//"):
        better = f"{request.method} /{urlsplit(request.path).path.lstrip('/')}"
        msg = (
            f"{text!r} asks for {request.path!r}, but a path begins with one slash and without a "
            f'host: "{better}".'
        )
        raise ValueError(msg)


def _check_form(text: str, request: Request) -> None:
    """Refuse a request that Werkzeug would send without its fields."""
    if not request.fields or request.asks_by_query:
        return
    for name, kind in request.headers:
        if name.lower() == "content-type" and not kind.lower().startswith(_FORMS):
            msg = (
                f"{text!r} has fields, which are sent as a form, but its {name} is {kind!r}. "
                f"Leave out the header or the fields."
            )
            raise ValueError(msg)
