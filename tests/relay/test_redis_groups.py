"""How groups share work on Redis and Valkey, when processes, entries and answers get lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heliograph.relay.channels import Channel, Group
from heliograph.relay.redis import connecting as redis_connecting
from heliograph.relay.redis import working as redis_working
from heliograph.relay.redis.streams import key_of
from heliograph.relay.transports import Again, Arrived, Backlog, Dead, Done
from tests.relay.collecting import LIMIT, Heard, Worked, until
from tests.relay.lines import line
from tests.relay.redis_server import KINDS, Server, server
from tests.relay.test_redis import RATES, once_there, opened, operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heliograph.relay.redis.transport import RedisTransport
    from heliograph.relay.transports import Verdict

ORDERS = Channel("shop", "orders", "durable")
KEY = key_of(ORDERS.name)
BILLING = Group("billing")
QUICK = Group("billing", patience=0.3)


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a server of the test's own."""
    with server(request.param) as it:
        yield it


async def settled(transport: RedisTransport, dead: int = 0) -> None:
    """Wait until the group has nothing to do."""
    expected = [Backlog("billing", waiting=0, running=0, dead=dead)]
    async with asyncio.timeout(LIMIT):
        found = await once_there(lambda: transport.backlog(ORDERS))
        while found != expected:
            await asyncio.sleep(0.01)
            found = await once_there(lambda: transport.backlog(ORDERS))


async def until_has(client: Any, consumers: int) -> list[str]:
    """Wait until the group has so many consumers; return their names."""
    found: list[str] = []

    def has() -> bool:
        found[:] = [it["name"] for it in client.xinfo_consumers(KEY, "billing")]
        return len(found) == consumers

    await until(has)
    return found


async def test_a_killed_server_loses_no_work(broker: Server) -> None:
    """What is under way meanwhile is done, and not given to anybody again."""
    async with opened(broker.url) as (transport, _):
        worked, started, may_end = Worked(), asyncio.Event(), asyncio.Event()

        async def work(arrived: Arrived) -> Verdict:
            started.set()
            await may_end.wait()
            return await worked.work(arrived)

        await transport.consume(ORDERS, Group("billing", patience=3), work)
        await transport.store(ORDERS, "id-0", b"0")
        await started.wait()
        broker.kill()
        may_end.set()
        await until(lambda: worked.all)
        broker.start_again()
        await once_there(lambda: transport.store(ORDERS, "id-1", b"1"))

        await worked.first(2)
        await settled(transport)
        assert worked.all == [(b"0", 1), (b"1", 1)]


async def test_an_envelope_of_a_process_that_died_comes_again_and_the_try_counts(
    broker: Server,
) -> None:
    """It is given to another process after the patience of the group; no name is left behind."""
    program = f"""
import asyncio
from heliograph.relay.redis.transport import RedisTransport
from tests.relay.collecting import Watched
from tests.relay.test_redis_groups import ORDERS, Group

async def work(arrived):
    print("started", flush=True)
    await asyncio.Event().wait()

async def main():
    transport = RedisTransport({broker.url!r})
    await transport.open(Watched())
    await transport.consume(ORDERS, Group("billing", patience=1), work)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    async with opened(broker.url) as (transport, _):
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
        await settled(transport)
        with operator(broker) as client:
            await until_has(client, 1)


async def test_what_waits_for_another_try_outlives_its_process(broker: Server) -> None:
    """Another process takes it once its time has come, whatever the patience of the group is."""
    async with opened(broker.url) as (second, _):
        async with opened(broker.url) as (first, _):
            tried = Worked([Again(1.0)])
            await first.consume(ORDERS, Group("billing", patience=0.2), tried.work)
            await first.store(ORDERS, "id-0", b"0")
            await tried.first(1)
            before = time.monotonic()
            await until_waits(first)
        worked = Worked()
        await second.consume(ORDERS, Group("billing", patience=0.2), worked.work)

        assert await worked.first(1) == [(b"0", 2)]
        assert time.monotonic() - before >= 0.95


async def until_waits(transport: RedisTransport) -> None:
    """Wait until something waits for another try."""
    await asyncio.sleep(0.1)
    (backlog,) = await transport.backlog(ORDERS)
    assert backlog.running == 1


async def test_work_that_fails_without_an_answer_comes_again(
    broker: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and comes after the delay of the group."""
    async with opened(broker.url) as (transport, _):
        worked = Worked()

        async def work(arrived: Arrived) -> Verdict:
            await worked.work(arrived)
            if arrived.tries == 1:
                message = "no"
                raise ValueError(message)
            return Done()

        await transport.consume(ORDERS, Group("billing", backoff=(0.05, 1)), work)
        await transport.store(ORDERS, "id-0", b"0")

        assert await worked.first(2) == [(b"0", 1), (b"0", 2)]
        await settled(transport)
    assert "An envelope of 'orders' of 'shop' could not be worked on." in caplog.text


