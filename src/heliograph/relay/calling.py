"""Calling: calls a receiver with what has arrived, where nothing of the relay waits for it."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

from heliograph.postponing import Postponed
from heliograph.relay.current import CURRENT, Delivered
from heliograph.relay.errors import RelayError
from heliograph.relay.loops import ClientLoop
from heliograph.relay.patching import has_greenlets
from heliograph.relay.tracing import traced

if TYPE_CHECKING:
    from typing import Any

    from heliograph import Connection
    from heliograph.relay.envelopes import Envelope


def delivered(
    envelope: Envelope, *, group: str | None = None, tries: int = 1, forward: bool = False
) -> Delivered:
    """Return what receivers can know of an envelope."""
    return Delivered(
        envelope.id,
        envelope.signal,
        envelope.origin,
        envelope.sender,
        group,
        tries,
        envelope.time,
        envelope.hops,
        envelope.traceparent,
        forward,
    )


class AsyncReceivers:
    """The loop on which async receivers run.

    It is that of the program, if the relay was started on one; otherwise a loop of its own. Where
    threads are greenlets, there is only one loop, that of the relay.

    Args:
        relays: The loop of the relay.
    """

    def __init__(self, relays: ClientLoop) -> None:
        self._relays = relays
        self._own = ClientLoop("heliograph-relay-async-receivers")
        self._theirs: asyncio.AbstractEventLoop | None = None

    def use_running(self) -> None:
        """Use the loop that is running here, if there is one."""
        try:
            self._theirs = asyncio.get_running_loop()
        except RuntimeError:
            self._theirs = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop."""
        if self._theirs is not None and not self._theirs.is_closed():
            return self._theirs
        if has_greenlets():
            return self._relays.running()
        self._own.start()
        return self._own.running()

    def pause(self) -> None:
        """Pause while the process forks."""
        self._own.pause()

    def resume(self) -> None:
        """Go on in the parent."""
        self._own.resume()

    def abandon(self) -> None:
        """Forget both loops, in a process that was forked."""
        self._own.abandon()
        self._theirs = None

    def stop(self) -> None:
        """End the loop of its own."""
        self._own.stop()


class Call:
    """One call of a receiver, in a context without anything of whoever asked for it.

    Args:
        connection: How the receiver is connected.
        sender: The sender, as it gets it.
        envelope: What has arrived.
        payload: Its payload.
        known: What the receiver can know of it.
    """

    __slots__ = ("_delivered", "_envelope", "_postponed")

    def __init__(
        self,
        connection: Connection,
        signal: Any,
        sender: Any,
        envelope: Envelope,
        payload: dict[str, Any],
        known: Delivered,
    ) -> None:
        self._postponed = Postponed(
            signal,
            sender,
            payload,
            connection,
            connection.receiver,
            envelope.origin,
            envelope.id,
        )
        self._envelope = envelope
        self._delivered = known

    @property
    def is_async(self) -> bool:
        """Whether the receiver has to be awaited."""
        return self._postponed.is_async

    def now(self) -> None:
        """Call a plain receiver."""
        Context().run(self._now)

    def _now(self) -> None:
        CURRENT.set(self._delivered)
        try:
            if self._envelope.traceparent is None:
                self._postponed.deliver()
            else:
                with traced(self._envelope):
                    self._postponed.deliver()
        except Exception:
            raise
        except BaseException as error:
            # It would end a thread, or a loop, that others need.
            raise self._no_end(error) from error

    async def awaited(self) -> None:
        """Call an async receiver, on the loop that runs this, and await it."""
        loop = asyncio.get_running_loop()
        await loop.create_task(self._awaited(), context=Context())

    async def _awaited(self) -> None:
        CURRENT.set(self._delivered)
        try:
            with traced(self._envelope):
                await self._postponed.deliver_async()
        except SystemExit as error:
            raise self._no_end(error) from error

    def _no_end(self, error: BaseException) -> RelayError:
        who, kind = self._postponed.connection.name, type(error).__name__
        return RelayError(f"{who} raised {kind}: what arrives ends no process.")
