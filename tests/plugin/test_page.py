"""The examples on the page about testing, as the tests that they are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.testing.runs import run

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?<!<!-- skip: next -->\n\n)^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_tests_on_the_page_pass(tmp_path: Path) -> None:
    """All blocks that are not written by hand make one module, which pytest runs."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    tests = "\n".join(BLOCK.findall(page))

    ended = run(tmp_path, tests, settings=f"pythonpath = {ROOT}")

    assert ended.passed == [
        "test_an_order_is_confirmed",
        "test_an_order_is_placed",
        "test_an_order_sends_nothing_else",
        "test_looking_is_not_buying",
        "test_the_front_page_shows_ten_items",
    ], ended.out
