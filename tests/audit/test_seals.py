"""Seals: what they prove, and what may be taken out of a trail without breaking them."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph import ArgumentError, Signal
from heliograph.audit import Anchor, Key, Problem, Trail, TrailError, read_anchors
from heliograph.audit.anchoring import publisher
from heliograph.audit.keeping import ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = Key("2026", b"a secret of sixteen bytes or more")


@pytest.fixture
def paid() -> Signal:
    """Give a signal."""
    return Signal("paid")


KEY_ELSEWHERE = Key("2026", b"a secret that is long enough")


@pytest.fixture
def trail(url: str, paid: Signal) -> Iterator[Trail]:
    """Give an open trail that records the signal."""
    with Trail(url, key=KEY) as made:
        made.record(paid, actor="user", target=("order", "n"))
        yield made


@pytest.fixture
def file(tmp_path: Path, paid: Signal) -> Iterator[tuple[Trail, Path]]:
    """Give an open trail in a file, and the file."""
    path = tmp_path / "trail.db"
    with Trail(f"sqlite:///{path}", key=KEY) as made:
        made.record(paid, actor="user", target=("order", "n"))
        yield made, path


def fill(trail: Trail, paid: Signal, several: int, most: int = 3) -> None:
    """Send so many times, and seal in batches."""
    for n in range(several):
        paid.send("shop", n=n, user="ada" if n % 2 else "bob")
    trail.seal(most)


def behind_its_back(path: Path, *statements: str) -> None:
    """Change a file as somebody can who may write to it."""
    connection = sqlite3.connect(path)
    for trigger in ("entry_insert", "entry_update", "entry_delete", "seal_insert", "seal_update",
                    "seal_delete"):  # fmt: skip
        connection.execute(f"DROP TRIGGER IF EXISTS audit_{trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_sealed_trail_holds(trail: Trail, paid: Signal) -> None:
    """Seals follow one another, and what came after them is not sealed yet."""
    fill(trail, paid, 7)
    paid.send("shop", n=8, user="ada")
    verdict = trail.verify()

    assert verdict.holds
    assert (verdict.assurance, verdict.seals, verdict.entries, verdict.unsealed) == (
        "keyed", 3, 8, 1,
    )  # fmt: skip
    assert trail.seal() != []
    assert trail.seal() == []


def test_a_trail_without_seals_proves_nothing(trail: Trail) -> None:
    """It says so."""
    assert trail.verify().assurance == "none"


def test_without_a_key_a_chain_proves_less(url: str, paid: Signal) -> None:
    """Whoever can write to the trail can make it again."""
    with Trail(url) as trail:
        trail.record(paid)
        fill(trail, paid, 4)

        assert trail.verify().assurance == "chain"
        assert trail.verify(keys=[KEY]).problems == (
            Problem(1, None, "it is not signed"), Problem(2, None, "it is not signed"),
        )  # fmt: skip


FALSE_NOTE = """
    INSERT INTO audit_entry SELECT 99, 'x', occurred_at, recorded_at, 'trail.erased', action,
    outcome, reason, actor_type, actor_id, on_behalf_of, target_type, target_id, tenant,
    request_id, method, route, job, trace_id, span_id, service, host, pid, source, notes,
    '{"payload":{"numbers":"1-x"}}', data_salt, data_digest, digest, NULL
    FROM audit_entry WHERE seq = 1
