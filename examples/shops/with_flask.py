"""The shop in Flask."""

from __future__ import annotations

from flask import Flask, Response, abort

from heliograph.lifecycle.flask import install

from . import receivers  # noqa: F401 - its receivers connect when it is imported.
from .store import Store, restock

app = Flask(__name__)
install(app, echo_request_id=True)
store = Store()


@app.get("/")
def index() -> dict[str, int]:
    """Show what is left."""
    return store.shelf


@app.post("/orders/<item>")
def order(item: str) -> tuple[dict[str, int], int]:
    """Order one piece."""
    return {"number": store.order(item) or abort(404)}, 201


@app.post("/restock/<item>")
def buy(item: str) -> dict[str, int]:
    """Buy more."""
    return {"left": restock(store, item)}


@app.get("/export")
def export() -> Response:
    """Stream the order book."""
    return Response(store.export(), mimetype="text/csv")
