"""`heliograph migrate`: what it reads, what it runs, and the file that it writes."""

from __future__ import annotations

import re
import shutil
import sys
from importlib import invalidate_caches
from pathlib import Path

import flask
import pytest
from click.testing import CliRunner

from heliograph.cli.commands import heliograph as commands
from heliograph.cli.commands import of_a_program
from tests.cli.children import child, heliograph, write

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")

SIGNALS = """
    from blinker import Namespace

    shop = Namespace()
    #: An order was paid in full.
    order_paid = shop.signal("order-paid")
    seen = shop.signal("seen")
"""
WEB = """
    from flask import Flask, request
    from shop.signals import order_paid, seen

    app = Flask("shop")

    @app.post("/orders")
    def buy():
        order_paid.send("shop", **request.form)
        return "paid"

    @app.get("/broken")
    def broken():
        1 / 0
"""
TEST = """
    from shop.signals import seen

    def test_it():
        seen.send("shop", at=1.5)
"""
VISITS = """
    from heliograph.blinker import install

    install()
    import flask
    from flask import signals

    app = flask.Flask("app")
    app.secret_key = "secret"
    heard = set()
    for it in list(signals._signals.signals()):
        it.connect(lambda sender, *, _name=it.name, **extra: heard.add(_name), weak=False)

    @app.get("/")
    def index():
        flask.flash("Hello.")
        return flask.render_template_string("Hi.")

    @app.get("/broken")
    def broken():
        1 / 0

    print([app.test_client().get(it).status_code for it in ("/", "/broken")])
    print(flask.__file__, len(heard), len(signals._signals.declarations))
"""
BROKEN = "raise RuntimeError('Nobody runs this.')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder, where Python remembers no modules."""
    monkeypatch.chdir(tmp_path)
    invalidate_caches()
    return tmp_path


@pytest.fixture
def project(folder: Path) -> Path:
    """Write a program."""
    write(folder / "shop" / "__init__.py", "")
    write(folder / "shop" / "signals.py", SIGNALS)
    write(folder / "shop" / "web.py", WEB)
    write(folder / "test_shop.py", TEST)
    return folder


def migrate(*arguments: str) -> tuple[int, str]:
    """Return the status of the command and all that it prints."""
    ended = CliRunner().invoke(commands, ["migrate", *arguments])
    return ended.exit_code, ended.output


@pytest.mark.parametrize("program", ["shop", "shop.web:app", "shop/", ".", "shop/signals.py"])
def test_a_program_is_read_and_not_run(project: Path, program: str) -> None:
    """As a module, an application, a file or a folder."""
    for it in (project / "shop").iterdir():
        it.write_text(it.read_text() + BROKEN)

    status, printed = migrate(program)

    assert (status, printed.count("@shop.declare")) == (0, 2)
    assert printed.startswith(f'"""The signals of {program}: `heliograph migrate` wrote these')
    assert "shop.signals" not in sys.modules


def test_what_is_installed_or_hidden_in_a_folder_is_not_its_program(project: Path) -> None:
    """Environments and folders such as `.git` are left out."""
    for place in (".hidden", "env"):
        write(project / place / "more.py", "from blinker import signal\nmore = signal('more')\n")
    write(project / "env" / "pyvenv.cfg", "")
    write(project / "more.txt", "from blinker import signal\nmore = signal('more')\n")
    (project / "again").symlink_to(project)

    assert "more" not in migrate(".")[1].partition('"""\n\n')[2]


def test_a_file_is_written_that_python_imports(project: Path) -> None:
    """With the namespace and the signals of the program, declared."""
    assert migrate("shop", "--output", "declared.py") == (0, "")

    source = "import declared; print([it.name for it in declared.shop.declarations])"
    assert child(sys.executable, "-c", source, cwd=project).out == "['order-paid', 'seen']\n"


def test_requests_show_what_the_source_does_not(project: Path) -> None:
    """Those that fail are told, as they may not have sent all that they would."""
    requests = ("POST /orders item=3", "GET /broken")
    ended = heliograph("migrate", "shop.web:app", *requests, cwd=project)

    assert "def order_paid(sender: str, *, item: str) -> None:\n" in ended.out
    assert (ended.status, ended.err) == (0, "GET /broken: 500 INTERNAL SERVER ERROR.\n")


def test_tests_show_what_the_source_does_not(project: Path) -> None:
    """What pytest prints is not in the file."""
    ended = heliograph("migrate", "shop", "--pytest", "-q test_shop.py", cwd=project)

    assert "def seen(sender: str, *, at: float) -> None:\n" in ended.out
    assert ("1 passed" in ended.out, "1 passed" in ended.err) == (False, True)


def test_flask_works_with_what_is_written_in_place_of_its_own(folder: Path) -> None:
    """All that it sends fits the declarations: sends are checked."""
    copy = shutil.copytree(Path(flask.__file__).parent, folder / "flask")
    assert migrate("flask/", "--output", str(copy / "signals.py")) == (0, "")
    visits = str(write(folder / "visits.py", VISITS))

    ended = child(sys.executable, visits, cwd=folder, HELIOGRAPH_CHECK="1")

    assert ended.out == f"[200, 500]\n{copy / '__init__.py'} 10 10\n"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("nowhere", "There is no source of 'nowhere': name a module, a package, a file or a"),
        ("nowhere.py", "There is no source of 'nowhere.py'"),
        ("sys", "There is no source of 'sys'"),
        ("test_shop.py", "No signal is made by name in 'test_shop.py'."),
    ],
)
def test_a_program_without_signals_is_told(program: str, told: str) -> None:
    """It may be misspelt."""
    status, printed = migrate(program)

    assert (status, told in printed) == (1, True)


def test_frameworks_have_no_such_command() -> None:
    """There it would be taken for that of their databases, and they import the program first."""
    assert "migrate" in commands.commands
    assert "migrate" not in of_a_program()


def test_the_page_shows_what_is_written(folder: Path) -> None:
    """Of the program on it, and of Flask."""
    write(folder / "shop" / "__init__.py", "")
    for name, source in re.findall(r"`(shop/\w+\.py)`:.*?```python\n(.*?)```", PAGE, re.DOTALL):
        write(folder / name, source)

    assert f"```python\n{migrate('shop')[1]}```" in PAGE
    flask = [it for it in migrate("flask")[1].splitlines() if it.startswith("def ")]
    assert (len(flask), [it for it in flask if it not in PAGE]) == (10, [])
