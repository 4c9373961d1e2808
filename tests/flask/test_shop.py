"""The shop in examples/ works, and its signals tell what happened."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from examples.shop import create_app
from examples.shop.office import Office, office_of
from heliograph import ANY, Emission, add_instrument, remove_instrument
from tests.flask.capture import captured, timeline
from tests.flask.core_signals import got_request_exception, message_flashed, template_rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture
def app() -> Flask:
    """Open a shop with full shelves."""
    return create_app()


@pytest.fixture
def office(app: Flask) -> Office:
    """Go to the back office."""
    return office_of(app)


@pytest.fixture
def emissions() -> Iterator[list[Emission]]:
    """Watch every signal that is sent."""
    seen: list[Emission] = []
    add_instrument(seen.append)
    yield seen
    remove_instrument(seen.append)


def order(client: FlaskClient, item: str, quantity: int | None = None) -> tuple[int, str | None]:
    """Order something; return status and where the shop sends the customer."""
    form = {"item": item} if quantity is None else {"item": item, "quantity": str(quantity)}
    response = client.post("/orders", data=form)
    return response.status_code, response.location


def own_signals(emissions: list[Emission]) -> dict[str | None, str | None]:
    """Return the names of the shop's own signals, each with that of the one it was sent within."""
    own = ("product_viewed", "order_placed", "stock_reserved", "stock_ran_out")
    return {
        emission.signal.name: emission.parent.signal.name if emission.parent else None
        for emission in emissions
        if emission.signal.name in own
    }


def receivers(emissions: list[Emission], name: str) -> list[str]:
    """Return who received a signal, in order."""
    [emission] = [emission for emission in emissions if emission.signal.name == name]
    return [delivery.receiver.__name__ for delivery in emission.deliveries]


# --- pages -----------------------------------------------------------------------------------


def test_the_front_page_shows_ten_items(app: Flask, client: FlaskClient) -> None:
    """index.html is rendered with everything on sale."""
    with captured(template_rendered, app) as rendered:
        response = client.get("/")

    [(_, payload)] = rendered
    assert response.status_code == 200
    assert payload["template"].name == "index.html"
    assert len(payload["context"]["items"]) == 10


@pytest.mark.parametrize("key", ["mirror", "1"])
def test_a_product_has_a_page(
    key: str, client: FlaskClient, office: Office, emissions: list[Emission]
) -> None:
    """It is found by slug or number, and looking at it is counted."""
    response = client.get(f"/products/{key}")

    assert "Pocket mirror" in response.text
    assert own_signals(emissions) == {"product_viewed": None}
    assert receivers(emissions, "product_viewed") == ["count_view"]
    assert office.counts == {"products viewed": 1, "page product.html": 1}


@pytest.mark.parametrize("path", ["/nowhere", "/products/moon", "/orders/9"])
def test_a_page_that_is_missing_is_handled(path: str, app: Flask, client: FlaskClient) -> None:
    """A 404 has a page of its own, and is no exception."""
    with timeline(app) as happened:
        response = client.get(path)

    assert response.status_code == 404
    assert "Nothing in sight" in response.text
    assert happened == [
        "appcontext_pushed",
        "request_started",
        "before_render_template",
        "template_rendered",
        "request_finished",
        "request_tearing_down",
        "appcontext_tearing_down",
        "appcontext_popped",
    ]


