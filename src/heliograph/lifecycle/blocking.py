"""Tells in development which receivers have blocked the event loop."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Any

from heliograph.describe import name_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from heliograph import Signal

_LOG = logging.getLogger("heliograph")


async def send_watched(signal: Signal[...], sender: object, payload: dict[str, Any]) -> None:
    """Send a signal, and name its receivers if nothing else could run for too long meanwhile.

    Too long is what it is for asyncio: the loop's `slow_callback_duration`.
    """
    # Those of now: they may have disconnected afterwards.
    names = ", ".join(map(name_of, signal.receivers_for(sender)))
    watched = _Watched(signal.send_async(sender, **payload))
    await watched
    if watched.longest > asyncio.get_running_loop().slow_callback_duration:
        _LOG.warning(
            "The receivers of %r have blocked the event loop for %.2f seconds: no other request "
            "could go on. Await what takes long, or give it to a thread. Its receivers: %s.",
            signal.name,
            watched.longest,
            names,
        )


class _Watched:
    """Awaits a coroutine, and knows the longest time that it took between two awaits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.longest = 0.0
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, None]:
        steps: Any = self._coroutine.__await__()
        go_on, given = steps.send, None
        while True:
            began = perf_counter()
            try:
                waits_for = go_on(given)
            except StopIteration:
                return
            finally:
                given = None  # An error would hold this frame, and the frame the error.
                self.longest = max(self.longest, perf_counter() - began)
            try:
                go_on, given = steps.send, (yield waits_for)
            except BaseException as error:  # noqa: BLE001 - it is for the coroutine, whatever it is.
                go_on, given = steps.throw, error
