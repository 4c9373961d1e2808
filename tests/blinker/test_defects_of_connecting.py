"""Connections: what was found wrong in Blinker is right."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import (
    ANY,
    ReceiverError,
    ReceiverWarning,
    blinker,
)
from tests.blinker.receivers import Thing, heard, q, r
from tests.threads import fast_switching, in_a_thread, in_threads

if TYPE_CHECKING:
    Signals = type[heliograph.Signal]


def calls_of(action: Any) -> int:
    """Count the function calls that an action makes: its cost, without a clock."""
    counted = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return counted


def test_a_temporary_connection_leaves_a_lasting_one(signal: heliograph.Signal) -> None:
    """`connected_to` ends what it began, and nothing else."""
    signal.connect(r)
    with signal.connected_to(r):
        inside = heard(signal, "a")

    assert (inside, heard(signal, "a")) == (["r"], ["r"])


def test_a_temporary_connection_leaves_those_for_other_senders(
    signal: heliograph.Signal,
) -> None:
    """What is connected for one sender is not ended for another."""
    signal.connect(r, "a")
    with signal.connected_to(r, "b"):
        inside = (heard(signal, "a"), heard(signal, "b"))

    assert inside == (["r"], ["r"])
    assert (heard(signal, "a"), heard(signal, "b")) == (["r"], [])


def test_temporary_connections_nest(signal: heliograph.Signal) -> None:
    """The inner block's end is not the outer's."""
    with signal.connected_to(r, "a"):
        with signal.connected_to(r, "b"), signal.connected_to(r, "a"):
            pass
        inside = (heard(signal, "a"), heard(signal, "b"))

    assert (inside, heard(signal, "a")) == ((["r"], []), [])


def test_muting_nests(signal: heliograph.Signal) -> None:
    """The outer block mutes to its end."""
    signal.connect(r)
    with signal.muted():
        with signal.muted():
            pass
        inside = heard(signal, "a")

    assert (inside, heard(signal, "a")) == ([], ["r"])


def test_muting_here_does_not_mute_another_thread(signal: heliograph.Signal) -> None:
    """With `local=True`, others go on sending."""
    signal.connect(r)
    with signal.muted(local=True):
        elsewhere = in_a_thread(lambda: heard(signal, "a"))
        here = heard(signal, "a")

    assert (elsewhere, here) == (["r"], [])


def test_another_threads_end_of_muting_is_not_mine(signal: heliograph.Signal) -> None:
    """Each block mutes for itself."""
    signal.connect(r)

    def mute() -> None:
        with signal.muted():
            pass

    with signal.muted():
        errors = in_threads(mute)
        here = heard(signal, "a")

    assert (errors, here, heard(signal, "a")) == ([], [], ["r"])


async def test_muting_here_does_not_mute_another_task(signal: heliograph.Signal) -> None:
    """With `local=True`, other tasks lose nothing while this one awaits."""
    signal.connect(r)
    muted, sent = asyncio.Event(), asyncio.Event()

    async def mute() -> object:
        with signal.muted(local=True):
            muted.set()
            await sent.wait()
            return await signal.send_async("a")

    async def send() -> object:
        await muted.wait()
        try:
            return await signal.send_async("a")
        finally:
            sent.set()

    results = await asyncio.gather(mute(), send())

    assert list(results) == [[], [(r, "r")]]


def test_muting_stops_a_send_that_is_under_way() -> None:
    """A receiver that mutes silences those after it."""
    signal = blinker.Signal()

    @signal.connect
    def mute(sender: object) -> str:
        signal.is_muted = True
        return "mute"

    signal.connect(r)

    assert (heard(signal, "a"), heard(signal, "a")) == (["mute"], [])


def test_a_muted_signal_has_no_receivers_for_anybody(signal: heliograph.Signal) -> None:
    """Asked before a costly payload is made, it says that nobody would hear."""
    signal.connect(r)
    with signal.muted():
        answers = (signal.has_receivers_for("a"), list(signal.receivers_for("a")))

    assert answers == (False, [])


def test_receivers_are_called_in_order_of_connection(signal: heliograph.Signal) -> None:
    """Also those for one sender among those for all."""
    receivers = [functools.partial(r, number=number) for number in range(16)]
    for number, receiver in enumerate(receivers):
        signal.connect(receiver, sender="a" if number % 3 == 0 else ANY)

    assert [receiver for receiver, _ in signal.send("a")] == receivers


def sizes(signal: heliograph.Signal) -> tuple[int, ...]:
    """Return how much a signal remembers."""
    registry = signal._registry
    return (
        len(registry.senders),
        len(registry.receivers),
        len(registry.any.connections),
        len(registry.idle),
    )


def test_disconnecting_lets_go_of_a_receiver(signal: heliograph.Signal) -> None:
    """Also of one that was held strongly, for one sender."""

    def closure(sender: object) -> None: ...

    alive = weakref.ref(closure)
    signal.connect(closure, sender="a", weak=False)
    signal.disconnect(closure, sender="a")
    del closure

    assert (alive(), sizes(signal)) == (None, (0, 0, 0, 0))


def test_a_dying_sender_lets_go_of_its_receivers(signal: heliograph.Signal) -> None:
    """A test suite with one app per test keeps no app's receivers."""
    app = Thing()

    @signal.connect_via(app)
    def closure(sender: object) -> None: ...

    alive = weakref.ref(closure)
    del closure, app
    gc.collect()

    assert (alive(), sizes(signal)) == (None, (0, 0, 0, 0))


