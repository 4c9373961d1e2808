"""Threads, garbage collection and dying objects, all at once and at every single step."""

from __future__ import annotations

import gc
import os
import random
import signal as os_signal
import subprocess
import sys
import threading
import warnings
from contextlib import nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import finalize

import pytest

from heliograph import ANY, Namespace, Signal
from heliograph.core.lock import under_lock
from tests.core.stepping import every_step
from tests.threads import FREE_THREADED, fast_switching, let_die

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.unmeasured
ROOT = Path(__file__).parents[2]

SECONDS = 1.5


class Shop:
    """A sender that can be held weakly."""


class Slotted:
    """A receiver that cannot be held weakly."""

    __slots__ = ()

    def __call__(self, sender: object) -> str:
        """Return a word."""
        return "slotted"


class Circle:
    """Garbage that only the collector finds, and that does something when it does."""

    def __init__(self, last: Callable[[], object]) -> None:
        self.me = self
        finalize(self, last)


def receiver(word: str = "r") -> Callable[[object], str]:
    """Return a receiver that nothing else holds."""

    def receive(sender: object) -> str:
        return word

    return receive


def words(results: list[tuple[Any, Any]]) -> list[str]:
    """Return what the receivers returned."""
    return [word for _, word in results]


def left_behind(signal: Signal) -> list[object]:
    """Return what the tables of a signal still hold, nobody being connected any more."""
    registry = signal._registry
    tables: list[Any] = [registry.senders, registry.receivers, registry.idle, registry.mutes]
    return [table for table in (*tables, registry.any.connections) if table]


@pytest.fixture(autouse=True)
def unraisable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Fail if a weak reference's callback or a finalizer fails, which Python only prints."""
    failed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: failed.append(found.exc_value))
    gc.collect()
    if not FREE_THREADED:  # There, what is frozen and freed stays frozen in its next life.
        gc.freeze()  # What other tests left need not be looked through thousands of times.
    yield failed
    gc.collect()

    assert failed == []


def together(*jobs: Callable[[], object], seconds: float = SECONDS) -> list[int]:
    """Run each job again and again in a thread of its own; returns how often each was done."""
    errors: list[BaseException] = []
    rounds = [0] * len(jobs)
    barrier = threading.Barrier(len(jobs))
    end = monotonic() + seconds

    def run(number: int, job: Callable[[], object]) -> None:
        barrier.wait()
        try:
            while not errors and (monotonic() < end or not rounds[number]):
                job()
                rounds[number] += 1
        except BaseException as error:  # noqa: BLE001 - raised again below.
            errors.append(error)

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(jobs)]
    with fast_switching():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "They wait for each other."
    for error in errors:
        raise error
    return rounds


# --- all at once -----------------------------------------------------------------------


