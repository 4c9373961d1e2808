"""Sends while memory runs out, at each of its allocations: a program for a process of its own.

It prints, as JSON, what came of each kind of send when its first allocation failed, when its
second failed, and so on, until nothing failed any more.
"""

from __future__ import annotations

import _testcapi  # type: ignore[import-not-found]  # CPython's own tests use it; it has no types.
import gc
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from heliograph import Signal, add_instrument, remove_instrument

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 1_000_000
ENOUGH = 25
"""So many sends without a failure in a row have had all the memory that they ask for."""


class Shop:
    """Sends, and has a method that receives."""

    def receive(self, sender: object, **payload: object) -> str:
        """Return a word."""
        return "method"


def receive(sender: object, **payload: object) -> str:
    """Return a word."""
    return "function"


def fail(sender: object, **payload: object) -> None:
    """Raise an error."""
    raise LookupError


def kinds() -> dict[str, tuple[list[Any], Callable[[Signal, Any], object]]]:
    """Return receivers, and a way to send to them."""
    shop = Shop()
    return {
        "nobody": ([], lambda signal, who: signal.send(who)),
        "others": ([], lambda signal, _: signal.send(shop)),
        "function": ([receive], lambda signal, who: signal.send(who, a=1)),
        "method": ([shop.receive], lambda signal, who: signal.send(who, a=1)),
        "several": ([receive, shop.receive, partial(receive)], lambda s, who: s.send(who, a=1)),
        "wrapper": ([receive], lambda signal, who: signal.send(who, _async_wrapper=None, a=1)),
        "many": (
            [receive],
            lambda signal, who: signal.send(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8),
        ),
        "error": ([receive, fail, shop.receive], lambda signal, who: signal.send(who, a=1)),
    }


def attempt(send: Callable[[], Any], allocation: int) -> str:
    """Send while one allocation fails; returns which words came, or which error."""
    # Nothing may come from a list of freed objects, where no memory is asked for.
    gc.collect()
    results: Any = None
    error: Exception | None = None
    _testcapi.set_nomemory(allocation, allocation + 1)
    try:
        results = send()
    except Exception as raised:  # noqa: BLE001 - the name of any is the answer.
        error = raised
    finally:
        _testcapi.remove_mem_hooks()
    if error is None:
        return " ".join(value for _, value in results)
    return type(error).__name__


def see(emission: object) -> None:
    """Be an instrument."""


def attempts(
    receivers: list[Any], way: Callable[[Signal, Any], object], *, watched: bool = False
) -> list[str]:
    """Send again and again, each time with one more allocation that succeeds."""
    signal, heard = Signal("paid"), Shop()
    for receiver in receivers:
        signal.connect(receiver, weak=False)
        signal.connect(receiver, heard, weak=False)
    send = partial(way, signal, heard)
    usual, found = attempt(send, NEVER), list[str]()
    while found[-ENOUGH:] != [usual] * ENOUGH:
        if watched:  # Again, as it is switched off when there was no memory to call it.
            add_instrument(see)
        found.append(attempt(send, len(found)))
        assert attempt(send, NEVER) == usual
    remove_instrument(see)
    return found


def both(receivers: list[Any], way: Callable[[Signal, Any], object]) -> list[str]:
    """Do so while nobody watches, and while somebody does."""
    return attempts(receivers, way) + attempts(receivers, way, watched=True)


def main() -> None:
    """Print what came of each kind, and of whom there are more references than before."""
    watched = [receive, fail, see, Shop, Shop.receive, Signal.send]
    found = {name: both(*kind) for name, kind in kinds().items()}
    gc.collect()
    before = [sys.getrefcount(it) for it in watched]
    again = {name: both(*kind) for name, kind in kinds().items()}
    gc.collect()
    after = [sys.getrefcount(it) for it in watched]
    pairs = zip(watched, before, after, strict=True)
    drift = {repr(it): now - then for it, then, now in pairs if now != then}
    json.dump([{name: sorted({*found[name], *again[name]}) for name in found}, drift], sys.stdout)


if __name__ == "__main__":
    main()
