"""Faults that are seen in the source: what is connected and not held, and blocks without `with`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from blinker import signal
from flask import current_app

from .signals import bell_rung, order_taken

if TYPE_CHECKING:
    from flask import Flask

till_opened = signal("till-opened")


def note(book: str, sender: object, **extra: object) -> None:
    """Write into a book."""


order_taken.connect(lambda sender, **extra: None)  # <- weak-lambda
order_taken.connect(lambda sender, **extra: None, weak=False)

order_taken.connect(partial(note, "red"))  # <- weak-partial
order_taken.connect(partial(note, "blue"), weak=False)


def init_app(app: Flask) -> None:
    """Connect two receivers, of which one stays."""

    @order_taken.connect  # <- weak-nested
    def write_down(sender: object, **extra: object) -> None:
        app.logger.info("An order.")

    @order_taken.connect_via(app)
    def count(sender: object, **extra: object) -> None:
        app.logger.info("One more order.")


def night() -> None:
    """Ring the bell twice in the night: once it is heard."""
    order_taken.muted()  # <- forgotten-with
    bell_rung.send("clinic")
    with bell_rung.muted():
        bell_rung.send("clinic")


@bell_rung.connect
@till_opened.connect
def listen(sender: object, **extra: object) -> None:
    """Hear the bell."""


def open_till() -> None:
    """Open the till, for a proxy and for the application."""
    till_opened.send(current_app)  # <- proxy-sender
    till_opened.send(app_of(current_app))


def app_of(proxy: Flask) -> Flask:
    """Return the application that a proxy stands for."""
    found: Flask = proxy._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug documents it.
    return found