class Market:
    """One signal, those who stay connected, and everything that others do meanwhile."""

    def __init__(self) -> None:
        self.signal = Signal("sold")
        self.shop = Shop()
        self.staying = [receiver(word) for word in ("first", "mine", "any", "last")]
        first, mine, everybody, last = self.staying
        self.signal.connect(last, priority=-1)
        self.signal.connect(mine, self.shop)
        self.signal.connect(everybody)
        self.signal.connect(first, self.shop, priority=1)

    def send(self) -> None:
        """Those who stay are called exactly once, and in order."""
        called = [word for word in words(self.signal.send(self.shop)) if word != "r"]
        assert called == ["first", "mine", "any", "last"]
        called = [word for word in words(self.signal.send("kiosk")) if word != "r"]
        assert called == ["any", "last"]

    def connect(self, sender: Any) -> None:
        """A receiver is called as long as it is connected, and no longer."""
        mine = receiver()
        self.signal.connect(mine, sender)
        real = self.shop if sender is ANY else sender
        assert [each for each, _ in self.signal.send(real)].count(mine) == 1
        self.signal.disconnect(mine, sender)
        assert mine not in [each for each, _ in self.signal.send(real)]
        assert mine not in self.signal.receivers

    def connect_again(self) -> None:
        """Whoever gets other options stays connected while it does."""
        for on_error in ("log", "raise"):
            self.signal.connect(self.staying[1], self.shop, on_error=on_error)
            self.signal.connect(self.staying[2], on_error=on_error)

    def connect_for_a_while(self) -> None:
        """Blocks may be left in any order."""
        mine = receiver()
        blocks = [
            self.signal.connected_to(mine, sender, local=local)
            for sender in (ANY, self.shop, "kiosk")
            for local in (True, False)
        ]
        for block in random.sample(blocks, len(blocks)):
            block.__enter__()
        assert words(self.signal.send(self.shop)).count("r") >= 1
        for block in random.sample(blocks, len(blocks)):
            block.__exit__(None, None, None)
        assert mine not in self.signal.receivers

    def die(self) -> None:
        """Receivers and senders come, are connected in some way, and die."""
        shop, dying = Shop(), receiver()
        self.signal.connect(dying)
        self.signal.connect(dying, shop)
        self.signal.connect(receiver(), shop, weak=False)
        self.signal.connect(Slotted(), shop, weak=False)
        assert words(self.signal.send(shop)).count("slotted") == 1
        if random.random() < 0.5:
            del shop
        del dying

    def die_in_circles(self) -> None:
        """The collector finds what refers to itself, and finalizers disconnect."""
        mine = receiver()
        self.signal.connect(mine)
        circle = Circle(partial(self.signal.disconnect, mine))
        self.signal.connect(mine, circle)
        del circle, mine
        gc.collect(0)

    def ask(self) -> None:
        """Queries may be made at any time."""
        assert [r for r in self.signal.receivers_for(self.shop) if r in self.staying] == [
            self.staying[number] for number in (0, 1, 2, 3)
        ]
        assert self.signal.has_receivers_for("nobody")
        assert None not in self.signal.receivers
        assert len(self.signal.connections) >= len(self.staying)

    def close(self) -> list[object]:
        """Disconnect those who stayed; returns what is left behind."""
        gc.collect()
        for stayed in self.staying:
            self.signal.disconnect(stayed)
        self.staying.clear()
        gc.collect()
        return left_behind(self.signal)


def test_those_who_stay_are_called_once_whatever_others_do() -> None:
    """Nothing is lost or doubled, called after it was disconnected, or left behind."""
    market = Market()

    rounds = together(
        market.send,
        market.send,
        market.ask,
        partial(market.connect, ANY),
        partial(market.connect, market.shop),
        partial(market.connect, "kiosk"),
        market.connect_again,
        market.connect_for_a_while,
        market.die,
        market.die_in_circles,
        seconds=2.5,
    )

    assert 0 not in rounds
    assert market.close() == []


def test_many_threads_may_connect_and_disconnect_the_same_receiver() -> None:
    """Whatever the order is in which they come, nothing is left when all have disconnected."""
    signal, shop = Signal("sold"), Shop()
    shared: list[Any] = [receiver(), Slotted()]

    def job() -> None:
        for each in shared:
            sender = random.choice((ANY, shop, "kiosk"))
            signal.connect(each, sender, weak=False)
            with signal.connected_to(each, sender):
                signal.send(shop)
            signal.disconnect(each)

    together(job, job, job, job)
    for each in shared:
        signal.disconnect(each)

    assert (left_behind(signal), signal.send(shop)) == ([], [])


def test_a_muted_signal_is_silent_while_others_unmute_theirs() -> None:
    """Blocks in other threads end nothing but themselves."""
    signal, calls = Signal("sold"), receiver()
    signal.connect(calls)

    def everywhere() -> None:
        with signal.muted():
            assert signal.send() == []

    def here() -> None:
        with signal.muted(local=True):
            assert signal.send() == []

    together(everywhere, here, here, lambda: signal.send("kiosk"))

    assert words(signal.send()) == ["r"]
    signal.disconnect(calls)
    assert left_behind(signal) == []


def test_a_name_means_one_signal_to_all_threads() -> None:
    """A namespace makes one signal for a name, and one meta-signal of it, whoever comes first."""
    space, numbers = Namespace("shop"), count()
    found: dict[str, set[int]] = {}
    barrier = threading.Barrier(4)
    kept: list[Signal] = []

    def job() -> None:
        number = next(numbers) // 4
        barrier.wait(30)
        made = space.signal(f"name {number}")
        kept.extend((made, made.receiver_connected))
        found.setdefault(made.name or "", set()).update((id(made), id(made.receiver_connected)))

    def jobs() -> None:
        for _ in range(200):
            job()

    together(jobs, jobs, jobs, jobs, seconds=0)

    assert {name: len(ids) for name, ids in found.items()} == dict.fromkeys(space, 2)


# --- at every step ---------------------------------------------------------------------


