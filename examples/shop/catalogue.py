"""The blueprint of the pages that show what is on sale."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template

from .ext_stock import stock_of
from .products import PRODUCTS, find
from .signals import product_viewed

pages = Blueprint("catalogue", __name__)


@pages.get("/")
def index() -> str:
    """Show everything on sale."""
    left = {one.slug: stock_of(current_app).left(one.slug) for one in PRODUCTS}
    return render_template("index.html", items=PRODUCTS, left=left)


@pages.get("/products/<slug>")
def product(slug: str) -> str:
    """Show one product and the form that orders it."""
    found = find(slug) or abort(404)
    # The proxy itself is a fine sender for Heliograph, which looks behind it.
    product_viewed.send(current_app, product=found)
    left = stock_of(current_app).left(found.slug)
    return render_template("product.html", product=found, left=left)
