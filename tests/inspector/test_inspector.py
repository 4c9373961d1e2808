"""The inspector of a program: what it records and counts, and who may look."""

from __future__ import annotations

import gc
import logging
import multiprocessing.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ArgumentError, Signal, StateError
from heliograph.inspector import inspector as module
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.workers import Workers
from heliograph.inspector.filters import Only
from heliograph.inspector.health import InspectorHealth
from heliograph.inspector.inspector import Inspector
from heliograph.inspector.process import process_name
from heliograph.inspector.seen import SeenEmission
from heliograph.lifecycle import app_started, app_stopping
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_sockets = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")
needs_forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")

paid = Signal("order-paid")


def pack(sender: object, **extra: object) -> None:
    """Receive."""


@pytest.fixture(autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the private folder of a test, in which nobody is yet; it is the usual one."""
    folder = tmp_path_factory.mktemp("a") / "f"
    monkeypatch.setenv("HELIOGRAPH_ATTACH_FOLDER", str(folder))
    monkeypatch.delenv("HELIOGRAPH_ATTACH", raising=False)
    return folder


def names(seen: list[Any]) -> list[str]:
    """Return the signals that were sent."""
    return [it.signal for it in seen if isinstance(it, SeenEmission)]


# --- what it costs and keeps -----------------------------------------------------------


def test_nothing_is_recorded_while_nobody_looks() -> None:
    """Nor counted: no instrument is added by starting it."""
    with Inspector() as inspector:
        paid.send("shop")
        before = inspector.health()
        inspector.seen_after()
        paid.send("shop")

        assert names(inspector.seen_after()[0]) == ["order-paid"]
        assert not before.recording
        assert not before.counting
        assert inspector.health().recording
    assert not inspector.health().recording


def test_who_looks_once_has_it_recorded_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first emission after that ends it."""
    monkeypatch.setattr(module, "LEASE", 0.05)
    with Inspector() as inspector:
        inspector.seen_after()
        time.sleep(0.1)
        paid.send("shop")

        assert not inspector.health().recording
        assert names(inspector.seen_after()[0]) == []


def test_one_that_is_not_started_records_nothing() -> None:
    """Looking at it starts nothing."""
    inspector = Inspector()

    assert inspector.seen_after() == ([], 0, 0)
    assert inspector.counts().signals == ()
    inspector.stop()
    assert inspector.health() == InspectorHealth(
        running=False, recording=False, counting=False, kept=0, attach=None, problem=None
    )
    assert inspector.health().as_dict()["kept"] == 0


def test_looking_from_now_on_leaves_out_what_was() -> None:
    """By the position that is after all others."""
    with Inspector() as inspector:
        inspector.seen_after()
        paid.send("shop")

        assert inspector.seen_after(-1) == ([], 1, 0)
        assert names(inspector.seen_after(0, 1)[0]) == ["order-paid"]


def test_counts_can_be_left_on() -> None:
    """From the start on, whether somebody looks or not."""
    with paid.connected_to(pack), Inspector(counts=True) as inspector:
        paid.send("shop")
        figures = inspector.counts().signal("order-paid")
    assert figures is not None
    assert [(it.receiver, it.count) for it in figures.receivers] == [(f"{__name__}.pack", 1)]


def test_counts_begin_when_somebody_looks() -> None:
    """And again from nothing after a stop."""
    inspector = Inspector()
    with inspector:
        paid.send("shop")
        inspector.counts()
        paid.send("shop")
        assert [it.count for it in inspector.counts().signals] == [1]
    with inspector:
        assert inspector.counts().signals == ()


def test_two_in_one_process_do_not_know_of_each_other() -> None:
    """Each sees what it was asked for."""
    with Inspector() as first, Inspector(values=True) as second:
        first.seen_after()
        paid.send("shop")
        second.seen_after()
        paid.send("shop", total=1)

        assert names(first.seen_after()[0]) == ["order-paid"] * 2
        [seen] = second.seen_after()[0]
        assert isinstance(seen, SeenEmission)
        assert seen.payload == {"total": "1"}


async def test_it_is_an_async_context_manager_too() -> None:
    """As all main objects of wings are."""
    async with Inspector() as inspector:
        assert inspector.start() is inspector
        assert inspector.health().running
    assert not inspector.health().running


@in_a_fresh_process
def test_an_inspector_that_is_dropped_is_freed() -> None:
    """Forks are told to those that live."""
    inspector = Inspector().start()
    inspector.stop()
    kept = ref(inspector)
    del inspector
    gc.collect()

    assert kept() is None


def test_it_follows_an_application() -> None:
    """It starts and stops with it, and with no other."""
    app = object
    inspector = Inspector().follow(app)
    app_started.send(str, lazy=False)
    before = inspector.health().running
    app_started.send(app, lazy=False)
    during = inspector.health().running
    app_stopping.send(str)
    app_stopping.send(app)

    assert (before, during, inspector.health().running) == (False, True, False)


@pytest.mark.parametrize(("ask", "of"), [("seen_after", "recorder"), ("counts", "_metrics")])
def test_whoever_asks_while_it_is_stopped_begins_nothing(
    ask: str, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread may be answering a page when another one stops it."""
    inspector = Inspector().start()
    watches = getattr(inspector, of)
    begin = watches.start

    def begin_late(*given: Any) -> None:
        inspector.stop()
        begin(*given)

    monkeypatch.setattr(watches, "start", begin_late)
    getattr(inspector, ask)()

    health = inspector.health()
    assert (health.running, health.recording, health.counting) == (False, False, False)


def test_nobody_keeps_an_inspector_that_was_stopped() -> None:
    """Neither `atexit` nor `multiprocessing`, either of which would have stopped it in the end."""
    assert multiprocessing.util.__name__ in sys.modules
    inspector = Inspector().start()
    inspector.stop()
    held = ref(inspector)
    del inspector
    gc.collect()

    assert held() is None


# --- who may look ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (None, None),
        ("0", None),
        ("off", None),
        ("", None),
        ("1", "here"),
        ("yes", "here"),
        ("s", "s"),
    ],
)
def test_the_environment_allows_to_attach(
    said: str | None, name: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And what is given in the program comes first."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    if said is not None:
        monkeypatch.setenv("HELIOGRAPH_ATTACH", said)

    assert Inspector().name == name
    assert Inspector(attach=False).name is None
    assert Inspector(attach=True).name == "here"
    assert Inspector(attach="kiosk").name == "kiosk"


def test_a_name_that_is_no_name_is_refused() -> None:
    """Before anything has begun."""
    with pytest.raises(ArgumentError, match="cannot be the name"):
        Inspector(attach="../shop")


def test_nobody_attaches_unless_it_is_allowed(place: Path) -> None:
    """There is no folder and no socket."""
    with Inspector() as inspector:
        assert not place.exists()
        assert not inspector.sees_all_workers
        picture = inspector.picture({})
        paid.send("shop")
        again = inspector.picture(picture.cursor)
    assert names(again.seen) == ["order-paid"]
    assert again.cursor == {process_name(): 1}
    assert [it["pid"] for it in again.processes] == [os.getpid()]


@needs_sockets
def test_a_watcher_sees_what_is_sent() -> None:
    """And counts, health, and a picture of all processes, by what it may ask."""
    with Inspector(attach="shop") as inspector:
        workers = Workers("shop")
        first = workers.after(None)
        paid.send("shop")
        second = workers.after(first.cursor)
        [counts] = workers.ask("counts")
        [health] = workers.ask("health")
        picture = inspector.picture(first.cursor)
        assert inspector.sees_all_workers

    assert names(second.seen) == names(picture.seen) == ["order-paid"]
    assert counts.answer["pid"] == os.getpid()
    assert health.answer["recording"]
    assert health.answer["attach"].endswith(f"shop-{os.getpid()}.sock")
    assert second.gone == {}
    [hello] = second.processes
    assert (hello["process"], hello["name"]) == (process_name(), "shop")
    assert list(Folder().path.iterdir()) == []


@needs_sockets
def test_two_of_one_process_are_told_once() -> None:
    """An operator's, and the program's own: both have seen the same."""
    with Inspector(attach="shop") as first, Inspector(attach="shop"):
        workers = Workers("shop")
        cursor = workers.after(None).cursor
        paid.send("shop")
        picture = workers.after(cursor)

        assert len(workers.places()) == 2
        assert names(picture.seen) == ["order-paid"]
        assert len(picture.processes) == 1
        assert first.start() is first


@needs_sockets
def test_what_is_not_wanted_is_not_sent() -> None:
    """The position goes on all the same."""
    failing = Signal("failing")
    with Inspector(attach="shop"):
        workers = Workers("shop")
        cursor = workers.after(None).cursor
        paid.send("shop")
        failing.send("shop")
        picture = workers.after(cursor, only=Only(signal="fail*"))

    assert names(picture.seen) == ["failing"]
    assert [*picture.cursor.values()] == [2]


@needs_sockets
def test_a_filter_that_is_not_known_is_told() -> None:
    """By the process that does not know it."""
    with Inspector(attach="shop"):
        from heliograph.inspector.attaching.asking import ask_all

        asked = {"ask": "after", "position": 0, "most": 1, "only": {"colour": 1}}
        [reply] = ask_all(Workers("shop").places(), lambda _: asked)

    assert reply.problem is not None
    assert reply.problem.startswith("These are no filters")


@needs_sockets
def test_a_watcher_that_has_gone_leaves_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither recording nor counting goes on."""
    monkeypatch.setattr(module, "LEASE", 0.5)
    with Inspector(attach="shop") as inspector:
        workers = Workers("shop")
        workers.after(None)
        workers.ask("counts")
        begun = inspector.health()
        deadline = time.monotonic() + 60
        while inspector.health().counting and time.monotonic() < deadline:
            time.sleep(0.05)
        paid.send("shop")

        assert begun.counting
        assert not inspector.health().counting
        assert not inspector.health().recording


@needs_sockets
def test_an_application_goes_on_if_nobody_can_attach(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and its health tells it."""
    place.mkdir(0o755)
    with Inspector(attach="shop") as inspector:
        health = inspector.health()
        paid.send("shop")

    assert health.attach is None
    assert "is open to others" in str(health.problem)
    assert [it.getMessage() for it in caplog.records] == [
        f"Nobody can attach to this process: {health.problem}"
    ]


@needs_sockets
def test_an_application_goes_on_if_no_thread_can_be_started(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of the attempt."""

    def refuse(_: object) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Inspector(attach="shop") as inspector:
        assert inspector.health().problem == "can't start new thread"
        assert list(Folder().path.iterdir()) == []
    assert len(caplog.records) == 1


# --- forks -----------------------------------------------------------------------------


def in_a_child(does: Callable[[], object]) -> int:
    """Fork, and do something in the child, which ends with it."""
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage of a child that ends at once is lost.
        try:
            does()
        finally:
            os._exit(0)
    return child


@needs_forks
def test_a_forked_process_has_a_socket_of_its_own() -> None:
    """And a recorder, which is empty, and the parent's is as it was."""
    reading, writing = os.pipe()
    with Inspector(attach="shop", report_on=signal.SIGUSR2) as inspector:
        workers = Workers("shop")
        inspector.seen_after()
        paid.send("shop")

        def send_and_wait() -> None:
            os.close(writing)
            inspector.seen_after()
            paid.send("child")
            os.read(reading, 1)
            inspector.stop()

        child = in_a_child(send_and_wait)
        deadline = time.monotonic() + 60
        while len(names((picture := workers.after({})).seen)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.close(writing)
        os.waitpid(child, 0)
        after = workers.after({})
    os.close(reading)

    assert sorted(it["pid"] for it in picture.processes) == sorted([child, os.getpid()])
    assert [(it.id, it.signal) for it in picture.seen if isinstance(it, SeenEmission)] == [
        (0, "order-paid"),
        (0, "order-paid"),
    ]
    assert len({it.process for it in picture.seen}) == 2
    assert [it["pid"] for it in after.processes] == [os.getpid()]
    assert after.gone == {}


@needs_forks
def test_a_process_that_forks_has_one_thread() -> None:
    """Python warns of forks of processes with several; and they begin again in the parent."""
    told: list[int] = []

    class Forked:
        def before_fork(self) -> None:
            """Do nothing."""

        def after_fork_in_parent(self) -> None:
            told.append(threading.active_count())

        after_fork_in_child = before_fork

    before = threading.active_count()
    with Inspector(attach="shop", report_on=signal.SIGUSR2), Inspector():
        during = threading.active_count()
        reading, writing = os.pipe()
        child = in_a_child(lambda: os.write(writing, b"%d" % threading.active_count()))
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            in_child = int(file.read())
        after = threading.active_count()

    assert (during - before, after - before) == (2, 2)
    assert in_child == 3  # Its main thread, and the two of its own.


# --- the log ---------------------------------------------------------------------------


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was written, without what differs from run to run."""
    found = [it for it in caplog.records if it.name == "heliograph.report"]
    return [it.getMessage().splitlines()[0].partition(": ")[2] for it in found]


def test_the_counts_are_written_when_it_stops(caplog: pytest.LogCaptureFixture) -> None:
    """Once."""
    caplog.set_level(logging.INFO)
    with Inspector(report_at_exit=True) as inspector:
        paid.send("shop")
    inspector.stop()

    assert reports(caplog) == ["1 emissions of 1 signals."]
    assert caplog.records[-1].levelno == logging.INFO


def test_they_are_written_when_an_application_stops(caplog: pytest.LogCaptureFixture) -> None:
    """As some servers kill their workers then; and again only if another one has begun."""
    caplog.set_level(logging.INFO)
    with Inspector(report_at_exit=True):
        paid.send("shop")
        app_stopping.send("app")
    once = reports(caplog)
    caplog.clear()
    with Inspector(report_at_exit=True):
        app_stopping.send("app")
        app_started.send("other app", lazy=False)
    with Inspector():
        app_stopping.send("app")

    assert once == ["1 emissions of 1 signals."]
    assert reports(caplog) == ["0 emissions of 0 signals.", "2 emissions of 2 signals."]


def test_they_are_written_though_nobody_has_set_up_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who has asked for them wants to see them."""
    caplog.set_level(logging.WARNING)
    with Inspector(report_at_exit=True):
        pass

    assert [it.levelno for it in caplog.records] == [logging.WARNING]


@needs_forks
def test_a_signal_makes_it_write(caplog: pytest.LogCaptureFixture) -> None:
    """What the program does at it is done as well, and alone after a stop."""
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: heard.append(number))
    try:
        with Inspector(report_on=signal.SIGUSR2):
            paid.send("shop")
            os.kill(os.getpid(), signal.SIGUSR2)
            deadline = time.monotonic() + 60
            while not reports(caplog) and time.monotonic() < deadline:
                time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, before)

    assert reports(caplog) == ["1 emissions of 1 signals."]
    assert heard == [signal.SIGUSR2] * 2


@needs_forks
def test_a_later_handler_stays(caplog: pytest.LogCaptureFixture) -> None:
    """It is not this one that put it there."""
    before = signal.getsignal(signal.SIGUSR2)
    inspector = Inspector(report_on=signal.SIGUSR2).start()
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    inspector.stop()

    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    signal.signal(signal.SIGUSR2, before)


@needs_forks
def test_a_signal_is_taken_in_the_main_thread() -> None:
    """Python allows it nowhere else; nothing has begun then."""
    inspector, errors = Inspector(report_on=signal.SIGUSR2), list[str]()

    def start() -> None:
        try:
            inspector.start()
        except StateError as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert len(errors) == 1
    assert "main thread" in errors[0]
    assert not inspector.health().running


def test_a_report_that_fails_is_logged_and_the_next_is_written(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread goes on."""
    if sys.platform == "win32":
        pytest.skip("Windows has no such signals")
    inspector = Inspector(report_on=signal.SIGUSR2)
    counts, turns = inspector.counts, [0]

    def fail_first() -> Any:
        turns[0] += 1
        if turns[0] == 1:
            raise ValueError
        return counts()

    monkeypatch.setattr(inspector._reporter, "_counts", fail_first)
    with inspector:
        for wanted in (1, 2):
            os.kill(os.getpid(), signal.SIGUSR2)
            deadline = time.monotonic() + 60
            while len(caplog.records) < wanted and time.monotonic() < deadline:
                time.sleep(0.01)

    assert [it.getMessage().partition(" ")[0] for it in caplog.records] == ["The", "Signals"]


@needs_sockets
def test_a_watcher_can_ask_for_it(caplog: pytest.LogCaptureFixture) -> None:
    """Where signals of the operating system are the server's own."""
    with Inspector(attach="shop", counts=True):
        paid.send("shop")
        [reply] = Workers("shop").ask("report")

    assert reply.answer == {"written": True}
    assert reports(caplog) == ["1 emissions of 1 signals."]


@pytest.mark.parametrize("ends", ["pass", "sys.exit(3)", "raise SystemExit", "Process()"])
def test_the_counts_are_written_when_the_process_ends(ends: str, tmp_path: Path) -> None:
    """Also in a process that `multiprocessing` has started, which ends without `atexit`."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""\
        import multiprocessing, sys
        from heliograph import Signal
        from heliograph.inspector.inspector import Inspector

        def work():
            inspector = Inspector(report_at_exit=True).start()
            Signal("order-paid").send("shop")

        if __name__ == "__main__":
            if {ends!r} == "Process()":
                process = multiprocessing.get_context("spawn").Process(target=work)
                process.start()
                process.join()
            else:
                inspector = Inspector(report_at_exit=True).start()
                Signal("order-paid").send("shop")
                {ends if ends != "Process()" else "pass"}
        """)
    )
    ended = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.stderr.count("1 emissions of 1 signals.") == 1
