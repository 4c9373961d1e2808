"""The shop's own signals, in a namespace of their own.

The sender of each is the app, so that a receiver can be connected for one shop.
"""

from __future__ import annotations

from flask import Flask

from heliograph import Namespace

from .orders import Order
from .products import Product

shop = Namespace("shop")


@shop.declare
def product_viewed(sender: Flask, *, product: Product) -> None:
    """A visitor opened the page of `product`."""


@shop.declare(deprecated_arguments={"number": "use order.number"})
def order_placed(sender: Flask, *, order: Order, number: int = 0) -> None:
    """`order` is numbered, and its pieces are reserved."""
