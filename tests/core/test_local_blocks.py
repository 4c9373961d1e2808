"""Local blocks cost those contexts alone that are inside of one, and count there alone."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Emission, Signal, add_instrument, remove_instrument
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Shop:
    """An ordinary object."""


def heard(signal: Signal, sender: object = None) -> list[str]:
    """Return who is called, having asked first whether anybody is, and who."""
    asked = signal.has_receivers_for(sender)
    there = list(signal.receivers_for(sender))
    results = signal.send(sender)

    assert (asked, there) == (bool(results), [receiver for receiver, _ in results])
    return [name for _, name in results]


def elsewhere(block: Any) -> Callable[..., Any]:
    """Enter a block in another context; returns what runs something there."""
    context = copy_context()
    context.run(block.__enter__)
    return context.run


@pytest.fixture
def seen() -> Iterator[list[tuple[bool, int]]]:
    """What an instrument is told: whether each emission was muted, and how many were called."""
    told: list[tuple[bool, int]] = []

    def watch(emission: Emission) -> None:
        told.append((emission.muted, len(emission.deliveries)))

    add_instrument(watch)
    yield told
    remove_instrument(watch)


@pytest.mark.parametrize("sender", [None, "shop", 7, Shop()])
def test_a_local_receiver_counts_inside_of_its_block(sender: object) -> None:
    """The others' answers and sends are as if there were none, whoever sends."""
    signal, diary = Signal("paid"), Diary()
    lasting, local = diary.receiver("lasting"), diary.receiver("local")
    signal.connect(lasting)
    before = heard(signal, sender)
    there = elsewhere(signal.connected_to(local, sender, local=True))

    assert [heard(signal, sender) for _ in range(3)] == [before] * 3
    assert there(heard, signal, sender) == ["lasting", "local"]
    assert there(heard, signal, "another") == ["lasting"]
    assert heard(signal, sender) == before


def test_a_receiver_that_is_local_alone_is_nobody_elsewhere() -> None:
    """There is no lasting connection, and the local one is the only one of its sender."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    there = elsewhere(signal.connected_to(diary.receiver("local"), shop, local=True))

    assert [(heard(signal, shop), there(heard, signal, shop)) for _ in range(3)] == [
        ([], ["local"])
    ] * 3


def test_one_receiver_may_be_local_in_many_contexts() -> None:
    """Each context has its own order and options of it, and one call."""
    signal, diary = Signal("paid"), Diary()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    signal.connect(other)
    first = elsewhere(signal.connected_to(receiver, local=True))
    second = elsewhere(signal.connected_to(receiver, local=True, priority=1))
    both = elsewhere(signal.connected_to(receiver, local=True))
    both(signal.connected_to(receiver, local=True, priority=1).__enter__)

    assert [run(heard, signal) for run in (first, second, both, first, second, both)] == [
        ["other", "r"],
        ["r", "other"],
        ["r", "other"],
    ] * 2
    assert heard(signal) == ["other"]


def test_other_blocks_around_change_nothing() -> None:
    """A context may be inside of blocks that are not local, or of another signal."""
    signal, another, diary = Signal("paid"), Signal("another"), Diary()
    signal.connect(diary.receiver("lasting"))
    there = elsewhere(signal.connected_to(diary.receiver("local"), local=True))
    mute = elsewhere(signal.muted(local=True))
    with another.connected_to(diary.receiver("a"), local=True), another.muted():
        inside = heard(signal)
        with signal.connected_to(diary.receiver("everywhere")):
            further = [heard(signal), there(heard, signal), mute(heard, signal)]

    assert inside == ["lasting"]
    assert further == [["lasting", "everywhere"], ["lasting", "local", "everywhere"], []]


def test_a_local_mute_counts_inside_of_its_block() -> None:
    """The others go on being heard, whoever sends."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("shop's"), shop)
    there = elsewhere(signal.muted(local=True))
    of_one = [(heard(signal, shop), there(heard, signal, shop)) for _ in range(3)]
    signal.connect(diary.receiver("everybody's"))
    of_two = [(heard(signal, shop), there(heard, signal, shop)) for _ in range(3)]

    assert of_one == [(["shop's"], [])] * 3
    assert of_two == [(["shop's", "everybody's"], [])] * 3


