"""The example in the README: the shop, traced as a user would."""

from __future__ import annotations

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
    assert without_times(ended.out) == (HERE / "shop.txt").read_text(encoding="utf-8")
