"""A shop of two workers: what one of them sends arrives in the other, as by a relay."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request

from heliograph import Namespace
from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.flask import install
from heliograph.postponing import Postponed, load_timing

app = Flask("shop")
app.debug = True
shop = Namespace("shop")


@shop.declare
def order_paid(sender: str) -> None:
    """An order was paid."""


def bill(sender: str, **extra: Any) -> None:
    """Receive."""


def cross(postponed: Postponed) -> bool:
    """Let the first receiver's sends travel."""
    postponed.travels_in("envelope-1")
    return True


load_timing("relayed", lambda: cross)
order_paid.connect(bill, when="relayed")


@app.get("/pay")
def pay() -> str:
    """Send."""
    order_paid.send("shop")
    return str(os.getpid())


@app.get("/arrive")
def arrive() -> str:
    """Call the receiver with what another worker has sent, unless this one has."""
    sent_by = request.args["from"]
    if str(os.getpid()) == sent_by:
        return ""
    [connection] = order_paid.connections
    origin = f"shop@web:{sent_by}:66087e94"
    Postponed(
        order_paid, "shop", {}, connection, connection.receiver, origin, "envelope-1"
    ).deliver()
    return str(os.getpid())


install(app)
app.wsgi_app = Inspector().wsgi(app.wsgi_app)  # type: ignore[method-assign]  # As Flask wants it.