def test_the_broken_page_raises_an_alarm(
    app: Flask, client: FlaskClient, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A view that raises makes a 500 with a page, got_request_exception and an alarm."""
    with captured(got_request_exception, app) as told:
        response = client.get("/broken")

    assert response.status_code == 500
    assert "The shutter is stuck" in response.text
    assert [repr(payload["exception"]) for _, payload in told] == [
        "RuntimeError('the shutter is stuck')"
    ]
    assert list(office.alarms) == ["RuntimeError"]
    assert [record.getMessage() for record in caplog.records] == ["Exception on /broken [GET]"]


# --- orders ----------------------------------------------------------------------------------


def test_an_order_is_placed_and_everybody_does_their_part(
    client: FlaskClient, office: Office, emissions: list[Emission]
) -> None:
    """Stock reserved, shipped first, receipt, count, audit line, bell: all by signals."""
    assert order(client, "mirror", 2) == (303, "/orders/1")

    assert own_signals(emissions) == {"stock_reserved": None, "order_placed": None}
    assert receivers(emissions, "order_placed") == [
        "ship",
        "send_receipt",
        "count_order",
        "write_audit_line",
        "ring_bell",
    ]
    assert list(office.outbox) == ["Receipt for order 1: € 19.00"]
    assert list(office.audit) == ["1 2 mirror"]
    assert office.counts == {
        "pieces reserved": 2,
        "orders": 1,
        "cents": 1900,
        "bell": 1,
        "message success": 1,
    }


def test_the_last_piece_sends_a_signal_inside_a_signal(
    client: FlaskClient, office: Office, emissions: list[Emission]
) -> None:
    """Shipping the last lantern, while the order is told, tells that the stock ran out."""
    assert order(client, "3") == (303, "/orders/1")

    assert own_signals(emissions) == {
        "stock_reserved": None,
        "stock_ran_out": "order_placed",
        "order_placed": None,
    }
    assert list(office.outbox) == [
        "To the supplier: please send more of lantern",
        "Receipt for order 1: € 62.00",
    ]
    assert "Sold out" in client.get("/products/lantern").text


def test_a_customer_is_thanked_on_the_next_page(app: Flask, client: FlaskClient) -> None:
    """The message is flashed with the order, and shown once."""
    thanks = "Thank you! Your order is on its way."
    with captured(message_flashed, app) as flashed:
        order(client, "mirror")

    assert flashed == [(app, {"message": thanks, "category": "success"})]
    page = client.get("/orders/1")
    assert page.status_code == 200
    assert thanks in page.text
    assert "Pocket mirror" in page.text
    assert thanks not in client.get("/orders/1").text


def test_too_few_left_is_a_message_and_no_order(
    client: FlaskClient, office: Office, emissions: list[Emission]
) -> None:
    """Who wants more than there is comes back to the product, and nothing is told of an order."""
    assert order(client, "lantern", 2) == (303, "/products/lantern")

    assert own_signals(emissions) == {}
    assert office.counts == {"message warning": 1}
    assert "Sorry, we have too few left: Brass lantern." in client.get("/products/lantern").text
    assert client.get("/orders/1").status_code == 404


def test_a_receiver_that_refuses_costs_nobody_the_order(
    client: FlaskClient, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The audit book does not take the amount: that is logged, and the customer has the order."""
    assert order(client, "heliograph") == (303, "/orders/1")

    assert list(office.audit) == []
    assert list(office.outbox) == ["Receipt for order 1: € 480.00"]
    [record] = caplog.records
    assert (record.name, record.levelno) == ("heliograph", logging.ERROR)
    assert "write_audit_line failed when signal 'order_placed'" in record.getMessage()


@pytest.mark.parametrize(
    "form", [{}, {"item": "1", "quantity": "0"}, {"item": "1", "quantity": "x"}]
)
def test_a_malformed_order_is_the_customers_mistake(
    form: dict[str, str], client: FlaskClient, office: Office
) -> None:
    """No item or no proper quantity is a 400, and nothing has happened."""
    assert client.post("/orders", data=form).status_code == 400
    assert office.counts == {}
    assert list(office.alarms) == []


def test_an_order_for_what_is_not_sold_is_a_404(client: FlaskClient, office: Office) -> None:
    """What is not on the shelf cannot be ordered."""
    assert order(client, "moon") == (404, None)
    assert office.counts == {"page 404.html": 1}


def test_two_shops_know_nothing_of_each_other(
    app: Flask, client: FlaskClient, office: Office
) -> None:
    """Their signals are the same, and their senders are not."""
    other = create_app()
    with captured(template_rendered, ANY) as rendered:
        order(other.test_client(), "3")
        client.get("/")

    assert [sender for sender, _ in rendered] == [app]
    assert office.counts == {"page index.html": 1}
    assert office_of(other).counts["bell"] == 1
    assert "Sold out" not in client.get("/products/lantern").text
