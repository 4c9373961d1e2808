"""What a browser asks the page for, and what it gets: the same over WSGI and ASGI."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

PAGE = "heliograph.page"
"""Where an environ or a scope has the address of the page, for links to it."""

LONGEST_BODY = 16_000_000
"""Bytes of the largest trace that is taken, to make a test or a download of it."""

ALWAYS = (
    # What compresses responses leaves these alone: some hold them back, or break them.
    ("Content-Encoding", "identity"),
    ("X-Accel-Buffering", "no"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    # An address may carry the token.
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the page.

    Attributes:
        method: Such as ``"GET"``.
        path: The path below the page's own: ``""``, ``"/"``, or such as ``"/news"``.
        called: The last part of the page's own path, as the browser knows it.
        base: The page's own path, as the application knows it, with the prefix of the server.
        query: The arguments in the address; of several of one name, the last.
        host: The host that was asked, with its port.
        client: The address of whoever asks, or None if the server does not tell.
        secure: Whether it was asked over HTTPS.
        cookie: The header, or "".
        authorization: The header, or "".
        content_type: The header, or "".
        body: What was posted.
    """

    method: str
    path: str = "/"
    called: str = ""
    base: str = ""
    query: dict[str, str] = field(default_factory=dict)
    host: str = "localhost"
    client: str | None = None
    secure: bool = False
    cookie: str = ""
    authorization: str = ""
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response of the page.

    Attributes:
        status: The status code.
        headers: Names and values.
        body: The body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Visited(Protocol):
    """Whoever answers the visits to a page: the inspector's, or that of a trail."""

    def attend(self) -> bool:
        """Take note of a request; returns whether there is somebody who times its receivers."""
        ...

    def welcomes(self, visit: Visit) -> bool:
        """Tell whether a visitor may see what the page shows."""
        ...

    def answer(self, visit: Visit) -> Answer | None:
        """Answer a visit, or return None if there is no page here: the application answers."""
        ...


def answer(body: bytes, kind: str, *more: tuple[str, str], status: int = 200) -> Answer:
    """Make an answer with the headers that each of them has."""
    own = (("Content-Type", kind), ("Content-Length", str(len(body))))
    return Answer(status, (*own, *ALWAYS, *more), body)


def as_text(text: str, *more: tuple[str, str], status: int = 200) -> Answer:
    """Answer with words."""
    return answer(text.encode(), "text/plain; charset=utf-8", *more, status=status)


def as_json(value: Any, *more: tuple[str, str], status: int = 200) -> Answer:
    """Answer with a value."""
    # In ASCII, so that no surrogate can break it.
    return answer(json.dumps(value).encode(), "application/json", *more, status=status)


def redirect(to: str, *more: tuple[str, str]) -> Answer:
    """Answer with another address."""
    return as_text("", ("Location", to), *more, status=303)
