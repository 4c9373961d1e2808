"""Faults that requests show: receivers that raise, take long, change the payload, and connect."""

from __future__ import annotations

from time import sleep

from .signals import order_taken, parcel_tied


@order_taken.connect(on_error="log")  # <- raising-receiver
def translate(sender: object, lines: list[str], **extra: object) -> None:
    """Translate the order into a language that nobody knows."""
    msg = f"no words for {len(lines)} lines"
    raise LookupError(msg)


@order_taken.connect  # <- slow-receiver
def deliver(sender: object, **extra: object) -> None:
    """Walk there and back."""
    sleep(0.12)


@order_taken.connect
def quick(sender: object, **extra: object) -> None:
    """Do next to nothing."""


@parcel_tied.connect  # <- changed-payload
def add_string(sender: object, things: list[str], **extra: object) -> None:
    """Add to a parcel what nobody has ordered."""
    things.append("string")


def remember(visitor: str) -> None:
    """Remember a visitor for ever, whoever orders."""

    def greet(sender: object, **extra: object) -> str:
        return visitor

    order_taken.connect(greet, "door", weak=False)  # <- connect-in-request
