"""Each signal of the program with what the program does with it: who sends it, and who hears it."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from heliograph import Namespace, Signal, default_namespace
from heliograph.inspector.doctor.program import absolute
from heliograph.inspector.doctor.uses import CONNECTING, SENDING
from heliograph.inspector.finding import held_by
from heliograph.inspector.static import attribute, is_a

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from heliograph.inspector.doctor.program import Program
    from heliograph.inspector.doctor.source import Source, Spot

_HEARING = (*CONNECTING, "connected_to", "next", "wait", "stream")
_ASKING = (
    "muted", "is_muted", "receivers", "has_receivers_for", "receivers_for", "connections",
    "disconnect", "name", "__doc__", "declaration", "dead_receivers",
)  # fmt: skip
_MAKING = ("signal", "declare", "declare_payload", "namespace", "span")


@dataclass(eq=False)
class Wire:
    """A signal, or a name in a namespace that some line would make a signal of.

    Attributes:
        name: Its name, or that of its variable.
        variables: The names of the variables that hold it.
        signal: The signal, or None if it does not exist yet.
        homes: Its name in each namespace that has it, by the namespace's `id`.
        place: The ``file:line`` that makes it or uses it first, or None.
        sent: Where it is sent.
        heard: Where it is connected to.
        escapes: Whether it is handed to code that may do both.
    """

    name: str
    signal: Signal[...] | None
    homes: dict[int, str] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    place: str | None = None
    sent: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    escapes: bool = False

    @property
    def is_only_sent(self) -> bool:
        """Whether certainly nobody hears what is sent."""
        return bool(self.sent) and not self.heard and not self.escapes

    @property
    def is_only_heard(self) -> bool:
        """Whether certainly nobody sends what is heard."""
        return bool(self.heard) and not self.sent and not self.escapes

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return f"Signal {self.name!r}"

    @property
    def written(self) -> set[str]:
        """All names by which a line may mean it."""
        names = {self.name, *self.homes.values(), *self.variables}
        return names | {it.replace("-", "_") for it in names}

    def names_beside(self, other: Wire) -> Iterator[tuple[str, str]]:
        """Yield both names as they stand beside each other: in one namespace, or in none."""
        for home in self.homes.keys() & other.homes.keys():
            yield self.homes[home], other.homes[home]
        if not self.homes and not other.homes:
            yield self.name, other.name


class Wiring:
    """All wires of a program.

    Args:
        program: The program.
        sent: The signals that were sent while somebody watched, by their `id`.
    """

    def __init__(self, program: Program, sent: frozenset[int] = frozenset()) -> None:
        self._program = program
        self._wires: dict[Hashable, Wire] = {}
        self._namespaces: dict[int, Namespace] = {id(default_namespace): default_namespace}
        self._open: set[int] = set()
        self._sent_somehow: set[str] = set()
        self._heard_somehow: set[str] = set()
        self._find_own()
        spots = [(source, spot) for source in program.sources for spot in source.spots]
        for source, spot in spots:
            self._note_definition(source, spot)
        for source, spot in spots:
            self._note(source, spot)
        self._note_living(sent)

    def wires(self) -> list[Wire]:
        """Return the wires of the program, without those of packages."""
        foreign = _held_elsewhere(self._program)
        return [it for it in self._wires.values() if id(it.signal) not in foreign]

    # --- what there is -----------------------------------------------------------------

    def _find_own(self) -> None:
        for path, it in held_by(self._program.modules):
            if is_a(it, Namespace):
                self._namespaces[id(it)] = it
            elif is_a(it, Signal):
                wire, variable = self._wire_of(it), path.rpartition(".")[2]
                wire.variables.add(variable)
                wire.name = wire.name or variable
        for namespace in self._namespaces.values():
            for name, it in namespace.items() if namespace is not default_namespace else ():
                self._wire_of(it).homes[id(namespace)] = name

    def _wire_of(self, signal: Signal[...]) -> Wire:
        known = self._wires.get(id(signal))
        if known is not None:
            return known
        wire = Wire(str(signal.name or ""), signal)
        if signal.declaration is not None:
            wire.place = absolute(signal.declaration.location)
        if default_namespace.get(signal.name) is signal:
            wire.homes[id(default_namespace)] = wire.name
        self._wires[id(signal)] = wire
        return wire

    def _note_living(self, sent: frozenset[int]) -> None:
        for it in self._program.connected:
            if id(it.signal) in self._wires:
                self._wires[id(it.signal)].heard.append(it.location)
        for dead in self._program.lost:
            if id(dead.signal) in self._wires:
                self._wires[id(dead.signal)].heard.append(dead.location)
        for wire in self._wires.values():
            if id(wire.signal) in sent:
                wire.sent.append("")
            if self._may_be_used_elsewhere(wire):
                wire.escapes = True

    def _may_be_used_elsewhere(self, wire: Wire) -> bool:
        """Tell whether code that is not read, or not understood, may send it or hear it."""
        # `self.paid.send(...)` may well be the signal in the variable `paid`.
        sent = not wire.sent and not wire.written.isdisjoint(self._sent_somehow)
        heard = not wire.heard and not wire.written.isdisjoint(self._heard_somehow)
        if sent or heard or self._open.intersection(wire.homes):
            return True
        return not wire.written.isdisjoint(self._program.unread)

    # --- what is written ---------------------------------------------------------------

    def _note(self, source: Source, spot: Spot) -> None:
        node, above = spot.node, source.above.get(spot.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            return
        wire = self._wire_at(spot)
        if wire is not None:
            location = source.location(node)
            wire.place = wire.place or location
            self._note_use(wire, source, node, location)
        elif isinstance(above, ast.Attribute):
            tail = _tail(node)
            if above.attr in SENDING:
                self._sent_somehow.add(tail)
            if above.attr in _HEARING:
                self._heard_somehow.add(tail)
        self._note_namespace(source, spot)

    def _note_definition(self, source: Source, spot: Spot) -> None:
        if isinstance(spot.node, ast.Name) and isinstance(spot.node.ctx, ast.Store):
            made = attribute(spot.scope.owner, spot.node.id)
            if is_a(made, Signal) and _is_assigned(source, spot.node):
                wire = self._wire_of(made)
                wire.place = wire.place or source.location(spot.node)

    def _wire_at(self, spot: Spot) -> Wire | None:
        found = spot.scope.value(spot.node)
        if is_a(found, Signal):
            return self._wire_of(found)
        match spot.node:
            case ast.Call(func=maker, args=[ast.Constant(value=str(name)), *_]):
                namespace = spot.scope.namespace_of(maker)
                if is_a(namespace, Namespace):
                    key = id(namespace), name
                    self._namespaces[id(namespace)] = namespace
                    return self._wires.setdefault(key, Wire(name, None, {id(namespace): name}))
        return None

    def _note_use(self, wire: Wire, source: Source, node: ast.expr, location: str) -> None:
        match source.above.get(node):
            case ast.Attribute(attr=name) if name in SENDING:
                wire.sent.append(location)
            case ast.Attribute(attr=name) if name in _HEARING:
                wire.heard.append(location)
            case ast.Attribute(attr=name) if name in _ASKING:
                pass
            case ast.Expr() | ast.Compare():
                pass
            case _:
                wire.escapes = not _is_assigned(source, node) or wire.escapes

    def _note_namespace(self, source: Source, spot: Spot) -> None:
        """Note a namespace that is handed to code which may use any of its names."""
        node = spot.node
        found = spot.scope.value(node)
        if isinstance(node, ast.Call):
            literal = node.args and isinstance(node.args[0], ast.Constant)
            namespace = None if literal else spot.scope.namespace_of(node.func)
            if namespace is not None:
                self._open.add(id(namespace))
        if not is_a(found, Namespace):
            return
        match source.above.get(node):
            case ast.Attribute(attr=name) if name in _MAKING:
                pass
            case ast.Subscript(slice=ast.Constant()):
                pass
            case _ if not _is_assigned(source, node):
                self._open.add(id(found))


def _is_assigned(source: Source, node: ast.AST) -> bool:
    """Tell whether an expression is assigned to a variable of a module or a class, or is one."""
    above = source.above.get(node)
    while isinstance(above, ast.Tuple):
        above = source.above.get(above)
    match above:
        case ast.Assign(targets=targets):
            named = all(isinstance(it, (ast.Name, ast.Tuple)) for it in targets)
        case ast.AnnAssign(target=target):
            named = isinstance(target, ast.Name)
        case _:
            return False
    return named and source.function_of(above) is None


def _tail(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return ""


def _held_elsewhere(program: Program) -> set[int]:
    """Return the signals that other modules hold, by their `id`."""
    own = {id(it) for it in program.modules}
    modules = [it for it in [*sys.modules.values()] if is_a(it, ModuleType) and id(it) not in own]
    values = (it for module in modules for it in [*vars(module).values()])
    return {id(it) for it in values if is_a(it, Signal)}