async def test_an_entry_that_is_trimmed_while_a_process_has_it_is_a_dead_letter(
    broker: Server,
) -> None:
    """If that process dies, its bytes are lost: another one is given none, and can say so."""
    async with opened(broker.url) as (transport, _):
        await transport.store(ORDERS, "id-0", b"0")
        with operator(broker) as client:
            client.xgroup_create(KEY, "billing", "0")
            client.xreadgroup("billing", "one that dies", {KEY: ">"})
            client.xtrim(KEY, maxlen=0, approximate=False)
        worked = Worked([Dead("it has no bytes")])

        await transport.consume(ORDERS, QUICK, worked.work)

        assert await worked.first(1) == [(b"", 2)]
        await settled(transport, dead=1)
        (letter,) = await transport.dead_letters(ORDERS, 10)
        assert (letter.group, letter.reason, letter.data) == ("billing", "it has no bytes", b"")


@pytest.mark.parametrize("patience", [0.1, 60.0])
async def test_an_entry_that_is_trimmed_while_it_is_worked_on_is_not_lost(
    broker: Server, patience: float
) -> None:
    """It cannot be tried again, but this process has its bytes: it is a dead letter with them."""
    async with opened(broker.url) as (transport, _):
        worked = Worked([Again(0.0)])

        async def work(arrived: Arrived) -> Verdict:
            with operator(broker) as client:
                client.xtrim(KEY, maxlen=0, approximate=False)
            await asyncio.sleep(0.2)  # The shorter patience says meanwhile that it is at work.
            return await worked.work(arrived)

        await transport.consume(ORDERS, Group("billing", patience=patience), work)
        await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        await settled(transport, dead=1)

        (letter,) = await transport.dead_letters(ORDERS, 10)
        assert (letter.data, letter.reason) == (
            b"0",
            "the broker has lost it, so that it cannot be tried again",
        )
        assert worked.all == [(b"0", 1)]


async def test_what_another_process_has_taken_is_left_to_it(broker: Server) -> None:
    """A process that was away for long has no say in when it is tried again."""
    async with opened(broker.url) as (transport, _):
        worked = Worked([Again(0.0)])

        async def work(arrived: Arrived) -> Verdict:
            with operator(broker) as client:
                client.xclaim(KEY, "billing", "another", 0, [arrived.position])
            return await worked.work(arrived)

        await transport.consume(ORDERS, BILLING, work)
        await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        await asyncio.sleep(0.2)

        assert worked.all == [(b"0", 1)]
        with operator(broker) as client:
            (pending,) = client.xpending_range(KEY, "billing", "-", "+", 10)
        assert pending["consumer"] == "another"


async def test_what_another_process_has_done_is_not_a_dead_letter(broker: Server) -> None:
    """It is in the stream, and nobody has it any more: so it is done."""
    async with opened(broker.url) as (transport, _):
        worked = Worked([Again(0.0)])

        async def work(arrived: Arrived) -> Verdict:
            with operator(broker) as client:
                client.xack(KEY, "billing", arrived.position)
            return await worked.work(arrived)

        await transport.consume(ORDERS, BILLING, work)
        await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        await asyncio.sleep(0.1)
        await settled(transport)

        assert worked.all == [(b"0", 1)]


async def test_an_envelope_whose_answer_is_lost_is_worked_on_by_the_same_process(
    broker: Server,
) -> None:
    """The server has given it to this process, which has not begun: it is the first try."""
    with line(broker.port) as it:
        async with opened(f"redis://127.0.0.1:{it.port}") as (transport, _):
            worked = Worked()
            await transport.consume(ORDERS, Group("billing", tries=1, patience=3600), worked.work)
            with operator(broker) as client:
                await until(lambda: client.info("clients")["blocked_clients"])
                it.hold("from")
                client.xadd(KEY, {"data": "0"})
                await until(lambda: client.xpending(KEY, "billing")["pending"])
                it.cut()
                it.go_on()

            assert await worked.first(1) == [(b"0", 1)]


