"""The examples on the page about testing, and the shop's tests, as their readers run them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.cli.children import child
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


def test_the_tests_of_the_shop_run_as_its_readme_says() -> None:
    """With settings of their own, and without what Heliograph's tests need besides."""
    readme = (ROOT / "examples" / "shop" / "README.md").read_text(encoding="utf-8")
    options = ("-p", "no:cacheprovider", "-W", "error")
    ended = child(sys.executable, "-m", "pytest", *options, "tests", cwd=ROOT / "examples")

    assert "`python -m pytest tests` runs them in the folder `examples`" in readme
    assert ended.status == 0, ended.out
    assert f"rootdir: {ROOT / 'examples'}\n" in ended.out
