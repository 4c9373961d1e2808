"""`heliograph watch`: the signals of a running application, of all of its processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Signal
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.workers import Workers
from heliograph.inspector.inspector import Inspector
from heliograph.inspector.seen import SeenEmission, SeenRequest
from tests.cli.children import (
    HELIOGRAPH,
    child,
    environment,
    heeding_interrupts,
    heliograph,
    without_times,
    write,
)
from tests.cli.servers import awaited, got, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from heliograph.inspector.attaching.workers import Picture

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")

paid, packed, lonely = Signal("order-paid"), Signal("order-packed"), Signal("order-lost")


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a private folder that does not exist yet."""
    return tmp_path_factory.mktemp("a") / "f"


# --- what is shown ---------------------------------------------------------------------


def pack(sender: object, **extra: object) -> None:
    """Send inside of a receiver."""
    for _ in range(3):
        packed.send(sender)


def note(sender: object, **extra: object) -> None:
    """Receive."""


def fail(sender: object, **extra: object) -> None:
    """Raise."""
    msg = "no mail"
    raise ValueError(msg)


def send_some() -> None:
    """Send one of each kind."""
    lonely.send("shop")
    paid.send("shop", total=12)
    with pytest.raises(ValueError, match="no mail"), packed.connected_to(fail):
        packed.send("shop")


@contextmanager
def sending(place: Path, does: Callable[[], object] = send_some, **options: Any) -> Iterator[None]:
    """Let this process be attached to, and send again and again once somebody watches."""
    stop = threading.Event()
    with (
        Inspector(attach="shop", folder=place, **options) as inspector,
        paid.connected_to(pack),
        packed.connected_to(note),
    ):

        def send() -> None:
            while not stop.wait(0.01):
                if inspector.health().recording:
                    does()
                    stop.wait(0.2)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def watched(place: Path, *options: str) -> list[str]:
    """Return the lines that a watcher prints until it has seen what is asked for."""
    ended = heliograph("watch", *options, "--folder", str(place), cwd=place.parent)
    assert (ended.status, ended.err) == (0, "")
    found: list[str] = []
    for line in without_times(ended.out).splitlines():
        # Of a process on a busy machine it is said that it is gone, and that it is there again.
        told = line in found and ("-- attached" in line or '"attached"' in line)
        if "it has not answered for" not in line and not told:
            timeless = re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "TIME", line)
            # What has come in the meantime, and is equal, stands on one line.
            found.append(re.sub(r"^(TIME.*?)  × \d+", r"\1", timeless))
    return found


def test_what_is_sent_stands_with_its_receivers(place: Path) -> None:
    """Inside of what has sent it; equal ones are folded, and errors are shown."""
    here = f"{__name__}."
    with sending(place):
        attached, *lines = watched(place, "--count", "20")

    file = "tests/cli/test_watch.py"
    assert attached == f"-- attached to process {os.getpid()}"
    text = "\n".join(lines)
    assert (
        f"TIME  order-paid (total)  from a str  # ms  {file}:{line_of(send_some, 3)}\n"
        f"    {here}pack  # ms\n"
        f"        order-packed  from a str  × 3  # ms  {file}:{line_of(pack, 3)}\n"
        f"            {here}note  # ms\n"
        f"TIME  order-packed  from a str  # ms  {file}:{line_of(send_some, 5)}\n"
        f"    {here}note  # ms\n"
        f"    {here}fail  # ms  raised ValueError: no mail  {file}:{line_of(fail, 3)}"
    ) in text
    assert "order-lost" not in text


def line_of(function: Any, offset: int) -> int:
    """Return a line of this file, counted from that of a function."""
    return int(function.__code__.co_firstlineno) + offset


def test_what_nobody_hears_is_shown_if_it_is_asked_for(place: Path) -> None:
    """With the reason."""
    with sending(place):
        lines = watched(place, "--unheard", "--signal", "*-lost", "--count", "1")

    # On a busy machine it may be said that something was not seen.
    shown = [it for it in lines if not it.startswith("--")]
    assert [it.partition(" ms")[2].partition("  tests")[0] for it in shown] == ["  no receivers"]


def test_filters_leave_out_the_rest(place: Path) -> None:
    """By signal, sender, receiver, slowness and failure."""
    with sending(place):
        failed = watched(place, "--failed", "--count", "1")
        by_all = watched(
            place,
            *("--signal", "order-p*", "--sender", "STR", "--receiver", "*.pack"),
            *("--slower", "1us", "--count", "1"),
        )
        slow = watched(place, "--slower", "10s", "--for", "500ms")

    assert [it.split()[1] for it in failed if it.startswith("TIME")] == ["order-packed"]
    assert [it.split()[1] for it in by_all if it.startswith("TIME")] == ["order-paid"]
    assert len(slow) == 1


