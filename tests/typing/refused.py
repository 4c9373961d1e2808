"""What type checkers refuse: each line that ends in a mark, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

from heliograph import Namespace, Signal


class Shop:
    """A sender."""


class Order:
    """Part of a payload."""


class OrderShipped(TypedDict):
    """A payload that is described by a TypedDict."""

    order: Order
    parcels: int


@dataclass(kw_only=True)
class OrderReturned:
    """A payload that is described by a dataclass."""

    order: Order
    reason: str = "none"


berlin, order = Shop(), Order()
shop = Namespace("shop")


@shop.declare
def order_paid(sender: Shop, *, order: Order, total: int) -> None:
    """An order was paid in full."""


@shop.declare
def order_shipped(sender: Shop, **payload: Unpack[OrderShipped]) -> None:
    """An order left the house."""


order_returned = shop.declare_payload("order_returned", OrderReturned, sender=Shop)

# --- sending ---------------------------------------------------------------------------

order_paid.send(berlin, order=order)  # refused: total is missing
order_paid.send(berlin, order=order, total=12, tip=1)  # refused: tip is not declared
order_paid.send(berlin, order=order, total="12")  # refused: total is of another type
order_paid.send("Berlin", order=order, total=12)  # refused: so is the sender
order_paid.send(order=order, total=12)  # refused: the sender is missing
order_paid.send(sender=berlin, order=order, total=12)  # refused: it is given by position
order_paid.send(berlin, order, 12)  # refused: the payload is not
order_shipped.send(berlin, order=order)  # refused: parcels is missing
order_shipped.send(berlin, order=order, parcels="2")  # refused: parcels is of another type
order_returned.send(berlin, order=order, reason=2)  # refused: reason is of another type
order_returned.send("Berlin", order=order)  # refused: the sender is of another type


async def send_async() -> None:
    """Send as receivers that are awaited are sent to."""
    await order_paid.send_async(berlin, order=order)  # refused: total is missing


# --- connecting ------------------------------------------------------------------------


@order_paid.connect  # refused: it does not take total
def without_extra(sender: Shop, *, order: Order) -> None:
    """Take too little."""


@order_paid.connect(priority=3)  # refused: so it is by a decorator with options
def without_extra_early(sender: Shop, *, order: Order) -> None:
    """Take too little."""


@order_paid.connect  # refused: nobody sends it a tip
def with_a_tip(sender: Shop, *, tip: int, **extra: object) -> None:
    """Take too much."""


@order_paid.connect  # refused: total is of another type
def with_words(sender: Shop, *, total: str, **extra: object) -> None:
    """Take something else."""


@order_paid.connect  # refused: the sender is of another type
def of_strings(sender: str, **extra: object) -> None:
    """Take that of others."""


@order_paid.connect  # refused: it takes no sender
def of_nobody(**extra: object) -> None:
    """Take that of nobody."""


@order_paid.connect_via(berlin)  # refused: it does not take total
def of_berlin(sender: Shop, *, order: Order) -> None:
    """Take too little."""


@order_shipped.connect  # refused: parcels is of another type
def with_text(sender: Shop, *, parcels: str, **extra: object) -> None:
    """Take something else."""


class Till:
    """Has a method that cannot be connected."""

    def ring(self, sender: Shop) -> None:
        """Take too little."""


order_paid.connect(Till().ring)  # refused: it does not take the payload
order_paid.connect("thank")  # refused: it is not a receiver
order_paid.connected_to(Till().ring)  # refused: it does not take the payload
order_returned.connect(Till().ring)  # refused: it does not take the payload

# --- declaring -------------------------------------------------------------------------


@shop.declare  # refused: it takes no sender
def of_no_sender(*, order: Order) -> None:
    """Declare nothing."""


@shop.declare  # refused: it returns something
def with_a_value(sender: Shop, *, order: Order) -> int:
    """Declare something of receivers, too."""
    return 1


# --- spans -----------------------------------------------------------------------------


@shop.span
def import_catalogue(sender: Shop, *, path: str) -> None:
    """A catalogue is read."""


import_catalogue(berlin)  # refused: path is missing
import_catalogue(berlin, path=7)  # refused: path is of another type
import_catalogue(berlin, path="books.csv", rows=7)  # refused: there is no such argument
import_catalogue.wrap("Berlin", path="books.csv")  # refused: the sender is of another type
import_catalogue.finished.connect("tell")  # refused: it is not a receiver
import_catalogue.begun.connect(print)  # refused: there is no such signal


@import_catalogue.each_call  # refused: it does not take what a span takes
def read(sender: Shop, *, rows: int) -> None:
    """Take too much."""


@shop.span  # refused: it returns something
def with_rows(sender: Shop) -> int:
    """Declare something of the work, too."""
    return 1


# --- made by name ----------------------------------------------------------------------

Signal("paid").connect("thank")  # refused: it is not a receiver
Signal("paid").connect(print, on_error="shout")  # refused: there is no such way
Signal("paid").connect_via("shop", prioritty=1)  # refused: there is no such option
Signal("paid").connected_to(print, inline="yes")  # refused: it is true or false
shop.signals().connect(print, on_eror="log")  # refused: patterns have the same options
