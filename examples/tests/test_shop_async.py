"""The shop, tested from async code: its requests run in threads, beside one another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from examples.shop.ext_stock import stock_ran_out
from examples.shop.signals import order_placed
from heliograph.testing import capture

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from heliograph.testing import Capture, Flashes


async def order(client: FlaskClient, item: str) -> int:
    """Order something, in a thread."""
    response = await asyncio.to_thread(client.post, "/orders", data={"item": item})
    return response.status_code


async def test_an_order_is_waited_for(client: FlaskClient, signals: Capture) -> None:
    """As soon as all its receivers have been called."""
    ordering = asyncio.create_task(order(client, "mirror"))
    placed = await signals.wait_async(order_placed, timeout=30)

    assert placed["order"].product.slug == "mirror"
    assert await ordering == 303


async def test_the_last_piece_is_sold_once(app: Flask, signals: Capture, flashes: Flashes) -> None:
    """Of two customers at once, one gets it."""
    await asyncio.gather(*(order(app.test_client(), "lantern") for _ in range(2)))

    signals.assert_sent(order_placed, times=1)
    signals.assert_sent(stock_ran_out, times=1, item="lantern")
    assert sorted(category for category, _ in flashes.with_categories) == ["success", "warning"]


async def test_two_customers_are_told_apart(app: Flask) -> None:
    """A local capture sees what its own task has caused."""

    async def customer(item: str) -> str:
        with capture(order_placed, local=True) as placed:
            await order(app.test_client(), item)
        slug: str = placed.one()["order"].product.slug
        return slug

    first, second = await asyncio.gather(customer("mirror"), customer("bell"))

    assert (first, second) == ("mirror", "bell")