def test_values_are_shown_if_the_application_tells_them(place: Path) -> None:
    """Secrets are not."""
    with sending(place, lambda: paid.send("shop", total=12, cookie="abc"), values=True):
        lines = watched(place, "--signal", "order-paid", "--count", "1")

    assert lines[1].startswith("TIME  order-paid (total=12, cookie=[redacted])  from a str")


def test_programs_get_lines_of_json(place: Path) -> None:
    """Each says of what kind it is."""
    with sending(place):
        lines = watched(place, "--json", "--signal", "order-paid", "--count", "1")

    attached, *others = map(json.loads, lines)
    # On a busy machine it may be said that something was not seen.
    seen = next(it for it in others if "signal" in it)
    assert attached == {"kind": "attached", "process": seen["process"]}
    assert (seen["kind"], seen["signal"], seen["payload"]) == (
        "emission",
        "order-paid",
        {"total": None},
    )
    assert SeenEmission.from_dict(seen).deliveries[0].receiver == f"{__name__}.pack"


def test_muted_signals_are_said(place: Path) -> None:
    """They reach nobody, on purpose."""

    def send_muted() -> None:
        with paid.muted():
            paid.send("shop")

    with sending(place, send_muted):
        lines = watched(place, "--unheard", "--count", "1")

    assert lines[1].partition(" ms")[2].startswith("  muted")


def test_what_came_too_fast_is_counted(place: Path) -> None:
    """The room of the application is bounded, and it does not wait for its watcher."""

    def send_many() -> None:
        for _ in range(50):
            lonely.send("shop")

    with sending(place, send_many, max_emissions=10):
        lines = watched(place, "--unheard", "--count", "30")
        told = watched(place, "--unheard", "--json", "--for", "1s")

    said = rf"-- \d+ emissions of process {os.getpid()} were lost: they came too fast"
    assert [it for it in lines if re.fullmatch(said, it)]
    counts = [it["count"] for it in map(json.loads, told) if it["kind"] == "lost"]
    assert min(counts) >= 40


def test_an_emission_waits_for_the_one_that_it_was_sent_in(place: Path) -> None:
    """But not for ever: what takes long is shown before it has ended."""
    ended = threading.Event()

    def wait(sender: object) -> None:
        packed.send(sender)
        ended.wait(3)

    def send_long() -> None:
        with lonely.connected_to(wait):
            lonely.send("shop")

    with sending(place, send_long):
        lines = watched(place, "--count", "1")
        ended.set()

    assert lines[1].startswith("TIME  order-packed")


def test_a_port_is_attached_to_with_its_token(place: Path) -> None:
    """As through a tunnel; without the token nothing begins."""
    with sending(place, tcp=True):
        [file] = place.glob("*.tcp")
        told = json.loads(file.read_text())
        port = ("--port", str(told["port"]))
        right = watched(place, *port, "--token", told["token"], "--count", "1")
        wrong = heliograph("watch", *port, "--token", "x", cwd=place)
        without = heliograph("watch", *port, cwd=place)
        by_environment = heliograph(
            "watch", *port, "--for", "0s", cwd=place, HELIOGRAPH_TOKEN=told["token"]
        )

    assert len(right) > 1
    assert wrong.status == 1
    assert f"process 127.0.0.1:{told['port']}: the token is wrong." in wrong.err
    assert without.status == 2
    assert "--port needs --token" in without.err
    assert by_environment.status == 0


# --- nobody is there -------------------------------------------------------------------


def test_nobody_to_attach_to_is_said_with_what_to_do(place: Path) -> None:
    """And where it has looked."""
    ended = heliograph("watch", "shop", "--folder", str(place), cwd=place.parent)

    assert ended.status == 1
    assert f"There is no application called 'shop' to attach to in '{place}'" in ended.err
    assert "HELIOGRAPH_ATTACH=1" in ended.err


def test_several_applications_have_to_be_told_apart(place: Path) -> None:
    """By their names, which are listed."""
    with sending(place), Inspector(attach="kiosk", folder=place):
        ended = heliograph("watch", "--folder", str(place), cwd=place.parent)
        one = watched(place, "shop", "--count", "1")

    assert ended.status == 2
    assert "There are several applications: name one of kiosk, shop." in ended.err
    assert len(one) > 1


