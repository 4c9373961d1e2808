"""Signal handlers that raise, at every moment at which Python may run one."""

from __future__ import annotations

import gc
import os
import random
import signal as os_signal
import sys
import threading
import warnings
import weakref
from contextlib import nullcontext, suppress
from contextvars import Context
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Namespace, Signal
from heliograph.core.connections.scopes import Scoped, entered
from heliograph.core.errors import StateError
from heliograph.core.lock import _after_fork, _before_fork, under_lock
from heliograph.core.observing.emission import PLACE
from heliograph.core.observing.nesting import innermost
from heliograph.core.spans.span import PLACE as SPAN_PLACE
from tests.core.stepping import Return, every_step
from tests.core.test_threads import CHANGES, Alone, Crowd, Scene, Shop, left_behind, receiver
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Receivers die before anything was sent to them, and blocks before they are entered, which is
# not what this is about.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.* (was never called|did nothing):heliograph.ReceiverWarning"
)


class AlarmError(BaseException):
    """What a signal handler raises."""


def alarm() -> None:
    """Be a signal handler that raises."""
    raise AlarmError


def interrupted(step: Any, run: Callable[[], object]) -> bool:
    """Run something, and let a signal handler raise at a moment of it; tells if that ended it.

    It does not where the moment is in the callback of a weak reference.
    """
    ended: list[bool] = []

    def passing() -> None:
        try:
            run()
        except AlarmError:
            ended.append(True)

    step.interrupt(passing, alarm)
    return bool(ended)


