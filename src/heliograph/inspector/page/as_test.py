"""Writes what was seen in a request as a test for pytest, with the fixture `signals`."""

from __future__ import annotations

import ast
import json
import re
from itertools import groupby
from keyword import iskeyword
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from heliograph.lifecycle import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from heliograph.inspector.page.wiring import Held
    from heliograph.inspector.seen import SeenEmission, SeenRequest

    Key = tuple[str | None, str]

_MOST_IN_ORDER = 12
_VERBS = ("get", "post", "put", "patch", "delete", "options", "head")
# What is another value each time that the test runs.
_CHANGING = re.compile(r"(^|_)(id|pk|uuid|number|token|at|time|date|now)$", re.IGNORECASE)
_SIMPLE = (bool, int, float, str, type(None))
_WIDTH = 92
_LONGEST_NAME = 60
_IN_PATHS = "/:@!$&'()*+,;=~-._"


class WrittenTest(NamedTuple):
    """A test, and what whoever copies it has to know.

    Attributes:
        test: The source of the test.
        note: What it needs, and what it lacks.
    """

    test: str
    note: str


def as_test(
    request: SeenRequest | None, emissions: Iterable[SeenEmission], held: Iterable[Held]
) -> WrittenTest:
    """Write a test that sends a request, and asserts what was sent.

    Args:
        request: The request, or None if the signals were sent outside of any.
        emissions: What was sent in it.
        held: The signals of the program, for the imports.
    """
    known = {(it.namespace, it.label): it for it in held}
    wanted = _of_the_program(sorted(emissions, key=attrgetter("id")))
    names = _Names(known, wanted)
    body = [*_act(request, wanted), "", *_assertions(wanted, names)]
    fixtures = "signals" if request is None else "client, signals"
    said = f"{_called(request)} sends these signals." if request else "These signals are sent."
    lines = [
        *names.imports(),
        f"def {_function(request, wanted)}({fixtures}):",
        f'    """{escaped(said)}"""',
        *(f"    {line}" if line else "" for line in body),
    ]
    return WrittenTest("\n".join(lines) + "\n", _note(request))


def _note(request: SeenRequest | None) -> str:
    if request is None:
        return "These signals were sent outside of a request: write what sends them into the test."
    note = "It needs a fixture `client`: the test client of your framework."
    if request.method in ("POST", "PUT", "PATCH"):
        note += " The query and the body of the request are not recorded: add them."
    else:
        note += " The query of the request is not recorded: add it if there was one."
    return note


def _key(it: SeenEmission) -> Key:
    return it.namespace, it.signal


def _of_the_program(emissions: Sequence[SeenEmission]) -> list[SeenEmission]:
    """Leave out what every request sends, if there is more than that."""
    usual = {re.sub(r"\W|_", "-", str(it.name)) for it in lifecycle.values()}
    own = [it for it in emissions if re.sub(r"\W|_", "-", it.signal) not in usual]
    return own or list(emissions)


class _Names:
    """How the test calls each signal, and what it imports for that."""

    def __init__(self, known: Mapping[Key, Held], wanted: Iterable[SeenEmission]) -> None:
        self._modules: dict[str, set[str]] = {}
        self._taken: dict[str, str] = {"client": "", "signals": ""}
        self.of: dict[Key, str | None] = {}
        for key in dict.fromkeys(map(_key, wanted)):
            self.of[key] = self._name(known.get(key))

    def _name(self, held: Held | None) -> str | None:
        if held is None:
            return None
        name = self._imported(held.variable)
        if name is None and (holder := self._imported(held.holder)) is not None:
            return f"{holder}.signal({literal(held.label)})"
        return name

    def _imported(self, path: str) -> str | None:
        """Import the variable at a path, if a test can, and return what it is called then."""
        *module, name = path.split(".")
        # What the program was started with has another name in a test.
        importable = module and module[0] != "__main__" and all(map(str.isidentifier, module))
        if not importable or not name.isidentifier() or iskeyword(name):
            return None
        if self._taken.setdefault(name, path) != path:
            return None
        self._modules.setdefault(".".join(module), set()).add(name)
        return name

    def imports(self) -> list[str]:
        """Return the lines above the test."""
        modules = sorted(self._modules.items())
        found = [f"from {it} import {', '.join(sorted(names))}" for it, names in modules]
        return [*found, "", ""] if found else []


def _act(request: SeenRequest | None, wanted: Sequence[SeenEmission]) -> list[str]:
    """Return what sends the signals."""
    if request is None:
        places = sorted({it.location for it in wanted if it.location is not None})
        return ["# Write here what sends them.", *(f"# Sent at {escaped(it)}." for it in places)]
    path = literal(quote(request.path, safe=_IN_PATHS))
    verb = request.method.lower()
    if verb in _VERBS:
        return [f"client.{verb}({path})"]
    return [f"client.open({path}, method={literal(request.method)})"]


def _assertions(wanted: Sequence[SeenEmission], names: _Names) -> list[str]:
    """Return what insists that each signal was sent as often, and in this order."""
    lines = []
    for key, name in names.of.items():
        sent = [it for it in wanted if _key(it) == key]
        if name is not None:
            lines += _call("signals.assert_sent", name, *_expected(sent))
        else:
            lines += [
                f"found = [it for it in signals if it.signal.name == {literal(key[1])}]",
                f"assert len(found) == {len(sent)}",
            ]
    order = [it for it, _ in groupby(filter(None, (names.of[_key(it)] for it in wanted)))]
    if len(order) > 1:
        lines += _call("signals.assert_order", *order[:_MOST_IN_ORDER])
    return lines or ["assert len(signals) == 0"]


def _expected(sent: Sequence[SeenEmission]) -> list[str]:
    """Return what a send is expected to carry, where a value is simple and known."""
    times = f"times={len(sent)}"
    if len(sent) > 1:
        return [times]
    texts = {it: _value(text) for it, text in sent[0].payload.items()}
    values = {it: text for it, text in texts.items() if text and not _CHANGING.search(it)}
    plain = {it: text for it, text in values.items() if _is_keyword(it)}
    others = [f"{literal(it)}: {text}" for it, text in values.items() if it not in plain]
    mapping = [f"{{{', '.join(others)}}}"] if others else []
    return [*mapping, times, *(f"{it}={text}" for it, text in plain.items())]


def _is_keyword(name: str) -> bool:
    return name.isidentifier() and not iskeyword(name) and name not in ("sender", "times")


def _value(text: str | None) -> str | None:
    """Return a simple value as Python writes it, if this is the whole of one."""
    try:
        value = ast.literal_eval(text or "")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if type(value) not in _SIMPLE or repr(value) != text:
        return None
    return literal(value) if isinstance(value, str) else text


def _call(function: str, *arguments: str) -> list[str]:
    """Return a call, on a line for each argument if one line would be long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{function}(", *(f"    {it}," for it in arguments), ")"]


def _called(request: SeenRequest | None) -> str:
    return "" if request is None else f"{request.method} {request.path}"


def _function(request: SeenRequest | None, wanted: Sequence[SeenEmission]) -> str:
    what = _called(request) or (wanted[0].signal if wanted else "nothing")
    words = re.findall(r"[a-z0-9]+", what.lower())
    ending = "is_sent" if request is None else "sends_its_signals"
    return f"test_{'_'.join(words)[:_LONGEST_NAME].strip('_')}_{ending}"


def escaped(text: str) -> str:
    """Return text that can stand in a comment, and between quotation marks."""
    return json.dumps(text)[1:-1]


def literal(text: str) -> str:
    """Return a string as Python writes it, in double quotes where that needs no escapes."""
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in text else shown
