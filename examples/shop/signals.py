"""The shop's own signals, in a namespace of their own.

The sender of each is the app, so that a receiver can be connected for one shop.
"""

from __future__ import annotations

from heliograph import Namespace

_shop = Namespace()

product_viewed = _shop.signal("product-viewed", doc="A visitor opened the page of `product`.")
order_placed = _shop.signal("order-placed", doc="`order` is numbered, its pieces are reserved.")
