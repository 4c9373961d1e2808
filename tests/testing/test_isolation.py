"""Isolation: connections are undone, to the connection, and no others."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from contextvars import Context
from threading import Thread
from typing import TYPE_CHECKING
from weakref import ref

import pytest

from heliograph import (
    ANY,
    Connection,
    Namespace,
    Signal,
    add_instrument,
    blinker,
    remove_instrument,
)
from heliograph.testing import isolated
from heliograph.testing.isolation import Isolation, modules_running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType


def receive(sender: object, **payload: object) -> None:
    """Receive it."""


def receive_too(sender: object, **payload: object) -> None:
    """Receive it as well."""


def test_what_is_connected_inside_is_undone() -> None:
    """Of every signal, for every sender, in whatever way it was connected."""
    paid, placed = Signal("paid"), blinker.Signal()
    with isolated():
        paid.connect(receive)
        paid.connect(receive_too, "shop", weak=False, priority=1)
        placed.connect_via("kiosk")(receive)
        inside = (len(paid.connections), len(placed.connections))

    assert inside == (2, 1)
    assert (paid.connections, placed.connections) == ((), ())


def test_what_was_there_before_stays() -> None:
    """The same receiver for another sender, and for the same one with other options."""
    paid = Signal("paid")
    paid.connect(receive)
    paid.connect(receive_too, "shop")
    with isolated():
        paid.connect(receive, "shop")
        paid.connect(receive_too)
        paid.connect(receive_too, "shop", priority=1)

    assert [(it.receiver, it.sender) for it in paid.connections] == [
        (receive_too, "shop"),
        (receive, ANY),
    ]


def test_a_connection_that_was_made_again_is_undone() -> None:
    """Connecting with other options replaces it; so it is another one that has to go."""
    paid = Signal("paid")
    paid.connect(receive, "kiosk")
    with isolated():
        paid.connect(receive)
        paid.connect(receive_too)
        paid.connect(receive, "shop")
        paid.connect(receive, "".join("shop"), priority=1)
        paid.connect(receive, priority=1)
        paid.connect(receive, "kiosk", priority=1)
        paid.connect(receive_too, priority=1)

    assert [it.sender for it in paid.connections] == ["kiosk"]


def test_what_is_connected_to_a_pattern_is_undone() -> None:
    """To the signals that there are, and to those that come later."""
    shop = Namespace("shop")
    paid = shop.signal("order-paid")
    with isolated():
        shop.signals("order-*").connect(receive)
        inside = tuple(paid.receivers)
    placed = shop.signal("order-placed")

    assert (inside, paid.receivers, placed.receivers) == ((receive,), (), ())


def test_who_was_connected_to_a_pattern_before_hears_later_signals() -> None:
    """It is not the block that connects them, though they are made inside of it."""
    shop = Namespace("shop")
    shop.signals("order-*").connect(receive)
    with isolated():
        placed = shop.signal("order-placed")

    assert placed.receivers == (receive,)


def test_what_was_disconnected_inside_is_no_error() -> None:
    """Nor is a signal or a receiver that is gone."""
    paid, short_lived = Signal("paid"), Signal("short-lived")
    with isolated():
        paid.connect(receive)
        paid.disconnect(receive)
        short_lived.connect(receive)
        del short_lived

    assert paid.connections == ()


def test_nothing_lives_longer_for_being_isolated() -> None:
    """Neither a signal nor a receiver that it alone holds."""

    class Office:
        def note(self, sender: object) -> None:
            """Note it."""

    signal, office = Signal("paid"), Office()
    alive = (ref(signal), ref(office))
    with isolated():
        signal.connect(office.note, weak=False)
        del signal, office
        gc.collect()

        assert (alive[0](), alive[1]()) == (None, None)


def test_dead_receivers_of_a_block_are_forgotten() -> None:
    """They are listed in messages while it lasts; those that were connected before stay."""
    paid = Signal("paid")

    def before(sender: object) -> None:
        """Be connected before."""

    def inside(sender: object) -> None:
        """Be connected inside."""

    paid.connect(before)
    with isolated():
        paid.connect(inside)
        del before, inside
        during = [it.name.rpartition(".")[2] for it in paid.dead_receivers]
    with isolated():
        paid.connect(receive)

    assert during == ["before", "inside"]
    assert [it.name.rpartition(".")[2] for it in paid.dead_receivers] == ["before"]


def test_dead_receivers_are_forgotten_however_many_there_were() -> None:
    """Those of a long block too, of which it keeps no connections any more."""
    paid = Signal("paid")

    def connect_one_that_dies() -> None:
        def inside(sender: object) -> None:
            """Be connected inside."""

        paid.connect(inside)

    with isolated():
        for _ in range(500):
            connect_one_that_dies()
        during = {it.name.rpartition(".")[2] for it in paid.dead_receivers}

    assert (during, paid.dead_receivers) == ({"inside"}, ())


def test_what_is_connected_again_stays_with_who_connected_it_first() -> None:
    """Connecting again changes the options and nothing else."""
    paid, isolation = Signal("paid"), Isolation()
    add_instrument(isolation)
    isolation.enter("session", modules_running())
    paid.connect(receive)
    isolation.enter("test", modules_running())
    paid.connect(receive, priority=1)
    paid.connect(receive, priority=1)
    isolation.undo("test")
    after_the_test = tuple(paid.receivers)
    isolation.undo("session")
    remove_instrument(isolation)

    assert (after_the_test, paid.receivers) == ((receive,), ())


def calls_of(many: int, connect: Callable[[Signal, int], object]) -> int:
    """Return how many calls it takes to connect so often to one signal in a block."""
    signal, calls = Signal("paid"), 0

    def count(frame: FrameType, event: str, it: object) -> None:
        nonlocal calls
        calls += event == "call"

    with isolated():
        sys.setprofile(count)
        try:
            for number in range(many):
                connect(signal, number)
        finally:
            sys.setprofile(None)
    return calls


def come_and_go(signal: Signal, number: int) -> None:
    """Connect and disconnect the same receiver."""
    signal.connect(receive)
    signal.disconnect(receive)


@pytest.mark.parametrize(
    "connect",
    [
        lambda signal, number: signal.connect(receive, number),
        lambda signal, number: signal.connect(receive, "shop", priority=number),
        come_and_go,
    ],
)
def test_a_connection_costs_the_same_however_many_there_were(
    connect: Callable[[Signal, int], object],
) -> None:
    """Noting each may look at a few others, and not at all of them."""
    assert calls_of(4_000, connect) < 5 * calls_of(1_000, connect)


def test_connections_that_ended_are_not_kept() -> None:
    """Nor those that were replaced; those that are still there are all undone."""
    paid, placed = Signal("paid"), Signal("placed")
    with isolated():
        placed.connect(receive, "shop")
        for number in range(4_000):
            come_and_go(paid, number)
            placed.connect(receive, "shop", priority=number)
        kept = [it for it in gc.get_objects() if type(it) is Connection and it.receiver is receive]

    assert len(kept) < 100
    assert (paid.connections, placed.connections) == ((), ())


def test_blocks_nest() -> None:
    """What the inner one has undone is no concern of the outer one."""
    paid = Signal("paid")
    with isolated():
        paid.connect(receive)
        with isolated():
            paid.connect(receive_too)
        inside = tuple(paid.receivers)

    assert (inside, paid.receivers) == ((receive,), ())


@pytest.mark.parametrize("local", [False, True])
def test_one_object_may_be_entered_again_inside_of_itself(*, local: bool) -> None:
    """Leaving the inner block does not end the outer one."""
    paid, block = Signal("paid"), isolated(local=local)
    with block:
        with block:
            paid.connect(receive)
        inside = tuple(paid.receivers), repr(block)
        paid.connect(receive_too)

    on = "<isolated(local=True): on>" if local else "<isolated(): on>"
    assert (inside, paid.receivers, repr(block)) == (((), on), (), on.replace("on>", "off>"))


def test_a_local_block_undoes_what_its_context_connects() -> None:
    """Of two tasks in a block each, the first to end leaves the other's receivers alone."""
    paid = Signal("paid")

    async def first(inside: asyncio.Event) -> tuple[object, ...]:
        with isolated(local=True):
            paid.connect(receive)
            await inside.wait()
        return tuple(paid.receivers)

    async def second(inside: asyncio.Event, ended: asyncio.Task[tuple[object, ...]]) -> None:
        with isolated(local=True):
            paid.connect(receive_too)
            inside.set()
            await ended

    async def both() -> tuple[object, ...]:
        inside = asyncio.Event()
        ended = asyncio.create_task(first(inside))
        await asyncio.create_task(second(inside, ended))
        return await ended

    assert asyncio.run(both()) == (receive_too,)
    assert paid.receivers == ()


