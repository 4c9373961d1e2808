"""Puts an inspector's page before an application: who may see it, and when it begins to record."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError, StateError
from heliograph.inspector.page.access import Door
from heliograph.inspector.page.asgi import PageOverASGI
from heliograph.inspector.page.debugging import Development
from heliograph.inspector.page.server_timing import LIMIT
from heliograph.inspector.page.site import Site
from heliograph.inspector.page.timings import Stopwatch
from heliograph.inspector.page.wsgi import PageOverWSGI

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.inspector.attaching.workers import Picture
    from heliograph.inspector.inspector import Inspector

_LOG = logging.getLogger("heliograph")

PATIENCE = 600.0
"""Seconds for which it records after the page was looked at in production."""


class Shown:
    """What a page shows of an inspector, which it starts with the first request.

    Args:
        inspector: The inspector.
        developed: Tells whether the program is being developed.
    """

    def __init__(self, inspector: Inspector, developed: Callable[[], bool]) -> None:
        self._inspector = inspector
        self._developed = developed
        self._started = False
        self._recording = False

    @property
    def sees_all_workers(self) -> bool:
        """Whether the picture has every worker, or only the one that is asked."""
        return self._inspector.sees_all_workers

    def picture(self, cursor: dict[str, int], *, most: int) -> Picture:
        """Return what was seen after a position in each process, 0 where there is none."""
        self._inspector.record(PATIENCE)
        return self._inspector.picture(cursor, most=most)

    def attend(self) -> bool:
        """Begin with the first request; in development, record from then on.

        Returns:
            Whether the inspector runs: its owner may have stopped it.

        A developer looks at the page after something has happened, and while it is hidden behind
        the application's own pages it does not ask.
        """
        if not self._started:
            self._started = True
            try:
                self._inspector.start()
            except StateError as error:
                _LOG.warning("The page of signals has nothing to show: %s", error)
        # A process that was forked meanwhile does not record yet.
        if not (self._recording and self._inspector.recorder.running) and self._developed():
            self._recording = True
            self._inspector.record(inf)
        return self._inspector.running


def over_wsgi(
    inspector: Inspector, app: Any, path: str, *, server_timing: bool | int
) -> PageOverWSGI:
    """Return a WSGI application with the page in front of it; see `Inspector.wsgi`."""
    site, stopwatch = _made(inspector, app, path, server_timing)
    return PageOverWSGI(app, site, path, stopwatch)


def over_asgi(
    inspector: Inspector, app: Any, path: str, *, server_timing: bool | int
) -> PageOverASGI:
    """Return an ASGI application with the page in front of it; see `Inspector.asgi`."""
    site, stopwatch = _made(inspector, app, path, server_timing)
    return PageOverASGI(app, site, path, stopwatch)


def _made(
    inspector: Inspector, app: object, path: str, server_timing: bool | int
) -> tuple[Site, Stopwatch | None]:
    if not path.startswith("/") or path.endswith("/"):
        msg = f"path={path!r} cannot be the page's: begin it with a slash, and end it without."
        raise ArgumentError(msg)
    if app is not None and not callable(app):
        msg = f"{type(app).__name__} is no application: it cannot be called."
        raise ArgumentError(msg)
    developed = Development(app)
    site = Site(Shown(inspector, developed), Door(inspector.token, developed))
    if server_timing is False:
        return site, None
    stopwatch = Stopwatch(LIMIT if server_timing is True else server_timing)
    inspector.add_stopwatch(stopwatch)
    return site, stopwatch
