"""`heliograph run`: a command as it is, on Heliograph."""

from __future__ import annotations

import json
import os
import re
import sys
import venv
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import HELIOGRAPH, child, heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

ENGINE = "import blinker; print(blinker.__name__)"
"""Says which engine a Python runs on."""

ON_HELIOGRAPH = "heliograph.blinker\n"


def without_interpreter(message: str) -> str:
    """Put "PYTHON" for the path of an interpreter, of which there may be several to one."""
    return re.sub(r"( in| beside) /.+?(, which| nor)", r"\1 PYTHON\2", message)


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make a Python that Heliograph is not installed for."""
    place = tmp_path_factory.mktemp("other") / "venv"
    venv.create(place, symlinks=True)
    return str(place / "bin" / "python")


def test_a_python_command_runs_on_heliograph(tmp_path: Path) -> None:
    """What it imports as blinker is Heliograph, from its first line on."""
    ended = heliograph("run", "python", "-c", ENGINE, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, ON_HELIOGRAPH, "")


OBSERVED = """
    import json, sys, threading
    import flask, flask.signals

    app = flask.Flask("shop")
    app.add_url_rule("/", view_func=lambda: flask.render_template_string("hello"))
    answer = app.test_client().get("/", headers={"X-Request-ID": "abc"})
    seen = {
        "answer": [answer.status, answer.text, sorted(answer.headers.items())],
        "wsgi_app": type(app.wsgi_app).__qualname__,
        "commands": sorted(vars(app.cli)),
        "receivers": [bool(it.receivers) for it in vars(flask.signals).values()
                      if hasattr(it, "receivers")],
        "threads": threading.active_count(),
        "excepthook": sys.excepthook is sys.__excepthook__,
    }
    wings = {it.split(".")[1] for it in sys.modules if it.startswith("heliograph.")}
    print(json.dumps([seen, sorted(wings)]))
"""


def test_nothing_is_installed_that_was_not_asked_for(tmp_path: Path) -> None:
    """An application of Flask is as it is without the command, but for what sends its signals."""
    shop = write(tmp_path / "shop.py", OBSERVED)

    alone = child(sys.executable, str(shop), cwd=tmp_path)
    ended = heliograph("run", "python", str(shop), cwd=tmp_path)

    assert (alone.status, alone.err, ended.status, ended.err) == (0, "", 0, "")
    (seen, wings), (seen_alone, wings_alone) = json.loads(ended.out), json.loads(alone.out)
    assert seen == seen_alone
    assert seen["answer"][:2] == ["200 OK", "hello"]
    assert wings_alone == []
    assert set(wings) <= {
        "blinker",
        "core",
        "debug_modes",
        "describe",
        "development",
        "elsewhere",
        "namesakes",
    }


def test_the_command_is_the_one_beside_the_interpreter(tmp_path: Path) -> None:
    """An environment need not be activated for its own commands to be run."""
    source = "import sys; print(sys.prefix)"

    ended = heliograph("run", "python", "-c", source, cwd=tmp_path, PATH=os.defpath)

    assert (ended.status, ended.out, ended.err) == (0, f"{sys.prefix}\n", "")


def test_a_command_elsewhere_on_the_path_is_found(tmp_path: Path) -> None:
    """What is not beside the interpreter is looked for on the PATH."""
    script = write(tmp_path / "tools" / "greet-them", "#!/bin/sh\necho hello $1\n".strip())
    script.chmod(0o755)

    ended = heliograph("run", "greet-them", "world", cwd=tmp_path, PATH=f"/bin:{script.parent}")

    assert (ended.status, ended.out, ended.err) == (0, "hello world\n", "")


def test_a_script_runs_by_its_path(tmp_path: Path) -> None:
    """Its first line says which Python runs it, as without `heliograph run`."""
    script = write(tmp_path / "engine", f"#!{sys.executable}\n{ENGINE}")
    script.chmod(0o755)

    ended = heliograph("run", "./engine", cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, ON_HELIOGRAPH, "")


def test_a_program_in_another_language_is_simply_run(tmp_path: Path) -> None:
    """A shell that starts Pythons is a way to start Pythons."""
    ended = heliograph(
        "run", "sh", "-c", f'echo shell; "$0" -c "{ENGINE}"', sys.executable, cwd=tmp_path
    )

    assert (ended.status, ended.out, ended.err) == (0, f"shell\n{ON_HELIOGRAPH}", "")


def test_the_command_gets_its_arguments_untouched(tmp_path: Path) -> None:
    """Options that `heliograph run` has as well, `--` and blanks are the command's."""
    source = "import sys; print(sys.argv[1:])"
    arguments = ["--help", "-h", "--version", "--", "a b", "", "*", "-x"]

    ended = heliograph("run", "python", "-c", source, *arguments, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, f"{arguments}\n", "")