@pytest.fixture(autouse=True)
def unraisable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let handlers raise in callbacks of weak references as well, and other errors not."""
    others: list[object] = []

    def hook(found: Any) -> None:
        if not isinstance(found.exc_value, AlarmError):
            others.append(found.exc_value)

    monkeypatch.setattr(sys, "unraisablehook", hook)
    yield
    assert others == []


def can_change() -> bool:
    """Tell whether another thread can still connect, and the collector is as it was."""
    signal, mine = Signal("free"), receiver()
    thread = threading.Thread(target=signal.connect, args=(mine,), daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive() and signal.receivers == (mine,) and gc.isenabled()


def is_newest(registry: Any) -> bool:
    """Tell whether no group has a version that its registry is still to have."""
    groups = (registry.any, *registry.senders.values())
    return all(group._version <= registry.version for group in groups)


def cleared(scene: Scene) -> list[object]:
    """Disconnect everybody, and return what is left behind."""
    with suppress(StateError):
        scene.block.__exit__(None, None, None)
    others: list[Any] = [scene.everybody, scene.mine, scene.late, getattr(scene, "other", None)]
    for each in (*scene.signal.receivers, *others):
        scene.signal.disconnect(each)
    return left_behind(scene.signal)


@pytest.mark.parametrize("make", [Scene, Alone, Crowd])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_interrupted_is_made_or_not(
    make: type[Scene], change: Callable[[Scene], None]
) -> None:
    """Whoever sends then finds what was before it or what is after it, and nothing stays."""
    whole = make()
    before = whole.heard()
    change(whole)
    after = whole.heard()
    is_block = isinstance(whole.block, Scoped)
    cleared(whole)  # A block that is left open would go on in the tests that come later.
    for step in every_step(Return):
        scene = make()
        ended = interrupted(step, partial(change, scene))
        # A block that is not entered has done nothing.
        possible = {before} if ended and is_block else {before, after}

        assert can_change(), step.number
        assert is_newest(scene.signal._registry), step.number
        assert not step.reached or scene.heard() in possible, step.number
        assert cleared(scene) == [], step.number


def _a_sender_dies(scene: Scene) -> None:
    scene.shop = Shop()


def _everybody_dies(scene: Scene) -> None:
    scene.shop = Shop()
    scene.everybody = scene.mine = scene.late


@pytest.mark.parametrize("make", [Scene, Crowd])
@pytest.mark.parametrize("change", [_a_sender_dies, _everybody_dies])
def test_a_death_that_is_interrupted_is_dealt_with_by_the_next_change(
    make: type[Scene], change: Callable[[Scene], None]
) -> None:
    """What is asked, and who is connected, does not show that anything came in between."""
    whole = make()
    change(whole)
    for step in every_step(Return):
        scene = make()
        interrupted(step, partial(change, scene))
        under_lock(len, ())

        assert can_change(), step.number
        assert len(scene.signal.connections) == len(whole.signal.connections), step.number
        assert cleared(scene) == [], step.number


@pytest.mark.parametrize("dies", [False, True])
def test_a_receiver_that_a_half_made_change_has_let_go_of_is_held_again_or_has_died(
    dies: bool,
) -> None:
    """Its strong connections end with it, as nothing else would end them."""
    signal, hear = Signal("paid"), receiver()
    signal.connect(hear, weak=False)
    registry, held = signal._registry, [hear]
    alive = weakref.ref(hear)
    del hear

    def leave_half_made() -> None:
        for receiver_ref in registry.receivers.values():
            receiver_ref.strong_ref = None
        if dies:
            held.clear()
        registry.repair()

    under_lock(leave_half_made)
    held.clear()

    assert (alive() is None) is dies
    assert len(signal.connections) == len(signal.send()) == int(not dies)
    for it in signal.connections:
        signal.disconnect(it)
    assert cleaned(signal) == ([], 0, False)


@pytest.mark.parametrize("weak", [True, False])
def test_a_connection_that_waits_is_made_once_if_it_is_interrupted(weak: bool) -> None:
    """It is counted once, and holds its receiver if it was to."""
    for step in every_step(Return):
        signal, heard = Signal("paid"), list[object]()

        def hear(sender: object, heard: list[object] = heard, **payload: object) -> None:
            heard.append(sender)

        connect = partial(signal.connect, hear, weak=weak)
        interrupted(step, partial(under_lock, connect))
        under_lock(len, ())
        del hear, connect
        gc.collect(0)
        found = signal.connections
        signal.send("shop")

        assert len(heard) == len(found) == (0 if weak else len(found)), step.number
        for it in found:
            signal.disconnect(it)
        assert cleaned(signal) == ([], 0, False), step.number


def test_a_block_that_waits_is_made_once_if_it_is_interrupted() -> None:
    """Leaving it leaves nothing."""
    for step in every_step(Return):
        signal = Signal("paid")
        block = signal.connected_to(receiver, local=True)
        interrupted(step, partial(under_lock, block.__enter__))
        under_lock(len, ())
        if signal.connections:
            block.__exit__(None, None, None)

        assert cleaned(signal) == ([], 0, False), step.number


def cleaned(signal: Signal[...]) -> tuple[list[object], int, bool]:
    """Return what is left in the tables of a signal without connections."""
    registry = signal._registry
    return [*registry.receivers], registry.local_connections, bool(registry.anyone)


def test_what_waits_is_made_again_if_it_is_interrupted() -> None:
    """It is neither lost, nor is another change made before it."""
    for step in every_step(Return):
        lines: list[str] = []

        def wait(lines: list[str] = lines) -> None:
            under_lock(lines.append, "first")
            under_lock(lines.append, "second")

        interrupted(step, partial(under_lock, wait))
        under_lock(lines.append, "next")

        assert can_change(), step.number
        assert lines[-1] == "next"
        if len(lines) > 1:
            assert list(dict.fromkeys(lines)) in (["first", "next"], ["first", "second", "next"])


shop = Namespace("shop")


@shop.span
def checkout(sender: str) -> None:
    """Somebody checks out."""


def _muted(signal: Signal) -> Any:
    return signal.muted()


def _muted_here(signal: Signal) -> Any:
    return signal.muted(local=True)


def _connected(signal: Signal) -> Any:
    return signal.connected_to(len)


def _connected_here(signal: Signal) -> Any:
    return signal.connected_to(len, local=True)


def _span(signal: Signal) -> Any:
    return checkout("shop")


def _stream(signal: Signal) -> Any:
    return signal.stream()


# A handler may raise before the first line of these, which nobody can do anything about.
ENDS = {
    *("Scoped.__exit__", "WatchedOutcome.__exit__", "Stream.__exit__"),
    *("Span.__exit__", "Span._end"),
}


@pytest.mark.parametrize(
    "begin", [_muted, _muted_here, _connected, _connected_here, _span, _stream]
)
@pytest.mark.parametrize("watched", [True, False])
def test_a_block_that_is_interrupted_on_its_way_in_or_out_is_over(
    begin: Callable[[Signal], Any], watched: bool
) -> None:
    """Nothing of it stays, unless a handler raises before its end has begun."""
    left: list[str] = []

    @checkout.started.connect
    def heard(sender: str, **extra: object) -> None:
        """Hear that somebody checks out."""

    for step in every_step(Return):
        signal = Signal("sold")

        def work(signal: Signal = signal, step: Any = step) -> None:
            with suppress(AlarmError), begin(signal):
                signal.send("shop")
            inside: list[Any] = [innermost(PLACE.get()), innermost(SPAN_PLACE.get())]
            inside += [it for it in entered() if it.block is not None]
            if signal.connections or signal.is_muted or any(inside):
                left.append(step.where)

        with watching() if watched else nullcontext():
            interrupted(step, work)

        assert can_change(), step.number
    assert set(left) <= {f"call of {name}" for name in ENDS}


def test_a_send_that_is_interrupted_arrives_at_a_stream_once_or_not_at_all() -> None:
    """Neither does it stop those that come after it, nor whoever reads."""
    for step in every_step(Return, least=3):
        signal = Signal("sold")
        stream = signal.stream(size=2, when_full="drop_oldest")
        for n in (1, 2):
            signal.send(n=n)
        interrupted(step, partial(signal.send, n=3))
        before = stream.lost
        signal.send(n=4)
        found = [stream.wait(timeout=0).payload["n"] for _ in range(2)]

        assert (found, before) in (([3, 4], 1), ([2, 4], 0)), step.number


def test_a_stream_that_is_closed_while_a_handler_raises_is_closed() -> None:
    """It takes in no more, and is connected no more."""
    for step in every_step(Return):
        signal = Signal("sold")
        stream = signal.stream()
        interrupted(step, stream.close)

        if not step.where.endswith((" Stream.close", " Inbox.close")):  # It had not begun.
            assert (stream.closed, signal.connections) == (True, ()), step.where


def test_a_stream_that_is_made_while_a_handler_raises_is_not_connected() -> None:
    """Nobody could close it."""
    kept = []
    for step in every_step(Return):
        signal = Signal("sold")
        made: list[object] = []
        kept.append(made)

        def make(signal: Signal = signal, made: list[object] = made) -> None:
            made.append(signal.stream())

        interrupted(step, make)

        assert len(signal.connections) == len(made), step.where


def test_a_wait_that_is_made_while_a_handler_raises_is_not_connected() -> None:
    """Nobody could close it."""
    for step in every_step(Return):
        signal = Signal("paid")
        made: list[Any] = []

        def make(signal: Signal = signal, made: list[Any] = made) -> None:
            made.append(signal.next())

        with warnings.catch_warnings(action="ignore"):  # That nobody awaits it.
            interrupted(step, make)
        found = len(signal.connections)
        for it in made:
            it.close()

        assert found == len(made), step.where
        assert signal.connections == ()


def test_a_wait_that_is_closed_while_a_handler_raises_is_over() -> None:
    """It is connected no more."""
    for step in every_step(Return):
        signal = Signal("paid")
        upcoming = signal.next()
        interrupted(step, upcoming.close)

        if not step.where.endswith((" Next.close", " Arrival.close")):  # It had not begun.
            assert signal.connections == (), step.where
        upcoming.close()
        assert signal.connections == (), step.where


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_that_is_interrupted_leaves_the_lock_free() -> None:
    """Whatever the moment is at which a signal handler raises in the hooks."""

    def fork() -> None:
        # As `os.fork` calls them: an error of one does not keep it from calling the next.
        for hook in (_before_fork, _after_fork, _after_fork):
            with suppress(AlarmError):
                hook()

    for step in every_step(Return, least=5):
        interrupted(step, fork)

        assert can_change(), step.number


def test_a_fork_in_the_middle_of_a_change_of_the_same_thread_leaves_it_the_lock() -> None:
    """As by a signal handler that forks."""

    def change() -> None:
        _before_fork()
        _after_fork()
        under_lock(lines.append, "later")
        lines.append("now")

    lines: list[str] = []
    under_lock(change)

    assert lines == ["now", "later"]


@pytest.mark.skipif(not hasattr(os_signal, "setitimer"), reason="Windows has no timers")
@pytest.mark.timeout(60, method="thread")  # The other method needs the timer itself.
def test_timers_may_strike_while_senders_and_receivers_die() -> None:
    """Time-outs of tests and tasks raise anywhere, again and again, and stop nothing."""
    signal, mine = Signal("sold"), receiver()
    end, struck = monotonic() + 1.5, 0

    def strike(*_: object) -> None:
        raise AlarmError

    def work() -> None:
        # Not for ever: what is raised in a callback is not raised here.
        for _ in range(100):
            shop, dying = Shop(), receiver()
            signal.connect(mine, shop)
            signal.connect(dying, weak=random.random() < 0.5)
            signal.disconnect(dying)
            with signal.muted(), signal.connected_to(dying):
                del shop, dying

    before = os_signal.signal(os_signal.SIGALRM, strike)
    try:
        while monotonic() < end:
            try:
                os_signal.setitimer(os_signal.ITIMER_REAL, random.uniform(1e-5, 3e-4))
                # Blocks that could not begin to end stay in that context.
                Context().run(work)
            except AlarmError:
                struck += 1
    finally:
        os_signal.setitimer(os_signal.ITIMER_REAL, 0)
        os_signal.signal(os_signal.SIGALRM, before)

    assert struck > 100
    assert can_change()
    signal.disconnect(mine)
    assert mine not in signal.receivers
    signal.connect(mine)
    assert mine in signal.receivers
