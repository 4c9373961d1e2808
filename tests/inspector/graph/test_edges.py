"""The graph of a program: its nodes, its edges, and what is no part of it."""

from __future__ import annotations

from dataclasses import replace

from heliograph.inspector import Catalogue, NamespaceInfo
from heliograph.inspector.graph import Edge, Graph, Kind, Node, graph_of, wired
from tests.inspector.graph.programs import NOTHING, SHOP, THANK


def test_places_lead_to_signals_and_signals_to_receivers() -> None:
    """A place and a receiver are one node, however often they appear."""
    assert graph_of(SHOP) == Graph(
        "shop:<app>",
        (
            Node("n0", Kind.SIGNAL, "shop.paid", "shop.py:3"),
            Node("n1", Kind.SENDER, "shop.pay", "shop.py:20"),
            Node("n2", Kind.RECEIVER, "shop.thank", "shop.py:7"),
            Node("n3", Kind.RECEIVER, "shop.count.<locals>.<lambda>", "shop.py:9"),
            Node("n4", Kind.DEAD, "shop.make.<locals>.log", "shop.py:12", "garbage-collected"),
            Node(
                "n5",
                Kind.SIGNAL,
                "shop.lost",
                "",
                "nobody hears it, no place in the source sends it",
            ),
            Node("n6", Kind.SIGNAL, "sent", ""),
            Node("n7", Kind.SIGNAL, "flask.request-started", "", "nobody hears it"),
        ),
        (
            Edge("n1", "n0"),
            Edge("n0", "n2", "1"),
            Edge(
                "n0",
                "n3",
                "2, from 'a \"shop\"', priority -1, errors logged, async, inline, after the commit",
            ),
            Edge("n0", "n4", "died", broken=True),
            Edge("n1", "n6"),
            Edge("n6", "n2", "1"),
        ),
    )


def test_two_signals_of_one_name_are_two_nodes() -> None:
    """Each with its own receivers."""
    twins = (replace(NOTHING, receivers=(THANK,)), NOTHING)

    graph = graph_of(Catalogue("shop", (NamespaceInfo(None, "", twins),)))

    assert [(it.id, it.label) for it in graph.of_kind(Kind.SIGNAL)] == [
        ("n0", "lost"),
        ("n2", "lost"),
    ]


def test_signals_of_packages_are_drawn_if_somebody_hears_them() -> None:
    """Of the program's own ones, all are."""
    found = wired(SHOP)

    assert [(it.name, [s.name for s in it.signals]) for it in found.namespaces] == [
        ("shop", ["paid", "lost"]),
        (None, ["sent"]),
    ]
    assert found.not_loaded == ("shop.mail",)
