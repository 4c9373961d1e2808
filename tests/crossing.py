"""Two relays in one process that stand for two processes, for the tests of those who watch them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from heliograph import Namespace
from heliograph.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph import Signal

_numbers = count()


@dataclass(frozen=True)
class Side:
    """What stands for a process.

    Attributes:
        relay: Its relay.
        signal: Its own signal of the name that both have.
    """

    relay: Relay
    signal: Signal[...]


@contextmanager
def web_and_worker(
    declare: Callable[[Side], object], groups: tuple[str, ...] = ()
) -> Iterator[tuple[Side, Side]]:
    """Give two sides, of which the second runs groups, while both run.

    Args:
        declare: Says on each side how the signal crosses, and who receives it.
        groups: What the second one runs.
    """
    url = f"memory://{__name__}-{next(_numbers)}"
    web, worker = _side(url), _side(url, groups)
    for it in (web, worker):
        declare(it)
    with web.relay, worker.relay:
        yield web, worker


def _side(url: str, groups: tuple[str, ...] = ()) -> Side:
    shop = Namespace("shop")

    @shop.declare
    def order_paid(sender: str, *, order: int) -> None:
        """An order was paid."""

    return Side(Relay(url, app="shop", groups=groups), order_paid)


def until(true: Callable[[], Any]) -> None:
    """Wait until something has arrived, for seconds at most."""
    end = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < end, "it did not arrive"
        time.sleep(0.002)