def test_a_folder_that_is_not_private_is_refused(place: Path) -> None:
    """Somebody else could answer there."""
    place.mkdir(0o755)
    ended = heliograph("watch", "--folder", str(place), cwd=place.parent)

    assert ended.status == 1
    assert "is open to others: its mode is 755, not 700" in ended.err


def test_a_process_that_has_ended_is_not_waited_for(place: Path) -> None:
    """What it has left is removed."""
    left = (
        "import os, signal\n"
        "from heliograph.inspector.inspector import Inspector\n"
        "inspector = Inspector(attach='shop').start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = child(
        sys.executable, "-c", left, cwd=place.parent, HELIOGRAPH_ATTACH_FOLDER=str(place)
    )
    ended = heliograph("watch", "--folder", str(place), cwd=place.parent)

    assert killed.status == -signal.SIGKILL
    assert ended.status == 1
    assert re.search(r"No process can be attached to. process \d+: it has ended", ended.err)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("text", ["long", "5 m", "", "-1s"])
def test_a_duration_that_is_none_is_refused(place: Path, text: str) -> None:
    """With examples of some."""
    ended = heliograph("watch", f"--slower={text}", cwd=place.parent)

    assert ended.status == 2
    assert "write 5ms, 1.5s or 200us" in ended.err


# --- whole applications ----------------------------------------------------------------

WSGI = """
    from heliograph import Signal
    from heliograph.lifecycle.wsgi import Middleware
    paid = Signal("order-paid")
    def note(sender, **extra): pass
    paid.connect(note)
    def answer(environ, start_response):
        paid.send("shop")
        start_response("200 OK", [("Content-Length", "2"), ("Connection", "close")])
        return [b"ok"]
    app = Middleware(answer)
"""

ASGI = """
    from heliograph import Signal
    from heliograph.lifecycle.asgi import Middleware
    paid = Signal("order-paid")
    def note(sender, **extra): pass
    paid.connect(note)
    async def answer(scope, receive, send):
        assert scope["type"] == "http"
        await paid.send_async("shop")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
    app = Middleware(answer)
"""

GUNICORN = ("gunicorn", "shop:app", "--bind", "127.0.0.1:0", "--workers", "4")
SERVERS = {
    "gunicorn": GUNICORN,
    "gunicorn, preloaded": (*GUNICORN, "--preload"),
    "gunicorn with threads": (*GUNICORN, "--worker-class", "gthread", "--threads", "2"),
    "uvicorn": ("uvicorn", "shop:app", "--port", "0", "--workers", "2"),
}


@contextmanager
def running(server: str, folder: Path, place: Path) -> Iterator[str]:
    """Serve an application that an operator allows to attach to; give its address."""
    write(folder / "shop.py", ASGI if server == "uvicorn" else WSGI)
    allowed = {"HELIOGRAPH_ATTACH": "shop", "HELIOGRAPH_ATTACH_FOLDER": str(place)}
    with served(*SERVERS[server], cwd=folder, **allowed) as address:
        yield address


def sent_by(picture: Picture) -> list[int]:
    """Return which process has sent each emission of the application's own signal."""
    return [
        int(it.process.partition("-")[0])
        for it in picture.seen
        if isinstance(it, SeenEmission) and it.signal == "order-paid"
    ]


def answers(address: str) -> bool:
    """Tell whether it listens: uvicorn says its address before its workers do."""
    try:
        return got(address) == "ok"
    except OSError:
        return False


@pytest.mark.parametrize("server", SERVERS)
def test_all_workers_are_one_picture(server: str, tmp_path: Path, place: Path) -> None:
    """Each request is seen once, whichever worker has answered it; nothing is left behind."""
    workers, log = Workers("shop", Folder(place)), tmp_path / "server.log"
    with running(server, tmp_path, place) as address:
        # The master is one of them: it has no requests.
        there = 3 if server == "uvicorn" else 5
        awaited(lambda: len(workers.places()) >= there, log)
        awaited(lambda: not workers.after(None).gone, log)
        awaited(lambda: answers(address), log)
        cursor, sent, requests = workers.after(None).cursor, list[int](), set[str]()
        rounds = 0
        # An idle worker of uvicorn may leave all of them to the other one.
        while len(set(sent)) < 2 and rounds < 50:
            rounds += 1
            with ThreadPoolExecutor(8) as pool:
                assert set(pool.map(got, [address] * 40)) == {"ok"}
            picture = workers.after(cursor)
            cursor = picture.cursor
            sent += sent_by(picture)
            begun = (it for it in picture.seen if isinstance(it, SeenRequest) and not it.duration)
            requests |= {it.id for it in begun}
        again = workers.after(cursor)

    assert len(set(sent)) > 1
    assert len(sent) == len(requests) == 40 * rounds
    assert sent_by(again) == []
    assert (picture.lost, picture.gone) == ({}, {})
    # uvicorn kills its workers in the end: who looks when they are dead removes what is left.
    awaited(lambda: not workers.after(None).processes and not list(place.iterdir()), log)


