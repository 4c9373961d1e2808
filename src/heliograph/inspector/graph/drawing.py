"""Writes a graph in the languages of programs that draw: Mermaid and DOT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heliograph.inspector.graph.edges import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.inspector.graph.edges import Graph, Node

# What is no plain character in a label of Mermaid: it takes HTML and Markdown there.
_SPECIAL = re.compile(r"[^\w .,:/()-]|\n")
_CLASSES = (
    "classDef signal fill:#dbeafe,stroke:#1d4ed8,color:#111827",
    "classDef lacking fill:#fef3c7,stroke:#b45309,color:#111827",
    "classDef dead fill:#fee2e2,stroke:#b91c1c,color:#111827,stroke-dasharray:4",
)
_SHAPES = {
    Kind.SENDER: ("[", "]"),
    Kind.SIGNAL: ("([", "])"),
    Kind.RECEIVER: ("[", "]"),
    Kind.DEAD: ("[", "]"),
}
_STYLES = {
    Kind.SENDER: 'shape="box"',
    Kind.SIGNAL: 'shape="box", style="rounded,filled", fillcolor="#dbeafe"',
    Kind.RECEIVER: 'shape="box"',
    Kind.DEAD: 'shape="box", style="dashed,filled", fillcolor="#fee2e2"',
}


def as_mermaid(graph: Graph) -> str:
    """Return a flowchart, as GitHub and GitLab draw it in Markdown between fences."""
    return "\n    ".join(["flowchart LR", *_mermaid(graph)]) + "\n"


def _mermaid(graph: Graph) -> Iterator[str]:
    yield from _CLASSES
    for node in graph.nodes:
        begin, end = _SHAPES[node.kind]
        name = _class_of(node)
        yield f'{node.id}{begin}"{_mermaid_text(_label(node))}"{end}{f":::{name}" if name else ""}'
    for edge in graph.edges:
        arrow = "-.->" if edge.broken else "-->"
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        yield f"{edge.source} {arrow}{label} {edge.target}"


def _class_of(node: Node) -> str:
    if node.kind is Kind.SIGNAL:
        return "lacking" if node.note else "signal"
    return "dead" if node.kind is Kind.DEAD else ""


def _label(node: Node) -> str:
    return f"{node.label}: {node.note}" if node.note else node.label


def _mermaid_text(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


def as_dot(graph: Graph) -> str:
    """Return a graph for Graphviz."""
    lines = [
        f"digraph {_dot_text(graph.target)} {{",
        "    rankdir=LR;",
        '    node [fontname="sans-serif", fontsize=11];',
        '    edge [fontname="sans-serif", fontsize=9];',
    ]
    for node in graph.nodes:
        what = f"label={_dot_text(_label(node))}, tooltip={_dot_text(node.place)}"
        lines.append(f"    {node.id} [{what}, {_STYLES[node.kind]}];")
    for edge in graph.edges:
        style = ', style="dashed"' if edge.broken else ""
        lines.append(f"    {edge.source} -> {edge.target} [label={_dot_text(edge.label)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str) -> str:
    # Graphviz takes a backslash for the begin of a variable, and `&` for that of an entity.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{" ".join(escaped.split())}"'
