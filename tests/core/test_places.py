"""The line that connects or sends is the user's, told by modules' names and not by their files."""

from __future__ import annotations

import py_compile
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import Signal
from heliograph.core import source as sources

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
import warnings
warnings.simplefilter("always")
import heliograph
from heliograph.blinker import Signal
from heliograph.testing import capture
assert not heliograph.__file__.endswith(".py"), heliograph.__file__
for signal in (heliograph.Signal(), Signal()):
    def receive(sender): ...
    signal.connect(receive)
    print(signal.connections[0].location)
    with warnings.catch_warnings(record=True) as caught:
        signal.connect(lambda sender: None)
    print(*(f"{it.filename}:{it.lineno}" for it in caught))
    with capture(signal) as sent:
        signal.send()
    print(sent[-1].location)
"""


def built(folder: Path) -> Path:
    """Compile the package where it will not run, without its sources; returns where it is."""
    package = Path(heliograph.__file__).parent
    for source in package.rglob("*.py"):
        name = source.relative_to(package.parent)
        target = (folder / name).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        py_compile.compile(str(source), str(target), dfile=f"built/{name}", doraise=True)
    return folder


def test_places_are_the_users_where_the_package_has_no_sources(tmp_path: Path) -> None:
    """Programs are compiled in one folder and run in another, or frozen: no file name is true."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program)]
    environment = {"PYTHONPATH": str(built(tmp_path / "built")), "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    places = [f"{program}:{PROGRAM[: PROGRAM.index(it)].count(chr(10)) + 1}" for it in PLACES]
    assert (done.stderr, done.stdout.split()) == ("", places * 2)


PLACES = ("signal.connect(receive)", "signal.connect(lambda", "signal.send()")


class Words(dict[str, Any]):
    """Globals that look nothing up by themselves."""

    def get(self, name: str, *_: object) -> Any:
        """Fail, but where coverage looks for what it is that runs."""
        assert "coverage" in sys._getframe(1).f_code.co_filename, name


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"__name__": None},
        {"__name__": 3},
        {"__name__": ["heliograph"]},
        {"__name__": "heliograph_x"},
        {"__name__": "my.heliograph"},
        {"__name__": ""},
        Words(),
    ],
    ids=repr,
)
def test_code_that_runs_under_any_name_or_none_is_the_users(names: dict[str, Any]) -> None:
    """`exec` takes whatever globals it is given."""
    testing = pytest.importorskip("heliograph.testing")
    signal = Signal("paid")
    kept: list[Callable[..., Any]] = []
    names.update(signal=signal, kept=kept, capture=testing.capture)
    source = (
        "def receive(sender): ...\n"
        "kept.append(signal.connect(receive))\n"
        "with capture(signal) as sent: signal.send()\n"
    )
    exec(compile(source, "cell", "exec"), names)  # noqa: S102 - what is tested.

    assert signal.connections[0].location == "cell:2"
    assert names["sent"][-1].location == "cell:3"


def test_texts_that_run_under_many_names_leave_no_room_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is known of modules is forgotten before there are too many, and found out again."""
    monkeypatch.setattr(sources, "_MOST_MODULES", 10)
    signal = Signal("paid")
    for number in range(25):
        names = {"__name__": f"page_{number}", "signal": signal}
        exec("@signal.connect_via(1)\ndef receive(sender): ...", names)  # noqa: S102 - as above.

    assert {it.location for it in signal.connections} == {"<string>:1"}
    assert len(sources.is_of_an_engine) <= 10


def test_call_sites_of_many_texts_leave_no_room_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their lines are forgotten before there are too many, and found out again."""
    monkeypatch.setattr(sources, "_MOST_PLACES", 10)
    signal, names = Signal("paid"), dict[str, Any]()
    names["signal"] = signal
    for number in range(25):
        text = "\n" * number + "signal.connect(lambda sender: None, weak=False)"
        exec(compile(text, "page", "exec"), names)  # noqa: S102 - as above.

    for _ in range(2):
        places = [it.location for it in signal.connections]
        assert places == [f"page:{number + 1}" for number in range(25)]
    assert len(sources.places) <= 10
