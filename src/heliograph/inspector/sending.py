"""Finds who sends signals, in the source of imported modules, of which nothing runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from heliograph import Signal
from heliograph.inspector.facts import KnownSend
from heliograph.inspector.looking import attribute, is_a
from heliograph.inspector.scopes import Scope
from heliograph.inspector.sources import parsed, portable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_SENDING = ("send", "send_async")
_SPAN_DECORATORS = ("wrap", "each_call")
_OF_A_SPAN = ("started", "finished", "failed")


def sends_in(modules: Iterable[ModuleType]) -> dict[Signal, tuple[KnownSend, ...]]:
    """Return where each signal is sent, module by module, in the order of the source.

    A place counts if it names the signal: by a variable of a module or a class, by what is
    imported, or as ``namespace["name"]`` or ``namespace.signal("name")``. What was passed as
    an argument, or is kept in an object, is not followed. Where a span is made, all three of
    its signals count as sent.
    """
    found: dict[Signal, dict[KnownSend, None]] = {}
    for module in modules:
        for signal, send in _sends(module):
            found.setdefault(signal, {})[send] = None
    return {signal: tuple(sends) for signal, sends in found.items()}


def _sends(module: ModuleType) -> Iterator[tuple[Signal, KnownSend]]:
    # A stack of our own: sums and chains of calls may be deeper than Python's.
    left: list[tuple[ast.AST, Scope]] = [(parsed(module), Scope.of(module))]
    while left:
        node, scope = left.pop()
        if isinstance(node, ast.expr):
            for signal in _sent_by(node, scope):
                where = portable(f"{module.__file__}:{node.lineno}")
                yield signal, KnownSend(scope.name, where)
        inner = scope.entered(node)
        left += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]


def _sent_by(node: ast.expr, scope: Scope) -> list[Signal[...]]:
    match node:
        # Not calls alone: `partial(order_paid.send, shop)` sends as well, a little later.
        case ast.Attribute(value=owner, attr=name) if name in _SENDING:
            signal = scope.value(owner)
            return [signal] if is_a(signal, Signal) else []
        case ast.Attribute(value=owner, attr=name) if name in _SPAN_DECORATORS:
            return _of_span(scope.value(owner))
        case ast.Call(func=made):
            return _of_span(scope.value(made))
        case _:
            return []


def _of_span(begun_by: object) -> list[Signal[...]]:
    """Return the signals of what begins spans, and none of anything else."""
    found = [attribute(begun_by, word) for word in _OF_A_SPAN]
    return [signal for signal in found if is_a(signal, Signal)]
