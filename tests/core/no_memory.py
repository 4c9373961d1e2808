"""Sends and connects while memory runs out, at each allocation: a program for its own process.

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


def other(sender: object, **payload: object) -> str:
    """Return a word."""
    return "other"


def fail(sender: object, **payload: object) -> None:
    """Raise an error."""
    raise LookupError


async def receive_later(sender: object, **payload: object) -> str:
    """Return a word."""
    return "async"


def run(receiver: Any) -> Callable[..., object]:
    """Make a plain function of a coroutine function that never waits."""

    def call(sender: object, **payload: object) -> object:
        try:
            return receiver(sender, **payload).send(None)
        except StopIteration as end:
            return end.value

    return call


def end_of(coroutine: Any) -> object:
    """Return what a coroutine gives that never waits."""
    try:
        return coroutine.send(None)
    except StopIteration as end:
        return end.value


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
        "wrapped": (
            [receive, receive_later],
            lambda signal, who: signal.send(who, _async_wrapper=run, a=1),
        ),
        "awaited": (
            [receive, receive_later],
            lambda signal, who: end_of(signal.send_async(who, a=1)),
        ),
        "last error": ([receive, fail], lambda signal, who: signal.send(who, a=1)),
    }


def attempt(send: Callable[[], Any], allocation: int) -> str:
    """Send while one allocation fails; returns which words came, or which error."""
    # Nothing may come from a list of freed objects, where no memory is asked for.
    gc.collect()
    results: Any = None
    failed: type[Exception] | None = None  # Not the error, which would hold all that was there.
    _testcapi.set_nomemory(allocation, allocation + 1)
    try:
        results = send()
    except Exception as raised:  # noqa: BLE001 - the name of any is the answer.
        failed = type(raised)
    finally:
        _testcapi.remove_mem_hooks()
    if failed is None:
        return " ".join(value for _, value in results)
    return failed.__name__


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


CHANGES: dict[str, Callable[[Signal, Any, Any], object]] = {
    "connect": lambda signal, it, _: signal.connect(it),
    "connect for a sender": lambda signal, it, who: signal.connect(it, who),
    "connect strongly": lambda signal, it, who: signal.connect(it, who, weak=False),
    "connect_via": lambda signal, it, who: signal.connect_via(who)(it),
    "disconnect": lambda signal, it, _: signal.disconnect(it),
    "a block": lambda signal, it, _: _inside(signal.connected_to(it)),
    "a local block": lambda signal, it, _: _inside(signal.connected_to(it, local=True)),
    "a wait": lambda signal, _, who: signal.next(who).close(),
    # Not a mute, for which Python iterates over the items of a dict: without memory for that,
    # CPython 3.11 takes the iterator out of a list of objects into which it was never put.
}


def _inside(block: Any) -> None:
    with block:
        pass


def _nothing_after(change: Callable[..., object], *args: object) -> list[object]:
    change(*args)
    return []


def changed(change: Callable[[Signal, Any, Any], object], receiver: Any) -> list[str]:
    """Change connections again and again, each time with one more allocation that succeeds.

    Return what was left that the change cannot have meant.
    """
    wrong = list[str]()
    done = 0
    for allocation in range(10_000):
        signal, shop = Signal("paid"), Shop()
        signal.connect(receive)
        if change is CHANGES["disconnect"]:
            signal.connect(receiver)
        before = len(signal.connections)
        outcome = attempt(partial(_nothing_after, change, signal, receiver, shop), allocation)
        done = done + 1 if outcome == "" else 0
        found = len(signal.connections) - before
        if found not in (0, 1, -1) or signal.is_muted or (outcome not in ("", "MemoryError")):
            wrong.append(f"{allocation}: {outcome}, {found}")
        signal.connect(receiver, shop)
        expected = {receive, receiver}
        if {it for it, _ in signal.send(shop)} != expected or not signal.receivers:
            wrong.append(f"{allocation}: not heard")
        signal.disconnect(receiver)
        signal.disconnect(receive)
        registry = signal._registry
        if registry.receivers or registry.senders or registry.any.connections or registry.mutes:
            wrong.append(f"{allocation}: left behind")
        if done == ENOUGH:
            return wrong
    return ["It never succeeded."]


def changes() -> dict[str, list[str]]:
    """Do so with each change, of a function and of a method."""
    shop = Shop()
    return {
        f"{name} {kind}": changed(change, receiver)
        for name, change in CHANGES.items()
        for kind, receiver in (("function", other), ("method", shop.receive))
    }


def both(receivers: list[Any], way: Callable[[Signal, Any], object]) -> list[str]:
    """Do so while nobody watches, and while somebody does."""
    return attempts(receivers, way) + attempts(receivers, way, watched=True)


def main() -> None:
    """Print what came of each kind, and of whom there are more references than before."""
    wrong = changes()
    watched = [receive, other, fail, see, Shop, Shop.receive, Signal.send, Signal.connect]
    found = {name: both(*kind) for name, kind in kinds().items()}
    gc.collect()
    before = [sys.getrefcount(it) for it in watched]
    again = {name: both(*kind) for name, kind in kinds().items()}
    wrong |= changes()
    gc.collect()
    after = [sys.getrefcount(it) for it in watched]
    pairs = zip(watched, before, after, strict=True)
    drift = {repr(it): now - then for it, then, now in pairs if now != then}
    words = {name: sorted({*found[name], *again[name]}) for name in found}
    json.dump([words, drift, {name: it for name, it in wrong.items() if it}], sys.stdout)


if __name__ == "__main__":
    main()
