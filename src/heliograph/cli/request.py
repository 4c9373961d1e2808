"""A request as it is written on the command line: method, path, fields and headers."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

import click

_FORM = "name=value, or Name:value for a header"
_METHOD = re.compile(r"[A-Za-z]+")
_FIELD = re.compile(r"(?P<name>[^=:]+)(?P<kind>[=:])(?P<value>.*)", re.DOTALL)


class Request(click.ParamType):  # type: ignore[type-arg]  # Older ones are not generic.
    """Takes ``"POST /orders item=3 Accept:text/html"`` apart."""

    name = "request"

    @dataclass(frozen=True)
    class Parsed:
        """One request to send."""

        method: str
        path: str
        fields: tuple[tuple[str, str], ...]
        headers: tuple[tuple[str, str], ...]

        def __str__(self) -> str:
            return f"{self.method} {self.path}"

        def arguments(self) -> dict[str, Any]:
            """Return it as keyword arguments of a werkzeug test client's ``open``."""
            data: dict[str, list[str]] = {}
            for name, value in self.fields:
                data.setdefault(name, []).append(value)
            place = "query_string" if self.method in ("GET", "HEAD") else "data"
            asked: dict[str, Any] = {"method": self.method, "path": self.path}
            return asked | {"headers": list(self.headers)} | ({place: data} if data else {})

    def convert(self, value: Any, *_: object) -> Parsed:
        """Parse one request; `click.BadParameter` says what is wrong with it."""
        if isinstance(value, self.Parsed):
            return value
        try:
            words = shlex.split(value)
        except ValueError as error:
            self.fail(f"{value!r} has a quotation mark without its other half ({error}).")
        if words and words[0].startswith("/"):
            words = ["GET", *words]
        match words:
            case [method, path, *rest] if _METHOD.fullmatch(method):
                pass
            case _:
                self.fail(f"{value!r} is not a request. Write a method and a path: 'GET /'.")
        if not path.startswith("/"):
            self.fail(f"{value!r} asks for {path!r}, but paths begin with a slash: '/{path}'.")
        fields: dict[str, list[tuple[str, str]]] = {"=": [], ":": []}
        for word in rest:
            found = _FIELD.fullmatch(word)
            if found is None:
                self.fail(f"{value!r} has {word!r} in it, which is not {_FORM}.")
            fields[found["kind"]].append((found["name"], found["value"]))
        return self.Parsed(method.upper(), path, tuple(fields["="]), tuple(fields[":"]))
