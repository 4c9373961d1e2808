"""What is particular to Redis and Valkey: what they lose, whom they refuse, and how lines break."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import redis

from heliograph import ArgumentError
from heliograph.relay.channels import Channel, Group
from heliograph.relay.errors import FullError, RefusedError, RelayError, UnavailableError
from heliograph.relay.redis import connecting as redis_connecting
from heliograph.relay.redis import reading as redis_reading
from heliograph.relay.redis.streams import key_of
from heliograph.relay.redis.transport import RedisTransport
from heliograph.relay.transports import Gap, Receipt
from tests.relay.collecting import LIMIT, Heard, Watched, Worked, until
from tests.relay.lines import line
from tests.relay.redis_server import KINDS, Server, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Any

PRICES = Channel("shop", "prices", "broadcast")
RATES = Channel("shop", "rates", "replay")
ORDERS = Channel("shop", "orders", "durable")
ALL = (PRICES, RATES, ORDERS)


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Give a server of the test's own."""
    with server(request.param) as it:
        yield it


@pytest.fixture
def valkey() -> Iterator[Server]:
    """Give a server of one kind, where both do the same."""
    with server("valkey") as it:
        yield it


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice silent servers sooner than in earnest, where it takes up to 15 seconds."""
    longest = redis_connecting._SILENCE + max(redis_connecting._LOOK, redis_connecting.BLOCK)
    assert longest <= 15
    monkeypatch.setattr(redis_connecting, "_SILENCE", 0.3)
    monkeypatch.setattr(redis_connecting, "_LOOK", 0.2)
    monkeypatch.setattr(redis_reading, "BLOCK", 0.2)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[tuple[RedisTransport, Watched]]:
    """Give an open transport, and who is told how it does."""
    transport, watched = RedisTransport(url, **options), Watched()
    await transport.open(watched)
    try:
        yield transport, watched
    finally:
        await transport.close(0.5)


def operator(it: Server, **options: Any) -> Any:
    """Give what an operator does to a server."""
    return closing(redis.Redis(port=it.port, decode_responses=True, **options))


async def once_there(call: Callable[[], Awaitable[Any]]) -> Any:
    """Return what a call returns as soon as the broker is there."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return await call()
            except UnavailableError:
                await asyncio.sleep(0.02)


# --- servers that end, and lines that break


async def test_a_killed_server_leaves_no_hole(broker: Server) -> None:
    """What listens and what follows go on after the last envelope that they have heard."""
    async with opened(broker.url) as (transport, watched), opened(broker.url) as (other, _):
        prices, rates = Heard(), Heard()
        await transport.listen(PRICES, prices.hear, prices.miss)
        await transport.follow(RATES, None, rates.hear, rates.miss)
        for n in range(20):
            if n == 10:
                broker.kill()
                await until(lambda: isinstance(watched.told[-1], str))
                broker.start_again()
            await once_there(partial(other.publish, PRICES, b"%d" % n))
            await once_there(partial(other.store, RATES, f"id-{n}", b"%d" % n))

        expected = [b"%d" % n for n in range(20)]
        assert await prices.first(20) == await rates.first(20) == expected
        assert watched.told[0] is watched.told[-1] is True
        assert "The broker is away" in str(watched.told[1])


async def test_a_store_whose_answer_is_lost_is_tried_again_and_stored_once(broker: Server) -> None:
    """Also if the server was started again in between."""
    with line(broker.port) as it:
        async with opened(f"redis://127.0.0.1:{it.port}") as (transport, _):
            first = await transport.store(RATES, "id-0", b"0")
            it.hold("from")
            storing = asyncio.create_task(transport.store(RATES, "id-1", b"1"))
            with operator(broker) as client:
                await until(lambda: client.xlen(key_of(RATES.name)) == 2)
            broker.kill()
            it.cut()
            with pytest.raises(UnavailableError, match="The broker is away"):
                await storing
            it.go_on()
            broker.start_again()

            receipt = await once_there(lambda: transport.store(RATES, "id-1", b"1"))

            last = await transport.last(RATES, 10)
            assert receipt == Receipt("id-1", last[1].position, duplicate=True)
            assert last[0].position == first.position
            assert [it.data for it in last] == [b"0", b"1"]


