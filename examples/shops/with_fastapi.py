"""The shop in FastAPI."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from heliograph.lifecycle.fastapi import install

from . import receivers  # noqa: F401 - its receivers connect when it is imported.
from .store import Store, restock

app = FastAPI()
install(app, echo_request_id=True)
store = Store()


@app.get("/")
async def index() -> dict[str, int]:
    """Show what is left."""
    return store.shelf


@app.post("/orders/{item}", status_code=201)
async def order(item: str) -> dict[str, int]:
    """Order one piece."""
    number = store.order(item)
    if number is None:
        raise HTTPException(404)
    return {"number": number}


@app.post("/restock/{item}")
def buy(item: str) -> dict[str, int]:
    """Buy more, in a thread."""
    return {"left": restock(store, item)}


@app.get("/export")
async def export() -> StreamingResponse:
    """Stream the order book."""
    return StreamingResponse(store.export(), media_type="text/csv")
