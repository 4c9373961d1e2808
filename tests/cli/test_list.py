"""The list of a program's signals: what APP may be, where it is written, and what it says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.children import child, heliograph, write

ROOT = Path(__file__).parents[2]

SIGNALS = """
    from heliograph import Namespace
    print("loading")
    shop = Namespace("shop")
    billing = Namespace("billing")
    nothing = Namespace("nothing")

    @shop.declare
    def paid(sender: str, *, total: int) -> None: ...

    @billing.declare
    def sent(sender: str) -> None: ...
"""
WEB = """
    from shop.signals import paid

    @paid.connect
    def thank(sender, **extra): ...

    def pay():
        paid.send("shop", total=3)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a package that imports nothing by itself."""
    write(tmp_path / "shop" / "__init__.py", "")
    write(tmp_path / "shop" / "signals.py", SIGNALS)
    write(tmp_path / "shop" / "__main__.py", "raise RuntimeError('This is the program.')")
    write(tmp_path / "shop" / "inner" / "__init__.py", "")
    write(tmp_path / "shop" / "inner" / "web.py", WEB)
    write(tmp_path / "empty.py", "from shop.signals import shop")
    write(tmp_path / "broken.py", "raise RuntimeError('no database')")
    return tmp_path


def listed(*arguments: str, cwd: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the receivers and the sends of each signal, as programs read them."""
    ended = heliograph("list", *arguments, "--own", "--json", cwd=cwd)

    assert ended.status == 0, ended.err
    return {
        f"{namespace['name']}.{signal['name']}": (
            [f"{it['name']} {it['location']}" for it in signal["receivers"]],
            [f"{it['name']} {it['location']}" for it in signal["sends"]],
        )
        for namespace in json.loads(ended.out)["namespaces"]
        for signal in namespace["signals"]
    }


@pytest.mark.parametrize(
    ("form", "file"), [("markdown", "shop-signals.md"), ("json", "shop-signals.json")]
)
def test_the_pages_of_the_shop_are_what_the_shop_says(form: str, file: str) -> None:
    """`make pages` brings them up to date."""
    ended = heliograph("list", "shop", "--own", "--format", form, cwd=ROOT / "examples")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (ROOT / "docs" / file).read_text(encoding="utf-8")


def test_a_module_or_one_of_its_namespaces_is_listed(project: Path) -> None:
    """Nothing is known of modules that nobody has imported."""
    assert listed("shop.signals", cwd=project) == {"shop.paid": ([], []), "billing.sent": ([], [])}
    assert listed("shop.signals:billing", cwd=project) == {"billing.sent": ([], [])}
    assert listed("shop.signals:paid", cwd=project) == {"shop.paid": ([], [])}
    assert listed("empty:shop", cwd=project) == {"shop.paid": ([], [])}


def test_a_module_that_makes_no_signals_is_listed_with_what_it_imports(project: Path) -> None:
    """A file counts as a module: those of a program are all that is not installed."""
    everything: dict[str, tuple[list[str], list[str]]] = {
        "shop.paid": ([], []),
        "billing.sent": ([], []),
    }

    assert listed("empty", cwd=project) == everything
    assert listed("empty.py", cwd=project) == everything


DEVICES = """
    from heliograph import Namespace, Signal

    house = Namespace("house")

    class Device:
        def __init__(self, name):
            self.changed = Signal("changed")
            self.changed.receiver_connected.connect(self.note)
            self.named = Signal(name)
            self.nameless = Signal()
        def note(self, sender, **extra): ...

    @house.signals("door-*").connect
    def bell(sender, **extra): ...

    devices = [Device("a"), Device("b")]
"""


def test_signals_that_only_objects_hold_are_listed_equal_ones_once(tmp_path: Path) -> None:
    """Not those that tell of connections, nor what a pattern keeps for later signals."""
    write(tmp_path / "home.py", DEVICES)

    ended = heliograph("list", "home", cwd=tmp_path)

    assert ended.out == (
        "in no namespace  held by objects\n"
        "  a signal without a name  payload not declared\n"
        "    no receivers\n"
        "  a  payload not declared\n"
        "    no receivers\n"
        "  b  payload not declared\n"
        "    no receivers\n"
        "  changed  payload not declared\n"
        "    no receivers\n"
        "\n"
        "4 signals, 0 receivers, 4 signals unheard.\n"
    )


