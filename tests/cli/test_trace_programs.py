"""A trace of what is no request: commands, scripts, modules and tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import heliograph, without_origins, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.children import Ended


def traced(*arguments: str, cwd: Path) -> str:
    """Return what a trace shows that ends well."""
    ended = heliograph("trace", *arguments, cwd=cwd)

    assert (ended.status, ended.err) == (0, "")
    return without_origins(without_times(ended.out))


FLASKS = """
    import sys
    from {framework} import {name}
    from heliograph import Signal
    app = {name}(__name__)
    seeded = Signal("seeded")
    @seeded.connect
    def count(sender): ...
    @app.cli.command("seed")
    def seed():
        print("seeding")
        seeded.send()
    @app.cli.command("leave")
    def leave(): sys.exit(3)
    @app.cli.command("stumble")
    def stumble(): raise LookupError("no seed")
"""


@pytest.mark.parametrize(("framework", "name"), [("flask", "Flask"), ("quart", "Quart")])
def test_a_command_of_an_application_is_traced(tmp_path: Path, framework: str, name: str) -> None:
    """What it prints stands above the tree; its exit status is the outcome."""
    pytest.importorskip(framework)
    write(tmp_path / "shop.py", FLASKS.format(framework=framework, name=name))

    seeded = traced("shop", "--command", "seed", cwd=tmp_path)
    left = heliograph("trace", "shop", "--command", "leave", cwd=tmp_path)
    failed = heliograph("trace", "shop", "--command", "stumble", "--lifecycle", cwd=tmp_path)

    assert seeded.startswith("seeding\nseed  exit status 0  # ms\n")
    assert "── seeded\n" in seeded
    assert "── shop.count  shop.py:7  # ms\n" in seeded
    assert left.out.startswith("leave  exit status 3  ")
    assert "stumble  raised LookupError: no seed  shop.py:16  # ms\n" in without_times(failed.out)
    assert left.status == failed.status == 0


def test_a_command_of_django_is_traced(tmp_path: Path) -> None:
    """As `manage.py` runs it."""
    pytest.importorskip("django")
    write(
        tmp_path / "shop.py",
        """
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from heliograph import Signal
        settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", INSTALLED_APPS=["stock"])
        urlpatterns = []
        seeded = Signal("seeded")
        application = get_wsgi_application()
        """,
    )
    write(tmp_path / "stock" / "__init__.py", "")
    write(
        tmp_path / "stock" / "management" / "commands" / "seed.py",
        """
        import shop
        from django.core.management.base import BaseCommand, CommandError
        class Command(BaseCommand):
            def add_arguments(self, parser): parser.add_argument("--all", action="store_true")
            def handle(self, *args, **options):
                if not options["all"]: raise CommandError("what?")
                shop.seeded.send()
        """,
    )

    all_ = traced("shop", "--command", "seed --all", cwd=tmp_path)
    none = heliograph("trace", "shop", "--command", "seed", cwd=tmp_path)

    assert all_ == "seed --all  exit status 0  # ms\n└── 1 signal nobody hears: seeded\n\n"
    assert "CommandError: what?" in none.err
    assert none.out.startswith("seed  exit status 1  ")


def test_an_application_without_commands_is_told_of(tmp_path: Path) -> None:
    """With what runs anything else."""
    write(tmp_path / "shop.py", "def app(environ, start_response): ...")

    ended = heliograph("trace", "shop", "--command", "seed", cwd=tmp_path)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "Error: Only applications of Flask, Quart and Django have commands. Run a file with "
        "--script, or a module with --module.\n"
    )


JOB = """
    import sys
    from blinker import Signal
    done = Signal()
    @done.connect
    def note(sender, **extra): ...
    if __name__ == "__main__":
        import helper
        done.send("job", words=sys.argv[1:])
        helper.end()
