"""What a relay may expect of every broker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from heliograph.relay.channels import Channel, Group
from heliograph.relay.errors import FullError
from heliograph.relay.memory.transport import MemoryTransport
from heliograph.relay.transports import Again, Arrived, Backlog, Dead, Done, Gap, Receipt
from tests.relay.collecting import LIMIT, Heard, Watched, Worked, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heliograph.relay.transports import Transport, Verdict

    Broker = Callable[[], Transport]
    Open = Callable[[Transport], Awaitable[Transport]]
    Channels = Callable[..., Channel]


async def test_a_transport_says_that_it_is_connected(broker: Broker) -> None:
    """It says so once, as soon as it is open."""
    watched = Watched()
    transport = broker()

    await transport.open(watched)

    assert watched.told == [True]
    await transport.close(1)


async def test_what_is_published_is_heard_in_every_process_and_in_order(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The process that publishes hears it like the others."""
    first, second = await opened(broker()), await opened(broker())
    prices = channel("broadcast")
    here, there = Heard(), Heard()
    await first.listen(prices, here.hear, here.miss)
    await second.listen(prices, there.hear, there.miss)

    for n in range(100):
        await first.publish(prices, b"%d" % n)

    expected = [b"%d" % n for n in range(100)]
    assert await here.first(100) == await there.first(100) == expected


