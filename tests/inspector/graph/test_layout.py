"""Where boxes stand: in three columns, without overlaps, with few crossings."""

from __future__ import annotations

from itertools import combinations

from heliograph.inspector import Catalogue
from heliograph.inspector.graph.edges import Edge, Graph, Kind, Node, graph_of
from heliograph.inspector.graph.layout import HEIGHT, Layout, layout_of
from tests.inspector.graph.programs import SHOP


def columns(layout: Layout) -> dict[float, list[str]]:
    """Return the labels in each column from top to bottom."""
    found: dict[float, list[str]] = {}
    for box in sorted(layout.boxes.values(), key=lambda it: (it.x, it.y)):
        found.setdefault(box.x, []).append(box.node.label)
    return found


def test_who_sends_is_on_the_left_and_who_receives_on_the_right() -> None:
    """The dead among the receivers; no two boxes overlap, and all are inside of the picture."""
    layout = layout_of(graph_of(SHOP))

    assert [sorted(it) for it in columns(layout).values()] == [
        ["shop.pay"],
        ["flask.request-started", "sent", "shop.lost", "shop.paid"],
        ["shop.count.<locals>.<lambda>", "shop.make.<locals>.log", "shop.thank"],
    ]
    boxes = list(layout.boxes.values())
    assert [
        (one.node.id, other.node.id)
        for one, other in combinations(boxes, 2)
        if one.x == other.x and abs(one.y - other.y) < HEIGHT
    ] == []
    assert all(it.x > 0 and it.x + it.width < layout.width for it in boxes)
    assert all(it.y > 0 and it.y + HEIGHT < layout.height for it in boxes)


def test_boxes_stand_where_their_lines_cross_least() -> None:
    """Receivers follow the order of their signals, whatever order they were given in."""
    signals = [Node(f"s{n}", Kind.SIGNAL, f"s{n}", "") for n in range(5)]
    receivers = [Node(f"r{n}", Kind.RECEIVER, f"r{n}", "") for n in (3, 1, 4, 0, 2)]
    edges = tuple(Edge(f"s{n}", f"r{n}") for n in range(5))

    layout = layout_of(Graph("a", (*signals, *receivers), edges))

    left, right = columns(layout).values()
    assert [it[1:] for it in left] == [it[1:] for it in right]


def test_a_program_without_signals_has_a_picture_without_boxes() -> None:
    """Nothing fails."""
    assert layout_of(graph_of(Catalogue("a", ()))).boxes == {}
