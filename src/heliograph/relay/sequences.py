"""Sequences: what of other processes' envelopes never arrived, by the numbers of those that did."""

from __future__ import annotations

from collections import OrderedDict

_ORIGINS = 10_000
"""How many processes are told apart; the one that was silent for longest is forgotten first."""


class Sequences:
    """The last number of each process that sends a signal."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def missing(self, origin: str, number: int, *, dropped: int = 0, notice: bool = False) -> int:
        """Note a number; return how many before it never arrived.

        The first number of a process says nothing of those before, as this one may be younger;
        only what was dropped lately may have been meant for it.

        Args:
            origin: The process that has sent it.
            number: The number; of a notice, that of the last one that was sent.
            dropped: How many of those before it the sender has dropped.
            notice: Whether it is a notice, which is none of them itself.
        """
        before = self._last.pop(origin, None)
        self._last[origin] = number if before is None else max(before, number)
        while len(self._last) > _ORIGINS:
            self._last.popitem(last=False)
        if before is None:
            return dropped
        return max(0, number - before - (0 if notice else 1))
