"""A program that servers serve: it writes down what it hears, and sends what it is asked to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph import Namespace
from heliograph.relay import Relay, hearing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

shop = Namespace("served")


@shop.declare
def price_changed(sender: str, *, n: int) -> None:
    """A price is not what it was."""


if "IDLE" in os.environ:
    hearing._IDLE = float(os.environ["IDLE"])
relay = Relay(os.environ["RELAY_URL"], app=os.environ["RELAY_APP"])
relay.broadcast(price_changed)
diary = Path(os.environ["DIARY"])


def note(sender: str, *, n: int) -> None:
    """Write down what was heard, and where."""
    line = json.dumps({"pid": os.getpid(), "sender": sender, "n": n})
    # One write of a short line, which nobody else's comes into.
    with diary.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


relay.connect(price_changed, note, scope="each")
relay.start()


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send what the path says, and answer with who did."""
    price_changed.send("view", n=int(environ["PATH_INFO"].strip("/") or 0))
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(os.getpid()).encode()]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Send what the path says, and answer with who did; take part in the lifespan protocol."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    await price_changed.send_async("view", n=int(scope["path"].strip("/") or 0))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
