"""The common part of libraries without senders, which pass arguments one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import receivers
from benchmarks.engines import Engine, UnsupportedError

if TYPE_CHECKING:
    from benchmarks.receivers import ExactMethodOwner, MethodOwner, Receiver


class Senderless(Engine):
    """Their receivers name their parameters, so all are of the exact kind.

    They are connected when it is known how many arguments are sent.
    """

    def __init__(self) -> None:
        self.heard_by: list[Receiver] = []

    def new_receiver(self, keywords: int = 1, *, exact: bool = False) -> Receiver:
        """Return a receiver that takes the sender and so many arguments more."""
        return receivers.exact(keywords)

    def new_method_owner(self) -> MethodOwner | ExactMethodOwner:
        """Refuse: most of them cannot hold an object weakly."""
        raise UnsupportedError

    def hear(self, receiver: Receiver, sender: object = None) -> None:
        """Remember to connect; there is no connecting to one sender."""
        if sender is not None:
            raise UnsupportedError
        self.heard_by.append(receiver)
