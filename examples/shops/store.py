"""What is sold, and to whom: it knows of no framework, and tells by signals what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph import Namespace
from heliograph.lifecycle import job

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = Namespace("shops")


class Store:
    """A shelf and an order book, in memory."""

    def __init__(self) -> None:
        self.shelf: dict[str, int] = {"mirror": 20, "lantern": 1}
        self.orders: list[str] = []

    def order(self, item: str) -> int | None:
        """Take a piece off the shelf, and return the number of the order; None if none is left."""
        if not self.shelf.get(item):
            return None
        self.shelf[item] -= 1
        self.orders.append(item)
        order_placed.send(self, number=len(self.orders), item=item)
        return len(self.orders)

    def export(self) -> Iterator[str]:
        """Write the order book line by line, as a stream."""
        for number, item in enumerate(self.orders, 1):
            yield f"{number},{item}\n"


@shop.declare
def order_placed(sender: Store, *, number: int, item: str) -> None:
    """An order is in the book."""


@job(name="restock")
def restock(store: Store, item: str) -> int:
    """Buy ten pieces: work that may as well be done by a scheduler, with no request around it.

    Raises:
        LookupError: If nobody makes such a thing.
    """
    if item not in store.shelf:
        msg = f"nobody makes a {item}"
        raise LookupError(msg)
    store.shelf[item] += 10
    return store.shelf[item]
