"""Five hundred receivers, the slowest of them with names that no header can hold as they are."""

from __future__ import annotations

import time
from typing import Any

from heliograph import Namespace
from tests.inspector.browsing.apps.hostile import NAMES

shop = Namespace("shop")
signal = shop.signal("order-placed")


def receiver(name: str, seconds: float) -> Any:
    """Make a receiver."""

    def receive(sender: object) -> None:
        time.sleep(seconds)

    receive.__qualname__ = name
    signal.connect(receive, weak=False)
    return receive


KEPT = [receiver(name, 0.01) for name in NAMES]
KEPT += [receiver(f"receiver_{at}", 0) for at in range(500)]


def send_all() -> None:
    """Send to all of them."""
    signal.send("shop")
