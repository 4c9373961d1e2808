"""Lines: the connections to Redis or Valkey, whether they hold, and what their errors mean."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from heliograph import ArgumentError
from heliograph.relay.errors import RefusedError, RelayError, UnavailableError
from heliograph.relay.redis.address import kept, settings_of
from heliograph.relay.redis.errors import meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from typing import TypeAlias

    from heliograph.relay.transports import Watching

    Command: TypeAlias = tuple[Any, ...]

_LOG = logging.getLogger("heliograph")

BLOCK = 3.0
"""Seconds for which a read waits for something: less than what is taken for silence."""

_SILENCE = 5.0
"""Seconds after which a server that does not answer is taken for gone."""

_LOOK = 5.0
"""Seconds between two looks whether the server is there."""

_DELAYS = (0.1, 2.0)
"""Seconds before the first further try to connect, and the most before any."""

_AT_ONCE = 256
"""How many commands are sent without waiting for the answer of the first."""

_OLDEST = (7, 0)
"""The first version whose streams count what was added to them."""


class Lines:
    """The connections of a transport. What one command waits for, no other has to wait for.

    Args:
        url: Where the server is.
        insecure: Whether a password and the payloads may travel without TLS.

    Attributes:
        up: Set while the server is there.

    Raises:
        ArgumentError: If the URL is none, or would let passwords be read on the way.
    """

    def __init__(self, url: str, *, insecure: bool) -> None:
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()
        self._settings = settings_of(url, insecure=insecure)
        self._secrets = [it for it in (self._settings.get("password"),) if it]
        self._left: list[Any] = []
        self._check_settings()
        self._start_over()

    def _start_over(self) -> None:
        self.up: asyncio.Event = asyncio.Event()
        self._doubt = asyncio.Event()
        self._turn = asyncio.Lock()
        self._clients: list[Redis] = []
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._under_way: list[tuple[Command, asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._client: Redis | None = None

    def _check_settings(self) -> None:
        try:
            self._kind = kept(self._settings.pop("connection_class"), self._writers)
            self._pool(0.0).make_connection()  # type: ignore[no-untyped-call]  # It has no annotations.
        except (TypeError, ValueError, exceptions.RedisError):
            msg = "The URL of the relay has an option that redis-py does not know."
            raise ArgumentError(msg) from None

    def _pool(self, block: float) -> ConnectionPool:
        # A command that was carried out, and whose answer was lost, must not be sent once more.
        # Whether a connection holds is seen by our own looks, and not before each command.
        ours = {
            "connection_class": self._kind,
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": _SILENCE,
            "socket_timeout": _SILENCE + block,
            "health_check_interval": 0,
            "decode_responses": False,
        }
        return ConnectionPool(**{**self._settings, **ours})

    def client(self, block: float = 0.0) -> Redis:
        """Return a client of its own connection, whose commands may block for some seconds."""
        made = Redis.from_pool(self._pool(block))
        made.response_callbacks.clear()  # Answers are as servers give them, whatever its version.
        self._clients.append(made)
        return made

    async def open(self, watching: Watching) -> None:
        """Connect, and keep looking whether the server is there.

        Raises:
            UnavailableError: If it is not.
            RefusedError: If it refuses us, or is no such server.
        """
        self._client = client = self.client()
        try:
            await self._greet()
        except BaseException:
            self._client = None
            self._clients.remove(client)
            await client.aclose()
            raise
        self.up.set()
        watching.connected()
        self._looking = asyncio.create_task(self._look(watching))

    async def close(self) -> None:
        """Disconnect."""
        await cancelled([it for it in (self._looking, self._flushing) if it is not None])
        for _, answer in [*self._under_way, *self._waiting]:
            _set(answer, UnavailableError("The transport was closed."))
        for client in self._clients:
            with suppress(exceptions.RedisError, OSError):
                await client.aclose()
        self._start_over()

    def abandon(self) -> None:
        """Close this process's copies of the connections, in a child after a fork.

        Closing them as connections are closed would take them out of the parent's epoll set.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for writer in [*self._writers]:
            with suppress(OSError):  # It was closed before.
                os.dup2(null, writer.get_extra_info("socket").fileno())
        os.close(null)
        self._writers.clear()
        # Whoever collects them would warn of connections that were not closed.
        self._left += [self._clients, self._looking, self._flushing, self._waiting]
        self._start_over()

    # What is asked.

    def begin(self, *command: Any) -> asyncio.Future[Any]:
        """Send a command, after all that were begun before; return what its answer comes in."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.up.is_set():
            answer.set_exception(UnavailableError("The broker is away."))
            return answer
        self._waiting.append((command, answer))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return answer

    async def ask(self, *command: Any) -> Any:
        """Send a command, and return its answer.

        Raises:
            UnavailableError: If there was no answer: it may have been carried out.
            FullError: If the server has no memory for it.
            RefusedError: If it refuses it.
        """
        return await self.begin(*command)

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            self._under_way = batch
            try:
                answers = await self.together([command for command, _ in batch])
            except RelayError as error:
                answers = [error] * len(batch)
            for (_, waiting), answer in zip(batch, answers, strict=True):
                _set(waiting, answer)

    async def together(
        self, commands: list[Command], client: Redis | None = None, *, atomic: bool = False
    ) -> list[Any]:
        """Send several commands at once; return their answers, or what each has failed with.

        Raises:
            UnavailableError: If there was no answer.
            RefusedError: If nothing can be asked.
        """
        async with nullcontext() if client else self._turn:  # Otherwise it would connect again.
            with self.understood():
                answers = await _answers(client or self.client_now(), commands, atomic=atomic)
        return [self._meaning(it) if isinstance(it, Exception) else it for it in answers]

    async def all_or_none(self, *commands: Command) -> list[Any]:
        """Send several commands of which none is carried out without the others.

        Raises:
            UnavailableError: If there was no answer: they may have been carried out.
            FullError: If the server has no memory for it.
            RefusedError: If it refuses one of them.
        """
        return checked(await self.together([*commands], atomic=True))

    async def tolerant(self, command: Command, accepted: str) -> None:
        """Send a command that may fail for one reason, as what it does is done already."""
        try:
            await self.ask(*command)
        except RefusedError as error:
            if accepted not in str(error):
                raise

    def client_now(self) -> Redis:
        """Return the client for commands that do not block.

        Raises:
            UnavailableError: If the transport is not open.
        """
        if self._client is None:
            msg = "The transport is not open."
            raise UnavailableError(msg)
        return self._client

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Raise what an error of redis-py means."""
        try:
            yield
        except (exceptions.RedisError, OSError) as error:
            raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> RelayError:
        """Return what an error means, without the password."""
        text = str(error) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "…")
        kind, what = meaning(error, text)
        if kind is UnavailableError:
            self._doubt.set()
        return kind(what if what.endswith(".") else f"{what}.")

    async def for_ever(
        self,
        who: str,
        turn: Callable[[], Awaitable[None]],
        start: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Take one turn after the other, and *start* first, and again after each failure."""
        failures, said = 0, ""
        begin = start
        while True:
            try:
                if begin is not None:
                    await begin()
                begin = None
                await turn()
                failures = 0
            except UnavailableError:
                begin, failures = start, failures + 1
                await self.pause(failures)
            except Exception as error:  # noqa: BLE001 - what comes next has to be taken all the same.
                begin, failures = start, failures + 1
                if repr(error) != said:
                    said = repr(error)
                    _LOG.exception("%s fails, and tries again.", who)
                await self.pause(failures)

    async def pause(self, tries: int) -> None:
        """Wait before another try, and until the server is there."""
        await asyncio.sleep(_delay(tries))
        await self.up.wait()

    # Whether it is there.

    async def _look(self, watching: Watching) -> None:
        failures = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK if not failures else _delay(failures)):
                    await self._doubt.wait()
            try:
                self._doubt.clear()
                await self._greet()
            except RelayError as error:
                failures += 1
                self._doubt.clear()  # It is in doubt as it is.
                if self.up.is_set():
                    self.up.clear()
                    watching.disconnected(str(error))
            else:
                failures = 0
                if not self.up.is_set():
                    self.up.set()
                    watching.connected()

    async def _greet(self) -> None:
        (said,) = checked(await self.together([("HELLO",)]))
        about = pairs(said)
        if about.get("role") not in {"master", "primary"}:
            # The name may lead to its successor the next time.
            await self.client_now().connection_pool.disconnect()
            msg = "The broker is a replica, which takes nothing."
            raise UnavailableError(msg)
        version = tuple(int(it) for it in about["version"].split(".")[:2])
        if version < _OLDEST:
            msg = f"The broker has version {about['version']}: Redis 7 is the first that will do."
            raise RefusedError(msg)


async def _answers(client: Redis, commands: list[Command], *, atomic: bool) -> list[Any]:
    async with client.pipeline(transaction=atomic) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute(raise_on_error=False)


def _set(waiting: asyncio.Future[Any], answer: Any) -> None:
    if waiting.done():  # Nobody waits for it any more.
        return
    if isinstance(answer, RelayError):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)


def _delay(failures: int) -> float:
    first, most = _DELAYS
    # Processes that lost the server at once do not come back at once.
    return min(most, first * 2.0 ** min(failures, 20)) * random.uniform(0.5, 1.0)  # noqa: S311 - nothing is kept secret by it.


def checked(answers: list[Any]) -> list[Any]:
    """Return answers, unless one of them is an error.

    Raises:
        RelayError: If one is.
    """
    for it in answers:
        if isinstance(it, RelayError):
            raise it
    return answers


async def cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait until they are."""
    left = set(tasks)
    while left:
        for it in left:
            it.cancel()
        # `asyncio.wait_for`, in which redis-py sends, can swallow it before Python 3.12.
        _, left = await asyncio.wait(left, timeout=0.1)


def pairs(answer: Any) -> dict[str, Any]:
    """Return an answer of names and values, in either of the shapes that there are."""
    if not isinstance(answer, dict):
        answer = dict(zip(answer[::2], answer[1::2], strict=True))
    return {text(name): text(value) for name, value in answer.items()}


def text(value: Any) -> Any:
    """Return bytes as text, and anything else as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
