"""Attaching to processes: who is let in, who is not, and what is said of those that are gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError
from heliograph.inspector.attaching import folder as folders
from heliograph.inspector.attaching import guest as guests
from heliograph.inspector.attaching.asking import Address, ask_all
from heliograph.inspector.attaching.door import Door
from heliograph.inspector.attaching.folder import LONGEST_PATH, Folder
from heliograph.inspector.attaching.locks import Claim
from heliograph.inspector.attaching.messages import PROTOCOL, AttachError, greeting, line_of
from heliograph.inspector.attaching.workers import Workers
from heliograph.inspector.filters import Only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.inspector.attaching.messages import Message

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a private folder that does not exist yet."""
    return tmp_path_factory.mktemp("a") / "f"


def echo(asked: Message) -> Message:
    """Answer with the question."""
    return {"asked": asked}


@contextmanager
def opened(place: Path, **options: Any) -> Iterator[Door]:
    """Open a door for a block."""
    answers = {"echo": echo, **options.pop("answers", {})}
    name = options.pop("name", "shop")
    door = Door(name, Folder(place), answers, lambda: {"process": "1-a"}, **options)
    door.open()
    try:
        yield door
    finally:
        door.close()


def problems(place: Path, patience: float = 5.0) -> list[str | None]:
    """Ask all who are there, and return what has gone wrong."""
    entries = list(Folder(place).entries())
    return [it.problem for it in ask_all(entries, lambda _: {"ask": "echo"}, patience=patience)]


# --- the folder ------------------------------------------------------------------------


def test_the_folder_is_private(place: Path) -> None:
    """It is made for its user alone, and so is the socket in it."""
    with opened(place) as door:
        assert oct(place.stat().st_mode)[-3:] == "700"
        assert door.path == place / f"shop-{os.getpid()}.sock"
        assert oct(door.path.stat().st_mode)[-3:] == "600"
    assert list(place.iterdir()) == []
    assert door.path is None


def test_a_folder_that_others_may_look_into_is_refused(place: Path) -> None:
    """Whoever may write there could lay down a socket of his own."""
    place.mkdir(0o750)

    with pytest.raises(AttachError, match="its mode is 750, not 700"):
        Folder(place).prepare()
    with pytest.raises(AttachError, match="is open to others"):
        list(Folder(place).entries())


def test_a_file_in_the_place_of_the_folder_is_refused(place: Path) -> None:
    """So is a link, which could lead anywhere."""
    place.symlink_to(place.parent)

    with pytest.raises(AttachError, match="is no folder"):
        Folder(place).prepare()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give it away")
def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    """Another user may have made it first."""
    place.mkdir(0o700)
    os.chown(place, 12345, 12345)

    with pytest.raises(AttachError, match="belongs to user 12345, and this is user 0"):
        Folder(place).prepare()


def test_a_folder_that_does_not_exist_has_nobody(place: Path) -> None:
    """That is no error: nobody has started yet."""
    assert list(Folder(place).entries()) == []


def test_other_files_are_nobody(place: Path) -> None:
    """Only what has such a name is taken for a process."""
    place.mkdir(0o700)
    (place / "shop.sock").touch()
    (place / "shop-1.lock").touch()

    assert list(Folder(place).entries()) == []


def test_the_environment_names_the_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then comes the user's folder for such things, and then one in the temporary folder."""
    monkeypatch.setenv("HELIOGRAPH_ATTACH_FOLDER", str(place))
    first = Folder().path
    monkeypatch.delenv("HELIOGRAPH_ATTACH_FOLDER")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.parent))
    second = Folder().path
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(place.parent))

    assert first == place
    assert second == place.parent / "heliograph"
    assert Folder().path == place.parent / f"heliograph-{os.geteuid()}"


def test_a_long_path_gets_a_short_one_that_both_sides_find(place: Path) -> None:
    """The system takes no more than about a hundred bytes."""
    deep = place / ("x" * 90)
    short = Folder(deep).path

    assert short == Folder(deep).path != Folder(place / ("y" * 90)).path
    assert len(os.fsencode(short)) + len("/" + "n" * 32 + "-4194304-99.sock") <= LONGEST_PATH
    assert Folder(place).path == place


