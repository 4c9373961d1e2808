"""`heliograph doctor`: what it finds in the clinic and in the shop, and how it ends."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from heliograph.inspector.doctor import CHECKS
from tests.cli.children import HELIOGRAPH, Ended, child, heliograph, write

EXAMPLES = Path(__file__).parents[2] / "examples"
_MARK = re.compile(r"# <- (?P<name>[a-z-]+)$")

Found = set[tuple[str, str]]

OF_SILENCES = {
    ("silence-without-reason", "clinic/silences.py:8"),
    ("useless-silence", "clinic/silences.py:12"),
}


def examined(*arguments: str, cwd: Path = EXAMPLES, **env: str) -> tuple[int, dict[str, Any]]:
    """Return the exit status and what the doctor prints for programs."""
    ended = heliograph("doctor", *arguments, "--json", cwd=cwd, **env)
    assert ended.err == ""
    return ended.status, json.loads(ended.out)


def found(page: dict[str, Any]) -> Found:
    """Return the checks that have found something in a line, with the line."""
    return {(it["check"], it["location"]) for it in page["findings"] if it["location"]}


def elsewhere(page: dict[str, Any]) -> set[str]:
    """Return the checks that have found something that is in no line."""
    return {it["check"] for it in page["findings"] if it["location"] is None}


def marked(*files: str) -> Found:
    """Return the faults that are marked in files of the clinic."""
    places: Found = set()
    for file in files:
        text = (EXAMPLES / "clinic" / file).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            mark = _MARK.search(line)
            if mark is not None:
                places.add((mark["name"], f"clinic/{file}:{number}"))
    return places


WRITTEN = ("source.py", "connections.py", "signals.py", "wiring.py", "views.py")


def test_every_fault_of_the_clinic_is_found_and_nothing_else() -> None:
    """In each program: the lines that say so, and no other one."""
    status, clinic = examined("clinic", "GET /")
    _, still = examined("clinic")
    _, ward = examined("clinic.ward")
    _, twice = examined("clinic", "--import", "clinic.two_engines", HELIOGRAPH_PURE="1")

    assert status == 1
    plainly = marked(*WRITTEN) | OF_SILENCES
    assert found(clinic) == plainly | marked("receivers.py")
    assert clinic["requests"] == [{"request": "GET /", "answer": "200 OK"}]
    assert elsewhere(clinic) == {"not-in-place", "still-blinker"}
    assert found(still) == plainly
    assert found(ward) == plainly | marked("ward.py")
    assert elsewhere(twice) == {"not-in-place", "still-blinker", "two-engines", "in-python"}
    pages = (clinic, ward, twice)
    of_toolbars = {it.name for it in CHECKS.values() if it.family == "toolbars"}
    assert {it["check"] for page in pages for it in page["findings"]} == CHECKS.keys() - of_toolbars


@pytest.mark.skipif(
    find_spec("flask_debugtoolbar") is None or find_spec("flask_compress") is None,
    reason="They are in the group `inspection`: pip install --group inspection",
)
def test_every_fault_of_the_toolbar_is_found() -> None:
    """Besides those that the clinic has anyway."""
    _, page = examined("clinic.toolbars")

    assert found(page) == marked(*WRITTEN, "toolbars.py") | OF_SILENCES


def test_flask_has_the_doctor_too() -> None:
    """On the application that it has loaded; how that starts by itself it does not ask."""
    flask = str(Path(HELIOGRAPH).with_name("flask"))
    command = ("--app", "clinic", "signals", "doctor", "GET /", "--json")
    ended = child(flask, *command, cwd=EXAMPLES, PYTHONWARNINGS="ignore")
    page = json.loads(ended.out)

    proxies = {it for it in marked("source.py") if it[0] == "proxy-sender"}
    assert (ended.status, ended.err, page["by_itself"]) == (1, "", None)
    assert found(page) == (marked(*WRITTEN, "receivers.py") | OF_SILENCES) - proxies


def test_the_shop_is_healthy() -> None:
    """But for the receiver that fails on purpose, and its reason is no fault of signals."""
    requests = ("GET /", "GET /products/mirror", "POST /orders item=3", "POST /orders item=7")
    status, page = examined("shop", *requests)
    healthy, without = examined("shop")

    assert (status, found(page)) == (1, {("raising-receiver", "shop/receivers.py:91")})
    assert (healthy, found(without), elsewhere(without)) == (0, set(), {"not-in-place"})


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(it, marks=pytest.mark.skipif(find_spec(lacks) is None, reason=f"no {lacks}"))
        for it, lacks in {
            "flask": "flask",
            "quart": "quart",
            "shops.with_django": "django",
            "shops.with_fastapi": "fastapi",
        }.items()
    ],
)
def test_programs_of_others_are_healthy(program: str) -> None:
    """What Flask and Quart send without receivers is worth a note, and no more."""
    status, page = examined(program)

    assert status == 0
    assert {it["check"] for it in page["findings"]} <= {"never-heard", "not-in-place"}


def run(*arguments: str, cwd: Path, **env: str) -> Ended:
    """Run the command, for people."""
    return heliograph("doctor", *arguments, cwd=cwd, **env)


PROGRAM = """\
    from heliograph import Signal

    paid = Signal("paid")

    @paid.connect
    def book(sender, total=0): ...

    paid.connect(lambda sender, **extra: None)  # heliograph: ignore[weak-lambda] - to show it
    paid.connect(lambda sender, **extra: None)

    def pay():
        paid.send("kiosk")
    """

SAID = """\
Heliograph 0.1.0, in Python.