FACTORY = """
    from blinker import signal
    from flask import Flask, request_started

    saved = signal("saved")

    def create_app(name="kiosk"):
        app = Flask(name)
        app.greeter = lambda sender, **extra: None
        saved.connect(app.greeter, weak=False)
        @request_started.connect
        def log(sender, **extra): ...
        @signal("other").connect_via(app)
        def other(sender, **extra): ...
        return app
"""


@pytest.mark.parametrize("name", ["notes", "notes:create_app", "notes.py:create_app('x')"])
def test_the_wiring_of_a_factory_is_listed(tmp_path: Path, name: str) -> None:
    """What is connected only in there, to Flask's signals too; and what died since."""
    write(tmp_path / "notes.py", FACTORY)

    ended = heliograph("list", name, cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        "default  heliograph.default_namespace\n"
        "  saved  payload not declared\n"
        "    1 notes.create_app.<locals>.<lambda>  any sender    strong  notes.py:9, connected at "
        "notes.py:10\n"
        "  other  payload not declared\n"
        "    1 notes.create_app.<locals>.other     from a Flask  strong  notes.py:13\n"
        "\n"
        "flask.signals._signals\n"
        "  request-started  payload not declared\n"
        "    x notes.create_app.<locals>.log  died; it was connected at notes.py:11\n"
        "  no receivers: template-rendered, before-render-template, request-finished, "
        "request-tearing-down, got-request-exception, appcontext-tearing-down, "
        "appcontext-pushed, appcontext-popped, message-flashed\n"
        "\n"
        "12 signals, 2 receivers, 10 signals unheard, 1 receiver died.\n"
    )


@pytest.mark.parametrize("further", ["shop.inner.web", "shop.*", "shop.inner.*"])
def test_what_is_imported_as_well_connects_and_sends(project: Path, further: str) -> None:
    """One module, or a whole package but for its `__main__`."""
    assert listed("shop.signals:shop", "--import", further, cwd=project) == {
        "shop.paid": (
            ["shop.inner.web.thank shop/inner/web.py:4"],
            ["shop.inner.web.pay shop/inner/web.py:8"],
        )
    }


def test_a_package_is_listed_with_all_that_is_imported_below_it(project: Path) -> None:
    """Whichever of its modules makes the signals."""
    found = listed("shop", "--import", "shop.signals", "--import", "shop.inner.web", cwd=project)

    assert list(found) == ["shop.paid", "billing.sent"]


def test_what_modules_print_is_no_part_of_the_page(project: Path) -> None:
    """It is printed beside it."""
    ended = heliograph("list", "shop.signals:billing", "--format", "markdown", cwd=project)

    assert (ended.status, ended.err) == (0, "loading\n")
    assert ended.out.startswith("# Signals of `shop.signals:billing`\n")


def test_a_page_is_written_to_a_file(project: Path) -> None:
    """As it is printed, and nothing is printed then; what was there before is gone."""
    page = write(project / "page.md", "old " * 1000)
    for form in ("table", "markdown", "json"):
        arguments = ("list", "shop.signals", "--format", form)
        printed = heliograph(*arguments, cwd=project)

        ended = heliograph(*arguments, "--output", "page.md", cwd=project)

        assert (ended.status, ended.out) == (0, "")
        assert page.read_text(encoding="utf-8") == printed.out


def test_letters_that_a_pipe_does_not_have_do_not_end_the_program(tmp_path: Path) -> None:
    """They are escaped; a file has them all."""
    write(tmp_path / "shop.py", "from heliograph import Signal\npaid = Signal('payé')")

    ended = heliograph("list", "shop", cwd=tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert ended.status == 0
    assert "  pay\\xe9  payload not declared\n" in ended.out


def test_a_program_that_uses_blinker_is_listed(tmp_path: Path) -> None:
    """It runs on Heliograph from its first import on."""
    write(
        tmp_path / "shop.py",
        """
        from blinker import Namespace
        shop = Namespace()
        paid = shop.signal("paid")
        @paid.connect
        def thank(sender): ...
        def pay(): paid.send("shop")
        """,
    )

    assert listed("shop", cwd=tmp_path) == {
        "shop.shop.paid": (["shop.thank shop.py:5"], ["shop.pay shop.py:7"])
    }


@pytest.mark.parametrize("framework", ["flask", "quart"])
def test_every_signal_of_a_framework_is_sent_somewhere(framework: str, tmp_path: Path) -> None:
    """Those were written by others, for Blinker, and are sent in many ways."""
    found = listed(framework, "--import", f"{framework}.*", cwd=tmp_path)

    assert f"{framework}.signals._signals.request-started" in found
    assert [name for name, (_, sends) in found.items() if not sends] == []


def test_a_module_that_starts_a_server_is_listed_instead(tmp_path: Path) -> None:
    """`app.run()` at its end does nothing, as under `flask`."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal
        paid = Signal("paid")
        Flask(__name__).run(port=0)
        """,
    )

    assert listed("shop", cwd=tmp_path) == {"None.paid": ([], [])}