def test_input_output_and_exit_status_are_the_command_s(tmp_path: Path) -> None:
    """The command takes the place of `heliograph run`: it is the same process."""
    source = "import sys; sys.stderr.write('no'); print(input()[::-1]); sys.exit(7)"

    ended = heliograph("run", "python", "-c", source, cwd=tmp_path, given="abc\n")

    assert (ended.status, ended.out, ended.err) == (7, "cba\n", "no")


def test_the_command_has_the_process_of_heliograph_run(tmp_path: Path) -> None:
    """Signals of the system reach it, and supervisors see one process."""
    script = write(tmp_path / "pid.py", "import os; print(os.getpid())")

    shell = f'echo $$; exec "$0" run python {script.name}'
    ended = child("sh", "-c", shell, HELIOGRAPH, cwd=tmp_path)

    first, second = ended.out.splitlines()
    assert first == second


def test_the_user_s_python_path_is_kept(tmp_path: Path) -> None:
    """Modules on PYTHONPATH are found as before, in their order."""
    write(tmp_path / "one" / "thing.py", "place = 'one'")
    write(tmp_path / "two" / "thing.py", "place = 'two'")
    write(tmp_path / "two" / "other.py", "place = 'two'")
    path = os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")])
    source = "import thing, other; print(thing.place, other.place)"

    ended = heliograph("run", "python", "-c", source, cwd=tmp_path, PYTHONPATH=path)

    assert (ended.status, ended.out, ended.err) == (0, "one two\n", "")


def test_the_user_s_sitecustomize_still_runs(tmp_path: Path) -> None:
    """It runs once, on Heliograph, and is the module of that name."""
    write(
        tmp_path / "site" / "sitecustomize.py",
        f"""
        import os
        if "HELIOGRAPH_RUN" in os.environ:
            {ENGINE}
        place = "the user's"
        """,
    )
    source = "import sitecustomize; print(sitecustomize.place)"

    ended = heliograph(
        "run", "python", "-c", source, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site")
    )

    assert (ended.status, ended.out, ended.err) == (0, f"{ON_HELIOGRAPH}the user's\n", "")


def test_commands_can_be_run_inside_of_each_other(tmp_path: Path) -> None:
    """`heliograph run heliograph run` is `heliograph run`."""
    ended = heliograph("run", HELIOGRAPH, "run", "python", "-c", ENGINE, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, ON_HELIOGRAPH, "")


