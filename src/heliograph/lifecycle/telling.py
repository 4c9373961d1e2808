"""Sends life-cycle signals, so that a receiver that fails breaks no request."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from heliograph.development import in_development
from heliograph.lifecycle.blocking import send_watched

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from heliograph import Signal

_LOG = logging.getLogger("heliograph")


def tell(signal: Signal[...], sender: object, **payload: Any) -> None:
    """Send a signal from code that is not async; async receivers run to their end meanwhile."""
    try:
        signal.send(sender, _async_wrapper=_run_here, **payload)
    except Exception as error:  # noqa: BLE001 - a receiver must not break the request.
        _log(signal, error)


async def tell_async(signal: Signal[...], sender: object, **payload: Any) -> None:
    """Send a signal from async code."""
    try:
        if signal.has_receivers_for(sender):
            if in_development():
                await send_watched(signal, sender, payload)
            else:
                await signal.send_async(sender, **payload)
        else:
            signal.send(sender, **payload)  # Instruments see it, and it takes a third of the time.
    except Exception as error:  # noqa: BLE001 - a receiver must not break the request.
        _log(signal, error)


def _log(signal: Signal[...], error: Exception) -> None:
    # The error's notes name the receiver.
    _LOG.error("A receiver of %r failed. The request goes on.", signal.name, exc_info=error)


def _run_here(receiver: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    def call(sender: object, **payload: Any) -> Any:
        return _run(receiver(sender, **payload))

    return call


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    # A loop that runs in this thread cannot wait for a second one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, asyncio.run, coroutine).result()
