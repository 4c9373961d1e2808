"""A shop whose signals cross: as objects of this process, and as a program that commands load."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from heliograph import Namespace
from heliograph.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
    import os, time
    from heliograph import Namespace
    from heliograph.relay import Relay

    signals = Namespace("shop")

    @signals.declare
    def order_paid(sender: str, *, order_id: int, token: str = "") -> None: ...

    @signals.declare
    def price_changed(sender: str, *, sku: str) -> None: ...

    relay = Relay(app=os.environ.get("SHOP", "shop"))
    relay.broadcast(price_changed)
    relay.durable(order_paid)

    @relay.connect(order_paid, group="billing", tries=1)
    def bill(sender, *, order_id, token=""):
        print("began", order_id, flush=True)
        time.sleep(float(os.environ.get("SLOW", "0")))
        if order_id == 13:
            raise ValueError("unlucky")
        print("billed", order_id, flush=True)

    @relay.connect(order_paid, group="mail")
    def mail(sender, *, order_id, token=""):
        print("mailed", order_id, flush=True)
"""


class Shop:
    """A shop in this process.

    Args:
        url: The broker.
        app: What its relay is called.

    Attributes:
        relay: The relay.
        billed: The orders that the group "billing" has worked on.
        pause: For how many seconds it works on one.
    """

    def __init__(self, url: str, app: str) -> None:
        signals = Namespace("shop")

        @signals.declare
        def order_paid(sender: str, *, order_id: int, token: str = "") -> None:
            """Tell that an order was paid."""

        @signals.declare
        def price_changed(sender: str, *, sku: str) -> None:
            """Tell that a price is not what it was."""

        @signals.declare
        def stock_counted(sender: str, *, pieces: int) -> None:
            """Tell how much there is."""

        self.order_paid, self.price_changed = order_paid, price_changed
        self.stock_counted = stock_counted
        self.billed: list[int] = []
        self.pause: float = 0.0
        self.relay: Relay = Relay(url, app=app)
        self.relay.broadcast(price_changed)
        self.relay.replay(stock_counted)
        self.relay.durable(order_paid)
        self.relay.connect(order_paid, self.bill, group="billing", tries=1)

    def bill(self, sender: str, *, order_id: int, token: str = "") -> None:
        """Bill an order, but for the 13th and the 14th."""
        time.sleep(self.pause)
        if order_id in {13, 14}:
            msg = f"token={token} is not known"
            raise ValueError(msg)
        self.billed.append(order_id)

    def pay(self, *orders: int) -> None:
        """Send that orders were paid, and wait until the broker knows."""
        for it in orders:
            secret = {"token": "s3cret"}
            self.relay.send_confirmed(self.order_paid, "web", order_id=it, **secret, within=20)

    def work(self, *orders: int) -> None:
        """Let the group work on orders, until nothing is left to do."""
        with self.relay.look() as look:
            self.relay.start(["billing"])
            try:
                self.pay(*orders)
                [channel] = [it for it in look.channels if it.mode == "durable"]
                waited(
                    lambda: [(it.waiting, it.running) for it in look.backlog(channel)] == [(0, 0)]
                )
            finally:
                self.relay.stop()


def waited(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
