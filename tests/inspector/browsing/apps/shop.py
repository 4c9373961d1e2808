"""A shop over WSGI whose signals do all that a page has to show; served by the tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

from flask import Flask, request

from heliograph import Namespace
from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.flask import install
from tests.inspector.browsing.apps.hostile import HOSTILE

shop = Namespace("shop")
order_placed = shop.signal("order-placed")
receipt_sent = shop.signal("receipt-sent")
line_packed = shop.signal("line-packed")
stock_counted = shop.signal("stock-counted")
price_changed = shop.signal("price-changed")
hostile = shop.signal(HOSTILE)
took: list[float] = []


@order_placed.connect
def send_receipt(sender: object, **extra: object) -> None:
    """Send another signal."""
    begun = time.perf_counter()
    receipt_sent.send(sender, to="ada@example.org", password="geheim")  # noqa: S106 - to be hidden.
    took.append(time.perf_counter() - begun)


@order_placed.connect
def index_order(sender: object, **extra: object) -> None:
    """Take longer than the receipt, however busy the machine is."""
    time.sleep(0.01 + 2 * took.pop())


@receipt_sent.connect
def archive(sender: object, **extra: object) -> None:
    """Keep it."""


@line_packed.connect
def count_line(sender: object, **extra: object) -> None:
    """Count."""


@price_changed.connect
def never_called(sender: object, **extra: object) -> None:
    """Wait for a signal that nobody sends."""


def hostile_receiver(sender: object, **extra: object) -> None:
    """Fail with what a page must not run."""
    raise ValueError(HOSTILE)


hostile_receiver.__qualname__ = HOSTILE
hostile.connect(hostile_receiver)

app = Flask("shop")
app.debug = os.environ.get("SHOP_DEBUG", "1") == "1"


@app.get("/")
def index() -> str:
    """Answer with the version of this file's neighbour, which the tests change."""
    version = Path(os.environ.get("SHOP_VERSION", "")).name
    return f"shop {os.getpid()} {version}"


@app.post("/orders")
def order() -> str:
    """Place an order."""
    order_placed.send(app, item="mirror", total=950)
    stock_counted.send(app, left=3)
    return "thank you"


@app.get("/orders/<int:number>")
def show(number: int) -> str:
    """Show an order, which is looked at."""
    order_placed.send(app, item="lantern", total=12)
    return f"order {number}"


@app.get("/lines")
def lines() -> str:
    """Send many times."""
    for number in range(int(request.args.get("many", "200"))):
        line_packed.send(app, number=number)
    return "packed"


@app.get("/slow")
def slow() -> str:
    """Take long in a receiver."""

    def take_long(sender: object, **extra: object) -> None:
        time.sleep(0.12)

    with stock_counted.connected_to(take_long):
        stock_counted.send(app, left=2)
    return "slow"


@app.get("/hostile")
def attack() -> str:
    """Send what a page must not run."""
    try:
        hostile.send(app, **{HOSTILE: HOSTILE, "api_key": HOSTILE})
    except ValueError:
        return "attacked"
    return "not attacked"


@app.get("/broken")
def broken() -> str:
    """Fail."""
    raise RuntimeError(HOSTILE)


install(app)
inspector = Inspector(values=True, token=os.environ.get("SHOP_TOKEN"))
app.wsgi_app = inspector.wsgi(app.wsgi_app, server_timing=True)  # type: ignore[method-assign]  # As Flask wants it.