HOW = "Write MODULE, FILE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS)."


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["web"], f"There is no program for 'web': {{cwd}} has no such module or file. {HOW}"),
        (
            ["shop.nowhere"],
            f"There is no program for 'shop.nowhere': {{cwd}} has no such module or file. {HOW}",
        ),
        (
            ["shop.signals", "--import", "nowhere"],
            "There is no module 'nowhere': it cannot be found from {cwd}.",
        ),
        (
            ["shop", "--import", "empty.py"],
            "'empty.py' is a file. Write it as a module: 'empty'.",
        ),
        (
            ["shop", "--import", "shop/web"],
            "'shop/web' is not the name of a module. Write it as in an import statement.",
        ),
        (
            ["shop.signals", "--import", "broken"],
            (
                "'broken' cannot be loaded: RuntimeError: no database\nIt was raised at "
                "broken.py:1. `python -c 'import broken'` shows the whole traceback."
            ),
        ),
        (
            ["shop.signals", "--import", "empty.*"],
            "'empty.*' has nothing to import: 'empty' is not a package.",
        ),
        (
            ["shop.signals:shp"],
            (
                "There is no program for 'shop.signals:shp': module 'shop.signals' has no 'shp'. "
                f"Did you mean 'shop'? {HOW}"
            ),
        ),
        (
            ["shop:kiosk"],
            f"There is no program for 'shop:kiosk': module 'shop' has no 'kiosk'. {HOW}",
        ),
        (
            ["shop.signals:"],
            (
                "There is no program for 'shop.signals:': '' is neither a name nor the call of a "
                f"factory. {HOW}"
            ),
        ),
        (
            ["shop.signals:__name__"],
            (
                "There is no program for 'shop.signals:__name__': '__name__' is a str: neither an "
                f"application, nor a namespace, nor a signal. {HOW}"
            ),
        ),
        (
            ["shop.signals", "--output", "nowhere/page.md"],
            "'nowhere/page.md' cannot be written: No such file or directory.",
        ),
        (["shop.signals:paid", "--dead"], "There are no such signals in 'shop.signals:paid'."),
        (
            ["shop.signals:paid", "sent", "x*"],
            "There are no such signals in 'shop.signals:paid' that match 'sent' or 'x*'.",
        ),
    ],
)
def test_where_there_is_nothing_to_list_the_reason_is_said(
    project: Path, arguments: list[str], problem: str
) -> None:
    """It says what is missing, where, and what to write; the status is 1."""
    ended = heliograph("list", *arguments, cwd=project)

    said = problem.format(cwd=os.path.realpath(project))
    assert ended.err.endswith(f"Error: {said}\n")
    assert (ended.status, ended.out.removesuffix("0 signals, 0 receivers.\n")) == (1, "")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import nosuch", "ModuleNotFoundError: No module named 'nosuch'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise RuntimeError('no database')", "RuntimeError: no database"),
    ],
)
def test_where_importing_fails_the_error_and_its_place_are_said(
    tmp_path: Path, source: str, problem: str
) -> None:
    """And how to see the whole traceback; the status is 1."""
    write(tmp_path / "shop.py", source)

    ended = heliograph("list", "shop", cwd=tmp_path)

    assert ended.err == (
        f"Error: 'shop' cannot be loaded: {problem}\n"
        "It was raised at shop.py:1. `python -c 'import shop'` shows the whole traceback.\n"
    )
    assert (ended.status, ended.out) == (1, "")


def test_flask_is_not_needed(tmp_path: Path) -> None:
    """A program without it has signals as well, and may have settings for something else."""
    write(tmp_path / ".env", "A=1")
    write(tmp_path / "shop.py", "from heliograph import Signal\npaid = Signal('paid')")
    program = (
        "import sys; sys.modules['flask'] = None; sys.argv = ['heliograph', 'list', 'shop']; "
        "from heliograph.cli import main; main()"
    )

    ended = child(sys.executable, "-c", program, cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert "  paid  payload not declared\n" in ended.out
