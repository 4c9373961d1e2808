"""Deliveries know whether the sender's wrapper made the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Signal
from heliograph.blinker import Signal as BlinkerSignal
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def in_a_thread(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Wrap a plain receiver as Quart does."""

    async def call(*args: object, **kwargs: object) -> Any:
        return await asyncio.to_thread(function, *args, **kwargs)

    return call


def on_a_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an async receiver as Flask does."""
    return lambda *args, **kwargs: asyncio.run(function(*args, **kwargs))


def plain(sender: object) -> None:
    """Do nothing."""


def cheap(sender: object) -> None:
    """Do nothing, in place."""


async def slow(sender: object) -> None:
    """Await something."""
    await asyncio.sleep(0)


def paid() -> Signal[...]:
    """Return a signal with receivers of all kinds."""
    signal = Signal("paid")
    signal.connect(plain)
    signal.connect(cheap, inline=True)
    signal.connect(slow)
    return signal


async def test_plain_receivers_are_wrapped_by_an_async_send_unless_they_are_inline() -> None:
    """Async ones are awaited as they are."""
    with watching() as seen:
        await paid().send_async("shop", _sync_wrapper=in_a_thread)

    assert [it.wrapped for it in seen[0].deliveries] == [True, False, False]


async def test_no_receiver_is_wrapped_by_an_async_send_without_a_wrapper() -> None:
    """All of them run in its task."""
    with watching() as seen:
        await paid().send_async("shop")

    assert [it.wrapped for it in seen[0].deliveries] == [False, False, False]


def test_async_receivers_are_wrapped_by_a_plain_send() -> None:
    """Nothing else could call them."""
    with watching() as seen:
        paid().send("shop", _async_wrapper=on_a_loop)

    assert [it.wrapped for it in seen[0].deliveries] == [False, False, True]


def test_plain_receivers_are_called_in_place_by_a_plain_send() -> None:
    """With a wrapper or without one."""
    signal = Signal("paid")
    signal.connect(plain)
    with watching() as seen:
        signal.send("shop")
        signal.send("shop", _async_wrapper=on_a_loop)

    assert [it.deliveries[0].wrapped for it in seen] == [False, False]


async def test_what_fails_in_a_wrapper_was_wrapped() -> None:
    """The send goes on, and so do its wrapped receivers."""
    signal = Signal("paid")

    @signal.connect
    def fail(sender: object) -> None:
        raise LookupError

    signal.connect(plain)
    with watching() as seen, pytest.raises(LookupError):
        await signal.send_async("shop", _sync_wrapper=in_a_thread)

    assert [it.wrapped for it in seen[0].deliveries] == [True, True]


async def test_a_receiver_that_only_an_overridden_method_knows_is_told_by_itself() -> None:
    """It has no connection that could say what it is."""

    class Own(BlinkerSignal):
        def receivers_for(self, sender: object) -> Any:
            return iter([plain, slow])

    signal = Own("paid")
    signal.connect(cheap)
    with watching() as seen:
        await signal.send_async("shop", _sync_wrapper=in_a_thread)

    assert [it.connection for it in seen[0].deliveries] == [None, None]
    assert [it.wrapped for it in seen[0].deliveries] == [True, False]
