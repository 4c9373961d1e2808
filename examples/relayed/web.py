"""The pages of the shop. Each process has a cache of prices, which the others can drop from."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from heliograph.lifecycle.flask import install
from heliograph.relay import resynced

from .wiring import engine, order_placed, orders, price_changed, products, relay

app = Flask(__name__)
install(app)
relay.start_with(app)

cache: dict[str, int] = {}


@relay.connect(price_changed, scope="each")
def drop_price(sender: str, *, sku: str) -> None:
    """Forget a price that is not what it was, whoever has changed it."""
    cache.pop(sku, None)


@resynced.connect
def drop_all(sender: object, **gap: object) -> None:
    """Forget all prices, as a change may have been missed."""
    cache.clear()


@app.get("/health")
def health() -> dict[str, Any]:
    """Tell which process this is, and whether its relay is connected."""
    return {"process": os.getpid(), "connected": relay.health().connected}


@app.get("/prices/<sku>")
def price(sku: str) -> dict[str, Any]:
    """Tell a price, from the cache if it is there."""
    cached = sku in cache
    if not cached:
        with Session(engine) as session:
            query = select(products.c.price).where(products.c.sku == sku)
            cache[sku] = session.scalars(query).one()
    return {"process": os.getpid(), "price": cache[sku], "cached": cached}


@app.post("/prices/<sku>")
def change_price(sku: str) -> dict[str, Any]:
    """Change a price, and let all processes know once that is committed."""
    with Session(engine) as session, session.begin():
        changed = update(products).where(products.c.sku == sku)
        session.execute(changed.values(price=int(request.form["price"])))
        price_changed.send("web", sku=sku)
    return {"process": os.getpid()}


@app.post("/orders")
def order() -> dict[str, Any]:
    """Take an order. The signal is committed with it, or neither is."""
    sku = request.form["sku"]
    with Session(engine) as session, session.begin():
        query = select(products.c.price).where(products.c.sku == sku)
        made = session.execute(insert(orders).values(sku=sku).returning(orders.c.id)).scalar_one()
        order_placed.send("web", order_id=made, price=session.scalars(query).one())
    return {"order": made}
