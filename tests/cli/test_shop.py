"""The example in the README: the shop, traced as a user would."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.children import heliograph, without_times

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"


def test_the_shop_is_traced_signal_by_signal() -> None:
    """The whole output for the shop is what `shop.txt` beside this file says."""
    ended = heliograph(
        "trace",
        "shop:app",
        "GET /",
        "GET /products/mirror",
        "POST /orders item=3",
        "POST /orders item=7",
        "GET /orders/1",
        "GET /nowhere",
        "GET /broken",
        cwd=EXAMPLES,
    )

    assert (ended.status, ended.err) == (0, "")
    assert in_any_flask(without_times(ended.out)) == (HERE / "shop.txt").read_text(encoding="utf-8")


def in_any_flask(text: str) -> str:
    """Leave out the numbers of lines in Flask, which are other ones in each release."""
    return re.sub(r"at (flask/\w+\.py):\d+", r"at \1", text)
