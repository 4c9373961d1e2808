"""Tells a browser what all workers have seen since it asked last, in pieces of a bounded size."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from heliograph.inspector.page import cursors
from heliograph.inspector.process import is_running
from heliograph.inspector.seen import SeenRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.inspector.seen import SeenEmission

MOST = 2000
"""Emissions and requests of one worker in one answer: the browser asks again at once."""


class Picture(Protocol):
    """What all workers have told; `heliograph.inspector.attaching.workers` makes it."""

    @property
    def seen(self) -> Sequence[SeenEmission | SeenRequest]:
        """What was seen."""
        ...

    @property
    def cursor(self) -> Mapping[str, int]:
        """The position of each process that has told, by its name."""
        ...

    @property
    def lost(self) -> Mapping[str, int]:
        """How many each process has given up before they were asked for."""
        ...

    @property
    def gone(self) -> Mapping[str, str]:
        """Why others have not told, by their number."""
        ...


class Source(Protocol):
    """Whoever knows what the workers have seen."""

    def attend(self) -> bool:
        """Take note of a request to the application or the page; returns whether it watches."""
        ...

    def picture(self, cursor: dict[str, int], *, most: int) -> Picture:
        """Return what was seen after a position in each process, 0 where there is none."""
        ...

    @property
    def sees_all_workers(self) -> bool:
        """Whether the picture has every worker, or only the one that is asked."""
        ...


def news(source: Source, cursor: str, page: str = "") -> dict[str, Any]:
    """Return what a browser has not got yet, as JSON has it.

    Args:
        source: Whoever knows.
        cursor: How far the browser has come.
        page: The path of the page itself, whose requests are no news.
    """
    before = cursors.read(cursor)
    picture = source.picture(before, most=MOST)
    # A worker that has not told may come back. Who told last is written last, and kept longest.
    silent = {it: place for it, place in before.items() if it not in picture.cursor}
    alive = [*picture.cursor, *filter(is_running, silent)]
    told = Counter(it.process for it in picture.seen)
    requests, emissions = _of_others(picture, page)
    return {
        "cursor": cursors.written({**silent, **picture.cursor}),
        "picture": in_words(source, picture, len(alive)),
        "workers": alive,
        "notes": [f"Worker {it} has not told: {why}." for it, why in picture.gone.items()],
        # What was lost before the browser came, it has not missed.
        "lost": sum(many for it, many in picture.lost.items() if it in before),
        "more": any(many >= MOST for many in told.values()),
        "requests": [it.as_dict() for it in requests],
        "emissions": [it.as_dict() for it in emissions],
    }


def _of_others(picture: Picture, page: str) -> tuple[list[SeenRequest], list[SeenEmission]]:
    """Leave out the page's own requests, which are seen where it stands inside of a life cycle."""
    requests = [it for it in picture.seen if isinstance(it, SeenRequest)]
    emissions = [it for it in picture.seen if not isinstance(it, SeenRequest)]
    own = {it.id for it in requests if page and it.path.startswith(f"{page}/")}
    return (
        [it for it in requests if it.id not in own],
        [it for it in emissions if it.request not in own],
    )


def in_words(source: Source, picture: Picture, alive: int) -> str:
    """Say of whom the picture is."""
    told, gone = len(picture.cursor), len(picture.gone)
    if not source.sees_all_workers:
        this = f"process {next(iter(picture.cursor)).partition('-')[0]}"
        others = f", one of {alive} that take turns: Inspector(attach=True) shows all"
        return this if alive == 1 else f"{this}{others}"
    if gone:
        return f"{told} of {told + gone} workers"
    return "1 worker" if told == 1 else f"{told} workers"
