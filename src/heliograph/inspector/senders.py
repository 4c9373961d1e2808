"""Finds the places that send signals, in the source of imported modules; it runs none of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from heliograph import Signal
from heliograph.describe import portable_location
from heliograph.inspector.expressions import SourceScope
from heliograph.inspector.facts import SendInfo
from heliograph.inspector.sources import parsed
from heliograph.inspector.static import attribute, is_a

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_SENDING = ("send", "send_async")
_SPAN_DECORATORS = ("wrap", "each_call")
_OF_A_SPAN = ("started", "finished", "failed")


def sends_in(modules: Iterable[ModuleType]) -> dict[Signal, tuple[SendInfo, ...]]:
    """Return where each signal is sent, module by module, in the order of the source.

    A place counts if it names the signal: by a variable of a module or a class, by an imported
    name, or as ``namespace["name"]`` or ``namespace.signal("name")``. Arguments and attributes
    of objects are not followed. A place that makes a span sends all three of its signals.
    """
    found: dict[Signal, dict[SendInfo, None]] = {}
    for module in modules:
        for signal, send in _sends(module):
            found.setdefault(signal, {})[send] = None
    return {signal: tuple(sends) for signal, sends in found.items()}


def _sends(module: ModuleType) -> Iterator[tuple[Signal, SendInfo]]:
    # Not recursive: sums and chains of calls may be nested deeper than Python's stack.
    left: list[tuple[ast.AST, SourceScope]] = [(parsed(module), SourceScope.of(module))]
    while left:
        node, scope = left.pop()
        if isinstance(node, ast.expr):
            for signal in _sent_by(node, scope):
                location = portable_location(f"{module.__file__}:{node.lineno}")
                yield signal, SendInfo(scope.name, location)
        inner = scope.entered(node)
        left += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]


def _sent_by(node: ast.expr, scope: SourceScope) -> list[Signal[...]]:
    match node:
        # Not only calls: `partial(order_paid.send, shop)` sends as well, a little later.
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
    """Return the signals of a span factory, or an empty list."""
    found = [attribute(begun_by, word) for word in _OF_A_SPAN]
    return [signal for signal in found if is_a(signal, Signal)]