def test_a_local_mute_that_spares_receivers_counts_inside_of_its_block() -> None:
    """Only they are called there, and everybody elsewhere; local receivers may be spared."""
    signal, diary = Signal("paid"), Diary()
    spared, local = diary.receiver("spared"), diary.receiver("local")
    signal.connect(diary.receiver("first"))
    signal.connect(spared)
    there = elsewhere(signal.connected_to(local, local=True))
    there(signal.muted(local=True, except_for=[spared, local]).__enter__)

    assert [(heard(signal), there(heard, signal)) for _ in range(2)] == [
        (["first", "spared"], ["spared", "local"])
    ] * 2


def test_a_block_that_is_left_counts_no_more() -> None:
    """Nor do answers that were given inside of it."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("lasting"))
    blocks = [signal.connected_to(diary.receiver("local"), local=True), signal.muted(local=True)]
    found = []
    for block in blocks:
        with block:
            found.append(heard(signal))
        found.append(heard(signal))

    assert found == [["lasting", "local"], ["lasting"], [], ["lasting"]]


async def test_instruments_see_what_is_muted_here(seen: list[tuple[bool, int]]) -> None:
    """An emission says that it was muted, wherever it was."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    there = elsewhere(signal.muted(local=True))
    there(signal.send)
    signal.send()
    with signal.muted(local=True):
        await signal.send_async()
    await signal.send_async()
    with signal.muted():
        signal.send()
        await signal.send_async()

    muted, plain = (True, 0), (False, 1)
    assert seen == [muted, plain, muted, plain, muted, muted]


def test_a_signal_that_was_muted_before_anybody_connected_is_heard_afterwards() -> None:
    """Connecting does not end the mute, nor does the mute's end wait for another change."""
    signal, diary = Signal("paid"), Diary()
    with signal.muted():
        signal.connect(diary.receiver("r"))
        with signal.muted(local=True):
            inside = [heard(signal)]
        inside.append(heard(signal))

    assert (inside, heard(signal)) == ([[], []], ["r"])


def test_somebody_may_watch_while_all_is_muted(seen: list[tuple[bool, int]]) -> None:
    """Beginning and ending to watch goes on working."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))

    def watch(emission: Emission) -> None:
        seen.append((emission.muted, -1))

    with signal.muted():
        add_instrument(watch)
        signal.send()
        remove_instrument(watch)
    signal.send()

    assert seen == [(True, 0), (True, -1), (False, 1)]


def test_a_receiver_may_be_muted_while_it_is_asked_for() -> None:
    """`receivers_for` gives no more once a mute has begun, and goes on where it spares somebody."""
    signal, diary = Signal("paid"), Diary()
    first, second, third = (diary.receiver(name) for name in "123")
    for receiver in (first, second, third):
        signal.connect(receiver)
    silenced, spared = signal.receivers_for(None), signal.receivers_for(None)
    begun = [next(silenced), next(spared)]
    with signal.muted():
        rest = list(silenced)
    with signal.muted(except_for=[third]):
        spared_rest = list(spared)

    assert (begun, rest, spared_rest) == ([first, first], [], [third])


def test_a_block_that_is_over_is_around_nothing() -> None:
    """A context that was copied inside of it may enter others."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with signal.connected_to(diary.receiver("local"), local=True):
        context = copy_context()

    def send_muted() -> list[Any]:
        with signal.muted(local=True):
            return signal.send("shop")

    assert context.run(send_muted) == []
    assert heard(signal) == ["r"]


def test_a_block_begins_afresh_where_the_one_around_it_has_ended() -> None:
    """A context that was copied inside of a block may outlive the block."""
    paid, heard = Signal("paid"), list[str]()

    def first(sender: object) -> None:
        heard.append("first")

    def second(sender: object) -> None:
        heard.append("second")

    with paid.connected_to(first, local=True):
        context = copy_context()

    def send() -> None:
        with paid.connected_to(second, local=True):
            paid.send("shop")

    context.run(send)
    assert heard == ["second"]
