"""Running: the loop, the broker and the threads of a relay, from a start to a stop."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError, StateError
from heliograph.relay.beginning import Beginning
from heliograph.relay.calling import AsyncReceivers
from heliograph.relay.errors import RelayError
from heliograph.relay.loops import ClientLoop
from heliograph.relay.origins import new_origin
from heliograph.relay.outgoing import Outgoing
from heliograph.relay.patching import has_greenlets, once_it_waits
from heliograph.relay.positions import Positions
from heliograph.relay.senders import SenderNames
from heliograph.relay.tally import Health, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from heliograph.relay.channels import Channel
    from heliograph.relay.crossing import Crossing
    from heliograph.relay.limits import Limits
    from heliograph.relay.outbox import Outbox
    from heliograph.relay.transports import Transport

_LOG = logging.getLogger("heliograph")

_KEEP_POSITIONS = 1.0
"""Seconds between two looks at the positions that a file keeps."""

_LEAVE_OFF = 5.0
"""Seconds for what is under way, before threads are replaced."""


class Running:
    """What a relay needs to run. It tells the transport what to do, and is told how that does.

    Args:
        transport: The broker.
        relay: The relay, the sender of its signals.
        app: What the program is called.
        limits: What is refused.
        positions: The file of positions.

    Attributes:
        transport: The broker.
        names: The names of senders.
        limits: What is refused.
        tally: What is counted.
        crossings: The signals that cross.
        origin: What this process is called.
        is_running: Whether it is started.
        groups: The groups that run here.
        problem: Why the broker is not there; None while it is.
    """

    def __init__(
        self, transport: Transport, relay: Any, app: str, limits: Limits, positions: str | None
    ) -> None:
        self.transport: Transport = transport
        self.names: SenderNames = SenderNames()
        self.limits: Limits = limits
        self.tally: Tally = Tally()
        self.crossings: list[Crossing] = []
        self.origin: str = new_origin(app)
        self.is_running: bool = False
        self.groups: tuple[str, ...] = ()
        self.problem: str | None = "it is not started"
        self._relay, self._app = relay, app
        self._positions = Positions(positions)
        self._outboxes: list[Outbox] = []
        self._begins_later = False
        self._loop = self._new_loop()
        self._async_receivers = AsyncReceivers(self._loop)
        self._beginning = self._begin()

    def _new_loop(self) -> ClientLoop:
        return ClientLoop(f"heliograph-relay-{self._app}")

    def _begin(self) -> Beginning:
        return Beginning(self, self._relay, self._app, self._outboxes, self._async_receivers)

    def outgoing(self, channel: Channel) -> Outgoing:
        """Return what waits for the broker on a channel."""
        return Outgoing(
            channel, lambda: self.origin, self.transport, self.limits, self.tally, self._soon
        )

    def _soon(self, call: Callable[[], object]) -> None:
        if self.is_running:
            self._loop.soon(call)

    def crossing(self, signal: object) -> Crossing | None:
        """Return how a signal crosses, if it does."""
        return next((it for it in self.crossings if it.signal is signal), None)

    def add(self, crossing: Crossing, outbox: Outbox | None) -> None:
        """Let one more signal cross."""
        self.crossings.append(crossing)
        if outbox is not None and outbox not in self._outboxes:
            self._outboxes.append(outbox)
        self.look_again()

    def look_again(self) -> None:
        """Begin what was declared since the start."""
        if self.is_running:
            self._loop.soon(self._beginning.look_again)

    # From a start to a stop.

    def start(self, groups: tuple[str, ...], *, late: bool = False) -> Future[None]:
        """Begin; return what tells how the first look at the broker ended.

        Args:
            groups: The groups that run here.
            late: Whether nobody waits, so that what is sent meanwhile may be missing here.

        Raises:
            StateError: If it runs already.
            ArgumentError: If there is no such group.
        """
        if self.is_running:
            msg = "This relay is running: start() it once."
            raise StateError(msg)
        known = self._known(groups)
        self._positions.read(self.crossings)
        self.groups = known
        self._async_receivers.use_running()
        self._beginning = beginning = self._begin()
        if late:
            beginning.first.cancel()
        self._loop.start()
        self.is_running = True
        self._loop.soon(lambda: beginning.task(self._run(beginning)))
        return beginning.first

    async def _run(self, beginning: Beginning) -> None:
        await beginning.run()
        await self._keep_positions()

    def _known(self, groups: tuple[str, ...]) -> tuple[str, ...]:
        there = sorted({name for it in self.crossings for name in it.groups})
        unknown = [it for it in groups if it not in {*there, "*"}]
        if unknown:
            several = ", ".join(map(repr, there)) or "none"
            msg = (
                f"Nothing is connected with group={unknown[0]!r}, so it has nothing to do. Import "
                f"the modules of its receivers first. Groups with receivers here: {several}."
            )
            raise ArgumentError(msg)
        return groups

    async def _keep_positions(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_POSITIONS)
            await asyncio.to_thread(self._write_positions)

    def _write_positions(self) -> None:
        try:
            self._positions.write(self.crossings)
        except OSError:
            _LOG.exception("The positions of the relay of %r cannot be kept.", self._app)

    def check_running(self) -> None:
        """Refuse to go on if it does not run.

        Raises:
            RelayError: If it does not.
        """
        if not self.is_running:
            msg = f"The relay of {self._app!r} is not running: start() it first."
            raise RelayError(msg)

    def flush(self, timeout: float) -> bool:
        """Wait until the broker has everything; tell whether it has."""
        end = time.monotonic() + timeout
        while any(len(it.outgoing) for it in self.crossings):
            if not self.is_running or time.monotonic() >= end:
                return False
            time.sleep(0.005)
        return True

    def stop(self, timeout: float) -> bool:
        """End; tell whether nothing is left."""
        begins, self._begins_later = self._begins_later, False
        if not (self.is_running or begins):
            return True
        all_heard = not self.is_running or self._end(timeout)
        return self._count_what_is_left("was stopped") and all_heard

    def _end(self, timeout: float) -> bool:
        """End all that runs; tell whether receivers have heard what has arrived."""
        end = time.monotonic() + timeout
        self._loop.soon(self._beginning.stopping.set)
        self.flush(timeout)
        rest = max(0.1, end - time.monotonic())
        self._close(rest)
        self.is_running = False
        heard = [it.end(max(0.1, end - time.monotonic())) for it in self._beginning.hearing]
        self._loop.stop()
        self._async_receivers.stop()
        for executor in self._beginning.executors:
            executor.shutdown(wait=False, cancel_futures=True)
        self._write_positions()
        self.problem = "it is stopped"
        return all(heard)

    def end(self) -> None:
        """Tell what waits for a start that does not come any more, as the process ends."""
        if not self.is_running:
            self._count_what_is_left("ends without a start()")

    def _close(self, within: float) -> None:
        try:
            self._loop.run(self.transport.close(within)).result(within + 1.0)
        except Exception:  # noqa: BLE001 - the program ends, or goes on without it.
            _LOG.exception("The connection to the broker of %r did not end well.", self._app)

    def _count_what_is_left(self, how: str) -> bool:
        left = {it.channel: it.outgoing.drop_all() for it in self.crossings}
        for channel, several in left.items():
            if several:
                _LOG.error(
                    "The relay of %r %s with %d envelopes of %s that the broker does not have: "
                    "nobody gets them.",
                    self._app,
                    how,
                    several,
                    channel,
                )
        return not any(left.values())

    # What the transport tells.

    def connected(self) -> None:
        """Take note that the broker is there."""
        if self.problem is not None and self._beginning.first.done():
            _LOG.info("The broker of the relay of %r is there again.", self._app)
        self.problem = None
        for it in self.crossings:
            it.outgoing.tell_again()

    def disconnected(self, reason: str) -> None:
        """Take note that the broker is not there."""
        if self.problem is None:
            _LOG.warning("The broker of the relay of %r is away: %s", self._app, reason)
        self.problem = reason

    def health(self) -> Health:
        """Return how it does."""
        total = self.tally.total
        outboxes = [it.health() for it in self._outboxes]
        ages = [it.oldest for it in outboxes if it.oldest is not None]
        troubles = [it.trouble for it in outboxes if it.trouble is not None]
        return Health(
            running=self.is_running,
            connected=self.is_running and self.problem is None,
            problem=self.problem,
            sent=total("sent"),
            handed_over=total("handed over"),
            waiting=sum(len(it.outgoing) for it in self.crossings),
            kept_local=total("local"),
            received=total("received"),
            own=total("own"),
            dropped=self.tally.dropped(),
            gaps=total("gaps"),
            missed=total("lost"),
            failed=total("failed"),
            retried=total("again"),
            dead=total("dead"),
            unsent=_sum(it.unsent for it in outboxes),
            oldest_unsent=max(ages, default=None),
            put_aside=_sum(it.put_aside for it in outboxes),
            outbox_trouble=" ".join(troubles) or None,
        )

    # Around a fork.

    def pause(self) -> None:
        """Let nothing run while the process forks."""
        self._loop.pause()
        for it in self._beginning.hearing:  # They may wait for async receivers.
            it.end(1.0)
        self._async_receivers.pause()

    def resume(self) -> None:
        """Go on, in the parent."""
        self._loop.resume()
        self._async_receivers.resume()

    def start_over(self) -> None:
        """Begin with nothing, in a process that was forked; run if the parent did.

        The groups of the parent do not run here. What is in memory is as old as the positions.
        """
        was_running, self.is_running = self.is_running, False
        self.origin = new_origin(self._app)
        self.tally.start_over()
        self._loop.abandon()
        self._async_receivers.abandon()
        self.transport.abandon()
        # The file is the parent's.
        self._positions = Positions(None)
        for it in self.crossings:
            it.outgoing.start_over()
        self._begins_later = was_running
        if was_running and has_greenlets():
            once_it_waits(self._start_late)
        elif was_running:
            self._start_late()

    def _start_late(self) -> None:
        begins, self._begins_later = self._begins_later, False
        if begins and not self.is_running:  # Somebody may have been faster, or have stopped it.
            self.start((), late=True)

    # Around a change of what threads and sockets are.

    def leave_off(self) -> None:
        """End what runs, before threads and sockets are replaced: it could not go on."""
        self._begins_later = self.is_running
        if self._begins_later:
            _LOG.info("The relay of %r ends, and begins again when gevent is ready.", self._app)
            self._end(_LEAVE_OFF)

    def go_on(self) -> None:
        """Begin again with the new ones, and with what still waits for the broker."""
        begins, self._begins_later = self._begins_later, False
        if begins and not self.is_running:
            # Their locks are of the old kind.
            self._loop = self._new_loop()
            self._async_receivers = AsyncReceivers(self._loop)
            self.start(self.groups, late=True)


def _sum(of: Iterable[int | None]) -> int | None:
    """Return the sum; None of nothing, and if one of them is unknown."""
    known = [*of]
    return None if not known or None in known else sum(filter(None, known))
