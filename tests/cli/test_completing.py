"""What a shell offers for programs and signals, and that it runs nothing for that."""

from __future__ import annotations

import sys
from importlib import invalidate_caches
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete

from heliograph.cli.commands import heliograph as commands
from tests.cli.children import HELIOGRAPH, child, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    raise RuntimeError("Nobody runs this.")
    from blinker import signal
    shop = Namespace("shop")
    paid = shop.signal("order-paid", "When it was paid.")
    saved = signal("saved")
    alone = Signal("alone")
    dated = shop.declare_payload("dated", Payload)
    (a or b)("no signal")
    shop.signal(name)

    @shop.declare
    def order_placed(sender): ...

    @shop.declare(name="order-sent", deprecated=old)
    def sent(sender): ...

    @shop.declare(deprecated="no", name=named)
    def seen(sender): ...

    @shop.span
    def resize(sender): ...

    @other
    @(lambda it: it)
    def nothing(sender): ...
"""
SIGNALS = [
    "alone",
    "dated",
    "order-paid",
    "order-sent",
    "order_placed",
    "resize.failed",
    "resize.finished",
    "resize.started",
    "saved",
    "seen",
]


def offered(*arguments: str, incomplete: str = "") -> list[str]:
    """Return what a shell offers after these arguments."""
    shell = ShellComplete(commands, {}, "heliograph", "_HELIOGRAPH_COMPLETE")
    return [str(it.value) for it in shell.get_completions([*arguments], incomplete)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a program, go there, and name none in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("HELIOGRAPH_APP", "FLASK_APP"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path / "shop.py", SHOP)
    # Other tests run commands on a shop of theirs in this process.
    for name in [it for it in sys.modules if it.partition(".")[0] in {"kiosk", "shop"}]:
        monkeypatch.delitem(sys.modules, name)
    invalidate_caches()
    return tmp_path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", ["list", "explain", "graph"])
def test_names_of_signals_are_read_from_the_source(command: str) -> None:
    """Of the program that the line names, by an argument or by an option."""
    assert offered(command, "shop") == SIGNALS
    assert offered(command, "shop:create_app") == SIGNALS
    assert offered(command, "shop.py", incomplete="order-") == ["order-paid", "order-sent"]
    assert offered(command, "--app", "shop.signals:paid") == SIGNALS
    assert offered(command, "--app", "shop") == SIGNALS
    assert offered("--app", "shop", command) == SIGNALS


def test_programs_of_the_folder_come_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the signals of the one that the environment names, if it names one."""
    write(project / "kiosk" / "__init__.py", "from .signals import a")
    write(project / "kiosk" / "signals.py", "a = Signal('of-kiosk')")
    write(project / "notes.txt", "")
    invalidate_caches()

    assert offered("list") == ["kiosk", "shop"]
    assert offered("migrate") == ["kiosk", "shop"]
    assert offered("migrate", "kiosk") == offered("migrate", incomplete="no") == []
    monkeypatch.setenv("FLASK_APP", "kiosk:app")
    assert offered("list") == ["kiosk", "shop", "of-kiosk"]


def test_what_cannot_be_read_is_passed_over(project: Path) -> None:
    """A key that is pressed shows no errors."""
    write(project / "kiosk" / "__init__.py", "a = Signal('a')")
    write(project / "kiosk" / "broken.py", "signal(")
    invalidate_caches()

    assert offered("list", "kiosk") == ["a"]
    assert offered("list", "nowhere") == []
    assert offered("list", "nowhere.py") == []
    assert offered("list", "sys") == []


def test_a_shell_gets_the_names_line_by_line(project: Path) -> None:
    """As the README tells it to ask."""
    asked = {
        "_HELIOGRAPH_COMPLETE": "bash_complete",
        "COMP_WORDS": "heliograph list shop al",
        "COMP_CWORD": "3",
    }
    ended = child(HELIOGRAPH, cwd=project, **asked)

    assert (ended.status, ended.out, ended.err) == (0, "plain,alone\n", "")