"""


def job(tmp_path: Path, end: str = "") -> None:
    """Write a program with a module beside it."""
    write(tmp_path / "jobs" / "__init__.py", "")
    write(tmp_path / "jobs" / "night.py", JOB)
    for folder in tmp_path, tmp_path / "jobs":
        write(folder / "helper.py", f"def end():\n    {end or 'pass'}\n")


def test_a_script_is_traced(tmp_path: Path) -> None:
    """It finds modules beside it, and its signals by their variables; it runs on Heliograph."""
    job(tmp_path)

    assert traced("--script", "jobs/night.py --fast 'a b'", cwd=tmp_path) == (
        "jobs/night.py --fast 'a b'  exit status 0  # ms\n"
        "└── __main__.done (words)\n"
        "    └── __main__.note  jobs/night.py:5  # ms\n\n"
    )


def test_a_module_is_traced(tmp_path: Path) -> None:
    """As `python -m` runs it; a package by its `__main__`."""
    job(tmp_path)
    write(tmp_path / "jobs" / "__main__.py", "import sys; sys.exit('no job')")

    night = traced("--module", "jobs.night --fast", cwd=tmp_path)
    package = heliograph("trace", "--module", "jobs", cwd=tmp_path)

    assert night.startswith("jobs.night --fast  exit status 0  # ms\n└── __main__.done (words)\n")
    assert package.out.startswith("jobs  exit status 1  ")
    assert package.err == "no job\n"


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("raise LookupError('late')", "raised LookupError: late  jobs/helper.py:2"),
        ("raise SystemExit(None)", "exit status 0"),
        ("raise SystemExit(4)", "exit status 4"),
        ("raise KeyboardInterrupt", "interrupted"),
    ],
)
def test_how_a_script_ends_is_its_outcome(tmp_path: Path, end: str, outcome: str) -> None:
    """What was sent until then is shown."""
    job(tmp_path, end)

    shown = traced("--script", "jobs/night.py", cwd=tmp_path)

    assert shown.startswith(f"jobs/night.py  {outcome}  # ms\n└── __main__.done")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--script", "nowhere.py"], 1, "'nowhere.py' cannot be read: No such file or directory."),
        (["--script", "broken.py"], 1, "'broken.py' cannot be run: SyntaxError: "),
        (["--module", "nowhere"], 1, "There is no module 'nowhere' that can be run."),
        (["--module", "a.b.c"], 1, "There is no module 'a.b.c' that can be run."),
        (["--module", "math"], 1, "There is no module 'math' that can be run."),
        (["--script", ""], 2, "Invalid value for '--script': It is empty: write what to run."),
        (["--script", "'a"], 2, "has a quotation mark that is not closed (No closing quotation)."),
        (
            ["--script", "a.py", "--module", "b"],
            2,
            "--script and --module cannot run together: trace one after the other.",
        ),
        (
            ["--script", "a.py", "GET /"],
            2,
            "--script runs a program of its own, so leave out GET /.",
        ),
        (
            ["--module", "b", "--app", "a"],
            2,
            "--module runs a program of its own, so leave out --app.",
        ),
        (
            ["shop", "GET /", "--command", "seed"],
            2,
            "--command runs a command, and 'GET /' would be a request: send it apart.",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    """With what is wrong, before anything has run."""
    write(tmp_path / "broken.py", "def")

    ended: Ended = heliograph("trace", *arguments, cwd=tmp_path)

    assert (ended.status, ended.out) == (status, "")
    assert message in ended.err


TESTS = """
    import pytest
    from heliograph import Signal
    paid = Signal("paid")
    @paid.connect
    def thank(sender, **extra): ...
    paid.send("module")
    @pytest.fixture
    def till():
        paid.send("before")
        yield
        paid.send("after")
    @pytest.fixture
    def broken():
        paid.send("broken")
        yield
        raise OSError
    def test_paying(till): paid.send("test")
    def test_nothing(): ...
    def test_failing(broken, till): assert not paid.send("wrong")
    def test_end(broken): ...
    @pytest.mark.skip
    def test_skipped(): ...
    def test_leaving():
        paid.send()
        pytest.skip("enough")
"""


def test_tests_are_traced_one_by_one(tmp_path: Path) -> None:
    """Each with its fixtures and its outcome; those that send nothing are left out."""
    write(tmp_path / "test_shop.py", TESTS)

    ended = heliograph("trace", "--pytest", "test_shop.py -q -p no:randomly", cwd=tmp_path)
    shown = without_origins(without_times(ended.out))

    assert ended.status == 0
    titles = [it for it in shown.splitlines() if re.match(r"(test_shop\.py::|collecting)", it)]
    assert titles == [
        "collecting the tests  # ms",
        "test_shop.py::test_paying  passed  # ms",
        "test_shop.py::test_failing  failed  # ms",
        "test_shop.py::test_end  failed in its teardown  # ms",
        "test_shop.py::test_leaving  skipped  # ms",
    ]
    assert shown.count("── test_shop.thank") == 10
    assert shown.index(" failed, ") < shown.index("collecting the tests")


def test_tests_stay_in_this_process(tmp_path: Path) -> None:
    """Nothing could be seen of the processes of pytest-xdist."""
    pytest.importorskip("xdist")
    write(tmp_path / "test_shop.py", TESTS)

    line = "test_shop.py -k paying -n 2 -p no:cacheprovider"
    ended = heliograph("trace", "--pytest", line, cwd=tmp_path)

    assert "test_shop.py::test_paying  passed" in ended.out


def test_tests_that_cannot_be_run_are_told_of(tmp_path: Path) -> None:
    """Nothing was selected, or an option is none."""
    write(tmp_path / "test_shop.py", TESTS)

    none = heliograph("trace", "--pytest", "-k nowhere", cwd=tmp_path)

    assert none.status == 1
    assert none.err == "Error: pytest ended with status 5 (no tests collected).\n"
