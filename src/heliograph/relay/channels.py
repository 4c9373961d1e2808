"""Channel: a relayed signal, as a broker knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from heliograph import ArgumentError

Mode = Literal["broadcast", "replay", "durable"]
MODES: tuple[Mode, ...] = ("broadcast", "replay", "durable")

_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
_ESCAPED = re.compile("(?:_[0-9a-f]{2})+")
_NAME = re.compile(
    "((?:[A-Za-z0-9-]|_[0-9a-f]{2})+)_(replay|durable)_((?:[A-Za-z0-9-]|_[0-9a-f]{2})+)"
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A signal that crosses, and what the broker keeps of it.

    Attributes:
        app: The program, as its processes call it together.
        signal: The name of the signal.
        mode: ``"broadcast"``, ``"replay"`` or ``"durable"``.
        keep: Seconds for which a broker keeps what it stores.
        keep_bytes: How many bytes it keeps of it.
    """

    app: str
    signal: str
    mode: Mode
    keep: float = 7 * 86_400
    keep_bytes: int = 256 * 1024 * 1024

    @property
    def name(self) -> str:
        """A name of letters, digits, ``-`` and ``_``, of this channel alone."""
        return f"{safe(self.app)}_{self.mode}_{safe(self.signal)}"

    def __str__(self) -> str:
        return f"{self.signal!r} of {self.app!r}"


@dataclass(frozen=True, slots=True)
class Group:
    """One of the groups that share the work of a durable channel: each has every envelope once.

    Attributes:
        name: Its name.
        tries: How often an envelope is tried before it is a dead letter.
        backoff: Seconds before the second try, and the most before any.
        patience: Seconds after which the broker gives it to another process, unless this one says
            that it is still at work.
        concurrency: How many envelopes a process works on at a time.
    """

    name: str
    tries: int = 5
    backoff: tuple[float, float] = (1.0, 60.0)
    patience: float = 30.0
    concurrency: int = 1

    def __post_init__(self) -> None:
        if not (self.name and self._fits()):
            msg = (
                f"The group {self.name!r} has tries={self.tries}, backoff={self.backoff}, "
                f"patience={self.patience} and concurrency={self.concurrency}: it needs a name, at "
                "least one try at a time, and a first delay that is no longer than the longest."
            )
            raise ArgumentError(msg)

    def _fits(self) -> bool:
        try:
            first, most = self.backoff
            delays = 0 <= first <= most and self.patience > 0
            several = self.tries >= 1 and self.concurrency >= 1
        except (TypeError, ValueError):
            return False
        return delays and several

    def delay(self, tries: int) -> float:
        """Return how many seconds to wait after this many tries."""
        first, most = self.backoff
        return min(most, first * 2.0 ** min(tries - 1, 60))


def safe(text: str) -> str:
    """Return a text as letters, digits, ``-`` and ``_``; two texts never become one."""
    return _UNSAFE.sub(lambda it: "".join(f"_{byte:02x}" for byte in it[0].encode()), text)


def plain(text: str) -> str:
    """Return the text that `safe` was given."""
    return _ESCAPED.sub(
        lambda it: bytes.fromhex(it[0].replace("_", "")).decode("utf-8", "replace"), text
    )


def stored(name: str, app: str, keep: float = 0, keep_bytes: int = 0) -> Channel | None:
    """Return the channel of a name, if a program stores something there.

    Args:
        name: The name of a channel, or of something else that a broker has.
        app: The program.
        keep: Seconds for which the broker keeps what it stores.
        keep_bytes: How many bytes it keeps of it.
    """
    found = _NAME.fullmatch(name)
    if found is None or found[1] != safe(app):
        return None
    mode: Mode = "replay" if found[2] == "replay" else "durable"
    return Channel(app, plain(found[3]), mode, keep, keep_bytes)