class Scene:
    """A signal with one receiver for everybody and one for a shop, and some who may come."""

    def __init__(self) -> None:
        self.signal = Signal("sold")
        self.shop = Shop()
        self.everybody, self.mine = receiver("any"), receiver("mine")
        self.late = receiver("late")
        self.slotted = Slotted()
        self.block: Any = nullcontext()
        self.signal.connect(self.everybody)
        self.signal.connect(self.mine, self.shop)

    def heard(self) -> tuple[str, ...]:
        """Return who is called when the shop sends."""
        return tuple(words(self.signal.send(self.shop)))

    def note(self, found: set[tuple[str, ...]]) -> None:
        """Add who is called to what was found."""
        found.add(self.heard())

    def come_and_go(self, done: list[object]) -> None:
        """Connect, send and disconnect."""
        other = receiver()
        self.signal.connect(other, self.shop, weak=False)
        self.heard()
        self.signal.disconnect(other)
        done.append(other)

    def clear(self) -> list[object]:
        """Disconnect all; returns what is left behind."""
        self.block.__exit__(None, None, None)
        for each in (self.everybody, self.mine, self.late, self.slotted):
            self.signal.disconnect(each)
        return left_behind(self.signal)


class Alone(Scene):
    """A signal that somebody is connected to for everybody, and nobody for a sender."""

    def __init__(self) -> None:
        super().__init__()
        self.signal.disconnect(self.mine)


class Crowd(Scene):
    """A signal that several are connected to for the shop."""

    def __init__(self) -> None:
        super().__init__()
        self.other = receiver("other")
        self.signal.connect(self.other, self.shop)


def _connect(scene: Scene) -> None:
    scene.signal.connect(scene.late)


def _connect_for_the_shop(scene: Scene) -> None:
    scene.signal.connect(scene.late, scene.shop)


def _connect_strongly(scene: Scene) -> None:
    scene.signal.connect(scene.slotted, weak=False)


def _connect_again(scene: Scene) -> None:
    scene.signal.connect(scene.everybody, on_error="log")


def _connect_again_for_the_shop(scene: Scene) -> None:
    scene.signal.connect(scene.mine, scene.shop, on_error="log")


def _disconnect(scene: Scene) -> None:
    scene.signal.disconnect(scene.everybody)


def _disconnect_from_the_shop(scene: Scene) -> None:
    scene.signal.disconnect(scene.mine, scene.shop)


def _mute(scene: Scene) -> None:
    scene.block = scene.signal.muted()
    scene.block.__enter__()


def _receiver_dies(scene: Scene) -> None:
    scene.everybody = scene.late
    let_die()


def _connect_for_a_while(scene: Scene) -> None:
    scene.block = scene.signal.connected_to(scene.late)
    scene.block.__enter__()


CHANGES = [
    _connect,
    _connect_for_the_shop,
    _connect_strongly,
    _connect_again,
    _connect_again_for_the_shop,
    _disconnect,
    _disconnect_from_the_shop,
    _mute,
    _receiver_dies,
    _connect_for_a_while,
]

each_scene = pytest.mark.parametrize("make", [Scene, Alone, Crowd])
each_change = pytest.mark.parametrize("change", CHANGES)


def _outcomes(make: type[Scene], change: Callable[[Scene], None]) -> list[tuple[str, ...]]:
    scene = make()
    before = scene.heard()
    change(scene)
    after = scene.heard()
    scene.clear()  # A block that is left open would go on in the tests that come later.
    return [before, after]


@each_scene
@each_change
def test_a_send_sees_a_change_wholly_or_not_at_all(
    make: type[Scene], change: Callable[[Scene], None]
) -> None:
    """Whoever sends in the middle of a change finds what was before it or what is after it."""
    before, after = _outcomes(make, change)
    found: set[tuple[str, ...]] = set()
    for step in every_step():
        scene = make()
        step.interrupt(partial(change, scene), partial(scene.note, found))

        assert scene.heard() == after
    assert found <= {before, after}


@each_scene
@each_change
def test_a_change_in_the_middle_of_a_send_is_complete_for_the_next(
    make: type[Scene], change: Callable[[Scene], None]
) -> None:
    """A send that was overtaken may stop early, and keeps nothing for the next one."""
    before, after = _outcomes(make, change)
    found: set[tuple[str, ...]] = set()
    for step in every_step():
        scene = make()
        step.interrupt(partial(scene.note, found), partial(change, scene))

        assert scene.heard() == (after if step.reached else before)
    assert found <= {after, *(before[:end] for end in range(len(before) + 1))}


