"""What the shop sells: ten products, and how they are found and priced."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """One thing on sale; its price is in cents."""

    id: int
    slug: str
    name: str
    price: int
    text: str


PRODUCTS = (
    Product(1, "mirror", "Pocket mirror", 950, "Steel. Seen from ten miles away."),
    Product(2, "flags", "Semaphore flags", 2400, "A pair in red and yellow."),
    Product(3, "lantern", "Brass lantern", 6200, "Shutter for long and short. The last one."),
    Product(4, "whistle", "Bosun's whistle", 700, "Two notes, and everybody turns round."),
    Product(5, "code-book", "Pocket code book", 1200, "Morse and semaphore on 48 pages."),
    Product(6, "bell", "Ship's bell", 8500, "Cast bronze with a plaited rope."),
    Product(7, "heliograph", "Mance heliograph", 48000, "Two mirrors, one rod, and the sun."),
    Product(8, "tripod", "Field tripod", 3900, "Oak legs with brass shoes. Stands still."),
    Product(9, "fog-horn", "Fog horn", 5400, "Hand-cranked. For days without sun."),
    Product(10, "log-book", "Night log", 1100, "Ruled for sender, time and message."),
)
"""The whole catalogue, in the order of the front page."""

FEW = {"lantern": 1, "heliograph": 3}
PLENTY = 20


def find(key: str) -> Product | None:
    """Return the product whose slug or id is *key*, or None."""
    return next((one for one in PRODUCTS if key in {one.slug, str(one.id)}), None)


def first_stock() -> dict[str, int]:
    """Return how many pieces of each product a new shop has, by slug."""
    return {one.slug: FEW.get(one.slug, PLENTY) for one in PRODUCTS}


def euros(cents: int) -> str:
    """Write an amount in cents as a price.

    Example:
        >>> euros(48000)
        '€ 480.00'
    """
    return f"€ {cents // 100:,}.{cents % 100:02}"