@pytest.mark.usefixtures("impatient")
async def test_a_line_on_which_everything_is_lost_is_noticed(valkey: Server) -> None:
    """Nobody ends it, and packets get nowhere: what reads goes on over a new one."""
    with line(valkey.port) as it:
        async with opened(f"redis://127.0.0.1:{it.port}") as (transport, watched):
            heard = Heard()
            await transport.listen(PRICES, heard.hear, heard.miss)
            await transport.publish(PRICES, b"0")
            await heard.first(1)

            it.swallow()
            await until(lambda: len(watched.told) > 2)
            await once_there(lambda: transport.publish(PRICES, b"1"))

            assert await heard.first(2) == [b"0", b"1"]
            assert "Timeout" in str(watched.told[1])


async def test_what_begins_while_the_server_is_away_goes_on_when_it_is_back(broker: Server) -> None:
    """Who was to begin at the end is told of a gap, as nobody knows where that was."""
    async with opened(broker.url) as (transport, watched):
        await transport.store(RATES, "id-0", b"before")
        broker.kill()
        with pytest.raises(UnavailableError, match="The broker is away"):
            await transport.store(RATES, "id-1", b"lost")
        await until(lambda: len(watched.told) > 1)
        prices, rates, worked = Heard(), Heard(), Worked()
        await transport.listen(PRICES, prices.hear, prices.miss)
        await transport.follow(RATES, "", rates.hear, rates.miss)
        await transport.consume(ORDERS, Group("billing"), worked.work)
        with pytest.raises(UnavailableError, match="The broker is away"):
            await transport.store(RATES, "id-1", b"lost")
        broker.start_again()
        await prices.first(1)

        await transport.publish(PRICES, b"price")
        await transport.store(RATES, "id-1", b"rate")
        await transport.store(ORDERS, "id-0", b"order")

        assert await prices.first(2) == [None, b"price"]
        assert prices.gaps == [Gap("the broker was away at first")]
        assert await rates.first(2) == [b"before", b"rate"]
        assert await worked.first(1) == [(b"order", 1)]


async def test_that_a_server_is_away_is_told_once(broker: Server) -> None:
    """However often it is looked for."""
    async with opened(broker.url) as (transport, watched):
        broker.kill()
        with pytest.raises(UnavailableError, match="The broker is away"):
            await transport.store(RATES, "id-0", b"0")
        await asyncio.sleep(1.0)

        assert [type(it) for it in watched.told] == [bool, str]


async def test_open_can_be_tried_again(broker: Server) -> None:
    """A transport whose server is away is as good as new."""
    broker.kill()
    transport, watched = RedisTransport(broker.url), Watched()
    with pytest.raises(UnavailableError, match="The broker is away"):
        await transport.open(watched)
    with pytest.raises(UnavailableError, match="not open"):
        await transport.last(RATES, 1)
    broker.start_again()

    await transport.open(watched)

    await transport.store(RATES, "id-0", b"0")
    assert watched.told == [True]
    await transport.close(1)


async def test_who_waits_for_an_answer_when_it_is_closed_is_told_so(valkey: Server) -> None:
    """It is not known whether the envelope was stored."""
    with line(valkey.port) as it:
        async with opened(f"redis://127.0.0.1:{it.port}") as (transport, _):
            await transport.prepare(RATES)
            it.hold("from")
            storing = [
                asyncio.create_task(transport.store(RATES, f"id-{n}", b"0")) for n in range(3)
            ]
            await asyncio.sleep(0.05)
            storing[0].cancel()
            await transport.close(0.1)
            found = await asyncio.gather(*storing, return_exceptions=True)

    assert [type(it) for it in found] == [
        asyncio.CancelledError,
        UnavailableError,
        UnavailableError,
    ]


async def test_a_server_that_was_made_a_replica_is_away(broker: Server) -> None:
    """It takes nothing; its successor may be found under the same name, or it comes back."""
    async with opened(broker.url) as (transport, watched):
        await transport.store(RATES, "id-0", b"0")
        with operator(broker) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            with pytest.raises(UnavailableError, match="The broker is away"):
                await transport.store(RATES, "id-1", b"1")
            await until(lambda: len(watched.told) == 2)
            client.execute_command("REPLICAOF", "NO", "ONE")
        await until(lambda: len(watched.told) == 3)

        assert watched.told == [True, "The broker is a replica, which takes nothing.", True]
        await transport.store(RATES, "id-1", b"1")


