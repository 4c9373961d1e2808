"""Draws the picture of a traced tree for the documentation; `make pages` runs it.

The tree is that of a made-up order, so that the picture changes only if trees look different.
"""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from heliograph.cli.showing import print_tree
from heliograph.inspector import Part, View, tree_of
from heliograph.inspector.seen import SeenDelivery, SeenEmission

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "tree.svg"
_COLUMNS = 96


def called(receiver: str, line: int, seconds: float, **more: object) -> SeenDelivery:
    """Return a delivery to a receiver of the shop."""
    usual = {"connected": None, "error": None, "error_location": None, "is_async": False}
    given = {**usual, "hop": False, **more}
    return SeenDelivery(
        receiver=f"shop.receivers.{receiver}",
        location=f"shop/receivers.py:{line}",
        duration=seconds,
        **given,  # type: ignore[arg-type]  # Each is of its type.
    )


def sent(
    number: int,
    signal: str,
    place: str,
    *deliveries: SeenDelivery,
    inside: tuple[int, int] | None = None,
    payload: tuple[str, ...] = (),
    thread: str = "MainThread",
) -> SeenEmission:
    """Return an emission of the shop; *inside* is the send around it, and its receiver's turn."""
    parent, turn = inside or (None, 0)
    return SeenEmission(
        process="1-a",
        id=number,
        parent=parent,
        turn=turn,
        signal=signal,
        namespace="shop",
        sender="a Flask" if place.startswith("flask") else "a Shop",
        payload=dict.fromkeys(payload),
        started=0.0,
        duration=sum(it.duration for it in deliveries),
        thread=thread,
        task=None,
        location=place,
        request=None,
        muted=False,
        unheard=None if deliveries else "no receivers",
        problem=None,
        deliveries=deliveries,
    )


def order() -> Iterator[SeenEmission]:
    """Yield what an order sends."""
    yield sent(0, "appcontext-pushed", "flask/ctx.py:270")
    yield sent(1, "request-started", "flask/app.py:914", called("start_clock", 47, 4.1e-6))
    yield sent(
        2,
        "order_placed",
        "shop/checkout.py:42",
        called("ship", 100, 0.0146),
        called("send_receipt", 79, 0.182, hop=True),
        called(
            "write_audit_line",
            91,
            1.2e-5,
            error="AuditRefusedError: an order above € 250.00 needs a second signature",
            error_location="shop/receivers.py:96",
            logged=True,
        ),
        payload=("order",),
    )
    for number in range(3, 203):
        yield sent(
            number,
            "piece_packed",
            "shop/receivers.py:103",
            called("weigh", 121, 7.1e-5),
            inside=(2, 0),
            payload=("piece", "box"),
        )
    yield sent(
        203,
        "mail_sent",
        "shop/mail.py:17",
        called("count_mail", 130, 6e-6),
        inside=(2, 1),
        payload=("to",),
        thread="asyncio_0",
    )
    yield sent(204, "request-tearing-down", "flask/app.py:1358")
    yield sent(205, "appcontext-tearing-down", "flask/app.py:1384")


def picture() -> str:
    """Return the picture."""
    outcome = "303 SEE OTHER to /orders/1"
    emissions = tuple(order())
    part = Part("POST /orders item=3", outcome, False, None, 0.0, 0.2134, emissions)
    console = Console(
        file=StringIO(), record=True, width=_COLUMNS, force_terminal=True, highlight=False
    )
    print_tree(tree_of(part, View()), console)
    drawn = console.export_svg(title="heliograph trace", unique_id="tree")
    # Whoever looks at it has a font of their own: it fetches none.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    return "\n".join(it.rstrip() for it in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
