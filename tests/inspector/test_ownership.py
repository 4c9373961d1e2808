"""What belongs to a program, and what it only uses."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from heliograph import Signal
from heliograph.inspector import SignalGroup, held_by_objects, own_modules, whole_program
from heliograph.lifecycle import app_started
from tests.cli.children import write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.inspector.conftest import Program

SHOP = """
    from theirs import used
    from heliograph import Namespace, Signal, signal
    shop = Namespace("ownership shop")
    paid = shop.signal("ownership-paid")
    alone = Signal("ownership-alone")
    saved = signal("ownership-saved")
    def later():
        signal("ownership-later")
    later()
"""
THEIRS = """
    from heliograph import Signal, signal
    used = {"used": Signal("ownership-used")}
    signal("ownership-theirs")
"""


def names(groups: list[SignalGroup], *wanted: str | None) -> list[tuple[str | None, list[str]]]:
    """Return the names of groups, each with those of its signals that these tests have made."""
    found = [
        (it.name, [name for s in it.signals if (name := str(s.name)).startswith("ownership-")])
        for it in groups
    ]
    return [it for it in found if it[1]]


def test_own_signals_come_first_then_those_by_name_then_those_of_packages(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal of the default namespace is listed there, whatever variable holds it."""
    write(tmp_path / "dist-packages" / "theirs.py", THEIRS)
    write(tmp_path / "dist-packages" / "quiet.py", "nothing = {}; other = {'a': 1}")
    monkeypatch.syspath_prepend(tmp_path / "dist-packages")
    modules = program({"shop.py": SHOP, "more.py": "import quiet"})

    groups = whole_program(modules)

    assert names(groups) == [
        ("ownership shop", ["ownership-paid"]),
        (None, ["ownership-alone"]),
        ("default", ["ownership-theirs", "ownership-saved", "ownership-later"]),
        ("theirs.used", ["ownership-used"]),
    ]
    assert {
        it.name: it.own for it in groups if it.name in ("ownership shop", "default", "theirs.used")
    } == {
        "ownership shop": True,
        "default": True,
        "theirs.used": False,
    }


def test_modules_are_a_programs_own_unless_they_are_installed(program: Program) -> None:
    """Those that are named count in any case; what others put among the modules does not."""
    [shop] = program({"shop.py": "import json"})
    without_file = ModuleType("without_file")
    sys.modules["without_file"] = without_file

    own = own_modules()

    assert shop in own
    assert not {"json", "pytest", "heliograph.core", "without_file"} & {it.__name__ for it in own}
    assert {"json", "json.decoder"} <= {it.__name__ for it in own_modules(["json"])}


def test_the_life_cycle_is_listed_once_somebody_hears_it(program: Program) -> None:
    """The command itself has loaded it, so that it is there says nothing of the program."""
    modules = program({"shop.py": "a = 1"})
    assert "lifecycle" not in {it.name for it in whole_program(modules)}

    with app_started.connected_to(lambda sender, **extra: None):
        assert "lifecycle" in {it.name for it in whole_program(modules)}


def test_signals_that_only_objects_hold_are_found_among_all_objects() -> None:
    """Not those of modules, nor what tells of connections, nor what patterns keep."""

    class Device:
        def __init__(self, name: str | None) -> None:
            self.changed = Signal(name)

    named, nameless = Device("ownership-changed"), Device(None)
    meta = named.changed.receiver_connected
    pattern = Device("ownership-*")

    found = held_by_objects([])

    assert [it for it in found if it in (named.changed, nameless.changed)] == [
        nameless.changed,
        named.changed,
    ]
    assert meta not in found
    assert pattern.changed not in found
    assert app_started not in found
    assert named.changed not in held_by_objects([SignalGroup(None, "", (named.changed,))])
