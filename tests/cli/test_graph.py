"""`heliograph graph`: what it writes, and what it compares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import Ended, heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    from flask import Flask, request_started
    from heliograph import Namespace

    shop = Namespace("shop")
    paid = shop.signal("paid")
    lost = shop.signal("lost")
    app = Flask("app")

    @paid.connect
    def thank(sender, **extra): ...

    @request_started.connect
    def count(sender, **extra): ...

    def pay():
        paid.send("shop")
"""
MORE = """

    @paid.connect
    def ship(sender, **extra): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a program, and its snapshot."""
    write(tmp_path / "shop.py", SHOP)
    kept = heliograph("graph", "shop", "--snapshot", "kept.json", cwd=tmp_path)
    assert kept == Ended(0, "", "")
    return tmp_path


def test_the_graph_is_written_in_four_forms(project: Path) -> None:
    """Flask's signals are part of it if somebody hears them; a pattern chooses some."""
    mermaid = heliograph("graph", "shop", cwd=project)
    dot = heliograph("graph", "shop", "*paid", "--format", "dot", cwd=project)
    found = json.loads(heliograph("graph", "shop", "lost", "--json", cwd=project).out)
    html = heliograph("graph", "shop", "--format", "html", "--output", "a.html", cwd=project)

    assert mermaid.out.startswith("flowchart LR\n")
    assert "request-started" in mermaid.out
    assert "message-flashed" not in mermaid.out
    assert dot.out.startswith('digraph "shop" {\n')
    assert found == {
        "target": "shop",
        "nodes": [
            {
                "id": "n0",
                "kind": "signal",
                "label": "shop.lost",
                "place": "",
                "note": "nobody hears it, no place in the source sends it",
            }
        ],
        "edges": [],
    }
    assert html == Ended(0, "", "")
    assert (project / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_pattern_that_fits_nothing_draws_nothing(project: Path) -> None:
    """An empty picture would look like a program without signals."""
    refused = heliograph("graph", "shop", "nosuch", cwd=project)

    assert refused == Ended(
        1, "", "Error: There are no signals to draw in 'shop' that match 'nosuch'.\n"
    )


def test_an_unchanged_program_is_wired_as_its_snapshot_says(project: Path) -> None:
    """Other lines and comments make no difference."""
    write(project / "shop.py", "# More lines.\n\n" + SHOP.replace("\n    ", "\n"))

    assert heliograph("graph", "shop", "--check", "kept.json", cwd=project) == Ended(
        0, "No difference.\n", ""
    )


def test_a_change_of_the_wiring_ends_with_status_1(project: Path) -> None:
    """It says what is different, for people or for programs."""
    write(project / "shop.py", SHOP + MORE)

    told = heliograph("graph", "shop", "--check", "kept.json", cwd=project)
    found = heliograph("graph", "shop", "--check", "kept.json", "--json", cwd=project)

    assert told == Ended(1, "+ shop.paid: receiver shop.ship\n", "")
    assert json.loads(found.out) == [
        {"sign": "+", "signal": "shop.paid", "what": "receiver shop.ship"}
    ]
    assert found.status == 1


def test_two_snapshots_are_compared_without_the_program(project: Path) -> None:
    """They may be those of two branches."""
    write(project / "shop.py", SHOP + MORE)
    heliograph("graph", "shop", "--snapshot", "new.json", cwd=project)
    (project / "shop.py").unlink()

    there = heliograph("graph", "--diff", "kept.json", "new.json", cwd=project)
    back = heliograph("graph", "--diff", "new.json", "kept.json", cwd=project)
    same = heliograph("graph", "--diff", "kept.json", "kept.json", cwd=project)

    assert (there.status, there.out) == (1, "+ shop.paid: receiver shop.ship\n")
    assert (back.status, back.out) == (1, "- shop.paid: receiver shop.ship\n")
    assert same == Ended(0, "No difference.\n", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--check", "none.json"], "'none.json' cannot be read: No such file or directory."),
        (["--check", "binary.json"], "'binary.json' is no snapshot: it is no text in UTF-8."),
        (
            ["--check", "shop.py"],
            (
                "'shop.py' cannot be used. It is no JSON (Expecting value: line 2 column 1 (char "
                "1)). Write it again with `heliograph graph --snapshot FILE`."
            ),
        ),
        (
            ["--diff", "kept.json", "later.json"],
            (
                "'later.json' cannot be used. It is a snapshot of version 2, and this Heliograph "
                "reads version 1. Use the Heliograph that has written it, or write it again."
            ),
        ),
        (
            ["--check", "kept.json", "--snapshot", "new.json"],
            "--snapshot, --check and --diff cannot be combined.",
        ),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused_before_the_program_is_loaded(
    project: Path, arguments: list[str], problem: str
) -> None:
    """With status 2, as it is not the program that is wrong."""
    (project / "binary.json").write_bytes(b"\xff")
    kept = (project / "kept.json").read_text(encoding="utf-8")
    write(project / "later.json", kept.replace('"version": 1', '"version": 2'))

    ended = heliograph("graph", "nowhere", *arguments, cwd=project)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.endswith(f"Error: {problem}\n")


def test_what_was_not_imported_is_told_beside_the_graph(tmp_path: Path) -> None:
    """As for `list`: nobody should take it for missing."""
    write(tmp_path / "shop" / "__init__.py", "from heliograph import Signal\npaid = Signal()")
    write(tmp_path / "shop" / "mail.py", "from shop import paid\npaid.connect(print)")

    ended = heliograph("graph", "shop", cwd=tmp_path)

    assert ended.err.startswith("Not imported: shop.mail. ")
