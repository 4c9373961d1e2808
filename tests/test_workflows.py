"""What CI may do: each workflow names what it runs by a commit, and may do no more than it must."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"

pytestmark = pytest.mark.skipif(
    not WORKFLOWS.is_dir(), reason="only a checkout has the workflows: `make test` there"
)


def lines() -> list[tuple[str, str]]:
    """Return all lines of all workflows, each with the name of its file."""
    return [
        (path.name, line.strip())
        for path in sorted(WORKFLOWS.glob("*.yml"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_actions_are_pinned_by_their_commit() -> None:
    """A tag can be moved to other code; the version beside the commit is for the reader."""
    uses = [it for it in lines() if "uses:" in it[1] and "uses: ./" not in it[1]]
    pinned = re.compile(r"(- )?uses: [\w./-]+@[0-9a-f]{40} # v[\d.]+")

    assert uses
    assert [it for it in uses if not pinned.fullmatch(it[1])] == []


def test_one_action_has_one_version() -> None:
    """What is renewed in one workflow is renewed in all."""
    named = {line.partition("uses: ")[2] for _, line in lines() if "uses: " in line}
    actions = [it.partition("@")[0] for it in named]

    assert sorted(actions) == sorted(set(actions))


def test_a_workflow_begins_without_rights() -> None:
    """A job that needs more than to read says so itself, and why."""
    top = re.compile(r"^permissions:(?: \{\}|\n  contents: read)\n", re.MULTILINE)
    texts = {it.name: it.read_text(encoding="utf-8") for it in WORKFLOWS.glob("*.yml")}

    assert [name for name, text in texts.items() if not top.search(text)] == []
    assert [it for it in lines() if re.search(r": write$", it[1])] == []


def test_ci_names_every_system() -> None:
    """Linux, macOS and Windows: docs/stability.md says where nobody has run it yet."""
    ci = WORKFLOWS.joinpath("ci.yml").read_text(encoding="utf-8")

    assert [it for it in ("ubuntu", "macos", "windows") if f"{it}-latest" not in ci] == []