@pytest.mark.parametrize("name", ["", "a/b", "-x", "ü", "a" * 33, "a b", 12, None])
def test_a_name_that_is_no_name_of_a_file_is_refused(name: object) -> None:
    """It is part of the socket's name."""
    with pytest.raises(ArgumentError, match="cannot be the name of an application"):
        folders.check_name(name)


def test_the_usual_name_is_that_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as it can be the name of a file."""
    for given, usual in (("my shop", "my_shop"), ("ü", "application")):
        (tmp_path / given).mkdir()
        monkeypatch.chdir(tmp_path / given)
        assert folders.usual_name() == usual
    (tmp_path / "ü").rmdir()
    assert folders.usual_name() == "application"


# --- claims ----------------------------------------------------------------------------


def test_a_claim_is_that_of_one_process(tmp_path: Path) -> None:
    """Another one does not get it until it is released."""
    first = Claim.on(tmp_path / "lock")
    assert first is not None
    assert Claim.on(tmp_path / "lock") is None

    first.release()
    second = Claim.on(tmp_path / "lock")
    assert second is not None
    second.release()


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    """However it ends."""
    lock = tmp_path / "lock"
    program = (
        "import os, sys, time; from pathlib import Path\n"
        "from heliograph.inspector.attaching.locks import Claim\n"
        "claim = Claim.on(Path(sys.argv[1])); print('claimed', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, lock], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as told:
        assert told.readline() == b"claimed\n"
        assert Claim.on(lock) is None
        child.kill()
        child.wait()
    claim = Claim.on(lock)
    assert claim is not None
    claim.release()


def test_a_file_that_is_removed_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise two processes could hold locks of two files of one name."""
    lock, turns = tmp_path / "lock", [0]
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        turns[0] += 1
        if turns[0] == 1:
            lock.unlink()
        if turns[0] == 2:
            lock.unlink()
            lock.touch()
        return real(descriptor)

    monkeypatch.setattr("heliograph.inspector.attaching.locks.os.fstat", fstat)
    claim = Claim.on(lock)

    assert claim is not None
    assert turns[0] == 3
    claim.release()


def test_processes_of_one_number_get_names_of_their_own(place: Path) -> None:
    """Two containers may share a folder, and count their processes by themselves."""
    with opened(place) as first, opened(place) as second:
        assert first.path != second.path
        assert [it.pid for it in Folder(place).entries()] == [os.getpid()] * 2
        assert problems(place) == [None, None]


def test_too_many_of_one_number_are_refused(place: Path) -> None:
    """That is a mistake, and not a reason to search for ever."""
    folder = Folder(place)
    folder.prepare()
    claimed = [folder.claim("shop", ".sock") for _ in range(100)]

    with pytest.raises(AttachError, match="A hundred processes"):
        folder.claim("shop", ".sock")
    for _, claim in claimed:
        claim.release()


# --- who is let in ---------------------------------------------------------------------


@pytest.mark.parametrize("tcp", [False, True])
def test_a_watcher_is_answered(place: Path, tcp: bool) -> None:
    """Through a socket, and through a port with a token that lies in the folder."""
    with opened(place, tcp=tcp):
        [reply] = ask_all(Folder(place).entries(), lambda hello: {"ask": "echo", "to": hello})

    assert (reply.hello, reply.problem) == ({"process": "1-a"}, None)
    assert reply.answer == {"asked": {"ask": "echo", "to": {"process": "1-a"}}}


def test_one_who_knows_port_and_token_needs_no_folder(place: Path) -> None:
    """A tunnel into a container leads to a port."""
    with opened(place, tcp=True) as door:
        assert door.path is not None
        told = json.loads(door.path.read_text())
        [right] = ask_all([Address(**told)], lambda _: {"ask": "echo"})
        wrong = Address(told["port"], "ünknown")
        [refused] = ask_all([wrong], lambda _: {"ask": "echo"})
    [gone] = ask_all([Address(**told)], lambda _: {"ask": "echo"})

    assert right.problem is None
    assert refused.problem == "the token is wrong"
    assert gone.problem == "nothing listens there"
    assert str(wrong) == f"127.0.0.1:{told['port']}"


def test_a_watcher_of_another_version_is_told(place: Path) -> None:
    """It has to be as new as the application."""
    with opened(place) as door, talking(door) as talk:
        assert talk({"heliograph": PROTOCOL + 1}) == {
            "error": "this process speaks version 1 of the protocol, and the watcher another"
        }
        assert talk.closed()


