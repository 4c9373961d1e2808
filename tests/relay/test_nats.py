"""What is particular to NATS: servers that die, lines that break, streams that others change."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import nats
import pytest

from heliograph.relay.channels import Channel, Group
from heliograph.relay.errors import FullError, RefusedError, UnavailableError
from heliograph.relay.nats import connection as nats_connection
from heliograph.relay.nats import pulling as nats_pulling
from heliograph.relay.nats import reading as nats_reading
from heliograph.relay.nats.pulling import Pull
from heliograph.relay.nats.transport import NatsTransport
from heliograph.relay.nats.working import Working
from heliograph.relay.transports import Again, Arrived, Backlog, Dead, Done, Gap, Receipt
from tests.relay.collecting import LIMIT, Heard, Watched, Worked, until
from tests.relay.lines import line
from tests.relay.nats_server import NatsServer, nats_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Any

    from nats.js import JetStreamContext

    from heliograph.relay.transports import Verdict

LOST = Gap("the connection to the broker was lost")
PRICES = Channel("shop", "prices", "broadcast")
RATES = Channel("shop", "rates", "replay")
ORDERS = Channel("shop", "orders", "durable")
BILLING = Group("billing")


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """Give a server of the test's own."""
    with nats_server() as it:
        yield it


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[tuple[NatsTransport, Watched]]:
    """Give an open transport, and who is told how it does."""
    transport, watched = NatsTransport(url, **options), Watched()
    await transport.open(watched)
    try:
        yield transport, watched
    finally:
        await transport.close(0.5)


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """Give what an operator does to a server."""
    client = await nats.connect(server.url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def once_there(call: Callable[[], Awaitable[Any]]) -> Any:
    """Return what a call returns as soon as the broker is there."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return await call()
            except UnavailableError:
                await asyncio.sleep(0.02)


async def reconnected(watched: Watched) -> None:
    """Wait until a transport is connected once more."""
    await until(lambda: watched.told.count(True) > 1)


# --- servers that end


async def test_who_listens_is_told_of_the_gap_that_a_killed_server_leaves(
    server: NatsServer,
) -> None:
    """It hears again as soon as the server is back, and what was published meanwhile is refused."""
    async with opened(server.url) as (transport, watched):
        heard = Heard()
        await transport.listen(PRICES, heard.hear, heard.miss)
        await transport.publish(PRICES, b"0")
        await heard.first(1)

        server.kill()
        await until(lambda: len(watched.told) > 1)
        with pytest.raises(UnavailableError, match="no connection"):
            await transport.publish(PRICES, b"lost")
        server.start_again()
        await reconnected(watched)
        await heard.first(2)
        await transport.publish(PRICES, b"1")

        assert await heard.first(3) == [b"0", None, b"1"]
        assert heard.gaps == [LOST]
        assert watched.told[0] is True
        assert isinstance(watched.told[1], str)
        assert watched.told[-1] is True


async def test_a_killed_server_leaves_no_hole_in_what_is_followed(server: NatsServer) -> None:
    """What follows goes on after the last envelope that it has heard."""
    async with opened(server.url) as (transport, _):
        heard = Heard()
        await transport.follow(RATES, None, heard.hear, heard.miss)
        for n in range(10):
            await transport.store(RATES, f"id-{n}", b"%d" % n)
        server.kill()
        server.start_again()

        for n in range(10, 20):
            await once_there(partial(transport.store, RATES, f"id-{n}", b"%d" % n))

        assert await heard.first(20) == [b"%d" % n for n in range(20)]


async def test_a_killed_server_loses_no_work(server: NatsServer) -> None:
    """What is under way meanwhile is done, and not given to anybody again."""
    async with opened(server.url) as (transport, _):
        worked, started, may_end = Worked(), asyncio.Event(), asyncio.Event()

        async def work(arrived: Arrived) -> Verdict:
            started.set()
            await may_end.wait()
            return await worked.work(arrived)

        await transport.consume(ORDERS, Group("billing", patience=1.5), work)
        await transport.store(ORDERS, "id-0", b"0")
        await started.wait()
        server.kill()
        may_end.set()
        await until(lambda: worked.all)
        server.start_again()
        await once_there(lambda: transport.store(ORDERS, "id-1", b"1"))

        await worked.first(2)
        await settled(transport)
        assert worked.all == [(b"0", 1), (b"1", 1)]


async def settled(transport: NatsTransport, dead: int = 0) -> None:
    """Wait until the group has nothing to do."""
    expected = [Backlog("billing", waiting=0, running=0, dead=dead)]
    async with asyncio.timeout(LIMIT):
        found = await once_there(lambda: transport.backlog(ORDERS))
        while found != expected:
            await asyncio.sleep(0.01)
            found = await once_there(lambda: transport.backlog(ORDERS))


async def test_a_message_of_a_process_that_died_comes_again_and_the_try_counts(
    server: NatsServer,
) -> None:
    """It is given to another process after the patience of the group, and not before."""
    program = f"""
import asyncio
from heliograph.relay.nats.transport import NatsTransport
from heliograph.relay.nats.pulling import Pull
from heliograph.relay.nats.working import Working
from tests.relay.collecting import Watched
from tests.relay.test_nats import ORDERS, Group

async def work(arrived):
    print("started", flush=True)
    await asyncio.Event().wait()

async def main():
    transport = NatsTransport({server.url!r})
    await transport.open(Watched())
    await transport.consume(ORDERS, Group("billing", patience=1), work)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    async with opened(server.url) as (transport, _):
        await transport.store(ORDERS, "id-0", b"0")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"started\n"
        worked, before = Worked(), time.monotonic()
        await transport.consume(ORDERS, Group("billing", patience=1), worked.work)
        process.kill()
        await process.wait()

        assert await worked.first(1) == [(b"0", 2)]
        assert time.monotonic() - before > 0.5


async def test_a_transport_closes_while_its_server_is_away(server: NatsServer) -> None:
    """It does not wait for the server, even if work is to be handed back."""
    async with opened(server.url) as (transport, watched):
        started = asyncio.Event()

        async def work(arrived: Arrived) -> Verdict:
            started.set()
            await asyncio.Event().wait()
            return Done()

        await transport.listen(PRICES, Heard().hear, Heard().miss)
        await transport.consume(ORDERS, Group("billing", patience=0.3), work)
        await transport.store(ORDERS, "id-0", b"0")
        await started.wait()
        server.kill()
        await until(lambda: len(watched.told) > 1)
        await transport.follow(RATES, None, Heard().hear, Heard().miss)
        await asyncio.sleep(0.2)  # It is at work, and can tell nobody.
        before = time.monotonic()

        await transport.close(0.1)

        assert time.monotonic() - before < 5


async def test_what_begins_while_the_server_is_away_goes_on_when_it_is_back(
    server: NatsServer,
) -> None:
    """It is told of a gap, as something may have been sent before it could hear."""
    async with opened(server.url) as (transport, watched):
        await transport.store(RATES, "id-0", b"before")
        server.kill()
        await until(lambda: len(watched.told) > 1)
        prices, rates, worked = Heard(), Heard(), Worked()
        await transport.listen(PRICES, prices.hear, prices.miss)
        await transport.follow(RATES, None, rates.hear, rates.miss)
        await transport.consume(ORDERS, BILLING, worked.work)
        server.start_again()
        await prices.first(1)
        await rates.first(1)

        await transport.publish(PRICES, b"price")
        await transport.store(RATES, "id-1", b"rate")
        await transport.store(ORDERS, "id-0", b"order")

        assert await prices.first(2) == [None, b"price"]
        assert await rates.first(2) == [None, b"rate"]
        assert await worked.first(1) == [(b"order", 1)]


async def test_why_a_server_does_not_take_us_back_is_told_once(server: NatsServer) -> None:
    """Each reason is told when it is a new one."""
    async with opened(server.url) as (_, watched):
        server.kill()
        await until(lambda: any("No NATS server answers" in str(it) for it in watched.told))
        await asyncio.sleep(0.5)
        assert len(watched.told) == len({*map(str, watched.told)}) == 3


# --- lines that break


async def test_a_store_whose_answer_is_lost_is_tried_again_and_stored_once(
    server: NatsServer,
) -> None:
    """Who stores is told at once that the answer will not come."""
    with line(server.port) as it:
        async with opened(f"nats://127.0.0.1:{it.port}") as (transport, _):
            first = await transport.store(RATES, "id-0", b"0")
            it.hold("from")
            before = time.monotonic()
            storing = asyncio.create_task(transport.store(RATES, "id-1", b"1"))
            async with jetstream(server) as operator:
                await stream_has(operator, RATES, 2)
            it.cut()
            with pytest.raises(UnavailableError, match="does not answer"):
                await storing
            took = time.monotonic() - before
            it.go_on()

            receipt = await once_there(lambda: transport.store(RATES, "id-1", b"1"))

            assert receipt == Receipt("id-1", first.position[:-1] + "2", duplicate=True)
            assert [it.data for it in await transport.last(RATES, 10)] == [b"0", b"1"]
            assert took < 4


async def stream_has(operator: JetStreamContext, channel: Channel, number: int) -> None:
    """Wait until so many are stored."""
    async with asyncio.timeout(LIMIT):
        info = await operator.stream_info(channel.name)
        while info.state.messages < number:
            await asyncio.sleep(0.01)
            info = await operator.stream_info(channel.name)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice silent servers sooner than in earnest, where it takes up to 15 seconds."""
    assert nats_connection._BEAT + nats_connection._ANSWER <= 15
    monkeypatch.setattr(nats_connection, "_BEAT", 0.2)
    monkeypatch.setattr(nats_connection, "_ANSWER", 1)


@pytest.mark.usefixtures("impatient")
async def test_a_line_on_which_everything_is_lost_is_noticed(server: NatsServer) -> None:
    """No end of a connection comes from a machine that vanishes; its silence is one."""
    with line(server.port) as it:
        async with opened(f"nats://127.0.0.1:{it.port}") as (transport, watched):
            heard = Heard()
            await transport.listen(PRICES, heard.hear, heard.miss)
            it.swallow()
            await reconnected(watched)
            await heard.first(1)
            await transport.publish(PRICES, b"1")

            assert await heard.first(2) == [None, b"1"]
            assert watched.told == [True, "the server does not answer", True]


@pytest.mark.usefixtures("impatient")
async def test_who_begins_on_a_line_on_which_everything_is_lost_goes_on_over_the_next(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of the gap; what cannot be asked for at once is asked for then."""
    monkeypatch.setattr(nats_connection, "_REQUEST", 0.5)
    with line(server.port) as it:
        async with opened(f"nats://127.0.0.1:{it.port}") as (transport, watched):
            heard = Heard()
            await transport.store(RATES, "id-0", b"0")
            it.swallow()
            with pytest.raises(UnavailableError, match="does not answer"):
                await transport.store(RATES, "id-1", b"1")
            await transport.listen(PRICES, heard.hear, heard.miss)
            await reconnected(watched)
            await heard.first(1)
            await transport.publish(PRICES, b"1")

            assert await heard.first(2) == [None, b"1"]


@pytest.mark.usefixtures("impatient")
async def test_a_line_that_takes_nothing_is_noticed_however_much_waits_on_it(
    server: NatsServer,
) -> None:
    """What waits is bounded, and does not keep the line from being ended."""
    with line(server.port) as it:
        async with opened(f"nats://127.0.0.1:{it.port}") as (transport, watched):
            it.hold()
            assert 10 < await taken_by(transport) < 1_000
            await until(lambda: len(watched.told) > 1)
            it.cut()
            it.go_on()
            await reconnected(watched)
            await transport.publish(PRICES, b"")


async def taken_by(transport: NatsTransport) -> int:
    """Return how much a transport takes before it refuses more."""
    for n in range(5_000):
        try:
            await transport.publish(PRICES, bytes(60_000))
        except UnavailableError:
            return n
        await asyncio.sleep(0)
    return 5_000


async def test_a_server_that_hands_over_nothing_is_asked_again(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request shows signs of life; without them it is made again."""
    monkeypatch.setattr(nats_pulling, "_HEARTBEAT", 0.1)
    async with opened(server.url) as (transport, watched):
        heard = Heard()
        await transport.follow(RATES, None, heard.hear, heard.miss)
        os.kill(server.pid, signal.SIGSTOP)
        await asyncio.sleep(0.4)
        os.kill(server.pid, signal.SIGCONT)

        await once_there(lambda: transport.store(RATES, "id-0", b"0"))

        assert await heard.first(1) == [b"0"]
        assert watched.told == [True]


# --- streams that others change


async def test_an_envelope_that_was_purged_between_two_tries_is_stored_again(
    server: NatsServer,
) -> None:
    """The server calls it a duplicate, as ids outlive what they belong to; it would be lost."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        worked = Worked()
        await transport.store(ORDERS, "id-0", b"0")
        await operator.purge_stream(ORDERS.name)

        receipt = await transport.store(ORDERS, "id-0", b"0")
        await transport.consume(ORDERS, BILLING, worked.work)

        assert receipt.duplicate is False
        assert receipt.position.endswith(".2")
        assert await worked.first(1) == [(b"0", 1)]


async def test_one_who_follows_a_stream_that_is_deleted_is_told_and_goes_on(
    server: NatsServer,
) -> None:
    """The new one has numbers of its own, and none of it is taken for what was heard before."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        heard = Heard()
        await transport.follow(RATES, "", heard.hear, heard.miss)
        for n in range(3):
            await transport.store(RATES, f"id-{n}", b"%d" % n)
        await heard.first(3)

        await operator.delete_stream(RATES.name)
        await transport.store(RATES, "id-3", b"3")

        assert await heard.first(5) == [b"0", b"1", b"2", None, b"3"]
        assert heard.gaps == [Gap("what the broker had stored is gone")]


async def test_a_group_goes_on_with_a_stream_that_is_made_again(server: NatsServer) -> None:
    """Work that is under way has nobody to tell of it."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        worked, started, may_end = Worked(), asyncio.Event(), asyncio.Event()

        async def work(arrived: Arrived) -> Verdict:
            started.set()
            await may_end.wait()
            return await worked.work(arrived)

        await transport.consume(ORDERS, BILLING, work)
        await transport.store(ORDERS, "id-0", b"0")
        await started.wait()
        await operator.delete_stream(ORDERS.name)
        may_end.set()

        await transport.store(ORDERS, "id-1", b"1")

        assert await worked.first(2) == [(b"0", 1), (b"1", 1)]
        await settled(transport)


async def test_envelopes_that_are_removed_before_one_that_follows_are_a_gap(
    server: NatsServer,
) -> None:
    """Their numbers are missing."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        heard, may_hear = Heard(), asyncio.Event()

        async def hear(arrived: Arrived) -> None:
            await may_hear.wait()
            await heard.hear(arrived)

        for n in range(nats_reading._BATCH + 9):
            await transport.store(RATES, f"id-{n}", b"%d" % n)
        await transport.follow(RATES, "", hear, heard.miss)
        await operator.delete_msg(RATES.name, nats_reading._BATCH + 5)
        may_hear.set()

        await heard.first(nats_reading._BATCH + 9)
        assert heard.gaps == [Gap("it is not stored any more", 1)]
        assert heard.data.index(None) == nats_reading._BATCH + 4


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server more often than in earnest, where it is twice a minute."""
    monkeypatch.setattr(nats_pulling, "_EXPIRES", 0.5)
    monkeypatch.setattr(nats_pulling, "_HEARTBEAT", 0.2)


@pytest.mark.usefixtures("often")
async def test_a_purge_is_told_though_nothing_follows(server: NatsServer) -> None:
    """One who follows looks whether something was removed, when nothing has come for a while."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        heard = Heard()
        await transport.store(RATES, "id-0", b"0")
        await transport.follow(RATES, "", heard.hear, heard.miss)
        await heard.first(1)
        (consumer,) = await operator.consumers_info(RATES.name)
        await operator.pause_consumer(RATES.name, consumer.name, "2099-01-01T00:00:00Z")
        await transport.store(RATES, "id-1", b"1")
        await operator.purge_stream(RATES.name)

        await heard.first(2)

        assert heard.gaps == [Gap("it is not stored any more", 1)]


@pytest.mark.usefixtures("often")
async def test_who_waits_for_long_hears_and_works_all_the_same(server: NatsServer) -> None:
    """A request is made again when its time is over."""
    async with opened(server.url) as (transport, _):
        heard, worked = Heard(), Worked()
        await transport.follow(RATES, None, heard.hear, heard.miss)
        await transport.consume(ORDERS, BILLING, worked.work)
        await asyncio.sleep(1.2)

        await transport.store(RATES, "id-0", b"0")
        await transport.store(ORDERS, "id-0", b"0")

        assert await heard.first(1) == [b"0"]
        assert await worked.first(1) == [(b"0", 1)]


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("1.2", "what the broker had stored is gone"),
        ("not a position", "what the broker had stored is gone"),
        ("{birth}.99", "the broker has lost what it had stored"),
    ],
)
async def test_a_position_that_is_none_of_the_stream_is_a_gap(
    server: NatsServer, position: str, reason: str
) -> None:
    """It is of another stream, or of one that was put back to an earlier state."""
    async with opened(server.url) as (transport, _):
        receipt = await transport.store(RATES, "id-0", b"0")
        heard = Heard()
        after = position.format(birth=receipt.position.partition(".")[0])

        await transport.follow(RATES, after, heard.hear, heard.miss)
        await transport.store(RATES, "id-1", b"1")

        await until(lambda: heard.data[-1:] == [b"1"])
        assert heard.all[0] == Gap(reason)


async def test_a_channel_keeps_what_an_operator_has_set_for_its_stream(
    server: NatsServer,
) -> None:
    """Only what the channel says itself is changed."""
    async with opened(server.url) as (transport, _), jetstream(server) as operator:
        await transport.prepare(RATES)
        config = (await operator.stream_info(RATES.name)).config
        await operator.update_stream(config, max_msgs_per_subject=1000)

        await transport.prepare(Channel("shop", "rates", "replay", keep=3600))

        config = (await operator.stream_info(RATES.name)).config
        assert (config.max_age, config.max_msgs_per_subject) == (3600, 1000)


# --- groups


async def test_work_that_fails_without_an_answer_comes_again(
    server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and the group goes on."""
    async with opened(server.url) as (transport, _):
        tries = []

        async def work(arrived: Arrived) -> Verdict:
            tries.append(arrived.tries)
            if arrived.tries == 1:
                raise ZeroDivisionError
            return Done()

        await transport.consume(ORDERS, Group("billing", backoff=(0.05, 0.1)), work)
        await transport.store(ORDERS, "id-0", b"0")

        await until(lambda: tries == [1, 2])
        assert [it.getMessage() for it in caplog.records] == [
            "The group 'billing' has not answered."
        ]


async def test_a_dead_letter_that_finds_no_room_stays_where_it_is(
    server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes again, as it is nowhere else."""
    orders = Channel("shop", "orders", "durable", keep_bytes=3_000)
    async with opened(server.url) as (transport, _):
        worked = Worked([Dead("no")] * 9)
        await transport.consume(orders, Group("billing", backoff=(0.0, 0.0)), worked.work)
        for n in range(3):
            await once_room(transport, orders, f"id-{n}")
            await worked.first(n + 1)

        assert await worked.first(4) == [(bytes(1000), 1)] * 3 + [(bytes(1000), 2)]
        assert len(await transport.dead_letters(orders, 10)) == 2
        assert caplog.records[0].getMessage() == (
            "A dead letter of 'orders' of 'shop' stays where it is: There is no room at the NATS "
            "server: maximum bytes exceeded."
        )


async def test_what_a_stranger_puts_beside_dead_letters_hides_none(server: NatsServer) -> None:
    """All are listed, whatever stands in a header."""
    async with opened(server.url) as (transport, _):
        worked = Worked([Dead("no")])
        await transport.consume(ORDERS, Group("billing"), worked.work)
        await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        async with asyncio.timeout(LIMIT):
            while not await transport.dead_letters(ORDERS, 10):  # noqa: ASYNC110 - nobody tells.
                await asyncio.sleep(0.02)
        client = await nats.connect(server.url)
        subject, headers = "heliograph.shop.dead.orders.mail", {"Heliograph-Time": "yesterday"}
        await client.jetstream().publish(subject, b"?", headers=headers)
        await client.close()

        found = await transport.dead_letters(ORDERS, 10)
        assert [(it.data, it.group, it.at > 0) for it in found] == [
            (b"0", "billing", True),
            (b"?", "", False),
        ]


async def once_room(transport: NatsTransport, channel: Channel, envelope_id: str) -> None:
    """Store as soon as there is room."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                await transport.store(channel, envelope_id, bytes(1000))
            except FullError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_room_is_made_only_up_to_what_waits_for_its_next_try(server: NatsServer) -> None:
    """What comes after it is kept, though it is done."""
    orders = Channel("shop", "orders", "durable", keep_bytes=5_000)
    async with opened(server.url) as (transport, _):
        worked = Worked([Done(), Again(3600)])
        await transport.consume(orders, BILLING, worked.work)
        for n in range(4):
            await transport.store(orders, f"id-{n}", b"%d" % n + bytes(1000))
        await worked.first(4)

        await once_room(transport, orders, "id-4")
        with pytest.raises(FullError):
            await transport.store(orders, "id-5", bytes(1000))

        left = [it.data[:1] for it in await transport.last(orders, 10)]
        assert left == [b"1", b"2", b"3", b"\x00"]


async def test_what_came_and_was_not_begun_is_handed_back(server: NatsServer) -> None:
    """A process that closes does not keep it until the patience of its group is over."""
    async with opened(server.url) as (first, _), opened(server.url) as (second, _):
        group, taken, worked = Group("billing", patience=3600), Worked(), Worked()
        await first.consume(ORDERS, group, taken.work)
        (working,) = first._readings
        assert isinstance(working, Working)
        await until(lambda: working._pull is not None and working._pull.asked)
        working.stop()
        await second.store(ORDERS, "id-0", b"0")
        await until(lambda: working._pull is not None and not working._pull._arrived.empty())

        await first.close(5)
        await second.consume(ORDERS, group, worked.work)

        assert await worked.first(1) == [(b"0", 2)]
        assert taken.all == []


async def test_close_waits_for_what_is_being_heard(server: NatsServer) -> None:
    """What has begun to be heard is heard to its end, within the time that it is given."""
    async with opened(server.url) as (first, _), opened(server.url) as (second, _):
        started, ended, missed = [], [], Heard()

        async def hear(arrived: Arrived) -> None:
            started.append(arrived.data)
            await asyncio.sleep(0.2)
            ended.append(arrived.data)

        await first.listen(PRICES, hear, missed.miss)
        await first.follow(RATES, None, hear, missed.miss)
        for n in range(2):
            await second.publish(PRICES, b"price %d" % n)
            await second.store(RATES, f"id-{n}", b"rate %d" % n)
        await until(lambda: len(started) == 2)

        await first.close(LIMIT)

        assert sorted(ended) == [b"price 0", b"rate 0"]


async def test_one_that_hears_with_an_error_goes_on(
    server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is in the log; what follows is heard."""
    async with opened(server.url) as (transport, _):
        heard = Heard()

        async def hear(arrived: Arrived) -> None:
            await heard.hear(arrived)
            if len(heard.all) == 1:
                raise ZeroDivisionError

        await transport.follow(RATES, None, hear, heard.miss)
        for n in range(2):
            await transport.store(RATES, f"id-{n}", b"%d" % n)

        assert await heard.first(2) == [b"0", b"1"]
        assert [it.getMessage() for it in caplog.records] == [
            "What reads 'rates' of 'shop' has to begin again."
        ]


async def test_too_much_at_a_time_is_a_gap_though_nothing_follows(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How much was lost is told when the rest is heard, or when there is room again."""
    monkeypatch.setattr(nats_reading, "_PENDING", 4)
    async with opened(server.url) as (transport, _):
        heard, may_hear = Heard(), asyncio.Event()

        async def hear(arrived: Arrived) -> None:
            await may_hear.wait()
            await heard.hear(arrived)

        await transport.listen(PRICES, hear, heard.miss)
        for n in range(10):
            await transport.publish(PRICES, b"%d" % n)
        await nats_round_trip(transport)
        may_hear.set()

        await until(lambda: heard.gaps)
        missed = sum(it.lost or 0 for it in heard.gaps)
        assert missed + len(heard.all) - len(heard.gaps) == 10
        assert heard.data[-1] is None


async def test_a_gap_stands_where_something_is_missing(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after what was in time, and before what comes once there is room again."""
    monkeypatch.setattr(nats_reading, "_PENDING", 4)
    async with opened(server.url) as (transport, _):
        heard, may_hear = Heard(), asyncio.Semaphore(0)

        async def hear(arrived: Arrived) -> None:
            await may_hear.acquire()
            await heard.hear(arrived)

        await transport.listen(PRICES, hear, heard.miss)
        await transport.publish(PRICES, b"0")
        await nats_round_trip(transport)
        for n in range(1, 10):
            await transport.publish(PRICES, b"%d" % n)
        await nats_round_trip(transport)
        for _ in range(3):
            may_hear.release()
        await heard.first(3)
        await transport.publish(PRICES, b"after")
        await nats_round_trip(transport)
        for _ in range(10):
            may_hear.release()

        assert await heard.first(7) == [b"0", b"1", b"2", b"3", b"4", None, b"after"]
        assert heard.gaps == [Gap("it was heard too slowly", 5)]


async def test_what_is_said_on_a_connection_that_has_ended_is_refused(server: NatsServer) -> None:
    """It may have ended a moment ago, when nobody has been told yet."""
    async with opened(server.url) as (transport, _):
        connection = transport._links.now()
        pull = Pull(connection, "stream", "consumer")
        server.kill()
        await connection.ended.wait()

        with pytest.raises(UnavailableError, match="does not answer"):
            await connection.publish("subject", b"")
        with pytest.raises(UnavailableError, match="does not answer"):
            await pull.ask(1)


async def nats_round_trip(transport: NatsTransport) -> None:
    """Wait until all that was published has come back."""
    other = Heard()
    await transport.listen(Channel("shop", "other", "broadcast"), other.hear, other.miss)
    await transport.publish(Channel("shop", "other", "broadcast"), b"")
    await other.first(1)


async def test_an_envelope_that_the_server_would_not_take_is_refused_before_it_leaves(
    server: NatsServer,
) -> None:
    """The server would end the connection, and with it what others wait for."""
    async with opened(server.url) as (transport, watched):
        for sending in (
            transport.publish(PRICES, bytes(1024 * 1024)),
            transport.store(RATES, "id-0", bytes(1024 * 1024 - 100)),
        ):
            with pytest.raises(RefusedError, match="takes messages of up to 1,048,576"):
                await sending

        await transport.store(RATES, "id-1", b"1")
        assert watched.told == [True]


async def test_a_group_fetches_ahead_while_each_is_done_at_once(server: NatsServer) -> None:
    """One by one again from the first that is to be tried again, as it might end its process."""
    async with opened(server.url) as (transport, _):
        for n in range(60):
            await transport.store(ORDERS, f"id-{n}", b"%d" % n)
        under_way, most, order = 0, [0, 0], list[int]()

        async def work(arrived: Arrived) -> Verdict:
            nonlocal under_way
            under_way += 1
            most[len(order) >= 40] = max(most[len(order) >= 40], under_way)
            order.append(int(arrived.data))
            await asyncio.sleep(0)
            under_way -= 1
            return Again(60.0) if len(order) >= 20 else Done()

        await transport.consume(ORDERS, Group("billing", backoff=(0.0, 60.0)), work)
        await until(lambda: len(order) == 60)

    assert order == [*range(60)]
    assert most[0] > 1
    assert most[1] == 1


async def test_what_was_fetched_ahead_is_handed_back_at_the_end(server: NatsServer) -> None:
    """Nobody waits for the group's patience, though the transport does not wait for the work."""
    ever = asyncio.Event()
    taken: list[bytes] = []

    async def work(arrived: Arrived) -> Verdict:
        taken.append(arrived.data)
        if len(taken) > 10:
            await ever.wait()
        return Done()

    async with opened(server.url) as (transport, _):
        for n in range(30):
            await transport.store(ORDERS, f"id-{n}", b"%d" % n)
        await transport.consume(ORDERS, Group("billing", patience=300.0), work)
        await until(lambda: len(taken) > 10)
        await transport.close(0.0)
    async with opened(server.url) as (transport, _):
        worked = Worked()
        await transport.consume(ORDERS, Group("billing", patience=300.0), worked.work)
        await until(lambda: len({*taken[:10], *(data for data, _ in worked.all)}) == 30)

    assert sorted(int(data) for data, _ in worked.all) == [*range(10, 30)]


async def test_a_retry_after_a_restart_of_the_server_is_no_second_envelope(
    server: NatsServer,
) -> None:
    """Though the first one was worked on: a sender whose answer was lost tries again."""
    async with opened(server.url) as (transport, watched):
        worked = Worked()
        await transport.consume(ORDERS, Group("billing", patience=1.5), worked.work)
        first = await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        async with asyncio.timeout(LIMIT):
            told = [Backlog("billing", 0, 0, 0)]
            while await transport.backlog(ORDERS) != told:  # noqa: ASYNC110 - nobody tells of it.
                await asyncio.sleep(0.02)
        server.kill()
        server.start_again()
        await reconnected(watched)

        again = await once_there(partial(transport.store, ORDERS, "id-0", b"0"))
        await once_there(partial(transport.store, ORDERS, "id-1", b"1"))
        await until(lambda: worked.all[-1][0] == b"1")

    assert (again.duplicate, again.position) == (True, first.position)
    assert [data for data, _ in worked.all] == [b"0", b"1"]
