"""Follows a running application: what is new is printed as it comes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import click

from heliograph.inspector.seen import SeenEmission, SeenRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph.inspector.attaching.workers import Picture, Workers
    from heliograph.inspector.filters import Only
    from heliograph.inspector.seen import Seen

INTERVAL = 0.25
_PATIENT = 4
"""Looks that an emission waits for the one inside of which it was sent, which ends later."""


@dataclass(frozen=True)
class Wanted:
    """What to follow, and for how long.

    Attributes:
        only: Which emissions.
        requests: Whether requests as well.
        seconds: For how long, or None for ever.
        count: After how many emissions to end, or None.
    """

    only: Only
    requests: bool
    seconds: float | None
    count: int | None


class Output(Protocol):
    """Where it is told."""

    def seen(self, found: Sequence[Seen], *, several: bool) -> None:
        """Tell what was seen."""
        ...

    def said(self, kind: str, process: str, text: str, **more: object) -> None:
        """Tell of a process: that it is there, that it is gone, that something was lost."""
        ...


def follow(workers: Workers, wanted: Wanted, output: Output) -> None:
    """Tell what the processes send, until it is enough.

    Raises:
        click.ClickException: If none of them can be attached to.
    """
    end = None if wanted.seconds is None else time.monotonic() + wanted.seconds
    followed = _Followed(output)
    waiting = _Waiting()
    told = 0
    cursor: dict[str, int] | None = None
    while True:
        picture = workers.after(cursor, only=wanted.only, requests=wanted.requests)
        if cursor is None and not picture.processes:
            raise click.ClickException(_nobody(picture))
        followed.look_at(picture)
        cursor = {**(cursor or {}), **picture.cursor}
        ready = waiting.ready(picture.seen, at_once=end is not None and time.monotonic() >= end)
        output.seen(ready, several=len(picture.processes) > 1)
        told += sum(isinstance(it, SeenEmission) for it in ready)
        if wanted.count is not None and told >= wanted.count:
            return
        if end is not None and time.monotonic() >= end:
            return
        time.sleep(INTERVAL)


def _nobody(picture: Picture) -> str:
    why = "; ".join(f"process {name}: {problem}" for name, problem in picture.gone.items())
    return f"No process can be attached to. {why or 'There is none any more'}."


class _Followed:
    """Which processes are there, as far as it was told."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._there: dict[str, str] = {}

    def look_at(self, picture: Picture) -> None:
        """Tell what has changed, and what was lost."""
        here = {str(it["process"]): str(it.get("pid")) for it in picture.processes}
        pids = {pid: process for process, pid in here.items()}
        for process in here.keys() - self._there.keys():
            self._output.said("attached", process, f"attached to process {here[process]}")
        for process in self._there.keys() - here.keys():
            pid = self._there[process]
            why = picture.gone.get(pid, "it has ended")
            self._output.said("gone", process, f"process {pid} is gone: {why}", why=why)
        for pid, why in picture.gone.items():
            if pid not in self._there.values() and pid not in pids:
                self._output.said(
                    "gone", pid, f"process {pid} cannot be attached to: {why}", why=why
                )
                here[pid] = pid
        for process, lost in picture.lost.items():
            text = f"{lost} emissions of process {here[process]} were lost: they came too fast"
            self._output.said("lost", process, text, count=lost)
        self._there = here


class _Waiting:
    """Emissions whose parents have not ended yet, so that they stand below these."""

    def __init__(self) -> None:
        self._waiting: list[tuple[SeenEmission, int]] = []

    def ready(self, seen: Iterable[Seen], *, at_once: bool) -> list[Seen]:
        """Return what can be shown now."""
        waiting = [*self._waiting, *((it, 0) for it in seen if isinstance(it, SeenEmission))]
        there = {(it.process, it.id): it for it, _ in waiting}
        found: list[Seen] = [it for it in seen if isinstance(it, SeenRequest)]
        self._waiting = []
        for it, looks in waiting:
            outermost = it
            while (above := _parent(outermost, there)) is not None:
                outermost = above
            if outermost.parent is None or looks >= _PATIENT or at_once:
                found.append(it)
            else:
                self._waiting.append((it, looks + 1))
        return found


def _parent(it: SeenEmission, there: dict[tuple[str, int], SeenEmission]) -> SeenEmission | None:
    return None if it.parent is None else there.get((it.process, it.parent))
