"""What the shop writes into its trail: who ordered what, and who only looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.audit import Trail, Who

from .signals import order_placed, product_viewed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.audit import Key


def visitor(sender: Any, payload: Mapping[str, Any]) -> Who:
    """Return who is asking: the name of the session, if it has one."""
    from flask import session

    name = session.get("visitor", "anonymous")
    return Who(name, "visitor")


def trail_of_shop(url: str, key: Key | None = None) -> Trail:
    """Return the trail of the shop, not open yet.

    Orders are there when the visitor gets an answer; looking at a product may be lost with the
    process.
    """
    trail = Trail(url, service="shop", actor=visitor, key=key)
    trail.record(
        order_placed,
        action="order.place",
        target=("order", lambda _, payload: payload["order"].number),
        data=("order",),
    )
    trail.record(
        product_viewed,
        action="product.view",
        target=("product", lambda _, payload: payload["product"].id),
        data=(),
        mode="buffered",
    )
    return trail
