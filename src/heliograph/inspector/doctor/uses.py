"""What a program does with signals, expression by expression: connects, sends, opens blocks."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliograph import Signal
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.inspector.doctor.source import Function, Source, Spot
    from heliograph.inspector.expressions import SourceScope

CONNECTING = ("connect", "connect_via")
SENDING = ("send", "send_async")
BLOCKS = ("connected_to", "muted")
_LASTING = {"connect": True, "connect_via": False}
_WEAK_BY_PLACE = {"connect": 2, "connect_via": 1}


@dataclass(frozen=True)
class Connect:
    """A place that connects.

    Attributes:
        source: The module.
        node: The call, or the decorator.
        scope: Where it is evaluated.
        signal: The signal, or None if the source does not tell which.
        receiver: What is connected: an expression or the function below the decorator; or None.
        sender: The sender, or None if there is none.
        weak: Whether it is weak, or None if the source does not tell.
    """

    source: Source
    node: ast.expr
    scope: SourceScope
    signal: Signal[...] | None
    receiver: ast.expr | Function | None
    sender: ast.expr | None
    weak: bool | None

    @property
    def location(self) -> str:
        """The ``file:line``."""
        return self.source.location(self.node)

    @property
    def lines(self) -> range:
        """The lines that Python may take for the place of the call."""
        last = self.node.end_lineno or self.node.lineno
        if isinstance(self.receiver, (ast.FunctionDef, ast.AsyncFunctionDef)):
            last = max(last, self.receiver.lineno)
        return range(self.node.lineno, last + 1)

    @property
    def is_dropped(self) -> bool:
        """Whether the statement keeps nothing of what the call returns."""
        return isinstance(self.source.above.get(self.node), ast.Expr)


@dataclass(frozen=True)
class Send:
    """A call that sends a signal.

    Attributes:
        source: The module.
        node: The call.
        scope: Where it is evaluated.
        signal: The signal.
        is_async: Whether it is ``send_async``.
        names: The names of the payload.
        whole: Whether these are all names: nothing is unpacked into the call.
        wrapped: Whether a wrapper is given.
        sender: The sender, or None if there is none.
    """

    source: Source
    node: ast.Call
    scope: SourceScope
    signal: Signal[...]
    is_async: bool
    names: tuple[str, ...]
    whole: bool
    wrapped: bool
    sender: ast.expr | None

    @property
    def location(self) -> str:
        """The ``file:line``."""
        return self.source.location(self.node)

    @property
    def is_dropped(self) -> bool:
        """Whether nobody looks at what the receivers return."""
        above = self.source.above[self.node]
        return isinstance(self.source.above.get(above) if self.is_async else above, ast.Expr)


def signal_at(node: ast.AST, scope: SourceScope) -> Signal[...] | None:
    """Return the signal that an expression certainly is, or None."""
    found = scope.value(node)
    return found if is_a(found, Signal) else None


def connects_in(source: Source) -> Iterator[Connect]:
    """Yield the places of a module that connect something to anything."""
    for spot in source.spots:
        match spot.node:
            case ast.Attribute(value=owner, attr=name) if name in CONNECTING:
                found = _connect(source, spot, owner, name)
                if found is not None:
                    yield found


def _connect(source: Source, spot: Spot, owner: ast.expr, name: str) -> Connect | None:
    signal = signal_at(owner, spot.scope)
    call = source.above.get(spot.node)
    below = _decorated(source, spot.node)
    if below is not None:  # `@signal.connect`
        weak = _LASTING[name]
        return Connect(source, spot.node, spot.scope, signal, below, None, weak)
    if not isinstance(call, ast.Call) or call.func is not spot.node:
        return None
    given = {it.arg: it.value for it in call.keywords}
    place = _WEAK_BY_PLACE[name]
    weak_given = given.get("weak", call.args[place] if len(call.args) > place else None)
    known = isinstance(weak_given, ast.Constant) or weak_given is None
    weak = bool(weak_given.value) if isinstance(weak_given, ast.Constant) else _LASTING[name]
    sender = given.get("sender") or _at(call, 1 if name == "connect" else 0)
    receiver: Any = _decorated(source, call)
    if receiver is None and name == "connect":
        receiver = given.get("receiver") or _at(call, 0)
    certain = weak if known and None not in given else None
    return Connect(source, call, spot.scope, signal, receiver, sender, certain)


def _at(call: ast.Call, place: int) -> ast.expr | None:
    return call.args[place] if len(call.args) > place else None


def _decorated(source: Source, node: ast.AST) -> Function | None:
    outer = source.above.get(node)
    if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return outer if node in outer.decorator_list else None
    return None


def sends_of(source: Source) -> Iterator[Send]:
    """Yield the calls of a module that send a signal which the source tells."""
    for spot in source.spots:
        match spot.node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in SENDING:
                signal = signal_at(owner, spot.scope)
                if signal is not None:
                    yield _send(source, spot, signal, is_async=name == "send_async")


def _send(source: Source, spot: Spot, signal: Signal[...], *, is_async: bool) -> Send:
    call: Any = spot.node
    given = [it.arg for it in call.keywords]
    names = [it for it in given if it is not None and not it.startswith("_")]
    whole = None not in given and not any(isinstance(it, ast.Starred) for it in call.args)
    wrapped = any(it in ("_async_wrapper", "_sync_wrapper") for it in given)
    sender = _at(call, 0)
    return Send(source, call, spot.scope, signal, is_async, tuple(names), whole, wrapped, sender)
