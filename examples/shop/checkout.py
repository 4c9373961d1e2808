"""The blueprint of the pages that take an order and show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)

from .ext_stock import OutOfStockError, stock_of
from .orders import book_of
from .products import find
from .signals import order_placed

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("checkout", __name__, url_prefix="/orders")


@pages.post("")
def place_order() -> Response:
    """Order `quantity` pieces (1 if not given) of `item`, a slug or an id."""
    product = find(request.form["item"]) or abort(404)
    quantity = _quantity(request.form.get("quantity", "1"))
    try:
        stock_of(current_app).reserve(product.slug, quantity)
    except OutOfStockError:
        flash(f"Sorry, we have too few left: {product.name}.", "warning")
        return redirect(url_for("catalogue.product", slug=product.slug), 303)

    order = book_of(current_app).add(product, quantity)
    order_placed.send(current_app, order=order)
    flash("Thank you! Your order is on its way.", "success")
    return redirect(url_for(".show_order", number=order.number), 303)


@pages.get("/<int:number>")
def show_order(number: int) -> str:
    """Show one order."""
    return render_template("order.html", order=book_of(current_app).get(number) or abort(404))


def _quantity(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,2}", text):
        abort(400, "The quantity must be a whole number from 1 to 999.")
    return int(text)
