"""Tailing: takes what crosses from the thread of the connection, and shows it in the command's."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heliograph.cli.crossing_lines import CrossingLines
    from heliograph.relay.channels import Channel
    from heliograph.relay.looking import Look
    from heliograph.relay.transports import Arrived, Gap

_LOOK = 0.5
"""Seconds after which it is seen that somebody wants it to end: Windows interrupts no waiting."""


class Tailing:
    """Follows channels.

    Args:
        look: The broker.
        lines: What is told of something that came.
        show: Shows it.
        most: How much is shown before it ends; None for all that comes.
    """

    def __init__(
        self,
        look: Look,
        lines: CrossingLines,
        show: Callable[[dict[str, Any]], None],
        most: int | None,
    ) -> None:
        self._look, self._lines, self._show = look, lines, show
        self._left = most
        self._come: SimpleQueue[tuple[Channel, Arrived | Gap] | str] = SimpleQueue()

    def run(self, channels: Sequence[Channel], last: int, seconds: float | None) -> None:
        """Show the last ones that are stored, and then what comes, until it is to end."""
        end = None if seconds is None else time.monotonic() + seconds
        self._look.note = self._note
        stored = [it for channel in channels for it in self._begin(channel, last)]
        stored.sort(key=lambda it: str(it.get("time", "")))
        for values in stored[-last:] if last else []:
            self._tell(values)
        while self._left != 0 and (end is None or time.monotonic() < end):
            self._take(_LOOK if end is None else min(_LOOK, max(0.0, end - time.monotonic())))

    def _begin(self, channel: Channel, last: int) -> list[dict[str, Any]]:
        """Follow a channel; return what is told of its last ones."""
        stores = channel.mode != "broadcast"
        found = self._look.last(channel, last) if last and stores else []
        after = found[-1].position if found else None
        self._look.follow(channel, after, lambda *it: self._come.put(it))
        told = (self._lines.values(channel, it) for it in found)
        return [it for it in told if it is not None]

    def _note(self, problem: str | None) -> None:
        self._come.put("The broker is there again." if problem is None else problem)

    def _take(self, within: float) -> None:
        try:
            it = self._come.get(timeout=within)
        except Empty:
            return
        if isinstance(it, str):
            click.echo(f"-- {Redaction().without_secrets(it)}", err=True)
            return
        values = self._lines.values(*it)
        if values is not None:
            self._tell(values)

    def _tell(self, values: dict[str, Any]) -> None:
        if self._left != 0:
            self._left = None if self._left is None else self._left - 1
            self._show(values)