class Talk:
    """A watcher that says what it wants."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")

    def __call__(self, message: Message) -> Any:
        """Say something, and return the answer."""
        self.connection.sendall(line_of(message))
        return json.loads(self._file.readline())

    def closed(self) -> bool:
        """Wait for the end."""
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True


@contextmanager
def talking(door: Door) -> Iterator[Talk]:
    """Connect for a block."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(door.path))
        talk = Talk(connection)
        with talk._file:
            yield talk


def test_questions_are_answered_one_after_the_other(place: Path) -> None:
    """A watcher may stay; what it asks wrongly is told, and it stays all the same."""

    def fail(_: Message) -> Message:
        raise ValueError

    def refuse(_: Message) -> Message:
        msg = "There is no such thing."
        raise ArgumentError(msg)

    with opened(place, answers={"fail": fail, "refuse": refuse}) as door, talking(door) as talk:
        assert talk(greeting(None)) == {"process": "1-a"}
        assert talk({"ask": "echo"}) == {"asked": {"ask": "echo"}}
        assert talk({"ask": "what"}) == {"error": "this process does not know what 'what' is"}
        assert talk({}) == {"error": "this process does not know what None is"}
        assert talk({"ask": "fail"}) == {"error": "it failed with ValueError, as the log says"}
        assert talk({"ask": "refuse"}) == {"error": "There is no such thing."}


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"x" * 70_000, b"", b"[" * 60_000 + b"\n"]
)
def test_who_is_no_watcher_is_sent_away(place: Path, said: bytes) -> None:
    """Others are answered all the same."""
    with opened(place) as door, talking(door) as talk:
        talk.connection.sendall(said)
        talk.connection.shutdown(socket.SHUT_WR)
        assert talk.closed()
        assert problems(place) == [None]


