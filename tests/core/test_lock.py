"""One change at a time: finalizers, signal handlers and forks in the middle of a change."""

from __future__ import annotations

import gc
import os
import signal as os_signal
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import finalize

import pytest

from heliograph import ArgumentError, Signal
from heliograph.core import lock
from heliograph.core.lock import keep_until_unlocked, run_deferred, under_lock
from tests.core.diary import Diary
from tests.implementations import in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from heliograph import Connection


class Shop:
    """An ordinary object."""


class SlottedReceiver:
    """A callable to which there are no weak references."""

    __slots__ = ()

    def __call__(self, sender: object, **payload: object) -> str:
        """Return a word."""
        return "slotted"


def test_a_change_returns_what_it_returns() -> None:
    """`under_lock` gives arguments and result through."""
    assert under_lock(divmod, 7, 2) == (3, 1)


def test_a_change_inside_of_a_change_is_made_right_after_it() -> None:
    """A finalizer that the garbage collector runs in a change cannot wait for it to end."""
    lines: list[str] = []

    def outer() -> str:
        returned = under_lock(lines.append, "inner")
        lines.append("outer")
        return f"outer, and {returned} of the inner one"

    assert under_lock(outer) == "outer, and None of the inner one"
    assert lines == ["outer", "inner"]


def test_a_change_that_fails_lets_others_in() -> None:
    """Its error is raised, and what waited for it is done."""
    lines: list[str] = []

    def failing() -> None:
        under_lock(lines.append, "waited")
        msg = "failed"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="failed"):
        under_lock(failing)
    under_lock(lines.append, "next")

    assert lines == ["waited", "next"]


def test_what_the_dying_cause_is_done_at_once_or_right_after() -> None:
    """`run_deferred` makes a change when nobody else does, and otherwise when that is done."""
    lines: list[str] = []

    def change() -> None:
        run_deferred(lambda: lines.append("soon"))
        lines.append("change")

    run_deferred(lambda: lines.append("at once"))
    under_lock(change)

    assert lines == ["at once", "change", "soon"]


def test_what_is_dropped_in_a_change_dies_after_it() -> None:
    """A finalizer runs when the lock is free, and may connect and disconnect itself."""
    lines: list[Any] = []
    shops = [Shop()]
    finalize(shops[0], lambda: lines.append(under_lock(lambda: "finalized")))

    def change() -> None:
        keep_until_unlocked(shops.pop())
        lines.append("changed")

    under_lock(change)

    assert lines == ["changed", "finalized"]


def test_what_waiting_changes_drop_dies_after_them() -> None:
    """It is the same for changes that the dying cause."""
    lines: list[Any] = []
    shops = [Shop()]
    finalize(shops[0], lambda: lines.append(under_lock(lambda: "finalized")))
    run_deferred(lambda: keep_until_unlocked(shops.pop()))

    assert lines == ["finalized"]


def test_connecting_and_disconnecting_in_a_finalizer_count_afterwards() -> None:
    """They are not told of, as nobody knows yet what comes of them."""
    signal, diary = Signal("paid"), Diary()
    old, new = diary.receiver("old"), diary.receiver("new")
    told = diary.receiver("told")
    signal.connect(old)
    signal.receiver_connected.connect(told)
    signal.receiver_disconnected.connect(told)

    def finalizer() -> None:
        signal.connect(new)
        signal.disconnect(old)

    under_lock(finalizer)

    assert signal.receivers == (new,)
    assert diary.lines == []


def test_disconnecting_and_connecting_again_in_a_finalizer_keeps_the_receiver() -> None:
    """Also one that cannot be held weakly, and that the first step lets go."""
    signal, receiver = Signal("paid"), SlottedReceiver()
    signal.connect(receiver, weak=False)

    def finalizer() -> None:
        signal.disconnect(receiver)
        signal.connect(receiver, weak=False)

    under_lock(finalizer)

    assert signal.send() == [(receiver, "slotted")]