def test_a_local_block_undoes_what_is_started_from_it() -> None:
    """Of its tasks and `to_thread`; not what other threads connect, nor what comes after it."""
    paid = Signal("paid")

    async def connect(name: str) -> None:
        paid.connect(receive, name)

    async def block() -> list[object]:
        with isolated(local=True):
            await asyncio.create_task(connect("task"))
            await asyncio.to_thread(paid.connect, receive, "to_thread")
            inside = [it.sender for it in paid.connections]
        await connect("later")
        return inside

    with isolated(local=True):
        inside = asyncio.run(block())
        worker = Thread(target=lambda: Context().run(paid.connect, receive_too))
        worker.start()
        worker.join()

    assert inside == ["task", "to_thread"]
    assert paid.receivers == (receive_too,)


@pytest.mark.once  # What it connects cannot be undone.
def test_what_a_module_connects_while_it_is_imported_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It will not be imported again, and would be without its receivers for ever."""
    source = (
        "from heliograph import signal\n"
        "@signal('isolation-test').connect\n"
        "def receive(sender): ...\n"
        "def connect():\n"
        "    signal('isolation-test').connect(receive, 'shop')\n"
    )
    (tmp_path / "late_receivers.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with isolated():
        module = importlib.import_module("late_receivers")
        module.connect()
    del sys.modules["late_receivers"]

    from heliograph import signal

    assert [it.sender for it in signal("isolation-test").connections] == [ANY]


def test_scopes_end_in_any_order() -> None:
    """What is connected belongs to the innermost scope; outside of all, it is nobody's."""
    paid, isolation = Signal("paid"), Isolation()

    def connect(name: str) -> None:
        paid.connect(receive, name)
        [made] = [it for it in paid.connections if it.sender == name]
        isolation.on_connect(paid, made, None)

    connect("nobody")
    isolation.enter("session", modules_running())
    connect("session")
    isolation.enter("test", modules_running())
    connect("test")
    isolation.leave()
    connect("session again")
    isolation.leave()

    def left() -> list[object]:
        return [it.sender for it in paid.connections]

    isolation.undo("test")
    after_the_test = left()
    isolation.undo("session")
    isolation.undo("unknown")

    assert (after_the_test, left()) == (["nobody", "session", "session again"], ["nobody"])
