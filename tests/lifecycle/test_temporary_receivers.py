"""Temporary receivers of one request, while another one is served: what they see of that."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.children import child

HERE = Path(__file__).parent

BOTH = ["ada.html", "bob.html"]


@pytest.mark.parametrize("framework", ["flask", "quart"])
@pytest.mark.parametrize(
    ("engine", "seen"),
    [("blinker", [BOTH, BOTH]), ("heliograph", [["ada.html"], ["bob.html"]])],
)
def test_a_request_sees_no_templates_of_another(
    framework: str, engine: str, seen: list[list[str]]
) -> None:
    """With `local=True`; under Blinker, what Ada is shown is also noted for Bob."""
    ended = child(sys.executable, str(HERE / "two_users.py"), framework, engine, cwd=HERE)

    assert (ended.status, ended.err) == (0, "")
    assert json.loads(ended.out) == seen
