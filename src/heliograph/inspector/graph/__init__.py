"""The graph of a program: who sends which signals to whom, drawn, kept and compared."""

from __future__ import annotations

from heliograph.inspector.graph.changes import Change, changes
from heliograph.inspector.graph.document import as_html
from heliograph.inspector.graph.drawing import as_dot, as_mermaid
from heliograph.inspector.graph.edges import Edge, Graph, Kind, Node, graph_of, wired
from heliograph.inspector.graph.wiring import (
    SnapshotError,
    WiredReceiver,
    WiredSignal,
    Wiring,
    as_snapshot,
    from_snapshot,
    wiring_of,
)

__all__ = [
    "Change",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "SnapshotError",
    "WiredReceiver",
    "WiredSignal",
    "Wiring",
    "as_dot",
    "as_html",
    "as_mermaid",
    "as_snapshot",
    "changes",
    "from_snapshot",
    "graph_of",
    "wired",
    "wiring_of",
]
