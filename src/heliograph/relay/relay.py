"""Relay: lets signals cross to other processes, and calls receivers with what comes from there."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from heliograph import ANY, ArgumentError
from heliograph.describe import short_repr
from heliograph.lifecycle import app_started, app_stopping
from heliograph.relay.confirming import Confirmation, confirm, confirm_async
from heliograph.relay.declares import Declares
from heliograph.relay.errors import FullError, RelayError, UnavailableError
from heliograph.relay.limits import Limits
from heliograph.relay.looking import Look
from heliograph.relay.patching import follow_patches, guarded
from heliograph.relay.places import transport_for
from heliograph.relay.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from heliograph import Signal
    from heliograph.relay.tally import Health

_LOG = logging.getLogger("heliograph")

_FIRST_LOOK = 3.0
"""Seconds that `start` waits for the broker, before it goes on without."""


class Relay(Declares):
    """Lets signals cross to other processes. Make it once, in every process, and own it.

    A context manager, sync and async: it runs inside.

    Args:
        url: The broker: ``nats://``, ``redis://`` or ``valkey://`` (``tls://``, ``rediss://`` and
            ``valkeys://`` with TLS), or ``memory://``, which reaches this process alone; by
            default what ``HELIOGRAPH_RELAY_URL`` says, or ``memory://``.
        app: What all processes of the program call it together: relays of other programs on the
            same broker hear nothing of it.
        groups: The groups whose receivers run in this process, ``"*"`` for all; by default those
            that ``HELIOGRAPH_RELAY_GROUPS`` names, with commas between them, or none.
        require: Whether `start` fails while the broker is away. Otherwise it warns, and goes on
            trying in the background.
        positions: A file in which the position in replay channels is kept from one run to the
            next: of one process, and not of several.
        limits: What is refused, and how much waits for a broker that is away.
        options: What is handed to the transport, such as ``insecure=True``.

    Raises:
        ArgumentError: If there is no transport for the URL, or a name is none.

    Example:
        >>> from heliograph import Namespace
        >>> shop = Namespace("shop")
        >>> @shop.declare
        ... def prices_changed(sender: str, *, sku: str) -> None:
        ...     '''A price is not what it was.'''
        >>> relay = Relay("memory://", app="shop")
        >>> relay.broadcast(prices_changed)
        >>> @relay.connect(prices_changed, scope="each")
        ... def drop_price(sender, *, sku):
        ...     print(f"{sku} is dropped from the cache.")
        >>> with relay:
        ...     _ = prices_changed.send("shop", sku="a1")
        a1 is dropped from the cache.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        app: str,
        groups: Iterable[str] | None = None,
        require: bool = False,
        positions: str | None = None,
        limits: Limits | None = None,
        **options: Any,
    ) -> None:
        _check_name("app", app)
        follow_patches(_before_patch, _after_patch)
        self._url = url or os.environ.get("HELIOGRAPH_RELAY_URL") or "memory://"
        transport = transport_for(self._url, options)
        super().__init__(app, Running(transport, self, app, limits or Limits(), positions))
        self._options = options
        self._groups = _groups(groups)
        self._require = require
        self._starts_with_app = False
        self._follows: Any = ANY
        _RELAYS.add(self)

    @property
    def app(self) -> str:
        """What all processes of the program call it together."""
        return self._app

    @property
    def origin(self) -> str:
        """What this process is called, by those that hear of it."""
        return self._running.origin

    def send_confirmed(
        self, signal: Signal[...], sender: Any = None, *, within: float = 5.0, **payload: Any
    ) -> Confirmation:
        """Send *signal*, and wait until the broker has stored it.

        Args:
            signal: A signal that crosses by `replay` or `durable`.
            sender: The sender.
            within: How many seconds to wait.
            payload: The payload.

        Returns:
            What the receivers here have returned, and what the broker says.

        Raises:
            UnconfirmedError: If it does not say so in time. It tells whether that is certain.
            ArgumentError: If nothing is stored of the signal.
        """
        self._running.check_running()
        return confirm(self._declared.gate(signal), signal, sender, payload, within)

    async def send_confirmed_async(
        self, signal: Signal[...], sender: Any = None, *, within: float = 5.0, **payload: Any
    ) -> Confirmation:
        """Send *signal* by `Signal.send_async`, and wait as `send_confirmed` does."""
        self._running.check_running()
        gate = self._declared.gate(signal)
        return await confirm_async(gate, signal, sender, payload, within)

    # When it runs.

    def start(self, groups: Iterable[str] | None = None) -> Self:
        """Connect to the broker, and begin.

        Args:
            groups: The groups whose receivers run in this process; by default as it was made.

        Raises:
            StateError: If it runs already.
            ArgumentError: If there is no such group.
            RefusedError: If the broker refuses us, or is none.
            UnavailableError: If it is away, and required.
            RelayError: If an outbox has no tables and may make none, or such of another version.
        """
        try:
            first = self._begin(groups)
            problem = _problem(first)
        except BaseException as error:
            if not isinstance(error, Exception):  # Who wanted it was interrupted.
                self.stop(0.0)
            raise
        if problem is not None:
            self._is_away(first, problem)
        return self

    async def start_async(self, groups: Iterable[str] | None = None) -> Self:
        """Connect as `start` does, without blocking the loop. Async receivers run on it."""
        first = self._begin(groups)
        try:
            async with asyncio.timeout(_FIRST_LOOK):
                await asyncio.shield(asyncio.wrap_future(first))
        except (RelayError, TimeoutError) as error:
            await asyncio.to_thread(self._is_away, first, error)
        except BaseException:
            await self.stop_async(0.0)
            raise
        return self

    def _begin(self, groups: Iterable[str] | None) -> Future[None]:
        first = self._running.start(self._groups if groups is None else _groups(groups))
        app_stopping.connect(self._app_stopping, self._follows)
        atexit.register(self.stop)
        return first

    def _is_away(self, first: Future[None], error: Exception) -> None:
        first.cancel()  # Whatever comes now comes late.
        if self._require or not isinstance(error, (UnavailableError, FullError, TimeoutError)):
            self.stop(0.0)
            if isinstance(error, RelayError):
                raise error
            msg = f"The broker of {self._app!r} did not answer within {_FIRST_LOOK:g} s."
            raise UnavailableError(msg)
        _LOG.warning(
            "The broker of the relay of %r is away: %s. What is sent waits, and we go on trying.",
            self._app,
            str(error) or "it does not answer",
        )

    def stop(self, timeout: float = 5.0) -> bool:
        """Take in nothing more, finish what is under way, and send what waits.

        Args:
            timeout: Seconds for all of it.

        Returns:
            Whether nothing is left. What is left is counted and logged.
        """
        app_stopping.disconnect(self._app_stopping)
        atexit.unregister(self.stop)
        return self._running.stop(timeout)

    async def stop_async(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 - as `stop` has it.
        """Stop as `stop` does, without blocking the loop."""
        return await asyncio.to_thread(self.stop, timeout)

    def start_with(self, app: Any = ANY) -> None:
        """Start and stop with an application, by its life cycle.

        Args:
            app: The application whose `app_started` starts it; by default any.
        """
        self._starts_with_app, self._follows = True, app
        app_started.connect(self._app_started, app)

    def _app_started(self, _: object, **__: object) -> None:
        if not self._running.is_running:
            self._begin(None).add_done_callback(self._first_look)

    def _first_look(self, first: Future[None]) -> None:
        error = None if first.cancelled() else first.exception()
        if error is not None:
            _LOG.error("The relay of %r has not begun as it should: %s", self._app, error)

    def _app_stopping(self, _: object, **__: object) -> asyncio.Task[bool] | bool:
        end = self.stop if self._starts_with_app else self.flush
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return end()
        # Receivers that run on this loop have to end, and who has sent this awaits it.
        return loop.create_task(asyncio.to_thread(end))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the broker has everything that was sent; tell whether it has."""
        return self._running.flush(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.start_async()

    async def __aexit__(self, *_: object) -> None:
        await self.stop_async()

    # What can be seen.

    def health(self) -> Health:
        """Return how it does, in this process. It asks the databases of outboxes."""
        return self._running.health()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return what became of everything that was to cross, by signal."""
        return self._running.tally.by_signal()

    def look(self) -> Look:
        """Return what looks at the broker over a connection of its own: for tools."""
        channels = [it.channel for it in self._running.crossings]
        return Look(self._url, self._app, channels, **self._options)

    @property
    def running(self) -> Running:
        """What runs: for tools that look at channels, groups and dead letters."""
        return self._running

    def __repr__(self) -> str:
        state = "running" if self._running.is_running else "not running"
        return f"<Relay of {self._app!r}: {state}>"


def _problem(first: Future[None]) -> Exception | None:
    """Wait for the first look at the broker; return what stands against it."""
    try:
        first.result(_FIRST_LOOK)
    except (RelayError, TimeoutError) as error:
        return error
    return None


def _check_name(what: str, given: object) -> None:
    """Refuse what is no name.

    Raises:
        ArgumentError: If it is none.
    """
    if not isinstance(given, str) or not given:
        msg = f"{what}={short_repr(given)} is not a name: all processes use the same text."
        raise ArgumentError(msg)


def _groups(given: Iterable[str] | None) -> tuple[str, ...]:
    if given is None:
        named = os.environ.get("HELIOGRAPH_RELAY_GROUPS", "")
        return tuple(it.strip() for it in named.split(",") if it.strip())
    if isinstance(given, str):
        msg = f"groups={given!r} is one text: pass a list, as in groups=[{given!r}]."
        raise ArgumentError(msg)
    return tuple(given)


_RELAYS: WeakSet[Relay] = WeakSet()


def _before_fork() -> None:
    for relay in [*_RELAYS]:
        relay.running.pause()


def _in_parent() -> None:
    for relay in [*_RELAYS]:
        relay.running.resume()


def _in_child() -> None:
    for relay in [*_RELAYS]:
        relay.running.start_over()


@atexit.register
def _at_exit() -> None:
    for relay in [*_RELAYS]:
        relay.running.end()


def _before_patch() -> None:
    for relay in [*_RELAYS]:
        guarded(relay.running.leave_off)


def _after_patch() -> None:
    for relay in [*_RELAYS]:
        guarded(relay.running.go_on)


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
