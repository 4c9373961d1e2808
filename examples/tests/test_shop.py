"""The shop, tested by what it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import pytest

from examples.shop import receivers
from examples.shop.ext_stock import stock_of, stock_ran_out, stock_reserved
from examples.shop.office import AuditRefusedError
from examples.shop.products import Product, find
from examples.shop.signals import order_placed, product_viewed
from heliograph.testing import assert_connected, capture, expect, expect_logged, mute, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from heliograph.testing import Capture, Flashes, Templates


def test_the_front_page_shows_ten_items(client: FlaskClient, templates: Templates) -> None:
    """It is rendered with everything on sale, and how much is left of it."""
    client.get("/")

    assert templates.names == ["index.html"]
    assert len(templates.context("index.html")["items"]) == 10


def test_a_product_page_tells_which_product(app: Flask, client: FlaskClient) -> None:
    """Looking at one is a signal of the shop, with the product."""
    with expect(product_viewed, sender=app, times=1, product=find("mirror")):
        client.get("/products/mirror")


@pytest.mark.no_signals("order_*", "stock_*")
def test_looking_is_not_buying(client: FlaskClient) -> None:
    """Looking at a product reserves nothing."""
    client.get("/products/mirror")


def test_an_order_is_confirmed(client: FlaskClient, signals: Capture, flashes: Flashes) -> None:
    """The pieces are reserved first; the customer is thanked when the order is placed."""
    client.post("/orders", data={"item": "mirror", "quantity": "2"})

    assert signals.assert_sent(order_placed, times=1).one()["order"].total == 1900
    signals.assert_order(stock_reserved, order_placed)
    assert flashes.with_categories == [("success", "Thank you! Your order is on its way.")]


def test_the_last_piece_is_announced(app: Flask, client: FlaskClient, signals: Capture) -> None:
    """The stock of the shop sends it, when what was ordered has left the shelf."""
    client.post("/orders", data={"item": "lantern"})

    signals.assert_sent(stock_ran_out, sender=stock_of(app), item="lantern")


def test_what_is_sold_out_is_not_sold(
    client: FlaskClient, signals: Capture, flashes: Flashes
) -> None:
    """The customer is told so, and nothing is sent."""
    client.post("/orders", data={"item": "lantern", "quantity": "2"})

    signals.assert_not_sent(order_placed)
    signals.assert_not_sent(stock_reserved)
    assert flashes.messages == ["Sorry, we have too few left: Brass lantern."]


def test_an_order_is_received_by_the_whole_office(app: Flask, signals: Capture) -> None:
    """Receipt, count and audit line for every shop, the bell for this one; all return."""
    for receiver in (receivers.send_receipt, receivers.count_order, receivers.write_audit_line):
        assert_connected(order_placed, receiver)
    assert_connected(order_placed, receivers.ring_bell, sender=app)

    app.test_client().post("/orders", data={"item": "mirror"})

    deliveries = signals.of(order_placed).one().deliveries
    assert [it.error for it in deliveries] == [None] * len(deliveries)


def test_the_audit_book_refuses_large_orders(app: Flask, client: FlaskClient) -> None:
    """It must not cost the customer the order: the error is logged."""
    with expect_logged(AuditRefusedError), expect(order_placed, sender=app):
        client.post("/orders", data={"item": "heliograph"})


def test_without_receivers_the_shop_still_sells(client: FlaskClient) -> None:
    """No view knows of any of them."""
    with mute(order_placed, stock_reserved), expect(order_placed, times=1) as placed:
        client.post("/orders", data={"item": "mirror"})

    assert placed.one().deliveries == ()


def test_a_receiver_can_be_tested_alone(client: FlaskClient) -> None:
    """With all others silent."""
    with only(receivers.send_receipt, of=order_placed), capture(order_placed) as placed:
        client.post("/orders", data={"item": "mirror"})

    assert [it.receiver for it in placed.one().deliveries] == [receivers.send_receipt]


def test_a_failing_page_raises_the_alarm(
    app: Flask, client: FlaskClient, capture_signals: Callable[..., Capture]
) -> None:
    """Flask tells of it, on plain Blinker as well."""
    failed = capture_signals(flask.got_request_exception, sender=app)
    client.get("/broken")

    assert str(failed.one()["exception"]) == "the shutter is stuck"


@pytest.mark.parametrize("price", [950, 48000])
def test_a_matcher_may_ask_anything(client: FlaskClient, price: int) -> None:
    """The payload has an object, of which one thing matters."""

    def costs(product: Any) -> bool:
        return isinstance(product, Product) and product.price == price

    with expect(product_viewed, product=costs):
        client.get("/products/mirror" if price == 950 else "/products/heliograph")