def test_who_says_nothing_is_sent_away(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second."""
    monkeypatch.setattr(guests, "TO_GREET", 0.01)
    with opened(place) as door, talking(door) as talk:
        assert talk.closed()


def test_who_takes_no_answer_is_sent_away(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And keeps nobody else waiting meanwhile."""
    monkeypatch.setattr(guests, "TO_READ", 0.5)
    large = {"large": lambda _: {"text": "x" * 10_000_000}}
    with opened(place, answers=large) as door, talking(door) as talk:
        talk(greeting(None))
        talk.connection.sendall(line_of({"ask": "large"}))
        assert problems(place) == [None]
        time.sleep(2)
        heard = b""
        while part := talk.connection.recv(1_000_000):
            heard += part
        assert len(heard) < 10_000_000


def test_a_large_answer_comes_in_parts(place: Path) -> None:
    """Larger than what a socket takes at a time."""
    with opened(place, answers={"large": lambda _: {"text": "x" * 3_000_000}}):
        [reply] = ask_all(Folder(place).entries(), lambda _: {"ask": "large"})

    assert len(reply.answer["text"]) == 3_000_000


def test_a_watcher_that_goes_away_is_not_noticed(place: Path) -> None:
    """In the middle of an answer, too."""
    with opened(place, answers={"large": lambda _: {"text": "x" * 10_000_000}}) as door:
        for _ in range(3):
            with talking(door) as talk:
                talk(greeting(None))
                talk.connection.sendall(line_of({"ask": "large"}))
                talk.connection.recv(10)
        assert problems(place) == [None]


def let_others_in(place: Path) -> None:
    """Let other users pass the folders above, which are private in tests."""
    for above in place.parents:
        if above.stat().st_mode & 0o005 != 0o005:
            above.chmod(0o755)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes another one")
def test_another_user_is_sent_away(place: Path) -> None:
    """Though he may open the socket: who is at the other end is asked as well."""
    with opened(place) as door:
        assert door.path is not None
        place.chmod(0o755)
        door.path.chmod(0o666)
        let_others_in(place)
        program = (
            "import os, socket, sys; os.setuid(12345)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "try: print(s.recv(100))\n"
            "except ConnectionResetError: print(b'')"
        )
        asked = subprocess.run(
            [sys.executable, "-c", program, str(door.path)], capture_output=True, check=True
        )
    assert asked.stdout == b"b''\n"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes another one")
def test_a_socket_of_another_user_is_not_asked(place: Path) -> None:
    """The watcher looks at who is there, too."""
    place.mkdir(0o777)
    place.chmod(0o777)
    let_others_in(place)
    path = place / "shop-1.sock"
    program = (
        "import os, socket, sys; os.setuid(12345)\n"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "print('up', flush=True); s.accept(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        place.chmod(0o700)
        assert problems(place) == ["user 12345 is there, and not user 0"]


# --- who is gone -----------------------------------------------------------------------


def test_what_a_killed_process_has_left_is_named_and_removed(place: Path) -> None:
    """Its socket is there, and nobody behind it."""
    program = (
        "import sys, time\n"
        "from heliograph.inspector.attaching.door import Door\n"
        "from heliograph.inspector.attaching.folder import Folder\n"
        "Door('shop', Folder(sys.argv[1]), {}, dict).open(); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, place], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as told:
        assert told.readline() == b"up\n"
        child.kill()
        child.wait()

    assert len(list(place.iterdir())) == 2
    assert problems(place) == ["it has ended"]
    assert list(place.iterdir()) == []


def test_what_killed_processes_have_left_is_removed_by_the_next(place: Path) -> None:
    """Only of the same application, and only if its lock tells that it is gone."""
    folder = Folder(place)
    folder.prepare()
    for name in ("shop-7.sock", "shop-7.lock", "shop-8.sock", "kiosk-9.sock", "kiosk-9.lock"):
        (place / name).touch()

    with opened(place) as other, opened(place) as door:
        assert other.path is not None
        assert door.path is not None
        left = {it.name for it in place.glob("*.sock")} - {other.path.name, door.path.name}

    assert left == {"shop-8.sock", "kiosk-9.sock"}


def test_a_process_that_lives_and_does_not_listen_is_named(place: Path) -> None:
    """Its files are its own."""
    folder = Folder(place)
    folder.prepare()
    entry, claim = folder.claim("shop", ".sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(entry.path))

    assert problems(place) == ["it lives, and does not listen any more"]
    assert entry.path.exists()
    claim.release()


@contextmanager
def hung(place: Path, backlog: int = 5) -> Iterator[socket.socket]:
    """Listen, and never answer."""
    place.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "shop-7.sock"))
        listening.listen(backlog)
        yield listening


def test_a_process_that_hangs_is_named_and_the_others_answer(place: Path) -> None:
    """Within the time that a watcher has."""
    with hung(place), opened(place):
        found = problems(place, 0.2)

    assert sorted(map(str, found)) == ["None", "it has not answered for 0.2 s"]


def test_a_process_that_accepts_nobody_is_named(place: Path) -> None:
    """Its queue is full."""
    with hung(place, 0), closing(socket.socket(socket.AF_UNIX)) as first:
        first.connect(str(place / "shop-7.sock"))
        [found] = problems(place, 0.2)

    assert found == "it does not answer, and others wait for it"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"HTTP/1.1 400 Bad Request\n", "What came is no message of Heliograph's: something else "),
        (b"{}\n", "it has closed the connection"),
        (b'{"error": "no"}\n', "no"),
    ],
)
def test_a_process_that_answers_something_else_is_named(
    place: Path, said: bytes, problem: str
) -> None:
    """Somebody else may have taken its place."""
    with hung(place) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        [found] = problems(place)
        thread.join()

    assert str(found).startswith(problem)


def test_a_port_that_is_told_wrongly_is_named(place: Path) -> None:
    """The file may be of something else."""
    place.mkdir(0o700)
    (place / "shop-7.tcp").write_text("x")

    assert problems(place) == [
        "What came is no message of Heliograph's: something else answers there."
    ]


def test_a_child_that_is_forked_does_not_answer_for_its_parent(place: Path) -> None:
    """It closes the copy of the socket: or connecting would succeed when the parent is gone."""
    with opened(place) as door:
        listening = door._listening
        copy = Door("shop", Folder(place), {}, dict)
        assert listening is not None
        assert door._claimed is not None
        entry, claim = door._claimed
        copied = Claim(entry.lock, os.dup(claim._descriptor))
        copy._listening, copy._claimed = listening.dup(), (entry, copied)

        copy.leave()
        Door("shop", Folder(place), {}, dict).leave()

        assert problems(place) == [None]
        assert Claim.on(entry.lock) is None


