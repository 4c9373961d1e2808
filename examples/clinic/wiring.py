"""Sends and receivers that do not find or do not suit each other."""

from __future__ import annotations

from .signals import desk, letter_due, parcel_found, parcel_lost, price_changed


@parcel_lost.connect
def search(sender: object, **extra: object) -> None:
    """Search for a parcel; nobody ever says that one is lost."""


@desk.signal("stock-counted").connect
def order_more(sender: object, **extra: object) -> None:
    """Order what is missing."""


@desk.signal("stock-sold").connect
def count_again(sender: object, **extra: object) -> None:
    """Count what is left."""


@letter_due.connect
async def write_letter(sender: object, **extra: object) -> None:
    """Write a letter."""


@price_changed.connect
def print_label(sender: object, price: int, **extra: object) -> None:
    """Print a new label."""


def count_stock() -> None:
    """Tell of the stock, once by a wrong and once by the right name."""
    desk.signal("stock-counter").send("clinic")  # <- near-duplicate
    desk.signal("stock-sold").send("clinic")
    parcel_found.send("clinic")


def change_prices() -> None:
    """Tell of a price, once by the name that receivers know."""
    price_changed.send("clinic", cost=12)  # <- unfit-receiver
    price_changed.send("clinic", price=12)


async def remind() -> None:
    """Tell that a letter is due, once in the way that async receivers can be called."""
    letter_due.send("clinic")  # <- async-receiver
    await letter_due.send_async("clinic")
