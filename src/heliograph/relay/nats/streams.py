"""NatsStreams: what JetStream keeps of a channel, and what is stored and read there.

Each channel has a stream. That of a durable channel takes a second kind of subject, on which a
revived envelope reaches its own group alone. Dead letters are in a stream beside it, which is made
when there is the first one: a stream reserves its room.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from nats.errors import Error, NoRespondersError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import APIError, NotFoundError, ServerError

from heliograph.relay.channels import plain, safe, stored
from heliograph.relay.nats.answers import STREAM_FULL, answers, translated
from heliograph.relay.nats.pulling import Pull, numbers_of
from heliograph.relay.transports import Arrived, Backlog, DeadLetter, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nats.aio.msg import Msg
    from nats.js.api import ConsumerInfo, RawStreamMsg

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.nats.connection import NatsConnection

_WINDOW = 120.0
"""Seconds for which a server knows the ids that it has stored: it holds them in memory."""

_LIST = "$JS.API.STREAM.LIST"
_ID = "Nats-Msg-Id"


class NatsStreams:
    """Stores and reads.

    Args:
        replicas: How many servers of a cluster have a copy of what is stored.
    """

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas

    async def prepare(self, connection: NatsConnection, channel: Channel) -> None:
        """Make the stream of a channel, or give it the room that the channel wants.

        Raises:
            RelayError: If it cannot be made.
        """
        wanted = _wanted(channel, subjects_of(channel))
        info = await self.there(connection, channel)
        if any(getattr(info.config, key) != value for key, value in wanted.items()):
            with answers():
                # What else somebody has set for it stays.
                await connection.jetstream.update_stream(info.config, **wanted)

    async def there(self, connection: NatsConnection, channel: Channel) -> StreamInfo:
        """Return what is known of the stream of a channel; it is made if it is not there.

        Raises:
            RelayError: If it cannot be made.
        """
        return await self._there(connection, channel, stream_of(channel), subjects_of(channel))

    async def _there(
        self, connection: NatsConnection, channel: Channel, name: str, subjects: list[str]
    ) -> StreamInfo:
        with answers():
            if (info := await _info(connection, name)) is None:
                config = StreamConfig(
                    name=name,
                    duplicate_window=min(_WINDOW, channel.keep),
                    num_replicas=self._replicas,
                )
                info = await connection.jetstream.add_stream(config, **_wanted(channel, subjects))
        connection.births[name] = birth_of(info)
        return info

    async def store(
        self, connection: NatsConnection, channel: Channel, envelope_id: str, data: bytes
    ) -> Receipt:
        """Store an envelope, and wait until the server has it.

        Raises:
            RelayError: If it has not, or does not say so.
        """
        connection.check_size(data)
        name = stream_of(channel)
        try:
            if name not in connection.births:
                await self.there(connection, channel)
            number, known = await self._published(connection, channel, envelope_id, data)
            if known and await _message(connection, name, number) is None:
                # The server knows ids for longer than what they belong to. If nobody has had it,
                # this is the only chance; if everybody has, it is one too many, as may happen.
                again = f"{envelope_id} {time.time_ns()}"
                number, known = await self._published(connection, channel, again, data)
        except (Error, OSError) as error:
            connection.check("publish", subject_of(channel))
            raise translated(error) from None
        return Receipt(envelope_id, f"{connection.births[name]}.{number}", known)

    async def _published(
        self, connection: NatsConnection, channel: Channel, message_id: str, data: bytes
    ) -> tuple[int, bool]:
        subject, headers = subject_of(channel), {_ID: message_id}
        try:
            answer = await connection.ask(subject, data, headers)
        except NoRespondersError:  # Somebody has deleted it.
            await self.there(connection, channel)
            answer = await connection.ask(subject, data, headers)
        except APIError as error:
            if error.err_code != STREAM_FULL or not await self._trimmed(connection, channel):
                raise
            answer = await connection.ask(subject, data, headers)
        return answer["seq"], answer.get("duplicate", False)

    async def _trimmed(self, connection: NatsConnection, channel: Channel) -> bool:
        """Make room in a full stream: remove what all groups have done, up to the first that waits.

        It stays until then, for those who look at it, and for groups that come later.
        """
        stream = await connection.jetstream.stream_info(stream_of(channel))
        groups = await connection.jetstream.consumers_info(stream_of(channel))
        done = []
        for it in groups:
            busy = it.num_pending or it.num_ack_pending
            floor = it.ack_floor.stream_seq if it.ack_floor else 0
            done.append(floor if busy else stream.state.last_seq)
        until = min(done, default=0)
        if until < stream.state.first_seq:
            return False
        return await connection.jetstream.purge_stream(stream_of(channel), seq=until + 1)

    async def group(self, connection: NatsConnection, channel: Channel, group: Group) -> str:
        """Make what hands over to a group; return the name by which it is asked."""
        await self.there(connection, channel)
        subject, name = subject_of(channel), safe(group.name)
        with answers():
            await connection.jetstream.add_consumer(
                stream_of(channel),
                ConsumerConfig(
                    name=name,
                    durable_name=name,
                    deliver_policy=DeliverPolicy.ALL,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=group.patience,
                    filter_subjects=[subject, f"{subject}.again.{name}"],
                    # We decide when it is dead: the server would only stop to hand it over.
                    max_deliver=-1,
                    # What waits for its next try would hold up all the rest.
                    max_ack_pending=-1,
                    # Each process asks for as many as it can work on.
                    max_waiting=4096,
                ),
            )
        return name

    async def reader(self, connection: NatsConnection, stream: str, start: int) -> Pull:
        """Make what hands over what is stored, from a number on, to one who reads it."""
        with answers():
            made = await connection.jetstream.add_consumer(
                stream,
                ConsumerConfig(
                    deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=max(1, start),
                    ack_policy=AckPolicy.NONE,
                    inactive_threshold=30,
                    mem_storage=True,
                    num_replicas=1,
                ),
            )
        pull = Pull(connection, stream, made.name)
        await pull.begin()
        return pull

    async def _stored(
        self, connection: NatsConnection, stream: str, start: int, most: int
    ) -> list[Msg]:
        """Return what is stored from a number on."""
        pull = await self.reader(connection, stream, start)
        try:
            return await pull.all(most)
        finally:
            await pull.end()
            with answers():
                await connection.jetstream.delete_consumer(stream, pull.consumer)

    async def last(
        self, connection: NatsConnection, channel: Channel, most: int
    ) -> Sequence[Arrived]:
        """Return the last envelopes that are stored, the oldest first."""
        with answers():
            info = await _info(connection, stream_of(channel))
        if info is None or not info.state.messages:
            return []
        start = max(info.state.first_seq, info.state.last_seq - most + 1)
        found = await self._stored(connection, stream_of(channel), start, most)
        return [Arrived(it.data, f"{birth_of(info)}.{numbers_of(it)[0]}") for it in found]

    async def channels(self, connection: NatsConnection, app: str) -> Sequence[Channel]:
        """Return the channels of a program that something is stored of."""
        found: list[Channel] = []
        offset, total = 0, 1
        while offset < total:
            wanted = json.dumps({"subject": f"heliograph.{safe(app)}.>", "offset": offset})
            with answers():
                message = await connection.client.request(_LIST, wanted.encode(), timeout=5)
                page = json.loads(message.data)
                streams = [StreamInfo.from_response(it) for it in page["streams"] or []]
            for it in streams:
                config = it.config
                name, keep = config.name or "", config.max_age or 0
                if (channel := stored(name, app, keep, config.max_bytes or 0)) is not None:
                    found.append(channel)
            offset, total = offset + page["limit"], page["total"]
        return sorted(found, key=lambda it: it.name)

    async def bury(
        self, connection: NatsConnection, channel: Channel, group: str, message: Msg, reason: str
    ) -> None:
        """Store a dead letter.

        Raises:
            RelayError: If it is not stored.
        """
        name, subject = _dead_stream(channel), f"{_dead_subject(channel)}.{safe(group)}"
        if name not in connection.births:
            await self._there(connection, channel, name, [f"{_dead_subject(channel)}.*"])
        number, _ = numbers_of(message)
        headers = {
            # A second try, as the first one was not answered, is no second letter.
            _ID: f"{connection.births.get(stream_of(channel))}.{number}.{safe(group)}",
            "Heliograph-Group": quote(group),
            "Heliograph-Reason": quote(reason[:1000]),
            "Heliograph-Time": f"{time.time():.6f}",
        }
        with answers():
            await connection.jetstream.publish(subject, message.data, headers=headers)

    async def backlog(self, connection: NatsConnection, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group has to do."""
        dead: Counter[str] = Counter()
        with answers():
            groups = await _groups(connection, channel)
            subjects = f"{_dead_subject(channel)}.*"
            if found := await _info(connection, _dead_stream(channel), subjects):
                for subject, number in (found.state.subjects or {}).items():
                    dead[subject.rpartition(".")[2]] = number
        # Who reads is no group: it has no name that lasts.
        tasks = {
            it.name: (it.num_pending or 0, it.num_ack_pending or 0)
            for it in groups
            if it.config.durable_name
        }
        return [
            Backlog(plain(name), *tasks.get(name, (0, 0)), dead[name])
            for name in sorted({*tasks, *dead})
        ]

    async def dead_letters(
        self, connection: NatsConnection, channel: Channel, most: int
    ) -> Sequence[DeadLetter]:
        """Return what was put aside, the oldest first."""
        name = _dead_stream(channel)
        with answers():
            info = await _info(connection, name)
        if info is None or not info.state.messages:
            return []
        found = await self._stored(connection, name, info.state.first_seq, most)
        return [_letter(str(numbers_of(it)[0]), it.headers or {}, it.data) for it in found]

    async def revive(
        self, connection: NatsConnection, channel: Channel, keys: Sequence[str]
    ) -> int:
        """Give dead letters to their groups once more."""
        name, revived = _dead_stream(channel), 0
        for key in keys:
            with answers():
                letter = await _message(connection, name, int(key)) if key.isdecimal() else None
                if letter is None:
                    continue
                group = unquote((letter.headers or {}).get("Heliograph-Group", ""))
                await connection.jetstream.publish(
                    f"{subject_of(channel)}.again.{safe(group)}",
                    letter.data or b"",
                    headers={_ID: f"again {letter.time} {key}"},
                )
            revived += await self.forget(connection, channel, [key])
        return revived

    async def forget(
        self, connection: NatsConnection, channel: Channel, keys: Sequence[str]
    ) -> int:
        """Remove dead letters; return how many of them there were."""
        forgotten = 0
        for key in keys:
            # The server's error for a message that is not there is one of its own.
            with answers(), suppress(NotFoundError, ServerError):
                if key.isdecimal():
                    await connection.jetstream.delete_msg(_dead_stream(channel), int(key))
                    forgotten += 1
        return forgotten