def test_a_child_lets_go_of_the_connections_of_its_parent(valkey: Server) -> None:
    """It says nothing on them, and what the parent hears goes on."""
    program = f"""
import asyncio, gc, os, warnings
from heliograph.relay.redis.transport import RedisTransport
from tests.relay.collecting import Heard, Watched
from tests.relay.test_redis import PRICES, RATES

warnings.simplefilter("error")

def child(transport):
    before = {{it: os.readlink(f"/proc/self/fd/{{it}}") for it in os.listdir("/proc/self/fd")[:-1]}}
    transport.abandon()
    changed = [it for it in before if os.readlink(f"/proc/self/fd/{{it}}") != before[it]]
    assert len(changed) >= 2, before
    assert all(os.readlink(f"/proc/self/fd/{{it}}") == os.devnull for it in changed)
    gc.collect()

async def again(transport):
    await transport.open(Watched())
    await transport.store(RATES, "id-0", b"of the child")
    await transport.close(1)

async def main(heard):
    transport = RedisTransport({valkey.url!r})
    await transport.open(Watched())
    await transport.listen(PRICES, heard.hear, heard.miss)
    await transport.publish(PRICES, b"0")
    await heard.first(1)
    pid = os.fork()
    if not pid:
        return transport
    await asyncio.to_thread(os.waitpid, pid, 0)
    await transport.publish(PRICES, b"1")
    assert await heard.first(2) == [b"0", b"1"]
    assert [it.data for it in await transport.last(RATES, 10)] == [b"of the child"]
    await transport.close(1)
    print("done", flush=True)

heard, loop = Heard(), asyncio.new_event_loop()
transport = loop.run_until_complete(main(heard))
if transport is not None:
    child(transport)
    asyncio.set_event_loop(None)
    asyncio.run(again(transport))
    os._exit(0)
loop.close()
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (run.stdout, run.stderr) == ("done\n", "")


# --- streams that others change


async def test_what_is_trimmed_before_a_slow_one_hears_it_is_a_gap(broker: Server) -> None:
    """It has the number of those that were lost, and comes before what follows them."""
    async with opened(broker.url) as (transport, _):
        heard, may_hear = Heard(), asyncio.Event()

        async def hear(arrived: Any) -> None:
            await heard.hear(arrived)
            await may_hear.wait()

        await transport.follow(RATES, None, hear, heard.miss)
        for n in range(10):
            await transport.store(RATES, f"id-{n}", b"%d" % n)
            await heard.first(1)
        with operator(broker) as client:
            client.xtrim(key_of(RATES.name), maxlen=3, approximate=False)
        may_hear.set()

        await until(lambda: heard.data[-1] == b"9")
        lost = sum(it.lost or 0 for it in heard.gaps)
        assert lost + len(heard.positions) == 10
        assert [it.reason for it in heard.gaps] == ["it is not stored any more"]


@pytest.mark.usefixtures("impatient")
async def test_a_trim_is_told_though_nothing_follows(broker: Server) -> None:
    """Who was away need not wait for the next envelope."""
    async with opened(broker.url) as (transport, _):
        first = await transport.store(RATES, "id-0", b"0")
        await transport.store(RATES, "id-1", b"1")
        with operator(broker) as client:
            client.xtrim(key_of(RATES.name), maxlen=0, approximate=False)
        heard = Heard()

        await transport.follow(RATES, first.position, heard.hear, heard.miss)

        assert heard.all == [Gap("it is not stored any more", 1)]


@pytest.mark.usefixtures("impatient")
async def test_who_reads_a_stream_that_is_deleted_is_told_and_goes_on(broker: Server) -> None:
    """Though a stream of the same name is made again, and its ids are smaller."""
    async with opened(broker.url) as (transport, _):
        heard = Heard()
        await transport.follow(RATES, None, heard.hear, heard.miss)
        await transport.store(RATES, "id-0", b"0")
        await heard.first(1)
        with operator(broker) as client:
            client.delete(key_of(RATES.name))
            await heard.first(2)

            await transport.store(RATES, "id-1", b"again")
            await heard.first(3)
            client.delete(key_of(RATES.name))
            client.xadd(key_of(RATES.name), {"data": "small", "n": "one"}, "1-1")

            assert await heard.first(5) == [b"0", None, b"again", None, b"small"]
    assert {it.reason for it in heard.gaps} <= {
        "the stream was deleted",
        "the stream was made again",
    }


async def test_a_position_of_another_broker_is_a_gap(valkey: Server) -> None:
    """So is one of a stream that was deleted; then everything is heard that is there."""
    async with opened(valkey.url) as (transport, _):
        await transport.store(RATES, "id-0", b"0")
        other = Heard()
        await transport.follow(RATES, "17", other.hear, other.miss)
        assert await other.first(2) == [None, b"0"]

        deleted = Heard()
        await transport.follow(RATES, "ab/5-0/5", deleted.hear, deleted.miss)
        assert await deleted.first(2) == [None, b"0"]

    assert [*other.gaps, *deleted.gaps] == [
        Gap("the position is not one of this broker"),
        Gap("the stream was made again"),
    ]


async def test_an_envelope_that_is_in_the_stream_twice_is_heard_once(
    valkey: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who read it remember the last ids, as answers get lost for longer than servers know."""
    monkeypatch.setattr(redis_reading, "_REMEMBERED", 2)
    async with opened(valkey.url) as (transport, _):
        heard = Heard()
        await transport.follow(RATES, None, heard.hear, heard.miss)
        with operator(valkey) as client:
            for name in ("a", "a", "b", "c", "b", "a"):
                client.xadd(key_of(RATES.name), {"data": name, "id": name})
            client.xadd(key_of(RATES.name), {"data": "without"})

        assert await heard.first(5) == [b"a", b"b", b"c", b"a", b"without"]
    assert [it.rpartition("/")[2] for it in heard.positions] == ["1", "3", "4", "6", "7"]


