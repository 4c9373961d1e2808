"""A catalogue as nodes and edges: places that send, signals, receivers, and what leads where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliograph.inspector.facts import Catalogue, NamespaceInfo, ReceiverInfo, SignalInfo


class Kind(StrEnum):
    """What a node stands for."""

    SENDER = "sender"
    SIGNAL = "signal"
    RECEIVER = "receiver"
    DEAD = "dead"


@dataclass(frozen=True)
class Node:
    """A place that sends, a signal, or a receiver.

    Attributes:
        id: A short word that no other node has.
        kind: What it stands for.
        label: What it is called.
        place: The ``file:line`` that sends, declares or defines it, or "".
        note: What is wrong with it, or "".
    """

    id: str
    kind: Kind
    label: str
    place: str
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """What leads from a place to a signal, or from a signal to a receiver.

    Attributes:
        source: The id of the node that it leads from.
        target: The id of the node that it leads to.
        label: Of a connection its number in the order of the calls, and how it is connected.
        broken: Whether the receiver has died.
    """

    source: str
    target: str
    label: str = ""
    broken: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes and edges, the nodes of each kind in the order in which they appear.

    Attributes:
        target: What the user calls the program.
        nodes: The nodes.
        edges: The edges.
    """

    target: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def of_kind(self, *kinds: Kind) -> list[Node]:
        """Return the nodes of some kinds."""
        return [it for it in self.nodes if it.kind in kinds]


def wired(catalogue: Catalogue) -> Catalogue:
    """Leave out the signals of packages that nobody has connected to."""
    chosen = (
        replace(it, signals=tuple(s for s in it.signals if it.own or s.receivers or s.dead))
        for it in catalogue.namespaces
    )
    return replace(catalogue, namespaces=tuple(it for it in chosen if it.signals))


def graph_of(catalogue: Catalogue) -> Graph:
    """Return the graph of all signals of a catalogue."""
    making = _Making()
    for namespace in catalogue.namespaces:
        for signal in namespace.signals:
            making.add(namespace, signal)
    return Graph(catalogue.target, tuple(making.nodes.values()), tuple(making.edges))


def full_name(namespace: NamespaceInfo, signal: SignalInfo) -> str:
    """Return the name of a signal with that of its namespace."""
    if namespace.name is None:
        return signal.name
    return f"{namespace.name}.{signal.name}"


def how(it: ReceiverInfo) -> str:
    """Return how a receiver is connected, as far as it is not as usual."""
    remarks = {
        f"from {it.sender}": it.sender != "ANY",
        f"priority {it.priority}": it.priority != 0,
        "errors logged": it.on_error == "log",
        "async": it.is_async,
        "inline": it.inline,
        it.time: it.when is not None,
    }
    return ", ".join(remark for remark, holds in remarks.items() if holds)


class _Making:
    """A graph that is being made; a place or a receiver that appears again is the same node."""

    def __init__(self) -> None:
        self.nodes: dict[object, Node] = {}
        self.edges: list[Edge] = []

    def add(self, namespace: NamespaceInfo, signal: SignalInfo) -> None:
        """Add a signal with all that leads to it and from it."""
        lacking = {
            "nobody hears it": not (signal.receivers or signal.dead),
            "no place in the source sends it": not signal.sends and namespace.own,
        }
        note = ", ".join(text for text, holds in lacking.items() if holds)
        name, place = full_name(namespace, signal), signal.location or ""
        # Two signals may have one name.
        node = self._node((Kind.SIGNAL, len(self.nodes)), Kind.SIGNAL, name, place, note)
        # Each place once, though it may send at several lines.
        sites = {it.name: it.location for it in reversed(signal.sends)}
        for site in dict.fromkeys(it.name for it in signal.sends):
            sender = self._node((Kind.SENDER, site), Kind.SENDER, site, sites[site])
            self.edges.append(Edge(sender.id, node.id))
        for number, it in enumerate(signal.receivers, 1):
            place = it.location or it.connected
            receiver = self._node((it.name, place), Kind.RECEIVER, it.name, place)
            label = ", ".join(filter(None, (str(number), how(it))))
            self.edges.append(Edge(node.id, receiver.id, label))
        for dead in signal.dead:
            key, note = (Kind.DEAD, dead.name, dead.connected), "garbage-collected"
            gone = self._node(key, Kind.DEAD, dead.name, dead.connected, note)
            self.edges.append(Edge(node.id, gone.id, "died", broken=True))

    def _node(self, key: object, kind: Kind, label: str, place: str, note: str = "") -> Node:
        made = Node(f"n{len(self.nodes)}", kind, label, place, note)
        return self.nodes.setdefault(key, made)