def test_temporary_connections_leave_nothing_behind(signal: heliograph.Signal) -> None:
    """However many senders they were for."""
    for number in range(1000):
        with signal.connected_to(r, sender=f"user-{number}"):
            signal.send(f"user-{number}")

    assert sizes(signal) == (0, 0, 0, 0)


def test_disconnecting_what_never_was_leaves_nothing_behind(signal: heliograph.Signal) -> None:
    """Nor does asking for it."""
    for number in range(1000):
        signal.disconnect(r, sender=f"user-{number}")
        signal.has_receivers_for(f"user-{number}")
        signal.send(f"user-{number}")

    assert sizes(signal) == (0, 0, 0, 0)


def test_queries_tell_the_truth_after_the_last_disconnect(signal: heliograph.Signal) -> None:
    """Whether a payload is worth computing is answered by who is connected now."""
    signal.connect(r, "a")
    signal.disconnect(r, "a")

    assert not signal.receivers
    assert not signal.has_receivers_for("a")
    assert list(signal.receivers_for("a")) == []


def test_queries_tell_the_truth_after_a_death(signal: heliograph.Signal) -> None:
    """A receiver that died is not there."""
    thing = Thing()
    signal.connect(thing.receive, "a")
    del thing

    assert not signal.receivers
    assert not signal.has_receivers_for("a")
    assert list(signal.receivers_for("a")) == []


@pytest.mark.parametrize("still_there", [False, True])
def test_other_senders_do_not_make_connecting_dearer(
    signal: heliograph.Signal, still_there: bool
) -> None:
    """Neither those that came and went nor those that are there."""

    def once() -> None:
        signal.connect(r)
        signal.disconnect(r)

    def dying() -> None:
        thing = Thing()
        signal.connect(thing.receive, "one")
        del thing

    def calls() -> tuple[int, int]:
        # The least of a few: the garbage of other tests may be collected in between.
        return min(calls_of(once) for _ in range(5)), min(calls_of(dying) for _ in range(5))

    signal.connect(q, "first")  # What becomes empty is dropped, which is cheaper still.
    before = calls()
    for number in range(1000):
        signal.connect(q, f"user-{number}")
        if not still_there:
            signal.disconnect(q, f"user-{number}")

    assert all(now <= then for now, then in zip(calls(), before, strict=True))


def test_threads_that_connect_and_disconnect_disturb_nobody(
    signal: heliograph.Signal,
) -> None:
    """No error, no lost or doubled delivery, and nothing is left behind."""
    signal.connect(r)
    wrong: list[object] = []
    unraisable: list[object] = []

    def churn() -> None:
        for number in range(300):
            thing = Thing()
            signal.connect(thing.receive, f"s{number % 7}")
            signal.connect(q, f"s{number % 5}")
            signal.disconnect(q, f"s{number % 5}")

    def send() -> None:
        for number in range(300):
            found = heard(signal, f"s{number % 7}")
            if found.count("r") != 1 or found.count("q") > 1:
                wrong.append(found)

    hook, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        with fast_switching():
            errors = in_threads(churn, churn, send, send)
    finally:
        sys.unraisablehook = hook
    gc.collect()

    assert (errors, unraisable, wrong) == ([], [], [])
    assert [c.receiver for c in signal.connections] == [r]
    assert sizes(signal) == (0, 1, 1, 0)


@pytest.mark.parametrize("kind", [heliograph.Namespace, blinker.Namespace])
def test_threads_that_ask_for_a_name_get_one_signal(kind: Any) -> None:
    """Nobody is left talking to a signal that only he knows."""
    names = kind()
    got: list[list[object]] = [[], []]

    def ask(mine: list[object]) -> None:
        mine.extend(names.signal(f"signal-{number}") for number in range(500))

    with fast_switching():
        errors = in_threads(lambda: ask(got[0]), lambda: ask(got[1]))

    assert (errors, got[0]) == ([], got[1])


