"""Where the boxes of a graph stand in a picture: in three columns, with few crossings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliograph.inspector.graph.edges import Kind

if TYPE_CHECKING:
    from heliograph.inspector.graph.edges import Edge, Graph, Node

HEIGHT = 26
"""The height of a box."""

_ROW = 36
_MARGIN = 8
_BETWEEN = 110
# Of a character in the font of the picture, a little more than most fonts take.
_CHARACTER = 7.3
_PADDING = 18
# Each pass sorts both outer columns by the middle one, and that by both: three are enough.
_PASSES = 3


@dataclass(frozen=True)
class Box:
    """Where a node stands.

    Attributes:
        node: The node.
        x: Its left side.
        y: Its upper side.
        width: Its width.
    """

    node: Node
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Layout:
    """A picture.

    Attributes:
        boxes: The boxes, by the ids of their nodes.
        edges: The edges.
        width: Its width.
        height: Its height.
    """

    boxes: dict[str, Box]
    edges: tuple[Edge, ...]
    width: float
    height: float


def layout_of(graph: Graph) -> Layout:
    """Return where each node stands: who sends on the left, who receives on the right."""
    columns = _sorted(
        [
            graph.of_kind(Kind.SENDER),
            graph.of_kind(Kind.SIGNAL),
            graph.of_kind(Kind.RECEIVER, Kind.DEAD),
        ],
        graph,
    )
    tallest = max(map(len, columns)) * _ROW
    boxes: dict[str, Box] = {}
    x = float(_MARGIN)
    for column in columns:
        width = max((len(it.label) for it in column), default=0) * _CHARACTER + _PADDING
        top = _MARGIN + (tallest - len(column) * _ROW) / 2
        for row, node in enumerate(column):
            boxes[node.id] = Box(node, round(x, 1), round(top + row * _ROW, 1), round(width, 1))
        x += width + _BETWEEN
    return Layout(boxes, graph.edges, round(x - _BETWEEN + _MARGIN, 1), tallest + 2.0 * _MARGIN)


def _sorted(columns: list[list[Node]], graph: Graph) -> list[list[Node]]:
    near: dict[str, list[str]] = {it.id: [] for it in graph.nodes}
    for edge in graph.edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    for _ in range(_PASSES):
        for which in (0, 2, 1):
            place = {
                it.id: (row + 0.5) / len(column)
                for column in columns
                for row, it in enumerate(column)
            }
            columns[which].sort(key=lambda it: _middle(it, near, place))
    return columns


def _middle(node: Node, near: dict[str, list[str]], place: dict[str, float]) -> float:
    """Return the middle of what a node is joined with; one that is alone stays where it is."""
    others = near[node.id]
    return sum(place[it] for it in others) / len(others) if others else place[node.id]