async def test_a_dead_letter_whose_answer_is_lost_is_put_aside_once(broker: Server) -> None:
    """The server is asked whether it has done so before it is told again."""
    with line(broker.port) as it:
        async with opened(f"redis://127.0.0.1:{it.port}") as (transport, _):
            started, may_end = asyncio.Event(), asyncio.Event()

            async def work(arrived: Arrived) -> Verdict:
                started.set()
                await may_end.wait()
                return Dead("no")

            await transport.consume(ORDERS, BILLING, work)
            await transport.store(ORDERS, "id-0", b"0")
            await started.wait()
            it.hold("from")
            may_end.set()
            with operator(broker) as client:
                await until(lambda: client.xlen(f"{KEY}:dead"))
            it.cut()
            it.go_on()

            await settled(transport, dead=1)


async def test_a_group_goes_on_with_a_stream_that_is_made_again(broker: Server) -> None:
    """It begins with the first envelope, as a new group does."""
    async with opened(broker.url) as (transport, _):
        worked = Worked()
        await transport.consume(ORDERS, QUICK, worked.work)
        await transport.store(ORDERS, "id-0", b"0")
        await worked.first(1)
        with operator(broker) as client:
            client.delete(KEY)
        await asyncio.sleep(0.3)
        await transport.store(ORDERS, "id-0", b"again")

        assert await worked.first(2) == [(b"0", 1), (b"again", 1)]


async def test_what_came_and_was_not_begun_is_handed_back_untried(broker: Server) -> None:
    """So is what a process had that another one was told of before."""
    async with opened(broker.url) as (second, _):
        async with opened(broker.url) as (first, _):
            await first.consume(ORDERS, Group("billing", patience=3600), Worked().work)
            await first.store(ORDERS, "id-0", b"0")
            await settled(first)
            with operator(broker) as client:
                (name,) = await until_has(client, 1)
                client.xadd(KEY, {"data": "1", "for": "nobody"})
                await settled(first)
                client.xgroup_setid(KEY, "billing", "$")
                entry = client.xadd(KEY, {"data": "2"}, "9999999999999-0")
                await until(lambda: client.xpending(KEY, "billing")["pending"] == 0)
                client.xclaim(KEY, "billing", name, 0, [entry], force=True, retrycount=1)
        worked = Worked()

        await second.consume(ORDERS, Group("billing", patience=3600), worked.work)

        assert await worked.first(1) == [(b"2", 1)]


async def test_names_of_processes_that_died_are_removed_where_scripts_may_run(
    broker: Server,
) -> None:
    """Elsewhere they are left behind, and the work goes on."""
    with operator(broker) as client:
        client.xgroup_create(KEY, "billing", "0", mkstream=True)
        client.xgroup_createconsumer(KEY, "billing", "one that died")
        everything = {"enabled": True, "nopass": True, "keys": ["*"]}
        client.acl_setuser("unscripted", commands=["+@all", "-eval"], **everything)
        worked = Worked()
        url = f"redis://unscripted:pw@127.0.0.1:{broker.port}"
        async with opened(url) as (transport, _):
            await transport.consume(ORDERS, QUICK, worked.work)
            await asyncio.sleep(1.0)
            client.xadd(KEY, {"data": "0"})
            await worked.first(1)
            assert "one that died" in await until_has(client, 2)
        async with opened(broker.url) as (transport, _):
            await transport.consume(ORDERS, QUICK, worked.work)
            (name,) = await until_has(client, 1)
            assert name != "one that died"


async def test_more_than_a_process_can_take_waits_for_its_turn(broker: Server) -> None:
    """What is to be tried again is not forgotten when all hands are full."""
    async with opened(broker.url) as (transport, _):
        await transport.store(ORDERS, "id-0", b"0")
        with operator(broker) as client:
            client.xgroup_create(KEY, "billing", "$")
            several = [client.xadd(KEY, {"data": str(n)}) for n in range(5)]
            client.xreadgroup("billing", "again-0", {KEY: ">"}, count=3)
            client.xreadgroup("billing", "one that died", {KEY: ">"})
            assert len(several) == 5
            worked = Worked()
            await transport.consume(
                ORDERS, Group("billing", patience=1, concurrency=2), worked.work
            )

            found = await worked.first(5)

    assert sorted(found) == [(b"%d" % n, 2) for n in range(5)]


