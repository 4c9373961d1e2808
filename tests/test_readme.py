"""The README: no claim in its table without a proof, and no figure but those that were measured."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def rows(page: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose head begins with these words."""
    (table,) = re.findall(rf"^\|{re.escape(first)}.*\n(?:\|.*\n)+", page, re.MULTILINE)
    cells = [[it.strip() for it in line.strip("|").split("|")] for line in table.splitlines()]
    return [cells[0], *cells[2:]]


TABLE = rows(README, " | Blinker")


def test_it_is_read_in_a_few_minutes() -> None:
    """What is longer belongs into the documentation."""
    assert len(README.splitlines()) <= 120


def test_every_cell_is_linked_to_its_proof() -> None:
    """To a section that shows it."""
    for row in TABLE[1:]:
        for cell in row[1:]:
            assert LINK.fullmatch(cell), (row[0], cell)


def test_peers_have_the_versions_that_the_proofs_are_run_with() -> None:
    """A claim about Blinker is one about some Blinker."""
    pinned = (ROOT / "constraints" / "dev.txt").read_text(encoding="utf-8").lower()

    for head in TABLE[0][1:4]:
        name, version = head.lower().split(" ")
        assert f"\n{name}=={version}." in pinned


def test_times_are_those_of_the_performance_page() -> None:
    """A figure that nobody measured is an opinion."""
    page = (ROOT / "docs" / "performance-appendix.md").read_text(encoding="utf-8")
    section = page[page.index("<!-- measured: sending minima -->") :]
    head, *lines = rows(section[: section.index("<!-- end -->")], " ns, minimum")
    (measured,) = [line for line in lines if line[0] == "1 receiver, 1 keyword"]
    of = dict(zip(head, measured, strict=True))
    said = [LINK.fullmatch(cell) for cell in TABLE[-1][1:]]

    figures = [it[1].partition(", o")[0] for it in said if it is not None]
    assert figures == [of[it] for it in ("blinker", "django", "psygnal", "heliograph")]


def test_as_many_frameworks_as_it_says_have_the_life_cycle() -> None:
    """Those of the matrix, beside plain WSGI and ASGI."""
    matrix = (ROOT / "docs" / "lifecycle-matrix.md").read_text(encoding="utf-8")
    lines = rows(matrix, " framework | server")[1:]
    frameworks = {re.split(r" \(|, ", line[0])[0] for line in lines}
    words = {7: "seven", 8: "eight", 9: "nine", 10: "ten"}

    assert f"[{words[len(frameworks)]} frameworks, WSGI, ASGI]" in README
