"""The shop with metrics and their page, as servers of several processes serve it."""

from __future__ import annotations

from heliograph.lifecycle.flask import install
from heliograph.metrics import Metrics

from . import create_app
from .signals import order_placed, product_viewed

shop = create_app()
install(shop)

metrics = Metrics()
metrics.http(active=True)
metrics.count(product_viewed, "shop.views", labels={"product": lambda e: e.payload["product"].slug})
metrics.count(order_placed, "shop.orders", doc="Orders that were placed.")
metrics.observe(
    order_placed,
    "shop.order.quantity",
    value=lambda e: e.payload["order"].quantity,
    buckets=(1, 2, 5, 10, 100),
    doc="Pieces in an order.",
)
metrics.start()

app = metrics.wsgi(shop)
