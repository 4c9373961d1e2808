"""A small Flask shop that shows signals at work: the factory, and one app made by it."""

from __future__ import annotations

from flask import Flask

from . import catalogue, checkout, failures, receivers
from .ext_stock import Stock
from .office import Office
from .orders import OrderBook
from .products import euros, first_stock

__all__ = ["app", "create_app"]


def create_app() -> Flask:
    """Make a shop with full shelves and an empty order book.

    Every shop has its own stock, orders and office, so that two of them in one
    process (in tests, say) never see each other's customers.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        # For the demo only: a person who knows this key can forge a session.
        SECRET_KEY="demo-only-not-a-secret",  # noqa: S106 - a demo signs nothing of worth.
        STOCK_SHELF=first_stock(),
    )
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY, for one, replaces the above
    app.add_template_filter(euros)

    Stock(app)
    app.extensions["orders"] = OrderBook()
    app.extensions["office"] = Office()

    app.register_blueprint(catalogue.pages)
    app.register_blueprint(checkout.pages)
    failures.init_app(app)
    receivers.init_app(app)
    return app


app = create_app()
