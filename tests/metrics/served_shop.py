"""A small shop for servers of several processes, with all kinds of metrics."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flask import Flask, flash, render_template_string
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from heliograph import Namespace
from heliograph.lifecycle import flask as lifecycle_flask
from heliograph.lifecycle import starlette as lifecycle_starlette
from heliograph.metrics import Metrics

if TYPE_CHECKING:
    from starlette.requests import Request

shop = Namespace("shop")


@shop.declare
def order_paid(sender: Any, *, total: float, plan: str) -> None:
    """An order was paid in full."""


@order_paid.connect
def check(sender: Any, *, total: float, plan: str) -> None:
    """Refuse what nobody would pay."""
    if total > 100:
        raise ValueError


metrics = Metrics((os.environ.get("METRICS_OF") == "none" and []) or None)
metrics.http(active=True)
metrics.count(order_paid, "orders", labels={"plan": "plan"}, expected=[{"plan": "never"}])
metrics.observe(order_paid, "order.value", value="total", unit="EUR", buckets=(10, 50, 100))
metrics.start()


def pay(number: int) -> None:
    """Pay an order: of 1 to 10, each tenth costs too much."""
    try:
        order_paid.send("shop", total=101.0 if number % 10 == 0 else 20.0, plan=f"p{number % 2}")
    except ValueError:
        return


plain = Flask("shop")
plain.secret_key = "tests"  # noqa: S105 - it guards nothing.


@plain.get("/orders/<int:number>")
def order(number: int) -> str:
    """Pay an order."""
    pay(number)
    return render_template_string("order {{ number }}", number=number)


@plain.get("/pid")
def pid() -> str:
    """Tell who answers."""
    flash("hello", "greeting")
    return str(os.getpid())


@plain.get("/broken")
def broken() -> str:
    """Fail."""
    raise LookupError


lifecycle_flask.install(plain)
wsgi_app = metrics.wsgi(plain)


async def order_async(request: Request) -> Response:
    """Pay an order, and do something afterwards."""
    pay(int(request.path_params["number"]))
    return PlainTextResponse("order", background=BackgroundTask(str))


async def pid_async(request: Request) -> Response:
    """Tell who answers."""
    return PlainTextResponse(str(os.getpid()))


async def broken_async(request: Request) -> Response:
    """Fail."""
    raise LookupError


starlette = Starlette(
    routes=[
        Route("/orders/{number:int}", order_async),
        Route("/pid", pid_async),
        Route("/broken", broken_async),
    ]
)
lifecycle_starlette.install(starlette)
asgi_app = metrics.asgi(starlette)