async def test_an_envelope_is_stored_again_if_its_entry_is_gone(broker: Server) -> None:
    """That the server knows its id says nothing, once somebody has emptied the stream."""
    async with opened(broker.url) as (transport, _):
        await transport.store(ORDERS, "id-0", b"0")
        with operator(broker) as client:
            client.xtrim(key_of(ORDERS.name), maxlen=0, approximate=False)

        receipt = await transport.store(ORDERS, "id-0", b"0")

        assert not receipt.duplicate
        assert [it.data for it in await transport.last(ORDERS, 10)] == [b"0"]


async def test_a_server_that_has_forgotten_everything_is_told_again(broker: Server) -> None:
    """Its scripts, and the streams."""
    async with opened(broker.url) as (transport, _):
        for it in (RATES, ORDERS):
            await transport.store(it, "id-0", b"0")
        await transport.publish(PRICES, b"0")
        with operator(broker) as client:
            client.script_flush()
            await transport.store(ORDERS, "id-1", b"1")
            client.flushall()

        await transport.publish(PRICES, b"2")
        await transport.store(ORDERS, "id-2", b"2")

        assert [it.data for it in await transport.last(PRICES, 10)] == [b"2"]
        assert [it.data for it in await transport.last(ORDERS, 10)] == [b"2"]


async def test_what_is_old_is_dropped(broker: Server) -> None:
    """A replay channel keeps envelopes for as long as it says."""
    async with opened(broker.url) as (transport, _):
        short = Channel("shop", "rates", "replay", keep=0.5)
        await transport.store(short, "id-0", b"0")
        await asyncio.sleep(1.6)
        await transport.store(short, "id-1", b"1")

        assert [it.data for it in await transport.last(short, 10)] == [b"1"]