async def test_one_that_listens_hears_nothing_of_the_time_before(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """What is broadcast is not kept for anybody."""
    transport, prices, heard = await opened(broker()), channel("broadcast"), Heard()
    await transport.prepare(prices)
    await transport.publish(prices, b"before")

    await transport.listen(prices, heard.hear, heard.miss)
    await transport.publish(prices, b"after")

    assert await heard.first(1) == [b"after"]


async def test_channels_of_different_names_do_not_hear_each_other(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """Names that look alike, and those with what brokers use themselves, are different ones."""
    transport = await opened(broker())
    names = ["order-paid", "order.paid", "order_paid", "order_2epaid", "order.>", "order.*", "ö"]
    all_heard = {name: Heard() for name in names}
    for name, heard in all_heard.items():
        await transport.listen(channel("broadcast", name), heard.hear, heard.miss)

    for name in names:
        await transport.publish(channel("broadcast", name), name.encode())

    for name, heard in all_heard.items():
        assert await heard.first(1) == [name.encode()]


async def test_envelopes_are_heard_one_by_one(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The next one waits until the last one is heard, however long that takes."""
    transport, prices, at_once, heard = await opened(broker()), channel("broadcast"), [0], Heard()

    async def hear(arrived: Arrived) -> None:
        at_once[0] += 1
        await asyncio.sleep(0.01)
        at_once.append(at_once[0])
        at_once[0] -= 1
        await heard.hear(arrived)

    await transport.listen(prices, hear, heard.miss)
    for n in range(5):
        await transport.publish(prices, b"%d" % n)

    assert await heard.first(5) == [b"0", b"1", b"2", b"3", b"4"]
    assert at_once == [0, 1, 1, 1, 1, 1]


async def test_one_that_hears_too_slowly_is_told_how_much_it_has_missed(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """Nothing is missed without a word, and nobody else is held up."""
    slow, fast = await opened(broker()), await opened(broker())
    prices, late, early = channel("broadcast"), Heard(), Heard()
    may_hear = asyncio.Event()

    async def hear(arrived: Arrived) -> None:
        await may_hear.wait()
        await late.hear(arrived)

    await slow.listen(prices, hear, late.miss)
    await fast.listen(prices, early.hear, early.miss)
    for n in range(0, 11_000, 100):
        await asyncio.gather(*(fast.publish(prices, b"%d" % (n + it)) for it in range(100)))
        await early.first(n)
    await early.first(11_000)
    may_hear.set()
    await until(lambda: late.gaps)
    await fast.publish(prices, b"after")

    await until(lambda: late.data[-1] == b"after")
    missed = sum(it.lost or 0 for it in late.gaps)
    assert missed + len(late.all) - len(late.gaps) == 11_001
    assert early.gaps == []


async def test_what_is_stored_has_a_receipt(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """It has the id, and the position under which it arrives."""
    transport, prices, heard = await opened(broker()), channel("replay"), Heard()

    receipt = await transport.store(prices, "id-1", b"one")

    await transport.follow(prices, "", heard.hear, heard.miss)
    await heard.first(1)
    assert receipt == Receipt("id-1", heard.positions[0])


@pytest.mark.parametrize("mode", ["replay", "durable"])
async def test_an_envelope_that_is_stored_once_more_is_stored_once(
    broker: Broker, opened: Open, channel: Channels, mode: str
) -> None:
    """Another try with the same id is no harm."""
    transport, orders = await opened(broker()), channel(mode)

    first = await transport.store(orders, "id-1", b"one")
    second = await transport.store(orders, "id-1", b"one")
    await transport.store(orders, "id-2", b"two")

    assert second == Receipt("id-1", first.position, duplicate=True)
    assert [it.data for it in await transport.last(orders, 10)] == [b"one", b"two"]


async def test_a_channel_is_prepared_as_often_as_one_likes(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """Every process does, in its own time; nothing that is stored is lost."""
    first, second = await opened(broker()), await opened(broker())
    for mode in ("broadcast", "replay", "durable"):
        await first.prepare(channel(mode))
        await second.prepare(channel(mode))
    await first.store(channel("replay"), "id-1", b"one")

    await second.prepare(channel("replay"))

    assert [it.data for it in await second.last(channel("replay"), 10)] == [b"one"]


async def test_a_channel_can_be_given_more_room(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """A newer version of a program may want to keep more, or less; what is stored stays."""
    transport = await opened(broker())
    await transport.store(channel("replay"), "id-1", b"one")

    larger = channel("replay", keep_bytes=512 * 1024 * 1024, keep=86_400)
    await transport.prepare(larger)

    assert [it.data for it in await transport.last(larger, 10)] == [b"one"]


async def test_a_durable_channel_that_is_full_takes_nothing(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """What nobody has worked on is not dropped for what comes later."""
    transport, orders = await opened(broker()), channel("durable", keep_bytes=5_000)
    for n in range(3):
        await transport.store(orders, f"id-{n}", bytes(1000))

    with pytest.raises(FullError, match="room"):
        await transport.store(orders, "id-3", bytes(5000))

    assert [it.data for it in await transport.last(orders, 100)] == [bytes(1000)] * 3


async def test_what_all_groups_have_done_makes_room(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """A durable channel takes far more than it keeps, as long as its groups keep up."""
    transport, orders = await opened(broker()), channel("durable", keep_bytes=10_000)
    billing, stock = Worked(), Worked()
    await transport.consume(orders, Group("billing"), billing.work)
    await transport.consume(orders, Group("stock"), stock.work)

    for n in range(40):
        await transport.store(orders, f"id-{n}", bytes(1000))
        await billing.first(n + 1)
        await stock.first(n + 1)
        await until_done(transport, orders)


async def until_done(transport: Transport, channel: Channel) -> None:
    """Wait until no group has anything to do."""
    async with asyncio.timeout(LIMIT):
        found = await transport.backlog(channel)
        while any(it.waiting or it.running for it in found):
            await asyncio.sleep(0.005)
            found = await transport.backlog(channel)


async def test_a_replay_channel_drops_the_oldest(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """It is never full."""
    transport, prices = await opened(broker()), channel("replay", keep_bytes=10_000)

    for n in range(30):
        await transport.store(prices, f"id-{n}", b"%d" % n + bytes(1000))

    left = await transport.last(prices, 100)
    assert 1 < len(left) < 10
    assert left[-1].data.startswith(b"29")


async def test_follow_begins_after_the_end_the_beginning_or_a_position(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """A process goes on after the position of the last envelope that it has heard."""
    transport, prices = await opened(broker()), channel("replay")
    receipts = [await transport.store(prices, f"id-{n}", b"%d" % n) for n in range(3)]
    starts = {"": Heard(), None: Heard(), receipts[1].position: Heard()}
    for after, heard in starts.items():
        await transport.follow(prices, after, heard.hear, heard.miss)

    await transport.store(prices, "id-3", b"3")

    assert await starts[""].first(4) == [b"0", b"1", b"2", b"3"]
    assert await starts[None].first(1) == [b"3"]
    assert await starts[receipts[1].position].first(2) == [b"2", b"3"]


async def test_follow_takes_many_envelopes_in_their_order(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """What was stored before and what is stored meanwhile are one sequence."""
    transport, prices, heard = await opened(broker()), channel("replay"), Heard()
    await store_many(transport, prices, 0, 700)
    await transport.follow(prices, "", heard.hear, heard.miss)

    await store_many(transport, prices, 700, 1000)

    assert await heard.first(1000) == [b"%d" % n for n in range(1000)]
    assert len({*heard.positions}) == 1000


async def store_many(transport: Transport, channel: Channel, start: int, stop: int) -> None:
    """Store numbers."""
    for n in range(start, stop):
        await transport.store(channel, f"id-{n}", b"%d" % n)


async def test_follow_tells_what_is_not_stored_any_more(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The gap comes before what follows it, and has the number of the lost ones."""
    transport, prices, heard = await opened(broker()), channel("replay", keep_bytes=10_000), Heard()
    first = await transport.store(prices, "id-0", b"0")
    for n in range(1, 31):
        await transport.store(prices, f"id-{n}", b"%d" % n + bytes(1000))
    left = len(await transport.last(prices, 100))

    await transport.follow(prices, first.position, heard.hear, heard.miss)

    await heard.first(1 + left)
    assert heard.all[0] == Gap("it is not stored any more", 30 - left)
    assert [it.data for it in heard.all[1:] if isinstance(it, Arrived)] == [
        it.data for it in await transport.last(prices, 100)
    ]


async def test_the_channels_of_a_program_are_found(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """A tool need not know the program: it sees what is stored of it, by name."""
    transport, prices, orders = await opened(broker()), channel("replay", "ä.b"), channel("durable")
    nothing = await transport.channels(prices.app)
    for it in (prices, orders):
        await transport.prepare(it)
    await transport.prepare(Channel(f"{prices.app}.other", "prices", "replay"))

    found = await transport.channels(prices.app)

    assert list(nothing) == []
    assert [(it.app, it.signal, it.mode) for it in found] == [
        (orders.app, "order-paid", "durable"),
        (prices.app, "ä.b", "replay"),
    ]


async def test_who_looks_changes_nothing(broker: Broker, opened: Open, channel: Channels) -> None:
    """A channel that is not there is not made by one who looks at it."""
    transport, orders = await opened(broker()), channel("durable")

    found = [
        await transport.backlog(orders),
        await transport.last(orders, 10),
        await transport.dead_letters(orders, 10),
    ]

    assert [list(it) for it in found] == [[], [], []]


async def test_the_last_envelopes_can_be_looked_at(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The oldest of them comes first; an empty channel has none."""
    transport, prices = await opened(broker()), channel("replay")
    nothing = await transport.last(prices, 2)
    receipts = [await transport.store(prices, f"id-{n}", b"%d" % n) for n in range(4)]

    assert list(nothing) == []
    assert list(await transport.last(prices, 2)) == [
        Arrived(b"2", receipts[2].position),
        Arrived(b"3", receipts[3].position),
    ]


async def test_each_group_has_every_envelope_and_each_process_has_some(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """One process of a group works on an envelope; other groups do not take it away."""
    first, second = await opened(broker()), await opened(broker())
    orders, here, there, stock = channel("durable"), Worked(), Worked(), Worked()
    await first.consume(orders, Group("billing"), slowly(here).work)
    await second.consume(orders, Group("billing"), slowly(there).work)
    await second.consume(orders, Group("stock"), stock.work)

    for n in range(20):
        await first.store(orders, f"id-{n}", b"%d" % n)

    expected = [(b"%d" % n, 1) for n in range(20)]
    await until(lambda: len(here.all) + len(there.all) == 20)
    assert sorted([*here.all, *there.all]) == sorted(expected)
    assert await stock.first(20) == expected
    assert here.all
    assert there.all


def slowly(worked: Worked) -> Worked:
    """Return one that takes some time, so that others have their share."""

    async def work(arrived: Arrived) -> Verdict:
        await asyncio.sleep(0.01)
        return await Worked.work(worked, arrived)

    worked.work = work  # type: ignore[method-assign]  # This one takes its time.
    return worked


async def test_a_group_begins_with_the_first_envelope(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """What was stored before it was there is worked on as well."""
    transport, orders, worked = await opened(broker()), channel("durable"), Worked()
    await transport.store(orders, "id-0", b"0")

    await transport.consume(orders, Group("billing"), worked.work)

    assert await worked.first(1) == [(b"0", 1)]


async def test_an_envelope_comes_again_after_the_delay(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """Each try has its number; what comes next does not wait for it."""
    transport, orders, times = await opened(broker()), channel("durable"), []
    worked = Worked([Again(0.3), Done(), Again(0.0)])

    async def work(arrived: Arrived) -> Verdict:
        times.append(time.monotonic())
        return await worked.work(arrived)

    await transport.consume(orders, Group("billing"), work)
    await transport.store(orders, "id-0", b"0")
    await transport.store(orders, "id-1", b"1")

    assert await worked.first(4) == [(b"0", 1), (b"1", 1), (b"0", 2), (b"0", 3)]
    assert times[2] - times[0] >= 0.29
    await until_done(transport, orders)


async def test_a_group_works_on_as_many_at_a_time_as_it_wants(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """It is one unless the group says otherwise."""
    transport, orders, started = await opened(broker()), channel("durable"), []
    may_end = asyncio.Event()

    async def work(arrived: Arrived) -> Verdict:
        started.append(arrived.data)
        await may_end.wait()
        return Done()

    await transport.consume(orders, Group("billing", concurrency=3), work)
    for n in range(6):
        await transport.store(orders, f"id-{n}", b"%d" % n)
    await until(lambda: len(started) == 3)
    found = await transport.backlog(orders)

    assert list(found) == [Backlog("billing", waiting=3, running=3, dead=0)]
    may_end.set()
    await until(lambda: len(started) == 6)
    await until_done(transport, orders)


async def test_work_that_takes_longer_than_the_patience_is_not_given_to_another_process(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The broker is told that somebody is at it."""
    first, second = await opened(broker()), await opened(broker())
    orders, group, tries = channel("durable"), Group("billing", patience=0.6), []

    async def work(arrived: Arrived) -> Verdict:
        tries.append(arrived.tries)
        await asyncio.sleep(2)
        return Done()

    await first.consume(orders, group, work)
    await second.consume(orders, group, work)
    await first.store(orders, "id-0", b"0")

    await until(lambda: tries)
    await until_done(first, orders)
    assert tries == [1]


async def test_a_dead_letter_is_put_aside_with_its_reason(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """Only the group that could not work on it has it; it comes no more."""
    transport, orders = await opened(broker()), channel("durable")
    worked = Worked([Dead("Größe\n: 100 %\x00"), Done()])
    await transport.consume(orders, Group("billing & co."), worked.work)
    before = time.time()

    await transport.store(orders, "id-0", b"zero")
    await transport.store(orders, "id-1", b"one")
    await worked.first(2)
    await until_done(transport, orders)

    (letter,) = await transport.dead_letters(orders, 10)
    assert (letter.group, letter.reason) == ("billing & co.", "Größe\n: 100 %\x00")
    assert letter.data == b"zero"
    assert before - 1 <= letter.at <= time.time() + 1
    found = await transport.backlog(orders)
    assert list(found) == [Backlog("billing & co.", waiting=0, running=0, dead=1)]
    assert [it.signal for it in await transport.channels(orders.app)] == ["order-paid"]


async def test_a_revived_dead_letter_reaches_its_group_alone(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """It has as many tries as a new one, and is a dead letter no more."""
    transport, orders = await opened(broker()), channel("durable")
    billing, stock = Worked([Again(0.0), Dead("broken")]), Worked()
    await transport.consume(orders, Group("billing"), billing.work)
    await transport.consume(orders, Group("stock"), stock.work)
    await transport.store(orders, "id-0", b"0")
    await billing.first(2)
    await until_done(transport, orders)
    keys = [it.key for it in await transport.dead_letters(orders, 10)]

    revived = await transport.revive(orders, [*keys, "12345", "no key"])

    assert revived == 1
    assert await billing.first(3) == [(b"0", 1), (b"0", 2), (b"0", 1)]
    await until_done(transport, orders)
    assert list(await transport.dead_letters(orders, 10)) == []
    assert stock.all == [(b"0", 1)]


async def test_dead_letters_can_be_forgotten(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """The oldest is listed first; those that are not there do not count."""
    transport, orders = await opened(broker()), channel("durable")
    worked = Worked([Dead("a"), Dead("b"), Dead("c")])
    nothing = await transport.dead_letters(orders, 10)
    await transport.consume(orders, Group("billing"), worked.work)
    for n in range(3):
        await transport.store(orders, f"id-{n}", b"%d" % n)
        await worked.first(n + 1)
        await until_done(transport, orders)

    letters = await transport.dead_letters(orders, 2)
    forgotten = await transport.forget(orders, [letters[0].key, letters[1].key, "12345", "no"])

    assert list(nothing) == []
    assert [it.reason for it in letters] == ["a", "b"]
    assert forgotten == 2
    assert [it.reason for it in await transport.dead_letters(orders, 10)] == ["c"]
    assert await transport.forget(orders, [letters[0].key]) == 0


async def test_close_waits_for_the_work_that_is_under_way(
    broker: Broker, channel: Channels
) -> None:
    """It is done then, and nothing else is taken in."""
    transport, orders, started, ended = broker(), channel("durable"), [], []
    await transport.open(Watched())

    async def work(arrived: Arrived) -> Verdict:
        started.append(arrived.data)
        await asyncio.sleep(0.3)
        ended.append(arrived.data)
        return Done()

    await transport.consume(orders, Group("billing"), work)
    for n in range(3):
        await transport.store(orders, f"id-{n}", b"%d" % n)
    await until(lambda: started)
    await transport.close(LIMIT)

    assert started == ended == [b"0"]
    other = broker()
    await other.open(Watched())
    found = await other.backlog(orders)
    assert list(found) == [Backlog("billing", waiting=2, running=0, dead=0)]
    await other.close(1)


async def test_close_waits_for_what_is_being_heard(opened: Open, channel: Channels) -> None:
    """In the embedded broker as over NATS: it is heard to its end, and nothing else is taken in."""
    url = f"memory://{uuid4()}"
    first, second = MemoryTransport(url), await opened(MemoryTransport(url))
    await first.open(Watched())
    prices, rates, missed = channel("broadcast"), channel("replay"), Heard()
    started: list[bytes] = []
    ended: list[bytes] = []

    async def hear(arrived: Arrived) -> None:
        started.append(arrived.data)
        await asyncio.sleep(0.2)
        ended.append(arrived.data)

    await first.listen(prices, hear, missed.miss)
    await first.follow(rates, "", hear, missed.miss)
    for n in range(2):
        await second.publish(prices, b"price %d" % n)
        await second.store(rates, f"id-{n}", b"rate %d" % n)
    await until(lambda: len(started) == 2)
    await first.close(LIMIT)

    assert sorted(ended) == [b"price 0", b"rate 0"]


async def test_work_that_is_not_done_in_time_is_handed_to_another_process(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """That process need not wait until the patience of the group is over."""
    first, second = broker(), await opened(broker())
    await first.open(Watched())
    orders, started, worked = channel("durable"), [], Worked()

    async def work(arrived: Arrived) -> Verdict:
        started.append(arrived.data)
        await asyncio.Event().wait()
        return Done()

    await first.consume(orders, Group("billing", patience=3600), work)
    await first.store(orders, "id-0", b"0")
    await until(lambda: started)
    before = time.monotonic()
    await first.close(0.1)
    took = time.monotonic() - before
    await second.consume(orders, Group("billing", patience=3600), worked.work)

    assert await worked.first(1) == [(b"0", 2)]
    assert took < 5


async def test_nothing_is_heard_after_close(
    broker: Broker, opened: Open, channel: Channels
) -> None:
    """What listens, follows and consumes has ended with it."""
    first, second = broker(), await opened(broker())
    await first.open(Watched())
    heard, worked = Heard(), Worked()
    await first.listen(channel("broadcast"), heard.hear, heard.miss)
    await first.follow(channel("replay"), "", heard.hear, heard.miss)
    await first.consume(channel("durable"), Group("billing"), worked.work)

    await first.close(1)
    await second.publish(channel("broadcast"), b"0")
    await second.store(channel("replay"), "id-0", b"0")
    await second.store(channel("durable"), "id-0", b"0")
    await asyncio.sleep(0.1)

    assert heard.all == []
    assert worked.all == []