@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("sender", [ANY, "kiosk"])
def test_a_receiver_that_is_disconnected_while_it_is_connected_is_in_or_out(
    sender: Any, weak: bool
) -> None:
    """Whichever comes first, the queries and the next send agree, and nothing is left behind."""
    for step in every_step():
        signal = Signal("sold")
        mine: Any = receiver() if weak else Slotted()
        signal.connect(mine, sender, weak=weak)
        step.interrupt(
            partial(signal.connect, mine, sender, weak, priority=1),
            partial(signal.disconnect, mine),
        )
        connected = [connection.receiver for connection in signal.connections]
        called = [each for each, _ in signal.send("kiosk")]
        signal.disconnect(mine)

        assert connected in ([], [mine])
        assert called == connected
        assert left_behind(signal) == []


@each_change
def test_the_collector_may_run_at_any_step_of_a_change(change: Callable[[Scene], None]) -> None:
    """Finalizers that it runs there may connect, send and disconnect, and senders may die."""
    after = _outcomes(Scene, change)[1]
    for step in every_step():
        scene, done = Scene(), list[object]()
        scene.heard()  # Whoever dies before any send is warned of.
        circle = Circle(partial(scene.come_and_go, done))
        scene.signal.connect(scene.mine, circle)
        scene.signal.connect(receiver(), circle, weak=False)
        del circle
        step.interrupt(partial(change, scene), gc.collect)
        gc.collect()

        assert (scene.heard(), len(done)) == (after, 1)
        assert scene.clear() == []


def _a_sender_dies(signal: Signal, mine: Any) -> Callable[[], object]:
    shops = [Shop()]
    signal.connect(mine, shops[0])
    return shops.clear


def _another_partial_is_disconnected(signal: Signal, mine: Any) -> Callable[[], object]:
    signal.connect(mine)
    return partial(signal.disconnect, partial(words, []))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            _a_sender_dies,
            marks=pytest.mark.skipif(
                FREE_THREADED, reason="it dies in a collection there, and nothing else dies in that"
            ),
        ),
        _another_partial_is_disconnected,
    ],
)
def test_what_a_change_only_looks_at_does_not_die_in_it(
    change: Callable[[Signal, Any], Callable[[], object]],
) -> None:
    """A receiver that its owner lets go while a change looks at it is dropped afterwards."""
    found: list[object] = []
    for step in every_step():
        signal, kept = Signal("sold"), [partial(receiver())]
        by_its_owner: list[object] = []

        def last(by_its_owner: list[object] = by_its_owner) -> None:
            how = "by its owner" if by_its_owner else under_lock(lambda: "after the change")
            found.append(how)

        def let_go(by_its_owner: list[object] = by_its_owner, kept: list[Any] = kept) -> None:
            by_its_owner.append(True)
            kept.clear()
            let_die()
            by_its_owner.clear()

        finalize(kept[0], last)
        step.interrupt(change(signal, kept[0]), let_go)
        kept.clear()
        let_die()

    assert set(found) == {"by its owner", "after the change"}


# --- the shapes of deadlocks -----------------------------------------------------------