def test_a_door_that_cannot_be_opened_leaves_nothing(place: Path) -> None:
    """The next attempt finds the folder as it was."""
    folder = Folder(place)
    door = Door("shop", folder, {}, dict)
    folder.path = place / ("x" * 100)

    with pytest.raises(OSError, match=r"too long|No such file"):
        door.open()
    place.mkdir(0o700)
    with pytest.raises(OSError, match="too long"):
        door.open()
    assert [it.name for it in (place / ("x" * 100)).iterdir()] == []


def test_too_many_open_files_are_waited_for(place: Path) -> None:
    """The process needs them for itself: the watcher is let in when there are some again."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with opened(place) as door, socket.socket(socket.AF_UNIX) as connection:
        resource.setrlimit(resource.RLIMIT_NOFILE, (connection.fileno() + 1, hard))
        taken: list[int] = []
        try:
            with suppress(OSError):
                while True:
                    taken.append(os.dup(connection.fileno()))
            connection.connect(str(door.path))
            time.sleep(0.2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for it in taken:
                os.close(it)
        connection.settimeout(5)
        connection.sendall(line_of(greeting(None)))
        assert connection.recv(100) == line_of({"process": "1-a"})


def test_a_thread_that_fails_ends_the_watching_alone(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and whoever watches is sent away."""
    fails: list[BaseException] = []

    def idle() -> None:
        if fails:
            raise fails[0]

    with opened(place, idle=idle) as door, talking(door) as talk:
        talk(greeting(None))
        fails.append(ValueError())
        assert talk.closed()

    assert [it.getMessage() for it in caplog.records] == [
        "Watchers can attach to this process no more."
    ]


def test_a_thread_that_is_too_slow_serves_no_more_when_it_comes_back(place: Path) -> None:
    """Another one has taken its place meanwhile."""
    going, goes_on = threading.Event(), threading.Event()

    def slow(_: Message) -> Message:
        going.set()
        goes_on.wait(5)
        return {}

    with opened(place, answers={"slow": slow}) as door, talking(door) as talk:
        talk(greeting(None))
        talk.connection.sendall(line_of({"ask": "slow"}))
        going.wait(5)
        thread = door._thread
        door.pause(0.01)
        door.resume()
        assert problems(place) == [None]
        goes_on.set()
        assert thread is not None
        thread.join(5)
        assert not thread.is_alive()
        assert problems(place) == [None]


def test_a_door_that_was_never_opened_is_closed() -> None:
    """As one that could not be; and there is nothing to begin again."""
    door = Door("shop", Folder(), {}, dict)
    door.resume()
    door.close()

    assert door.path is None


# --- all together ----------------------------------------------------------------------


def test_several_applications_have_to_be_told_apart(place: Path) -> None:
    """A watcher names the one that it means."""
    with opened(place, name="shop"), opened(place, name="kiosk"):
        with pytest.raises(AttachError, match="name one of kiosk, shop"):
            Workers(folder=Folder(place)).places()
        [entry] = Workers("kiosk", Folder(place)).places()
        assert isinstance(entry, folders.Entry)
        assert entry.name == "kiosk"


def test_an_answer_that_is_none_is_told(place: Path) -> None:
    """It may be another version."""
    with opened(place, answers={"after": lambda _: {"rows": 3}}):
        picture = Workers(folder=Folder(place)).after(None)

    assert picture.gone == {
        str(os.getpid()): "it answers something else than a process of Heliograph's"
    }


def test_filters_travel(place: Path) -> None:
    """The process leaves out what is not wanted, and does not send it."""
    heard: list[Message] = []

    def after(asked: Message) -> Message:
        heard.append(asked)
        return {"rows": [], "columns": {}, "position": 4, "lost": 2}

    only = Only(signal="order-*", slower=0.5)
    with opened(place, answers={"after": after}):
        workers = Workers(folder=Folder(place))
        first = workers.after(None)
        second = workers.after(first.cursor, only=only, requests=False, most=7)
        workers.after({})

    assert (second.cursor, second.lost) == ({"1-a": 4}, {"1-a": 2})
    assert heard == [
        {"ask": "after", "position": -1, "most": 2000, "only": {}, "requests": True},
        {"ask": "after", "position": 4, "most": 7, "only": only.as_dict(), "requests": False},
        {"ask": "after", "position": 0, "most": 2000, "only": {}, "requests": True},
    ]
