"""The receivers: functions and methods that do nothing as cheaply as possible."""

from __future__ import annotations

from collections.abc import Callable

Receiver = Callable[..., object]


def by_keyword() -> Receiver:
    """Return a receiver of its own, as the documentation of Blinker and Django writes it."""

    def receiver(sender: object, **kw: object) -> object:
        return None

    return receiver


def exact(keywords: int) -> Receiver:
    """Return a receiver of its own that takes the sender and those 0, 1 or 3 arguments alone."""
    return {0: _exact_none, 1: _exact_one, 3: _exact_three}[keywords]()


def _exact_none() -> Receiver:
    def receiver(sender: object) -> object:
        return None

    return receiver


def _exact_one() -> Receiver:
    def receiver(sender: object, a: object) -> object:
        return None

    return receiver


def _exact_three() -> Receiver:
    def receiver(sender: object, a: object, b: object, c: object) -> object:
        return None

    return receiver


def asynchronous() -> Receiver:
    """Return an async receiver of its own, which never gives up control."""

    async def receiver(sender: object, **kw: object) -> object:
        return None

    return receiver


class MethodOwner:
    """An object with a method that receives."""

    def receive(self, sender: object, **kw: object) -> object:
        """Receive nothing in particular."""
        return None


class ExactMethodOwner:
    """An object with a method that takes the sender and one argument alone."""

    def receive(self, sender: object, a: object) -> object:
        """Receive nothing in particular."""
        return None
