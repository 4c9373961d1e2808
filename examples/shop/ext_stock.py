"""A Flask extension that counts pieces on a shelf and provides its own signals."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from heliograph import Namespace

if TYPE_CHECKING:
    from flask import Flask

stock = Namespace("stock")


@stock.declare
def stock_reserved(sender: Stock, *, item: str, quantity: int) -> None:
    """`quantity` pieces of `item` are set aside."""


@stock.declare
def stock_ran_out(sender: Stock, *, item: str) -> None:
    """The last piece of `item` has left the shelf."""


class OutOfStockError(Exception):
    """Fewer pieces are left than a customer wants."""


class Stock:
    """The shelf of one app, filled from its `STOCK_SHELF` (pieces by item).

    It is the sender of its own signals: connect with a `Stock` as sender to
    hear about one app, without a sender to hear about all of them.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._shelf: dict[str, int] = {}
        self._reserved: dict[str, int] = {}
        self._lock = Lock()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Fill the shelf from the configuration of *app* and serve that app."""
        self._shelf = dict(app.config.get("STOCK_SHELF", {}))
        app.extensions["stock"] = self

    def left(self, item: str) -> int:
        """Return how many pieces of *item* can still be reserved."""
        return self._shelf.get(item, 0) - self._reserved.get(item, 0)

    def reserve(self, item: str, quantity: int) -> None:
        """Set pieces aside, and send `stock_reserved`.

        Raises:
            OutOfStockError: If fewer pieces are left; nothing is reserved then.
        """
        with self._lock:
            left = self.left(item)
            if quantity > left:
                msg = f"{left} of {item!r} left, {quantity} wanted"
                raise OutOfStockError(msg)
            self._reserved[item] = self._reserved.get(item, 0) + quantity
        # Outside the lock: a receiver may well ask this stock something.
        stock_reserved.send(self, item=item, quantity=quantity)

    def ship(self, item: str, quantity: int) -> None:
        """Take reserved pieces off the shelf, and send `stock_ran_out` after the last one."""
        with self._lock:
            self._reserved[item] -= quantity
            self._shelf[item] -= quantity
            empty = self._shelf[item] == 0
        if empty:
            stock_ran_out.send(self, item=item)


def stock_of(app: Flask) -> Stock:
    """Return the stock that serves *app*."""
    return cast("Stock", app.extensions["stock"])
