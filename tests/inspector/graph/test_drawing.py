"""What Mermaid and Graphviz get to draw."""

from __future__ import annotations

import shutil
import subprocess
from textwrap import dedent

import pytest

from heliograph.inspector.graph import Edge, Graph, Kind, Node, as_dot, as_mermaid, graph_of
from tests.inspector.graph.programs import SHOP

HOSTILE = Graph(
    'a "b" \\n & <c>',
    (
        Node("n0", Kind.SENDER, 'a.<lambda>"]; x\\\n&amp;`**b**`', "C:\\a.py:1"),
        Node("n1", Kind.SIGNAL, "päid|end", ""),
    ),
    (Edge("n0", "n1", '"|x|" --> {n2} %% #quot;'),),
)


def test_a_flowchart_has_shapes_classes_and_labels() -> None:
    """What is wrong is said in the label, as colours alone are not enough."""
    assert as_mermaid(graph_of(SHOP)) == dedent("""\
        flowchart LR
            classDef signal fill:#dbeafe,stroke:#1d4ed8,color:#111827
            classDef lacking fill:#fef3c7,stroke:#b45309,color:#111827
            classDef dead fill:#fee2e2,stroke:#b91c1c,color:#111827,stroke-dasharray:4
            n0(["shop.paid"]):::signal
            n1["shop.pay"]
            n2["shop.thank"]
            n3["shop.count.#60;locals#62;.#60;lambda#62;"]
            n4["shop.make.#60;locals#62;.log: garbage-collected"]:::dead
            n5(["shop.lost: nobody hears it, no place in the source sends it"]):::lacking
            n6(["sent"]):::signal
            n7(["flask.request-started: nobody hears it"]):::lacking
            n1 --> n0
            n0 -->|"1"| n2
            n0 -->|"2, from #39;a #34;shop#34;#39;, priority -1, \
errors logged, async, inline, after the commit"| n3
            n0 -.->|"died"| n4
            n1 --> n6
            n6 -->|"1"| n2
        """)


def test_a_digraph_has_labels_tooltips_and_styles() -> None:
    """From left to right."""
    assert as_dot(graph_of(SHOP)) == dedent("""\
        digraph "shop:<app>" {
            rankdir=LR;
            node [fontname="sans-serif", fontsize=11];
            edge [fontname="sans-serif", fontsize=9];
            n0 [label="shop.paid", tooltip="shop.py:3", shape="box", \
style="rounded,filled", fillcolor="#dbeafe"];
            n1 [label="shop.pay", tooltip="shop.py:20", shape="box"];
            n2 [label="shop.thank", tooltip="shop.py:7", shape="box"];
            n3 [label="shop.count.<locals>.<lambda>", tooltip="shop.py:9", shape="box"];
            n4 [label="shop.make.<locals>.log: garbage-collected", tooltip="shop.py:12", \
shape="box", style="dashed,filled", fillcolor="#fee2e2"];
            n5 [label="shop.lost: nobody hears it, no place in the source sends it", tooltip="", \
shape="box", style="rounded,filled", fillcolor="#dbeafe"];
            n6 [label="sent", tooltip="", shape="box", style="rounded,filled", \
fillcolor="#dbeafe"];
            n7 [label="flask.request-started: nobody hears it", tooltip="", shape="box", \
style="rounded,filled", fillcolor="#dbeafe"];
            n1 -> n0 [label=""];
            n0 -> n2 [label="1"];
            n0 -> n3 [label="2, from 'a \\"shop\\"', priority -1, \
errors logged, async, inline, after the commit"];
            n0 -> n4 [label="died", style="dashed"];
            n1 -> n6 [label=""];
            n6 -> n2 [label="1"];
        }
        """)


def test_no_name_breaks_out_of_its_label() -> None:
    """Whatever a program calls its functions and signals."""
    assert as_mermaid(HOSTILE).splitlines()[4:] == [
        '    n0["a.#60;lambda#62;#34;#93;#59; x#92;#10;#38;amp#59;#96;#42;#42;b#42;#42;#96;"]',
        '    n1(["päid#124;end"]):::signal',
        '    n0 -->|"#34;#124;x#124;#34; --#62; #123;n2#125; #37;#37; #35;quot#59;"| n1',
    ]
    assert as_dot(HOSTILE).splitlines()[0] == 'digraph "a \\"b\\" \\\\n &amp; <c>" {'
    assert as_dot(HOSTILE).splitlines()[4] == (
        '    n0 [label="a.<lambda>\\"]; x\\\\ &amp;amp;`**b**`", '
        'tooltip="C:\\\\a.py:1", shape="box"];'
    )


@pytest.mark.skipif(shutil.which("dot") is None, reason="apt-get install graphviz")
@pytest.mark.parametrize("graph", [graph_of(SHOP), HOSTILE])
def test_graphviz_draws_it(graph: Graph) -> None:
    """Every label arrives as it was."""
    drawn = subprocess.run(
        ["dot", "-Tplain"],  # noqa: S607 - as it is found above.
        input=as_dot(graph),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert drawn.stderr == ""
    assert drawn.stdout.count("\nnode ") == len(graph.nodes)
    assert drawn.stdout.count("\nedge ") == len(graph.edges)