def test_a_block_in_a_finalizer_leaves_nothing() -> None:
    """What it connects has to wait, and so has what it undoes."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    def finalizer() -> None:
        with signal.connected_to(receiver), signal.muted():
            pass

    under_lock(finalizer)

    assert (signal.connections, signal.is_muted) == ((), False)


def test_a_block_may_be_entered_in_a_finalizer_and_left_later() -> None:
    """Its connection is found when it is left."""
    signal, diary = Signal("paid"), Diary()
    block = signal.connected_to(diary.receiver("r"))
    under_lock(block.__enter__)
    inside = [value for _, value in signal.send()]
    block.__exit__()

    assert (inside, signal.connections) == (["r"], ())


class Garbage:
    """An object that only the garbage collector finds, and that then does something."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.myself = self
        self.act = act

    def __del__(self) -> None:
        self.act()


@contextmanager
def collecting_at(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Let the garbage collector do something once so many objects have been made."""
    threshold = gc.get_threshold()
    gc.collect()
    gc.disable()
    Garbage(act)
    # Otherwise dicts that were freed would serve again, and none would be made.
    kept: list[object] = [{} for _ in range(200)]
    gc.set_threshold(gc.get_count()[0] + number, *threshold[1:])
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.collect()
        kept.clear()


@pytest.mark.parametrize("temporary", [False, True])
@pytest.mark.parametrize("inside", ["connect", "connect to another", "disconnect"])
@pytest.mark.parametrize("before", ["nothing", "connect", "connect to another"])
def test_a_receiver_may_come_and_go_while_it_is_connected(
    before: str, inside: str, *, temporary: bool
) -> None:
    """A finalizer may run wherever something is made: up to Python 3.11, in the part in C too."""

    def receive(sender: object, **payload: object) -> None:
        pass

    for number in range(1, 30):
        happened = Signal("happened")
        vars(happened)  # Python 3.11 itself breaks if a finalizer asks for it while it is made.
        steps: dict[str, Callable[[], object]] = {
            "nothing": list,
            "connect": partial(happened.connect, receive, "shop"),
            "connect to another": partial(happened.connect, receive, "kiosk"),
            "disconnect": partial(happened.disconnect, receive),
        }
        steps[before]()
        block = happened.connected_to(receive, "shop") if temporary else None

        with collecting_at(number, steps[inside]):
            if block is None:
                happened.connect(receive, "shop")
            else:
                block.__enter__()
        if block is not None:
            block.__exit__(None, None, None)
        senders = sorted(it.sender for it in happened.connections)
        sent = [len(happened.send(sender)) for sender in senders]
        happened.disconnect(receive)

        assert (len(set(senders)), sent) == (len(senders), [1] * len(senders))
        assert (happened.connections, happened.receivers) == ((), ())


def test_a_sender_and_a_receiver_may_die_in_a_change() -> None:
    """What their deaths change is made right after."""
    signal, diary = Signal("paid"), Diary()
    shops = [Shop()]
    signal.connect(diary.receiver("r"))
    signal.connect(print, shops[0])

    def change() -> int:
        shops.clear()
        diary.kept.clear()
        return len(signal.connections)

    assert (under_lock(change), signal.connections) == (2, ())


def test_another_thread_waits_for_a_change_to_end() -> None:
    """Only one change is made at a time, and a death in the meantime is dealt with too."""
    signal, diary = Signal("paid"), Diary()
    inside, dead = threading.Event(), threading.Event()
    signal.connect(diary.receiver("dying"))
    late = Diary()

    def change() -> None:
        inside.set()
        dead.wait(10)

    def connect() -> None:
        inside.wait(10)
        signal.connect(late.receiver("late"))

    threads = [threading.Thread(target=under_lock, args=(change,))]
    threads.append(threading.Thread(target=connect))
    for thread in threads:
        thread.start()
    inside.wait(10)
    diary.kept.clear()
    waiting = (signal.connections[0].receiver, len(signal.connections), signal.send())
    dead.set()
    for thread in threads:
        thread.join()

    assert waiting == (None, 1, [])
    assert signal.receivers == tuple(late.kept)


def test_what_was_left_waiting_is_done_before_the_next_change() -> None:
    """A death that was noted while another thread let go of the lock is not forgotten."""
    lines: list[str] = []
    lock.pending_changes.append(lambda: lines.append("left"))
    under_lock(lines.append, "next")

    assert lines == ["left", "next"]


def test_a_death_after_a_change_is_left_to_who_makes_the_next_one() -> None:
    """Nobody waits for the lock to tell of a death: whoever has it deals with it."""
    signal, diary, shops = Signal("paid"), Diary(), [Shop()]
    inside, done = threading.Event(), threading.Event()
    signal.connect(diary.receiver("dying"))

    def other_change() -> None:
        inside.set()
        done.wait(10)

    thread = threading.Thread(target=under_lock, args=(other_change,))

    def finalizer() -> None:
        thread.start()
        inside.wait(10)
        diary.kept.clear()

    finalize(shops[0], finalizer)
    under_lock(lambda: keep_until_unlocked(shops.pop()))
    waiting = len(signal.connections)
    done.set()
    thread.join()

    assert (waiting, signal.connections) == (1, ())


def interrupted(step: int, act: Callable[[], object], run: Callable[[], object]) -> bool:
    """Do something before one bytecode of the lock while another thing runs.

    Returns:
        Whether there was such a step.
    """
    left = step + 1

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != lock.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                act()
        return trace

    before = sys.gettrace()
    # Python 3.12 gives opcodes only if a frame wants them when tracing begins.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return left <= 0


def test_a_finalizer_may_run_at_any_step_of_a_change() -> None:
    """The garbage collector and signal handlers may interrupt between any two bytecodes.

    In a thread of its own, as it would wait forever for itself, and because of the trace.
    """
    left: list[tuple[Connection, ...]] = []

    def interrupt_at_every_step() -> None:
        step, reached = 0, True
        while reached:
            signal, diary, shop = Signal("paid"), Diary(), [Shop()]
            receiver, other = diary.receiver("r"), diary.receiver("other")

            def interrupt(signal: Signal = signal, other: Any = other) -> None:
                signal.connect(other)
                signal.disconnect(other)

            def change(
                signal: Signal = signal, receiver: Any = receiver, shop: list[Shop] = shop
            ) -> None:
                signal.connect(receiver)
                signal.connect(receiver, shop[0])
                shop.clear()
                signal.disconnect(receiver)

            reached = interrupted(step, interrupt, change)
            left.append(signal.connections)
            step += 1

    thread = threading.Thread(target=interrupt_at_every_step, daemon=True)
    thread.start()
    thread.join(60)

    assert not thread.is_alive()
    assert in_use() == "c" or len(left) > 100  # In C, what is plain has no steps.
    assert set(left) == {()}


class Tables:
    """Something whose changes can be interrupted, and that can be put right."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def change(self) -> None:
        """Be interrupted."""
        self.lines.append("changed half")
        raise KeyboardInterrupt

    def repair(self) -> None:
        """Put right what was left."""
        self.lines.append("mended")


def test_what_an_interrupted_change_leaves_is_put_right_before_anything_else_is_changed() -> None:
    """Also if it had to wait, and then it is made again."""
    at_once, later = Tables(), Tables()
    with pytest.raises(KeyboardInterrupt):
        under_lock(at_once.change)
    with pytest.raises(KeyboardInterrupt):
        run_deferred(partial(later.change))
    waiting = list(lock.pending_changes)
    later.change = partial(later.lines.append, "changed")  # type: ignore[method-assign]
    lock.pending_changes[0] = later.change
    under_lock(later.lines.append, "next")

    assert len(waiting) == 1
    assert at_once.lines == ["changed half", "mended"]
    assert later.lines == ["changed half", "mended"] * 2 + ["changed", "next"]


def test_what_is_being_changed_counts_as_half_made_until_that_has_ended() -> None:
    """Otherwise a second interruption could hide what the first one has left."""
    found: list[bool] = []

    def change() -> None:
        found.append(lock.lock_state.broken is not None)

    under_lock(change)
    run_deferred(change)

    assert (found, lock.lock_state.broken) == ([True, True], None)


def test_what_is_refused_is_not_tried_again() -> None:
    """Nothing was changed by then."""
    tries: list[int] = []

    def refuse() -> None:
        tries.append(1)
        raise ArgumentError

    with pytest.raises(ArgumentError):
        run_deferred(refuse)
    with pytest.raises(ArgumentError):
        under_lock(refuse)
    under_lock(int)

    assert (len(tries), list(lock.pending_changes)) == (2, [])


def test_what_fails_for_ever_does_not_stop_others_for_ever() -> None:
    """It is tried very often, as nobody can tell an interruption from a mistake of ours."""
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise ValueError

    lock.pending_changes.append(fail)
    while lock.pending_changes:
        with suppress(ValueError):
            under_lock(int)

    assert len(tries) == 1000


@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_is_collected_in_a_change(*, enabled: bool) -> None:
    """A finalizer may wait for a lock whose owner waits for the change; later it is as before."""
    found: list[bool] = []

    class Circle:
        """Garbage that only the collector finds."""

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            found.append(True)

    def change() -> int:
        for _ in range(3 * gc.get_threshold()[0]):
            Circle()
        return len(found)

    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        inside = under_lock(change)
        with pytest.raises(KeyboardInterrupt):
            under_lock(Tables().change)
        after = gc.isenabled()
    finally:
        (gc.enable if was else gc.disable)()
    gc.collect()

    assert (after, inside, len(found) > 0) == (enabled, 0, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_child_that_is_forked_in_a_change_collects_its_garbage() -> None:
    """The change is not made to its end there, as its thread does not exist."""
    found: list[bool] = []

    def change() -> None:
        found.append(gc.isenabled())
        lock._after_fork_in_child()
        found.append(gc.isenabled())

    under_lock(change)

    assert (found, gc.isenabled()) == ([False, True], True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_child_that_was_forked_in_a_change_of_its_own_thread_goes_on_with_it() -> None:
    """As by a signal handler: what is not over is not repaired in between."""
    found: list[object] = []

    def change() -> None:
        lock._before_fork()
        lock._after_fork_in_child()
        found.append(lock.lock_state.broken)

    under_lock(change)

    assert (found, lock.lock_state.broken) == ([None], None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_process_may_be_forked_while_another_thread_makes_a_change() -> None:
    """That thread does not exist in the child, which must not wait for it."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    inside, forked = threading.Event(), threading.Event()

    def change() -> None:
        inside.set()
        forked.wait(10)

    thread = threading.Thread(target=under_lock, args=(change,))
    thread.start()
    inside.wait(10)
    with warnings.catch_warnings():
        # From Python 3.12 on, forking with threads is warned of.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - another process; what it finds is its exit code.
        os_signal.alarm(10)
        try:
            signal.connect(receiver)
            os._exit(0 if signal.send() == [(receiver, "r")] else 1)
        finally:
            os._exit(2)
    forked.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_leaves_the_lock_free_on_both_sides() -> None:
    """Whoever forks has the lock for that moment alone."""
    signal, diary = Signal("paid"), Diary()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - another process; what it finds is its exit code.
        signal.connect(diary.receiver("r"))
        os._exit(len(signal.connections))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.connect(diary.receiver("r"))

    assert (status, len(signal.connections)) == (1, 1)