async def test_a_backlog_is_counted_where_the_server_cannot_say_it(broker: Server) -> None:
    """It cannot once an entry was deleted; what groups have is there all the same."""
    async with opened(broker.url) as (transport, _):
        receipts = await asyncio.gather(
            *(transport.store(ORDERS, f"id-{n}", b"%d" % n) for n in range(1200))
        )
        with operator(broker) as client:
            client.xgroup_create(KEY, "billing", "0")
            client.xdel(KEY, receipts[600].position.split("/")[1])
            (billing,) = [it for it in client.xinfo_groups(KEY) if it["name"] == "billing"]
            assert billing["lag"] is None

        assert await transport.backlog(ORDERS) == [Backlog("billing", 1199, 0, 0)]


async def test_old_envelopes_that_all_groups_have_done_are_dropped(broker: Server) -> None:
    """What one of them has to do stays, however old it is."""
    short = Channel("shop", "orders", "durable", keep=0.5)
    async with opened(broker.url) as (transport, _):
        worked = Worked()
        await transport.consume(short, BILLING, worked.work)
        for n in range(3):
            await transport.store(short, f"id-{n}", b"%d" % n)
        await worked.first(3)
        await settled(transport)
        with operator(broker) as client:
            client.xgroup_create(KEY, "stock", "0")
            client.xreadgroup("stock", "slow", {KEY: ">"}, count=2)
            (first, _) = client.xpending_range(KEY, "stock", "-", "+", 2)
            client.xack(KEY, "stock", first["message_id"])
        await asyncio.sleep(1.6)
        await transport.store(short, "id-3", b"3")

        assert [it.data for it in await transport.last(short, 10)] == [b"1", b"2", b"3"]


async def test_of_two_processes_that_look_at_once_each_takes_what_the_other_has_not(
    broker: Server,
) -> None:
    """What is left by a process that died is worked on once."""
    with operator(broker) as client:
        client.xgroup_create(KEY, "billing", "0", mkstream=True)
        for n in range(60):
            client.xadd(KEY, {"data": str(n)})
        client.xreadgroup("billing", "again-0", {KEY: ">"})
    async with opened(broker.url) as (first, _), opened(broker.url) as (second, _):
        worked, group = Worked(), Group("billing", concurrency=50)
        await asyncio.gather(
            first.consume(ORDERS, group, worked.work), second.consume(ORDERS, group, worked.work)
        )
        await worked.first(60)
        await settled(first)

    assert sorted(worked.all) == sorted((b"%d" % n, 2) for n in range(60))


async def test_a_process_looks_for_what_others_left_while_it_works(broker: Server) -> None:
    """As long as it can take more; what it works on itself is not taken twice."""
    async with opened(broker.url) as (transport, _):
        worked, may_end = Worked(), asyncio.Event()

        async def work(arrived: Arrived) -> Verdict:
            await worked.work(arrived)
            if arrived.data == b"long":
                await may_end.wait()
            return Done()

        await transport.consume(ORDERS, Group("billing", patience=0.3, concurrency=2), work)
        await transport.store(ORDERS, "id-0", b"long")
        await worked.first(1)
        with operator(broker) as client:
            client.xadd(KEY, {"data": "left", "for": "billing"})
            await worked.first(2)
            entry = client.xadd(KEY, {"data": "left by another"})
            client.xclaim(KEY, "billing", "another", 0, [entry], force=True, retrycount=1)
        await worked.first(3)
        await asyncio.sleep(0.5)
        may_end.set()
        await settled(transport)

    assert worked.all[:2] == [(b"long", 1), (b"left", 1)]


async def test_a_key_that_is_no_stream_for_a_while_is_said_once(
    broker: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """What reads and what works go on as soon as it is one again."""
    async with opened(broker.url) as (transport, _):
        worked, heard = Worked(), Heard()
        await transport.consume(ORDERS, QUICK, worked.work)
        await transport.follow(RATES, "", heard.hear, heard.miss)
        with operator(broker) as client:
            for it in (RATES, ORDERS):
                client.set(key_of(it.name), "no stream")
            await until(lambda: len(caplog.records) == 2)
            await asyncio.sleep(0.5)
            client.delete(key_of(RATES.name), KEY)
        await transport.store(ORDERS, "id-0", b"0")
        await transport.store(RATES, "id-0", b"1")

        assert await worked.first(1) == [(b"0", 1)]
        assert await heard.first(2) == [None, b"1"]
    assert {it.getMessage() for it in caplog.records} == {
        "The group 'billing' of 'orders' of 'shop' fails, and tries again.",
        "What reads 'rates' of 'shop' fails, and tries again.",
    }


def test_a_process_waits_less_while_it_works() -> None:
    """What is tried again soon is not held up by a read that waits for something new."""
    assert redis_working._BUSY_BLOCK < redis_connecting.BLOCK
