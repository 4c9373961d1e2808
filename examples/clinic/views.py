"""Views that connect, and that mute a signal for everybody."""

from __future__ import annotations

from flask import Blueprint, request

from .receivers import remember
from .signals import bell_rung, door_closed, order_taken, parcel_tied

pages = Blueprint("pages", __name__)


def answer(sender: object, **extra: object) -> None:
    """Open the door."""


@pages.get("/")
def index() -> str:
    """Take an order."""
    remember(request.args.get("name", "nobody"))
    order_taken.send("clinic", lines=["lantern"])
    parcel_tied.send("clinic", things=["lantern"])
    door_closed.send("clinic")
    return "Thank you."


@pages.get("/bell")
def ring() -> str:
    """Ring the bell."""
    bell_rung.connect(answer)  # <- connect-in-view
    with bell_rung.connected_to(answer, local=True):
        bell_rung.send("clinic")
    return "Somebody comes."


@pages.get("/silence")
def be_silent() -> str:
    """Ring the bell, and let nobody hear it."""
    with bell_rung.muted():  # <- block-for-all
        bell_rung.send("clinic")
    with bell_rung.muted(local=True):
        bell_rung.send("clinic")
    return "Nobody comes."
