"""Faults that the connections show: receivers that are lost, doubled, narrow, or do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .signals import door_closed, order_taken

if TYPE_CHECKING:
    from collections.abc import Iterator


class Printer:
    """Prints orders."""

    def print_it(self, sender: object, **extra: object) -> None:
        """Print one."""


order_taken.connect(Printer().print_it)  # <- lost-receiver
printer = Printer()
order_taken.connect(printer.print_it)


@door_closed.connect  # <- no-extra
def lock(sender: object) -> None:
    """Lock the door."""


@door_closed.connect
def put_out(sender: object, **extra: object) -> None:
    """Put out the light."""


@order_taken.connect  # <- generator-receiver
def pack(sender: object, **extra: object) -> Iterator[object]:
    """Pack it, if anybody asked for the next step."""
    yield sender


def make_counter(place: str) -> None:
    """Count the orders, at a place and everywhere."""

    @order_taken.connect(weak=False)  # <- connected-twice
    def count(sender: object, **extra: object) -> None:
        """Count one."""

    @order_taken.connect_via(place)
    def count_here(sender: object, **extra: object) -> None:
        """Count one of this place."""


make_counter("door")
make_counter("window")