"""


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        (
            "UPDATE audit_entry SET data = '{\"payload\":{}}' WHERE seq = 2",
            [Problem(1, 2, "its content was changed")],
        ),
        (
            "UPDATE audit_entry SET actor_id = 'eve' WHERE seq = 5",
            [Problem(2, 5, "its header was changed")],
        ),
        (
            "DELETE FROM audit_entry WHERE seq = 5",
            [Problem(2, None, "it has 2 entries, and 3 were sealed")],
        ),
        (
            "UPDATE audit_entry SET digest = data_digest WHERE seq = 1",
            [
                Problem(1, 1, "its header was changed"),
                Problem(1, None, "its root is not that of its entries"),
            ],
        ),
        (
            "DELETE FROM audit_seal WHERE id = 1",
            [Problem(1, None, "seal 1 is missing")],
        ),
        (
            "UPDATE audit_seal SET previous = zeroblob(32) WHERE id = 2",
            [
                Problem(2, None, "it does not follow the seal before it"),
                Problem(2, None, "its root is not that of its entries"),
            ],
        ),
        (
            "UPDATE audit_seal SET signature = zeroblob(32) WHERE id = 2",
            [Problem(2, None, "its signature is not that of the key '2026'")],
        ),
        (
            "UPDATE audit_seal SET sealed_at = 0 WHERE id = 2",
            [Problem(2, None, "its root is not that of its entries")],
        ),
        (
            "UPDATE audit_entry SET data = NULL WHERE seq = 2",
            [Problem(1, 2, "its content was erased, and no entry tells of it")],
        ),
        (
            "UPDATE audit_seal SET pruned_at = 1 WHERE id = 1",
            [Problem(1, None, "its entries were removed, and no entry tells of it")],
        ),
        (
            FALSE_NOTE,
            [
                Problem(None, 99, "its content was changed"),
                Problem(None, 99, "its header was changed"),
            ],
        ),
    ],
    ids=[
        "content",
        "header",
        "entry deleted",
        "digest",
        "seal deleted",
        "chain",
        "signature",
        "time of a seal",
        "erased",
        "pruned",
        "false note",
    ],
)
def test_what_was_changed_is_found(
    statement: str, problems: list[Problem], file: tuple[Trail, Path], paid: Signal
) -> None:
    """And named, with its place."""
    trail, path = file
    fill(trail, paid, 6)
    behind_its_back(path, statement)

    assert [*trail.verify().problems] == problems


def test_a_batch_that_was_cut_off_is_found_by_an_anchor(
    file: tuple[Trail, Path], paid: Signal, tmp_path: Path
) -> None:
    """The chain alone cannot know that it was longer."""
    trail, path = file
    anchors = tmp_path / "anchors"
    trail._publish.append(publisher(str(anchors)))
    fill(trail, paid, 6)
    assert trail.verify(anchors=read_anchors(str(anchors))).assurance == "anchored"
    behind_its_back(
        path, "DELETE FROM audit_entry WHERE seq > 3", "DELETE FROM audit_seal WHERE id = 2"
    )

    assert trail.verify().holds
    assert [*trail.verify(anchors=read_anchors(str(anchors))).problems] == [
        Problem(2, None, "seal 2 was published, and is not there: the end was cut off")
    ]


def test_a_trail_that_was_made_again_is_found_by_an_anchor(trail: Trail, paid: Signal) -> None:
    """Its roots are others."""
    fill(trail, paid, 3)
    [problem] = trail.verify(anchors=[Anchor(1, "00" * 32, 3, 0)]).problems

    assert problem == Problem(1, None, "its root is not the one that was published")


def test_a_key_that_is_not_there_proves_less(file: tuple[Trail, Path], paid: Signal) -> None:
    """It is not taken for a forgery."""
    trail, path = file
    fill(trail, paid, 3)
    with Trail(f"sqlite:///{path}", key=Key("2027", b"another secret of that length")) as other:
        verdict = other.verify()
        assert (verdict.holds, verdict.assurance) == (True, "chain")
        assert other.verify(keys=[KEY]).assurance == "keyed"


def test_a_signed_chain_is_not_continued_without_a_key(url: str, paid: Signal) -> None:
    """It would not hold from then on, for whoever has the key."""
    with Trail(url, key=KEY) as trail:
        trail.record(paid)
        fill(trail, paid, 1)
    with Trail(url) as trail:
        paid.send("shop", n=2)
        trail.record(paid)
        paid.send("shop", n=3)
        with pytest.raises(TrailError, match=r"are signed with the key '2026', and one without"):
            trail.seal()


def test_erasing_keeps_the_seals(trail: Trail, paid: Signal) -> None:
    """What entries tell is gone, with its salt; that it was done is an entry itself."""
    fill(trail, paid, 6)
    assert trail.erase("ada", reason="asked for it") == 3
    verdict = trail.verify()

    assert (verdict.holds, verdict.erased) == (True, 3)
    assert [it.data for it in trail.find(actor="ada")] == [None] * 3
    [note] = trail.find(action="trail.erased")
    assert (note.header["reason"], note.data) == (
        "asked for it",
        {"payload": {"entries": 3, "numbers": "2,4,6"}},
    )
    assert trail.erase("ada", reason="again") == 0
    trail.erase("bob", reason="likewise")
    assert trail.find(action="trail.erased")[0].data == {
        "payload": {"entries": 3, "numbers": "1,3,5"}
    }
    assert trail.verify().holds


def test_numbers_that_follow_one_another_are_told_in_short() -> None:
    """An erasure of many entries is one short text."""
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3,7,9-10"
    assert ranges([]) == ""


def test_an_erasure_of_neighbours_is_told(trail: Trail, paid: Signal) -> None:
    """And verification knows each of them."""
    for n in range(3):
        paid.send("shop", n=n, user="ada")
    trail.seal()
    trail.erase("ada", reason="asked for it")

    assert trail.find(action="trail.erased")[0].data == {
        "payload": {"entries": 3, "numbers": "1-3"}
    }
    assert trail.verify().holds


def test_retention_removes_whole_sealed_batches(trail: Trail, paid: Signal) -> None:
    """The seals stay, and prove that there was something; what is not sealed stays too."""
    fill(trail, paid, 6)
    paid.send("shop", n=7, user="ada")
    middle = trail.find(target="order:3")[0].header["occurred_at"]
    assert trail.prune(middle) == 3
    verdict = trail.verify()

    assert (verdict.holds, verdict.pruned, verdict.seals) == (True, 3, 2)
    assert [it.header["target_id"] for it in trail.find(signal="paid", newest_first=False)] == [
        "3", "4", "5", "7",
    ]  # fmt: skip
    [note] = trail.find(action="trail.pruned")
    assert note.data == {"payload": {"seals": 1, "up_to": 1, "entries": 3, "before": middle}}


def test_retention_goes_on_where_it_has_ended(trail: Trail, paid: Signal) -> None:
    """What tells of an erasure is removed no sooner than what was erased."""
    fill(trail, paid, 6)
    trail.erase("ada", reason="asked for it")
    trail.seal()
    for several in (7, 0):
        assert trail.prune(2 * trail.find()[0].header["occurred_at"]) == several
        assert trail.verify().holds
    assert trail.find(action="trail.pruned")[0].data["payload"]["up_to"] == 3  # type: ignore[index]  # It is not erased.


def test_two_who_seal_at_once_make_one_chain(url: str, paid: Signal) -> None:
    """The database lets one after the other."""
    with Trail(url) as one, Trail(url) as two:
        one.record(paid)
        for n in range(60):
            paid.send("shop", n=n)
        threads = [threading.Thread(target=it.seal, args=(2,)) for it in (one, two)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()

        verdict = one.verify()
        assert (verdict.holds, verdict.entries, verdict.unsealed) == (True, 60, 0)


def test_who_reads_keeps_nobody_waiting(trail: Trail, paid: Signal) -> None:
    """While a trail is verified others read it, and write to it."""
    fill(trail, paid, 4, 2)
    found: list[int] = []

    def look() -> None:
        paid.send("shop", n=9, user="ada")
        found.append(len(trail.find()))

    def meanwhile(_: int) -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert trail.verify(progress=meanwhile).holds
    assert found[0] == 5


def test_another_process_verifies_it(file: tuple[Trail, Path], paid: Signal) -> None:
    """The bytes depend on no process."""
    trail, path = file
    fill(trail, paid, 3)
    program = (
        "from heliograph.audit import Key, Trail\n"
        f"with Trail('sqlite:///{path}', key=Key({KEY.id!r}, {KEY.secret!r})) as trail:\n"
        "    print(trail.verify().assurance, trail.verify().holds)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "keyed True\n"


def test_a_seal_of_another_python_verifies_here(tmp_path: Path) -> None:
    """These rows were made and sealed by CPython 3.13; one letter more, and it is seen."""
    path = tmp_path / "trail.db"
    rows = (Path(__file__).parent / "sealed_elsewhere.sql").read_text()
    with Trail(f"sqlite:///{path}", key=KEY_ELSEWHERE) as trail:
        connection = sqlite3.connect(path)
        connection.executescript(rows)
        verdict = trail.verify()
        assert (verdict.holds, verdict.assurance, verdict.seals, verdict.entries) == (
            True, "keyed", 2, 6,
        )  # fmt: skip
        behind_its_back(path, "UPDATE audit_entry SET data = replace(data, 'Z', 'z') WHERE seq = 4")
        assert trail.verify().problems == (Problem(2, 4, "its content was changed"),)
        connection.close()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9)
    | st.decimals() | st.dates() | st.datetimes() | st.uuids(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.unmeasured
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from("abcde"), VALUES), min_size=1, max_size=5))
def test_any_payload_is_read_as_it_was_digested(
    trail: Trail, paid: Signal, payloads: list[dict[str, Any]]
) -> None:
    """On both databases: what is stored has the bytes that the digest is over."""
    for payload in payloads:
        paid.send("shop", **payload)
    trail.seal()

    assert trail.verify().problems == ()
    assert len(trail.find(limit=len(payloads))) == len(payloads)


def test_seals_are_published_to_the_log(
    url: str, paid: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    """On a logger of its own."""
    caplog.set_level(logging.INFO, "heliograph.trail")
    with Trail(url, anchors=["log"]) as trail:
        trail.record(paid)
        fill(trail, paid, 1)

    [record] = [it for it in caplog.records if it.name == "heliograph.trail"]
    assert json.loads(record.getMessage().partition(": ")[2])["seal"] == 1


def test_seals_are_published_to_a_webhook(url: str, paid: Signal) -> None:
    """As JSON."""
    received: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        """Keeps what it is sent."""

        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there.
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Trail(url, anchors=[f"http://127.0.0.1:{server.server_port}/"]) as trail:
            trail.record(paid)
            paid.send("shop", n=1)
            [seal] = trail.seal()
    finally:
        server.shutdown()
        server.server_close()

    assert [it["root"] for it in received] == [seal.root.hex()]


@pytest.mark.parametrize("content", ["no anchor\n", '{"seal": 1}\n', None])
def test_a_file_without_anchors_is_refused(content: str | None, tmp_path: Path) -> None:
    """It could be taken for a proof."""
    path = tmp_path / "anchors"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ArgumentError, match=r"cannot be read|is no file of anchors"):
        read_anchors(str(path))


def test_a_key_is_not_shown() -> None:
    """Nor logged by mistake."""
    assert repr(KEY) == "Key(id='2026')"


def test_entries_are_found(trail: Trail, paid: Signal) -> None:
    """By signal, action, actor, target, outcome, time and number."""
    fill(trail, paid, 6)
    now = time.time_ns() // 1000

    def numbers(**wanted: Any) -> list[str]:
        return [it.header["target_id"] for it in trail.find(**wanted)]

    assert numbers(signal="paid", limit=2) == ["5", "4"]
    assert numbers(actor="ada", newest_first=False) == ["1", "3", "5"]
    assert numbers(target="4") == numbers(target="order:4") == ["4"]
    assert numbers(target="user:4") == numbers(outcome="denied") == numbers(since=now) == []
    assert numbers(tenant="x") == numbers(request="x") == numbers(action="x") == []
    assert numbers(until=now, after=4) == ["5", "4"]
    assert trail.timeline("x") == []


def test_a_trail_is_counted(trail: Trail, paid: Signal) -> None:
    """In all, by signal, by outcome."""
    assert trail.stats().as_dict() == {
        "entries": 0, "unsealed": 0, "seals": 0, "first": None, "last": None, "by_signal": {},
        "by_outcome": {},
    }  # fmt: skip
    fill(trail, paid, 4)
    counts = trail.stats()

    assert (counts.entries, counts.seals, counts.unsealed) == (4, 2, 0)
    assert (counts.by_signal, counts.by_outcome) == ({"paid": 4}, {"success": 4})