async def test_who_hears_with_an_error_goes_on(
    valkey: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and what comes next is heard."""
    async with opened(valkey.url) as (transport, _):
        heard = Heard()

        async def hear(arrived: Any) -> None:
            await heard.hear(arrived)
            if arrived.data != b"2":
                message = "no"
                raise ValueError(message)

        await transport.listen(PRICES, hear, heard.miss)
        for n in range(3):
            await transport.publish(PRICES, b"%d" % n)

        assert await heard.first(3) == [b"0", b"1", b"2"]
    assert [it.getMessage() for it in caplog.records if it.name == "heliograph"] == [
        "What reads 'prices' of 'shop' fails, and tries again."
    ]


# --- servers that refuse


async def test_a_server_without_memory_is_full(broker: Server) -> None:
    """It has not stored the envelope, and takes it once there is room."""
    async with opened(broker.url) as (transport, _):
        await transport.prepare(PRICES)
        await transport.prepare(ORDERS)
        with operator(broker) as client:
            client.config_set("maxmemory", "1kb")
            for storing in (
                partial(transport.store, ORDERS, "id-0", b"0"),
                partial(transport.publish, PRICES, b"0"),
            ):
                with pytest.raises(FullError, match="The broker has no room"):
                    await storing()
            client.config_set("maxmemory", "0")

        assert not (await transport.store(ORDERS, "id-0", b"0")).duplicate


async def test_a_channel_that_no_group_works_on_is_full_once(broker: Server) -> None:
    """The error says so; what groups have not done is never dropped for it."""
    small = Channel("shop", "orders", "durable", keep_bytes=2_000, keep=0.1)
    async with opened(broker.url) as (transport, _):
        await transport.store(small, "id-0", bytes(1000))
        with pytest.raises(FullError, match="no group has done what is in them"):
            await transport.store(small, "id-1", bytes(2000))
        with pytest.raises(FullError, match="some group has not done"):
            await transport.store(small, "id-2", bytes(10))
        with operator(broker) as client:
            client.xgroup_create(key_of(small.name), "billing", "0")
        await asyncio.sleep(0.3)
        with pytest.raises(FullError, match="the group 'billing' has not done"):
            await transport.store(small, "id-1", bytes(2000))

        assert [it.data for it in await transport.last(small, 10)] == [bytes(1000)]


async def test_passwords_count_and_are_never_shown() -> None:
    """Wrong ones, and none, are refused in words that show none."""
    with server("valkey", "--requirepass", "s3cret:/@") as it:
        address = f"127.0.0.1:{it.port}"
        for url in (f"valkey://:wr0ng-one@{address}", f"valkey://{address}"):
            with pytest.raises(RefusedError, match="The broker refuses us") as caught:
                await RedisTransport(url).open(Watched())
            assert "wr0ng" not in str(caught.value)

        async with opened(f"valkey://:s3cret%3A%2F%40@{address}") as (transport, watched):
            await transport.store(RATES, "id-0", b"0")
            assert watched.told == [True]


async def test_keys_that_are_no_streams_are_refused(valkey: Server) -> None:
    """Somebody else uses them: it is no use to try again."""
    with operator(valkey) as client:
        for it in ALL:
            client.set(key_of(it.name), "no stream")
    async with opened(valkey.url) as (transport, _):
        for call in everything(transport):
            with pytest.raises(RefusedError, match="WRONGTYPE"):
                await call()


async def test_who_may_not_do_something_is_told_so(valkey: Server) -> None:
    """The server has the last word."""
    with operator(valkey) as client:
        client.acl_setuser("shop", enabled=True, passwords=["+pw"], commands=["+hello", "+ping"])
    async with opened(f"redis://shop:pw@127.0.0.1:{valkey.port}") as (transport, _):
        for call in everything(transport):
            with pytest.raises(RefusedError, match=r"The broker refuses us.* permissions"):
                await call()


def everything(transport: RedisTransport) -> list[Callable[[], Awaitable[Any]]]:
    """Return what can be wanted of a transport."""
    heard = Heard()
    return [
        *(partial(transport.prepare, it) for it in ALL),
        partial(transport.publish, PRICES, b"0"),
        partial(transport.store, RATES, "id-0", b"0"),
        partial(transport.store, ORDERS, "id-0", b"0"),
        partial(transport.listen, PRICES, heard.hear, heard.miss),
        partial(transport.follow, RATES, "", heard.hear, heard.miss),
        partial(transport.consume, ORDERS, Group("billing"), Worked().work),
        partial(transport.backlog, ORDERS),
        partial(transport.last, RATES, 1),
    ]


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
async def test_another_protocol_behind_the_port_is_refused(said: bytes) -> None:
    """It is no use to try again."""
    with answering(said) as port, pytest.raises(RefusedError, match="neither Redis nor Valkey"):
        await RedisTransport(f"redis://127.0.0.1:{port}").open(Watched())


async def test_a_server_that_is_too_old_is_refused() -> None:
    """Before Redis 7, streams do not count what was added."""
    about = [b"server", b"redis", b"version", b"6.2.14", b"role", b"master"]
    said = b"*6\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(it), it) for it in about)
    with answering(said) as port, pytest.raises(RefusedError, match=r"has version 6\.2\.14"):
        await RedisTransport(f"redis://127.0.0.1:{port}").open(Watched())


async def test_a_server_without_tls_is_refused_by_one_who_wants_it() -> None:
    """Nothing is said to it in plain text instead."""
    refused = pytest.raises(RefusedError, match=r"The broker refuses us.*SSL")
    with answering(b"-ERR unknown command\r\n") as port, refused:
        await RedisTransport(f"rediss://127.0.0.1:{port}").open(Watched())


def answering(said: bytes) -> Any:
    """Run a server that answers every command in the same way; gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client, suppress(ConnectionError):
                while asked := client.recv(4096):
                    client.sendall(said * max(1, asked.count(b"*")))

    class Answering:
        def __enter__(self) -> int:
            Thread(target=serve, daemon=True).start()
            port: int = listening.getsockname()[1]
            return port

        def __exit__(self, *_: object) -> None:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    return Answering()


# --- URLs


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://user:s3cret@192.0.2.1", "everybody could read"),
        ("valkey://shop.example", "everybody could read"),
        ("redis://:s3cret/x@127.0.0.1:6379", "cannot be read"),
        ("http://127.0.0.1", "cannot be read"),
        ("redis://127.0.0.1?protocol=four", "cannot be read"),
        ("redis://127.0.0.1?protocol=4", "does not know"),
        ("redis://127.0.0.1?colour=blue", "does not know"),
        ("redis://127.0.0.1?connection_class=blue", "does not know"),
        ("redis://?host=shop.example", "everybody could read"),
    ],
)
def test_urls_that_are_none_are_refused_at_once(url: str, says: str) -> None:
    """Nobody learns the password by that."""
    with pytest.raises(ArgumentError, match=says) as caught:
        RedisTransport(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://", "redis://[::1]:6379/3", "valkey://localhost", "rediss://shop.example",
        "valkeys://user:pw@shop.example:6380/0?ssl_cert_reqs=none", "unix:///run/redis.sock?db=1",
    ],
)  # fmt: skip
def test_urls_of_here_and_with_tls_will_do(url: str) -> None:
    """They are as redis-py has them, and as Valkey calls them."""
    RedisTransport(url)