def test_processes_that_the_program_starts_run_on_heliograph(tmp_path: Path) -> None:
    """Children of multiprocessing and of subprocess are new Python processes."""
    write(
        tmp_path / "work.py",
        """
        import multiprocessing, subprocess, sys
        def engine(_number):
            import blinker
            return blinker.__name__
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(engine, [1]))
            print(subprocess.check_output([sys.executable, "-c", sys.argv[1]]).decode(), end="")
        """,
    )

    ended = heliograph("run", "python", "work.py", ENGINE, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (
        0,
        f"['heliograph.blinker']\n{ON_HELIOGRAPH}",
        "",
    )


def test_a_python_without_heliograph_does_not_run_unnoticed(
    tmp_path: Path, other_python: str
) -> None:
    """The program is not started at all; it is said for which Python to install."""
    ended = heliograph("run", other_python, "-c", "print('ran')", cwd=tmp_path)

    assert ended.err == (
        f"heliograph run: Heliograph cannot take Blinker's place in {other_python}, which runs "
        "this command: ModuleNotFoundError: No module named 'heliograph'. Install Heliograph "
        "there, or run the command without `heliograph run`.\n"
    )
    assert (ended.status, ended.out) == (1, "")


def test_tools_in_another_python_are_left_alone(tmp_path: Path, other_python: str) -> None:
    """What the program starts may be written in any Python; it runs as it always did."""
    source = "import subprocess, sys; subprocess.run([sys.argv[1], '-c', 'print(1)'], check=True)"

    ended = heliograph("run", "python", "-c", source, other_python, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, "1\n", "")


@pytest.mark.parametrize(
    ("source", "problem", "hint"),
    [
        (
            "",
            "ModuleNotFoundError: No module named 'heliograph.blinker'",
            "Install Heliograph there",
        ),
        ("raise RuntimeError('torn')", "RuntimeError: torn", "Fix that"),
    ],
)
def test_an_engine_that_cannot_be_installed_stops_the_command_alone(
    tmp_path: Path, source: str, problem: str, hint: str
) -> None:
    """The command does not run on Blinker unnoticed; what it starts is its own affair."""
    write(tmp_path / "stale" / "heliograph" / "__init__.py", source)
    stale = f'PYTHONPATH="$PYTHONPATH:{tmp_path / "stale"}"'
    python = f'"{sys.executable}" -c "print(1)"'

    command = heliograph("run", "sh", "-c", f"{stale} exec {python}", cwd=tmp_path)
    started = heliograph("run", "sh", "-c", f"{stale} {python}; true", cwd=tmp_path)

    assert (command.status, command.out) == (1, "")
    assert without_interpreter(command.err) == (
        "heliograph run: Heliograph cannot take Blinker's place in PYTHON, which runs "
        f"this command: {problem}. {hint}, or run the command without `heliograph run`.\n"
    )
    assert (started.status, started.out, started.err) == (0, "1\n", "")


def test_nothing_more_runs_where_nobody_has_a_sitecustomize(tmp_path: Path) -> None:
    """Most Pythons have none."""
    source = (
        "import pkgutil, runpy, sys, heliograph.blinker, heliograph.cli\n"
        "from pathlib import Path\n"
        "place = Path(heliograph.cli.__file__).parent / 'startup' / 'sitecustomize.py'\n"
        "runpy.run_path(str(place))\n"  # What it imports is there from now on.
        "sys.path.clear()\n"
        "sys.modules.pop('sitecustomize', None)\n"
        "runpy.run_path(str(place))\n"
        "print('sitecustomize' in sys.modules, sys.modules['blinker'].__name__)\n"
    )

    ended = child(sys.executable, "-c", source, cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, f"False {ON_HELIOGRAPH}", "")


def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """It says where it was looked for; the status is 2."""
    ended = heliograph("run", "no-such-command", cwd=tmp_path)

    assert without_interpreter(ended.err).endswith(
        "\nError: There is no command 'no-such-command', neither beside PYTHON nor on the PATH. "
        "Is it installed in this environment? Write the command as you would without "
        "`heliograph run`.\n"
    )
    assert (ended.status, ended.out) == (2, "")


def test_a_file_that_is_no_command_is_refused_with_what_to_write(tmp_path: Path) -> None:
    """A Python file without the right to be executed is run by `python`."""
    write(tmp_path / "my shop.py", ENGINE)

    ended = heliograph("run", "./my shop.py", "--port", "1", cwd=tmp_path)

    assert ended.err.endswith(
        "\nError: './my shop.py' is a file, but not a command. "
        "Try `heliograph run python './my shop.py' --port 1`.\n"
    )
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("first_line", "problem"),
    [("", "Exec format error"), ("#!/no/such/python\n", "No such file or directory")],
)
def test_a_script_that_the_system_refuses_is_refused(
    tmp_path: Path, first_line: str, problem: str
) -> None:
    """The system's reason is passed on, with where to look; the status is 1."""
    script = tmp_path / "engine"
    script.write_text(f"{first_line}{ENGINE}\n", encoding="utf-8")
    script.chmod(0o755)

    ended = heliograph("run", "./engine", cwd=tmp_path)

    assert ended.err == (
        f"Error: './engine' cannot be run: {problem}. Is its first line (#!...) correct?\n"
    )
    assert (ended.status, ended.out) == (1, "")


@pytest.mark.parametrize("option", ["--no-such-option", "-x"])
def test_an_option_before_the_command_is_heliograph_s_own(tmp_path: Path, option: str) -> None:
    """Only what follows the command belongs to it."""
    ended = heliograph("run", option, "python", cwd=tmp_path)

    assert ended.err.startswith("Usage: heliograph run [OPTIONS] COMMAND [ARGS]...\n")
    assert f"No such option: {option}" in ended.err or f"No such option '{option}'" in ended.err
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.parametrize("option", ["-m", "-c"])
def test_what_python_is_to_run_is_told_to_come_after_python(tmp_path: Path, option: str) -> None:
    """Whoever leaves Python out is given the whole line."""
    ended = heliograph("run", option, "my tests", "-q", cwd=tmp_path)

    assert ended.err.endswith(
        f"\nError: No such option '{option}'. Try `heliograph run python {option} 'my tests' -q`.\n"
    )
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("options", "letter"),
    [(["-E"], "E"), (["-uI"], "I"), (["-W", "error", "-Xdev", "-S"], "S")],
)
def test_a_python_that_keeps_heliograph_out_is_told_of(
    tmp_path: Path, options: list[str], letter: str
) -> None:
    """The program runs as it would without `heliograph run`, and not unnoticed."""
    ended = heliograph("run", "python", *options, "-c", "print(1)", cwd=tmp_path)

    assert (ended.status, ended.out) == (0, "1\n")
    assert ended.err == (
        f"heliograph run: Python's option -{letter} keeps Heliograph out, so the program runs on "
        "Blinker.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [["-c", "print(1)", "-E"], ["-uc", "print(1)"], ["shop.py", "-E"], ["-", "-E"], ["-u"]],
)
def test_options_of_the_program_keep_nothing_out(tmp_path: Path, arguments: list[str]) -> None:
    """What follows -c, -m or the file is the program's own; so is what other commands are given."""
    write(tmp_path / "shop.py", "print(1)")

    ended = heliograph("run", "python", *arguments, cwd=tmp_path, given="print(1)")
    long_option = heliograph("run", "python", "--help", cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, "1\n", "")
    assert (long_option.status, long_option.err) == (0, "")