error  weak-lambda: A lambda that is connected weakly, and kept by nobody
  kiosk.py:9  A lambda is connected weakly to signal 'paid'.
    It is garbage-collected in the statement that connects it, and never called. \
Connect it with weak=False, or define a function in the module.

warning  no-extra: A receiver without `**extra`, of a signal whose payload is not declared
  kiosk.py:5  kiosk.book receives signal 'paid' without `**extra`.
    It fails as soon as somebody sends one argument more. Add `**extra` to its parameters.

note  in-python: Heliograph sends in Python, not in C
  Heliograph sends in Python, as HELIOGRAPH_PURE is set.
    Nothing is missing, but a send takes several times as long. Install a wheel, or install \
where there is a C compiler; unset HELIOGRAPH_PURE.

1 error, 1 warning, 1 note, 1 silenced.
"""


def test_the_findings_are_printed_check_by_check(tmp_path: Path) -> None:
    """Each with its place, its reason and its remedy; a program that uses no Blinker has none."""
    write(tmp_path / "kiosk.py", PROGRAM)

    ended = run("kiosk", cwd=tmp_path, HELIOGRAPH_PURE="1")

    assert (ended.status, ended.err) == (1, "")
    assert ended.out == SAID


def test_a_terminal_breaks_long_lines_and_keeps_their_place(tmp_path: Path) -> None:
    """What goes on in the next line is indented likewise."""
    write(tmp_path / "kiosk.py", PROGRAM)

    ended = run("kiosk", "-o", "said.txt", cwd=tmp_path)
    narrow = run("kiosk", cwd=tmp_path, COLUMNS="60", FORCE_COLOR="1", TTY_COMPATIBLE="1")

    assert ended.out == ""
    assert "kiosk.py:9  A lambda is" in (tmp_path / "said.txt").read_text(encoding="utf-8")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", narrow.out).splitlines()
    assert "    It is garbage-collected in the statement that connects" in lines
    assert all(len(it) <= 80 for it in lines)


def test_the_answers_to_the_requests_are_printed() -> None:
    """A request that fails in the application is no fault of signals, but should be known."""
    ended = run("shop", "GET /", "POST /orders item=3", "GET /broken", cwd=EXAMPLES)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[1:5] == [
        "GET /  200 OK",
        "POST /orders item=3  303 SEE OTHER",
        "GET /broken  500 INTERNAL SERVER ERROR",
        "",
    ]


def test_the_exit_status_is_as_asked(tmp_path: Path) -> None:
    """1 if there is a finding of that severity or a worse one; 0 if that is not asked."""
    write(
        tmp_path / "kiosk.py",
        PROGRAM.replace("    paid.connect(lambda sender, **extra: None)\n", ""),
    )
    write(tmp_path / "fine.py", "from heliograph import Signal\npaid = Signal('paid')\n")

    severities = ("error", "warning", "note", "never")
    assert [run("kiosk", "--fail-on", it, cwd=tmp_path).status for it in severities] == [0, 1, 1, 0]
    assert run("fine", cwd=tmp_path).status == 0


def test_how_slow_a_receiver_is_depends_on_what_is_asked() -> None:
    """In milliseconds."""
    status, page = examined("clinic", "GET /", "--slow", "60000")

    assert status == 1
    assert "slow-receiver" not in {it["check"] for it in page["findings"]}


def test_a_request_needs_an_application(tmp_path: Path) -> None:
    """A module without one can be examined, but gets no requests."""
    write(tmp_path / "kiosk.py", PROGRAM)

    ended = run("kiosk", "GET /", cwd=tmp_path)
    malformed = run("kiosk", "GET /", "GET", cwd=tmp_path)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "Error: 'kiosk' has no application that requests could be sent to.\n"
    assert malformed.status == 2


def test_a_program_on_heliograph_is_in_place(tmp_path: Path) -> None:
    """The first line says so; a program that cannot be loaded twice is not asked."""
    write(
        tmp_path / "kiosk.py",
        """\
        import heliograph.blinker

        heliograph.blinker.install()
        import blinker

        paid = blinker.signal("paid")
        """,
    )
    write(
        tmp_path / "once.py",
        """\
        from pathlib import Path

        Path("lock").touch(exist_ok=False)
        """,
    )

    ended = run("kiosk", cwd=tmp_path)
    once = run("once", cwd=tmp_path)

    assert ended.out.startswith("Heliograph 0.1.0, in ")
    assert "Started by itself, the program runs on Heliograph in Blinker's place." in ended.out
    assert once.status == 0
    assert "Started by itself" not in once.out


def test_the_checks_can_be_asked_for() -> None:
    """No program is looked at for that."""
    ended = run("--checks", cwd=EXAMPLES)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (EXAMPLES.parent / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_a_program_that_cannot_be_loaded_is_told_of(tmp_path: Path) -> None:
    """As by all commands."""
    ended = run("nowhere", cwd=tmp_path)

    assert (ended.status, ended.out) == (1, "")
    assert "nowhere" in ended.err
