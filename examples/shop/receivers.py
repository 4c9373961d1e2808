"""Everything that happens because of a signal: mail, counts, audit lines, alarms, refills.

No view knows of any of this: take a receiver away, and the shop still sells.
Receivers of Flask's signals keep to what Blinker offers, so they run on either engine.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from flask import (
    current_app,
    g,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    template_rendered,
)

from heliograph import ANY

from .ext_stock import Stock, stock_of, stock_ran_out, stock_reserved
from .office import AUDIT_LIMIT, AuditRefusedError, office_of
from .products import euros
from .signals import order_placed, product_viewed

if TYPE_CHECKING:
    from flask import Flask
    from jinja2 import Template

    from .orders import Order


def init_app(app: Flask) -> None:
    """Connect the receivers that listen to *app* alone, and to its stock."""
    request_started.connect(start_clock, app)
    template_rendered.connect(count_page, app)
    message_flashed.connect(count_message, app)
    got_request_exception.connect(raise_alarm, app)
    request_finished.connect(stop_clock, app)
    order_placed.connect(ring_bell, app)
    stock_reserved.connect(count_reserved, stock_of(app))


def start_clock(_sender: Flask, **_extra: object) -> None:
    """Note when the request began."""
    g.started = perf_counter()


def count_page(sender: Flask, template: Template, **_extra: object) -> None:
    """Count each rendered page by its template."""
    office_of(sender).counts[f"page {template.name}"] += 1


def count_message(sender: Flask, category: str, **_extra: object) -> None:
    """Count the messages that visitors get, by category."""
    office_of(sender).counts[f"message {category}"] += 1


def raise_alarm(sender: Flask, exception: Exception, **_extra: object) -> None:
    """Tell the office that a view failed."""
    office_of(sender).alarms.append(type(exception).__name__)


def stop_clock(sender: Flask, **_extra: object) -> None:
    """Add up how long requests take."""
    if "started" in g:  # missing if the start was muted or disconnected
        office_of(sender).seconds += perf_counter() - g.started


@product_viewed.connect
def count_view(sender: Flask, **_extra: object) -> None:
    """Count how often products are looked at."""
    office_of(sender).counts["products viewed"] += 1


@order_placed.connect
def send_receipt(sender: Flask, order: Order, **_extra: object) -> None:
    """Mail the receipt to the customer."""
    office_of(sender).outbox.append(f"Receipt for order {order.number}: {euros(order.total)}")


@order_placed.connect
def count_order(sender: Flask, order: Order, **_extra: object) -> None:
    """Count orders and what they bring in."""
    office_of(sender).counts.update({"orders": 1, "cents": order.total})


@order_placed.connect_via(ANY, on_error="log")
def write_audit_line(sender: Flask, order: Order, **_extra: object) -> None:
    """Write one audit line; its failure is logged, for it must not cost the customer the order."""
    if order.total > AUDIT_LIMIT:  # on purpose: so that the demo has a failure to show
        msg = f"an order above {euros(AUDIT_LIMIT)} needs a second signature"
        raise AuditRefusedError(msg)
    office_of(sender).audit.append(f"{order.number} {order.quantity} {order.product.slug}")


@order_placed.connect_via(ANY, priority=10)
def ship(sender: Flask, order: Order, **_extra: object) -> None:
    """Ship before anything else happens; the last piece makes the stock send `stock_ran_out`."""
    stock_of(sender).ship(order.product.slug, order.quantity)


def ring_bell(sender: Flask, **_extra: object) -> None:
    """Ring the bell on this shop's counter, and on no other's."""
    office_of(sender).counts["bell"] += 1


def count_reserved(_sender: Stock, quantity: int, **_extra: object) -> None:
    """Count the pieces set aside; the request tells which shop this is."""
    office_of(current_app).counts["pieces reserved"] += quantity


@stock_ran_out.connect
def reorder(_sender: Stock, item: str, **_extra: object) -> None:
    """Write to the supplier for more."""
    office_of(current_app).outbox.append(f"To the supplier: please send more of {item}")
