"""Orders, and the book that numbers and keeps them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flask import Flask

    from .products import Product


@dataclass(frozen=True)
class Order:
    """So many pieces of one product, under a number."""

    number: int
    product: Product
    quantity: int

    @property
    def total(self) -> int:
        """What the order costs, in cents."""
        return self.product.price * self.quantity


class OrderBook:
    """All orders of one shop, numbered from 1."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._lock = Lock()

    def add(self, product: Product, quantity: int) -> Order:
        """Write down a new order under the next number."""
        with self._lock:  # the development server serves each request in its own thread
            order = Order(len(self._orders) + 1, product, quantity)
            self._orders.append(order)
        return order

    def get(self, number: int) -> Order | None:
        """Return the order with this number, or None."""
        return self._orders[number - 1] if 0 < number <= len(self._orders) else None


def book_of(app: Flask) -> OrderBook:
    """Return the order book of *app*."""
    return cast("OrderBook", app.extensions["orders"])
