"""Reads which signals a program makes and how it sends them; it imports and runs none of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import TYPE_CHECKING

from heliograph.inspector.migration.modules import Function, Scope, Sources, statements
from heliograph.inspector.migration.things import Made, Things
from heliograph.inspector.migration.types import Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from heliograph.inspector.migration.annotations import TypeText

SENDING = {"send", "send_async", "send_robust", "asend", "asend_robust"}
_WRAPPERS = {"_async_wrapper", "_sync_wrapper"}


@dataclass(frozen=True)
class FoundSend:
    """A place that sends a signal, or a send that was seen in a run.

    Attributes:
        place: Its ``file:line``.
        by: What sends: a function, a method with its class, or "the module …"; "" for a run.
        sender: The type of the sender, or None.
        payload: The names of the payload with their types, None for an unknown one.
        unread: What the source does not tell: the arguments as they are written; or "".
        last: The last line of the call.
        seen: Whether a run was seen to send it.
    """

    place: str
    by: str
    sender: TypeText | None
    payload: dict[str, TypeText | None]
    unread: str = ""
    last: int = 0
    seen: bool = False

    def covers(self, place: str) -> bool:
        """Tell whether a ``file:line`` is in the call."""
        file, _, line = self.place.rpartition(":")
        other, _, number = place.rpartition(":")
        return other == file and int(line) <= int(number) <= max(int(line), self.last)


@dataclass
class FoundSignal:
    """A signal of a program.

    Attributes:
        made: Which one it is.
        module: The module that makes it.
        variable: The name of its variable, or "".
        place: The ``file:line`` that makes it.
        doc: What is said of it.
        sends: The places that send it.
    """

    made: Made
    module: str
    variable: str
    place: str
    doc: str = ""
    sends: list[FoundSend] = field(default_factory=list)


@dataclass
class Found:
    """All that was read.

    Attributes:
        signals: The signals, in the order of the source.
        unnamed: Where signals are made whose names only a run could tell.
        fleeting: Where a function makes signals, new ones with each call.
        unread: The files that are no text.
    """

    signals: list[FoundSignal]
    unnamed: list[str]
    fleeting: list[str]
    unread: list[Path]


def signals_in(files: Iterable[Path]) -> Found:
    """Read the signals of a program from its files.

    Signals are found if they are made with Blinker's `Namespace`, `signal` and `Signal`, or
    with Django's `Signal`, and if a variable or a name leads to them: a variable of a module, of
    a class or of a function. Modules that only pass a signal on are followed.

    Args:
        files: The files of Python. What they import of others is not read.
    """
    return _Reader(Sources(files)).found()


class _Reader:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._things = Things(sources)
        self._types = Types(self._things)
        self._signals: dict[Made, FoundSignal] = {}
        self._sends: list[tuple[Made, FoundSend]] = []
        self._unnamed: dict[str, None] = {}
        self._fleeting: dict[str, None] = {}

    def found(self) -> Found:
        for name in sorted(self._sources.modules):
            module = self._sources.modules[name]
            if module.tells:
                self._read(module.scope)
        for made, send in self._sends:
            if made in self._signals:
                self._signals[made].sends.append(send)
        unclear = [*self._unnamed], [*self._fleeting]
        return Found([*self._signals.values()], *unclear, self._sources.unread)

    def _read(self, outermost: Scope) -> None:
        left = [outermost]
        while left:
            scope = left.pop()
            inner = []
            for node in statements(scope.node):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    inner.append(scope.inner(node))
                for name, value in _assigned(node):
                    self._make(value, scope, name)
                if isinstance(node, ast.expr):
                    self._look_at(node, scope)
            left += reversed(inner)

    def _look_at(self, node: ast.expr, scope: Scope) -> None:
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in SENDING:
                made = self._things.of(owner, scope)
                if isinstance(made, Made):
                    self._sends.append((made, self._send(node, scope, made)))
            case ast.Call(func=maker, args=[_, *_]) if self._things.is_maker(maker, scope):
                self._make(node, scope, "")
                if self._things.of(node, scope) is None:
                    self._unnamed[scope.module.place(node)] = None

    def _make(self, node: ast.expr, scope: Scope, variable: str) -> None:
        made = self._things.of(node, scope, f"{scope.path}.{variable}" if variable else "")
        place = scope.module.place(node)
        if not isinstance(node, ast.Call) or not isinstance(made, Made):
            return
        lasting = not isinstance(scope.node, Function)
        if made.group is None and not lasting:
            self._fleeting[place] = None
            return
        held = variable if lasting else ""
        fresh = FoundSignal(made, scope.module.name, held, place, _said_of(node, scope, made))
        known = self._signals.setdefault(made, fresh)
        if held and not known.variable:
            self._signals[made] = fresh

    def _send(self, node: ast.Call, scope: Scope, made: Made) -> FoundSend:
        named = {it.arg: it.value for it in node.keywords if it.arg}
        sender = named.pop("sender", None)
        values = {name: it for name, it in named.items() if made.django or name not in _WRAPPERS}
        unread = [_written(it, scope) for it in node.args if isinstance(it, ast.Starred)]
        for it in (one.value for one in node.keywords if one.arg is None):
            read = _unpacked(it)
            unread += [] if read is not None else [f"**{_written(it, scope)}"]
            values |= read or {}
        first = sender if sender is not None else next(iter(node.args), ast.Constant(value=None))
        payload = {name: self._types.of(it, scope) for name, it in values.items()}
        told = sender is not None or node.args or not unread
        kind = self._types.of(first, scope) if told else None
        last = node.end_lineno or node.lineno
        return FoundSend(
            scope.module.place(node), _by(scope), kind, payload, ", ".join(unread), last
        )


def _written(node: ast.expr, scope: Scope) -> str:
    # Not unparsed: it may be nested deeper than Python's stack.
    return " ".join((ast.get_source_segment(scope.module.text, node) or "").split())


def _by(scope: Scope) -> str:
    if scope.outer is None:
        return f"the module {scope.path}"
    path = scope.path.split(".")
    # A method has the name of its class.
    return ".".join(path[-2 if path[-2][:1].isupper() else -1 :])


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value


def _unpacked(node: ast.expr) -> dict[str, ast.expr] | None:
    """Return the keywords of ``**{…}`` or ``**dict(…)``, or None if they are not written there."""
    match node:
        case ast.Dict(keys=keys, values=values):
            names = [it.value if isinstance(it, ast.Constant) else None for it in keys]
            found = dict(zip(names, values, strict=True))
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            found = {it.arg: it.value for it in keywords}
        case _:
            return None
    named = {name: it for name, it in found.items() if is_name(name)}
    return named if len(named) == len(found) else None  # type: ignore[return-value]  # By is_name.


def is_name(name: object) -> bool:
    """Tell whether a key can be written as a keyword argument."""
    return isinstance(name, str) and name.isidentifier() and not iskeyword(name)


def _said_of(node: ast.Call, scope: Scope, made: Made) -> str:
    """Return the text of a signal: its documentation, or the ``#:`` above its variable."""
    docs = [it.value for it in node.keywords if it.arg == "doc"]
    docs += node.args[made.group is not None :]
    match docs:
        case [ast.Constant(value=str(text)), *_]:
            return " ".join(text.split())
    lines = scope.module.text.splitlines()
    said: list[str] = []
    number = node.lineno - 2
    while number >= 0 and lines[number].strip().startswith("#:"):
        said.insert(0, lines[number].strip()[2:].strip())
        number -= 1
    return " ".join(said)
