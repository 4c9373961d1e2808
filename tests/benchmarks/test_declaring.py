"""Prices of declared signals: each way does what its row says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.costs.declaring import PRICES

if TYPE_CHECKING:
    from benchmarks.costs.price import Price


@pytest.mark.parametrize("price", PRICES, ids=lambda price: price.row)
def test_each_way_can_be_done_again_and_again(price: Price) -> None:
    """And leaves nothing behind: what is done once more takes place in the same circumstances."""
    before = dict(os.environ)
    for work in price.works().values():
        for _ in range(2):
            items = work.items(2)
            work.run(items)
            work.after(items)

    assert dict(os.environ) == before
