"""Other threads wait while Blinker is being replaced, at a place where none is half-way through."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from threading import Event, Thread
from traceback import format_exception
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.blinker.alone import _TRIES, alone
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@pytest.fixture
def another() -> Iterator[Thread]:
    """Run another thread, which waits."""
    done = Event()
    thread = Thread(target=done.wait)
    thread.start()
    yield thread
    done.set()
    thread.join()


def _settings() -> tuple[float, bool]:
    return sys.getswitchinterval(), gc.isenabled()


@pytest.mark.parametrize("collects", [True, False])
def test_others_get_no_turn_and_no_finalizer_runs_meanwhile(
    another: Thread, *, collects: bool
) -> None:
    """Afterwards everything is as it was, also if the block raised."""
    before = sys.getswitchinterval()
    if not collects:
        gc.disable()
    try:
        with suppress(LookupError), alone(lambda frame: False):
            inside = _settings()
            raise LookupError
        after = _settings()
    finally:
        gc.enable()

    assert inside == (0.25, False)
    assert after == (before, collects)


def test_who_is_half_way_through_gets_on_first(another: Thread) -> None:
    """It is asked for by frame, of all threads but this one."""
    asked: list[FrameType] = []

    def half_way(frame: FrameType) -> bool:
        asked.append(frame)
        return len(asked) == 1

    with alone(half_way):
        pass

    assert len(asked) > 1
    assert not any(frame.f_code is half_way.__code__ for frame in asked)
    assert {frame.f_code.co_name for frame in asked} >= {"wait", "run"}


def test_nobody_is_waited_for_for_ever(another: Thread) -> None:
    """It may wait for this very thread."""
    tries = set[int]()

    def half_way(frame: FrameType) -> bool:
        tries.add(len(tries))
        return True

    with alone(half_way):
        pass

    assert len(tries) == _TRIES


@in_a_fresh_process
def test_a_thread_alone_waits_for_nobody() -> None:
    """As nearly always, since Heliograph is installed before all else."""
    before = _settings()
    with alone(lambda frame: True):
        inside = _settings()

    assert inside == before


class Busy:
    """Threads that send and connect as often as they can, and note what they miss."""

    def __init__(self, namespace: Any) -> None:
        self.namespace = namespace
        self.signal = namespace().signal("saved")
        self.signal.connect(self.hear)
        self.missed: list[str] = []
        self.errors: list[BaseException] = []
        self.turns = {"a": 0, "b": 0, "c": 0, "d": 0}
        self.stopped = Event()

    def hear(self, sender: object, **payload: object) -> str:
        """Return what is always heard."""
        return "heard"

    def look_for(self, word: str, sender: str) -> None:
        """Send, and note if that is not heard."""
        if word not in [value for _, value in self.signal.send(sender)]:
            self.missed.append(f"{word} of {sender}")

    def connect(self, name: str) -> None:
        """Connect for a while, then for good, and disconnect."""

        def receive(sender: object, **payload: object) -> str:
            return name

        with self.signal.connected_to(receive, sender=name):
            self.look_for(name, name)
        self.signal.connect(receive, sender=name)
        self.look_for(name, name)
        # For all senders, Blinker fails while another thread connects for a new one.
        self.signal.disconnect(receive, sender=name)
        self.namespace().signal(name)

    def go_on(self, name: str) -> None:
        """Do so until it is over."""
        try:
            while not self.stopped.is_set():
                self.look_for("heard", name)
                if name in "cd":
                    self.connect(name)
                self.turns[name] += 1
        except BaseException as error:  # noqa: BLE001 - looked at in the end.
            self.errors.append(error)

    def wait(self) -> None:
        """Wait until each of them has had some turns more."""
        wanted = {name: turns + 10 for name, turns in self.turns.items()}
        while not self.errors and any(self.turns[it] < wanted[it] for it in wanted):
            self.stopped.wait(0.001)


@in_a_fresh_process
def test_whoever_sends_or_connects_meanwhile_finds_one_engine_or_the_other() -> None:
    """No send fails, no connection is missed, and no temporary one stays."""
    from blinker import Namespace

    from heliograph.blinker import install

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return  # There it has to be called before threads start.
    sys.setswitchinterval(1e-5)
    busy = Busy(Namespace)
    threads = [Thread(target=busy.go_on, args=(name,), daemon=True) for name in busy.turns]
    for thread in threads:
        thread.start()
    busy.wait()
    install()
    busy.wait()
    busy.stopped.set()
    for thread in threads:
        thread.join()

    assert (["".join(format_exception(it)) for it in busy.errors], busy.missed) == ([], [])
    assert [value for _, value in busy.signal.send("c")] == ["heard"]
