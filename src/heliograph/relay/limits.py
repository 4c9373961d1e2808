"""How large, how deep and how far travelled something may be that crosses."""

from __future__ import annotations

from dataclasses import dataclass

from heliograph import ArgumentError


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused, and how much is kept for a broker that is away.

    Attributes:
        message_bytes: The largest envelope; far below the 1 MiB at which NATS refuses.
        depth: How deep lists and objects of a payload may be nested.
        hops: How many processes may have passed on what led to a send.
        waiting: How many envelopes wait for the broker.
        waiting_bytes: How many bytes they may have together.
    """

    message_bytes: int = 64 * 1024
    depth: int = 32
    hops: int = 8
    waiting: int = 1000
    waiting_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                msg = f"{name}={value!r} is not a limit: use a whole number of at least 1."
                raise ArgumentError(msg)