def test_who_says_that_a_way_is_safe_is_believed() -> None:
    """In a network of one's own there may be no TLS."""
    RedisTransport("redis://192.0.2.1", insecure=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_other_sockets_and_the_newer_protocol_do_the_same(kind: str) -> None:
    """What is written by one is read by the other."""
    with server(kind) as it:
        async with (
            opened(f"unix://{it.path}") as (first, _),
            opened(f"{it.url}?protocol=3") as (second, _),
        ):
            prices, rates, worked = Heard(), Heard(), Worked()
            await second.listen(PRICES, prices.hear, prices.miss)
            await second.follow(RATES, "", rates.hear, rates.miss)
            await second.consume(ORDERS, Group("billing"), worked.work)
            await first.publish(PRICES, b"0")
            await first.store(RATES, "id-0", b"1")
            await first.store(ORDERS, "id-0", b"2")

            assert await prices.first(1) == [b"0"]
            assert await rates.first(1) == [b"1"]
            assert await worked.first(1) == [(b"2", 1)]
            assert [it.data for it in await second.last(ORDERS, 1)] == [b"2"]
            (backlog,) = await second.backlog(ORDERS)
            assert backlog.group == "billing"


def test_the_process_of_the_tests_is_not_what_it_tests() -> None:
    """Each server has a folder of its own, which is gone with it."""
    with server("valkey") as it:
        folder = it.path.parent
        assert os.listdir(folder)  # noqa: PTH208 - whether there is anything.
    assert not folder.exists()
    assert issubclass(FullError, RelayError)
