"""Payloads for classes of other modules, with types that only this one knows."""

# Without the future import, which would make texts of all annotations.

from dataclasses import dataclass
from decimal import Decimal


@dataclass(kw_only=True)
class Priced:
    """It has a price."""

    price: Decimal