def _all_end(*runs: Callable[[], object]) -> bool:
    threads = [threading.Thread(target=run, daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


def _its_sender_dies(signals: list[Signal], last: Receiver) -> None:
    shop = Shop()
    signals[0].connect(last, shop, weak=False)
    del last
    del shop


def _its_equal_is_disconnected(signals: list[Signal], last: Receiver) -> None:
    signals[0].connect(partial(last.__class__.__call__, last), weak=False)
    signals[0].disconnect(partial(last.__class__.__call__, last))


def _it_is_disconnected_inside_of_a_change(signals: list[Signal], last: Receiver) -> None:
    signals[0].connect(last, weak=False)
    mine = [last]
    del last
    under_lock(lambda: signals[0].disconnect(mine.pop()))


def _its_signal_and_a_sender_die_inside_of_a_change(signals: list[Signal], last: Receiver) -> None:
    shops, other = [Shop()], receiver()
    signals[0].connect(other, shops[0])
    signals[0].connect(last, weak=False)
    del last

    def change() -> None:
        shops.clear()
        signals.clear()

    under_lock(change)


class Receiver:
    """A receiver that waits for a lock when it dies."""

    def __init__(self, dying: threading.Event, lock: threading.Lock) -> None:
        self.dying, self.lock = dying, lock

    def __call__(self, sender: object) -> str:
        """Return a word."""
        return "r"

    def __del__(self) -> None:
        self.dying.set()
        with self.lock:
            pass


@pytest.mark.parametrize(
    "let_go",
    [
        _its_sender_dies,
        _its_equal_is_disconnected,
        _it_is_disconnected_inside_of_a_change,
        _its_signal_and_a_sender_die_inside_of_a_change,
    ],
)
def test_a_finalizer_may_wait_for_a_lock_whose_owner_connects(
    let_go: Callable[[list[Signal], Receiver], None],
) -> None:
    """What a change lets go of is dropped when it is over, and others can make theirs."""
    signals, other = [Signal("sold")], Signal("bought")
    dying, held, lock = threading.Event(), threading.Event(), threading.Lock()
    calls = receiver()

    def connect() -> None:
        with lock:
            held.set()
            dying.wait(10)
            other.connect(calls)

    def die() -> None:
        held.wait(10)
        let_go(signals, Receiver(dying, lock))
        let_die()

    assert _all_end(connect, die)
    assert dying.is_set()
    assert words(other.send()) == ["r"]


def test_finalizers_may_disconnect_from_each_others_signals() -> None:
    """There is no order in which two threads could each wait for the other."""
    one, other = Signal("one"), Signal("other")

    def job(mine: Signal, theirs: Signal) -> None:
        shop, held, last = Shop(), receiver(), receiver()
        theirs.connect(held, weak=False)
        mine.connect(last, shop, weak=False)
        finalize(last, theirs.disconnect, held)
        circle = Circle(partial(mine.disconnect, held))
        mine.connect(held, circle, weak=False)

    together(partial(job, one, other), partial(job, other, one), gc.collect)
    gc.collect()

    assert (left_behind(one), left_behind(other)) == ([], [])


@pytest.mark.skipif(FREE_THREADED, reason="memory may never be used again there")
def test_a_new_sender_is_not_taken_for_a_dead_one_at_its_address() -> None:
    """Even when a change in another thread keeps the engine from forgetting the dead one."""
    signal, shops, calls = Signal("sold"), [Shop()], receiver()
    signal.connect(calls, shops[0])
    inside, done = threading.Event(), threading.Event()

    def change() -> None:
        inside.set()
        done.wait(10)

    def die_and_send() -> None:
        inside.wait(10)
        address = id(shops.pop())
        shops.append(Shop())
        while id(shops[-1]) != address:
            shops.append(Shop())
        found.extend(words(signal.send(shops[-1])))
        found.extend(signal.receivers_for(shops[-1]))
        done.set()

    found: list[object] = []

    assert _all_end(lambda: under_lock(change), die_and_send)
    assert found == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.skipif(
    FREE_THREADED, reason="the child may wait for a dict's own lock, held by a thread it has not"
)
def test_a_process_may_be_forked_while_others_connect() -> None:
    """The child has whole tables and a free lock, whatever others were doing."""
    # In a process that is not measured: measuring coverage has locks of its own, which a
    # thread of the parent may hold at the moment of the fork.
    environment = {k: it for k, it in os.environ.items() if not k.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.core.test_threads"]
    run = subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False)

    assert run.returncode == 0


def _fork_while_others_connect() -> None:  # pragma: no cover - in a process of its own.
    signal, shop = Signal("sold"), Shop()
    shared = [receiver() for _ in range(3)]
    codes: list[int] = []

    def connect() -> None:
        for each in shared:
            signal.connect(each, random.choice((ANY, shop, "kiosk")))
        for each in shared:
            signal.disconnect(each)

    def fork() -> None:
        with warnings.catch_warnings():
            # From Python 3.12 on, forking with threads is warned of.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _live_on(signal, shared)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    together(connect, connect, fork)
    sys.exit(set(codes) != {0})


def _live_on(signal: Signal, shared: list[Any]) -> None:  # pragma: no cover - in a child.
    os_signal.alarm(10)
    try:
        late = receiver("late")
        signal.connect(late)
        heard = words(signal.send()).count("late")
        for each in (*shared, late):
            signal.disconnect(each)
        os._exit(0 if (heard, left_behind(signal), signal.send()) == (1, [], []) else 1)
    finally:
        os._exit(2)


if __name__ == "__main__":  # pragma: no cover - see the test that runs it.
    _fork_while_others_connect()