@lru_cache
def stream_of(channel: Channel) -> str:
    """Return the name of a channel's stream."""
    return channel.name


@lru_cache
def subject_of(channel: Channel) -> str:
    """Return the subject that a channel's envelopes are sent to."""
    return f"heliograph.{safe(channel.app)}.{channel.mode}.{safe(channel.signal)}"


def subjects_of(channel: Channel) -> list[str]:
    """Return all subjects of the stream of a channel."""
    subject = subject_of(channel)
    return [subject, f"{subject}.again.*"] if channel.mode == "durable" else [subject]


def birth_of(info: StreamInfo) -> str:
    """Return what tells a stream from one of the same name that is made later."""
    return f"{info.created.timestamp():.6f}".replace(".", "") if info.created else "0"


def _wanted(channel: Channel, subjects: list[str]) -> dict[str, Any]:
    """Return what a channel says of a stream."""
    return {
        "subjects": subjects,
        "max_age": float(channel.keep),
        "max_bytes": channel.keep_bytes,
        "discard": DiscardPolicy.NEW if channel.mode == "durable" else DiscardPolicy.OLD,
    }


def _dead_subject(channel: Channel) -> str:
    return f"heliograph.{safe(channel.app)}.dead.{safe(channel.signal)}"


def _dead_stream(channel: Channel) -> str:
    return f"{channel.name}__dead"  # No other channel has this name: nothing becomes two of these.


def _letter(key: str, headers: dict[str, str], data: bytes) -> DeadLetter:
    at = 0.0
    with suppress(ValueError):  # Whoever can write there can write anything.
        at = float(headers.get("Heliograph-Time", "0"))
    return DeadLetter(
        key,
        unquote(headers.get("Heliograph-Group", "")),
        unquote(headers.get("Heliograph-Reason", "")),
        at,
        data,
    )


async def _info(
    connection: NatsConnection, name: str, subjects: str | None = None
) -> StreamInfo | None:
    try:
        return await connection.jetstream.stream_info(name, subjects)
    except NotFoundError:
        return None


async def _groups(connection: NatsConnection, channel: Channel) -> list[ConsumerInfo]:
    try:
        return await connection.jetstream.consumers_info(stream_of(channel))
    except NotFoundError:
        return []


async def _message(connection: NatsConnection, stream: str, number: int) -> RawStreamMsg | None:
    try:
        return await connection.jetstream.get_msg(stream, number)
    except NotFoundError:
        return None