def test_a_lambda_that_nothing_holds_is_warned_of(signal: heliograph.Signal) -> None:
    """With the line that connected it."""
    with pytest.warns(ReceiverWarning, match="garbage-collected in the very statement") as caught:
        signal.connect(lambda sender: None)

    assert [it.filename for it in caught] == [__file__]


def test_a_partial_that_nothing_holds_is_warned_of(signal: heliograph.Signal) -> None:
    """As a lambda."""
    with pytest.warns(ReceiverWarning, match="connect it with weak=False|Connect it with weak=F"):
        signal.connect(functools.partial(r, x=1))


def test_a_nested_function_that_went_is_remembered(signal: heliograph.Signal) -> None:
    """Tools can say who is not called any more, and where it was connected."""

    def set_up() -> None:
        @signal.connect
        def nested(sender: object) -> None: ...

    set_up()

    with pytest.warns(ReceiverWarning, match="nested was never called: after .*set_up, which"):
        assert heard(signal, "a") == []
    assert [it.name.rpartition(".")[2] for it in signal.dead_receivers] == ["nested"]
    assert [it.location.rpartition(":")[0] for it in signal.dead_receivers] == [__file__]


def test_a_built_in_method_is_held_by_its_object(signal: heliograph.Signal) -> None:
    """It lives as long as that, though each look at it makes another."""
    box: deque[object] = deque()
    signal.connect(box.append)
    gc.collect()
    signal.send("a")

    assert list(box) == ["a"]

    del box

    assert not signal.receivers


def test_a_strong_connection_stays_strong(signal: heliograph.Signal) -> None:
    """Connecting the receiver weakly for somebody else does not weaken it."""

    def closure(sender: object) -> str:
        return "closure"

    signal.connect(closure, weak=False)
    signal.connect(closure, sender="x", weak=True)
    signal.connect(closure, weak=True)
    del closure
    gc.collect()

    assert heard(signal, "a") == ["closure"]


def test_a_method_that_cannot_be_held_weakly_is_refused(signal: heliograph.Signal) -> None:
    """With what to do about it."""
    with pytest.raises(ReceiverError, match="Connect it with weak=False"):
        signal.connect([].__contains__)

    assert signal.connections == ()


def test_a_built_in_method_that_nobody_holds_is_warned_of(signal: heliograph.Signal) -> None:
    """It is gone at once, and somebody learns it; it is no error, as others connect such."""
    with pytest.warns(heliograph.ReceiverWarning, match=r"list\.append .* weak=False, or keep it"):
        signal.connect([].append)

    assert signal.connections == ()


def test_a_built_in_method_that_somebody_holds_is_connected(signal: heliograph.Signal) -> None:
    """It goes with the method where its object cannot be referred to, as a list cannot."""
    box: list[object] = []
    add = box.append
    signal.connect(add)
    signal.send("a")
    del add
    signal.send("b")

    assert (box, signal.connections) == (["a"], ())


def test_a_built_in_method_that_somebody_holds_can_be_disconnected_by_another_look(
    signal: heliograph.Signal,
) -> None:
    """`x.append is not x.append`, and both are one receiver."""
    box: list[object] = []
    add = box.append
    signal.connect(add)
    signal.disconnect(box.append)
    add("a")

    assert (box, signal.connections) == (["a"], ())


def test_a_built_in_method_lives_as_long_as_any_look_at_it_that_was_connected(
    signal: heliograph.Signal,
) -> None:
    """One receiver, called once, until the last of those who hold it lets go."""
    box: list[object] = []
    looks = [box.append for _ in range(3)]
    for look in (*looks, looks[0]):
        signal.connect(look)
    signal.send("a")
    for left in (2, 1):
        del looks[0], look
        look = looks[-1]
        signal.send(left)
    looks.clear()
    del look
    signal.send("b")

    assert (box, signal.connections) == (["a", 2, 1], ())


def test_a_built_in_method_stays_while_any_look_at_it_is_connected_strongly(
    signal: heliograph.Signal,
) -> None:
    """Strong stays strong, whichever of them was connected first."""
    box: list[object] = []
    add = box.append
    signal.connect(add)
    signal.connect(box.append, weak=False)
    signal.send("a")
    del add
    signal.send("b")
    signal.disconnect(box.append)
    signal.send("c")

    assert box == ["a", "b"]


def test_a_built_in_method_is_one_receiver(signal: heliograph.Signal) -> None:
    """However often it is connected, and it can be disconnected."""
    box: list[object] = []
    signal.connect(box.append, weak=False)
    signal.connect(box.append, weak=False)
    signal.send("a")
    signal.disconnect(box.append)
    signal.send("b")

    assert box == ["a"]