def test_a_worker_that_hangs_or_is_killed_is_named(tmp_path: Path, place: Path) -> None:
    """Within a second, and the others go on; the one that takes its place is attached to."""
    workers, log = Workers("shop", Folder(place)), tmp_path / "server.log"
    with running("gunicorn", tmp_path, place):
        awaited(lambda: len(workers.places()) == 5, log)
        awaited(lambda: not workers.after(None).gone, log)
        picture = workers.after(None)
        by_start = sorted(picture.processes, key=lambda it: float(it["started"]))
        hung, killed = (int(it["pid"]) for it in by_start[-2:])
        os.kill(hung, signal.SIGSTOP)
        command = [HELIOGRAPH, "watch", "--json", "--for", "6s", "--folder", str(place)]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE
        ) as watcher:
            assert watcher.stdout is not None
            first = json.loads(watcher.stdout.readline())
            os.kill(killed, signal.SIGKILL)
            told = [first, *map(json.loads, watcher.stdout)]
        os.kill(hung, signal.SIGCONT)

    gone = {it["process"].partition("-")[0]: it["why"] for it in told if it["kind"] == "gone"}
    attached = {it["process"].partition("-")[0] for it in told if it["kind"] == "attached"}
    assert gone[str(hung)] == "it has not answered for 1 s"
    assert gone[str(killed)] == "it has ended"
    assert len(attached) == 5  # Without the one that hangs, and with one that is new.


def test_a_watcher_that_goes_away_is_not_noticed(tmp_path: Path, place: Path) -> None:
    """Neither by a closed pipe nor by Ctrl-C; the application answers, and records no more."""
    workers, log = Workers("shop", Folder(place)), tmp_path / "server.log"
    watch = [HELIOGRAPH, "watch", "--unheard", "--folder", str(place)]
    command = heeding_interrupts(*watch)
    with running("gunicorn", tmp_path, place) as address:
        awaited(lambda: len(workers.places()) == 5, log)
        watchers = [
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        for it in watchers:
            assert it.stdout is not None
            it.stdout.readline()
        stopped, cut_off = watchers
        stopped.send_signal(signal.SIGINT)
        cut_off.stdout.close()  # type: ignore[union-attr]  # It was checked just now.
        deadline = time.monotonic() + 60
        while cut_off.poll() is None and time.monotonic() < deadline:
            assert got(address) == "ok"
        left = stopped.communicate(timeout=30)
        errors = cut_off.stderr.read() if cut_off.stderr else b""
        cut_off.stderr.close()  # type: ignore[union-attr]  # As above.

    assert (stopped.returncode, left[1]) == (0, b"")
    assert cut_off.returncode in (0, 1)
    assert errors == b""
    assert "Traceback" not in log.read_text()


# --- heliograph run --------------------------------------------------------------------


def test_an_operator_allows_it_without_a_line_of_code(tmp_path: Path, place: Path) -> None:
    """By the environment of `heliograph run`; without it nothing is opened."""
    tell = "import os; print(os.listdir(os.environ['HELIOGRAPH_ATTACH_FOLDER']))"
    run = ("run", "python", "-c", tell)
    place.mkdir(0o700)
    folder = {"HELIOGRAPH_ATTACH_FOLDER": str(place)}
    off = heliograph(*run, cwd=tmp_path, HELIOGRAPH_ATTACH="0", **folder)
    on = heliograph(*run, cwd=tmp_path, HELIOGRAPH_ATTACH="kiosk", **folder)

    assert (off.out, off.err) == ("[]\n", "")
    assert re.fullmatch(r"\['kiosk-\d+\.(lock|sock)', 'kiosk-\d+\.(lock|sock)'\]\n", on.out)
    assert on.err == ""
    assert list(place.iterdir()) == []


def test_a_name_that_is_none_keeps_no_program_from_running(tmp_path: Path) -> None:
    """It is told, and the program runs."""
    ended = heliograph("run", "python", "-c", "print(1)", cwd=tmp_path, HELIOGRAPH_ATTACH="../x")

    assert (ended.status, ended.out) == (0, "1\n")
    assert ended.err.startswith("heliograph run: nobody can attach to this process: '../x' cannot")
