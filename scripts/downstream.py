"""Runs other people's test suites on Blinker and on Heliograph, and compares them.

Every suite comes from its project's source distribution and runs unchanged,
with its own pytest configuration: once on Blinker, once with Heliograph in
Blinker's place before anything has imported Blinker, and, for frameworks, once
with Heliograph installed after the framework was imported.
A test that passes on Blinker must pass on Heliograph.

    python scripts/downstream.py [blinker] [flask] [quart]

The exit status is 0 if the engines agree, 1 if a test passes on Blinker alone,
and 2 if a suite could not be run at all.

This file is two things. As a script it prepares the environments and compares
the results. Loaded by pytest with `-p`, under the name in PLUGIN, it puts in
the engine and records what each test did. Neither part uses anything of the
other but the constants and `Mode`.
"""

from __future__ import annotations

import argparse
import enum
import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    import pytest

PLUGIN = "heliograph_downstream"
MODE_VARIABLE = "DOWNSTREAM_MODE"
PACKAGE_VARIABLE = "DOWNSTREAM_PACKAGE"
RESULTS_VARIABLE = "DOWNSTREAM_RESULTS"
ENGINE_LINE = "signals engine: "


class Mode(enum.Enum):
    """When, if at all, Heliograph takes Blinker's place."""

    BLINKER = "on Blinker"
    HELIOGRAPH = "on Heliograph"
    AFTER_IMPORT = "after import"

    @property
    def engine(self) -> str:
        """The engine that must be found in use."""
        return "blinker" if self is Mode.BLINKER else "heliograph"


# --- Inside the suite's run: the pytest plugin ---

# Read at once, because some tests empty the environment.
PACKAGE = os.environ.get(PACKAGE_VARIABLE, "")
RESULTS = Path(os.environ.get(RESULTS_VARIABLE, ""))


def put_in_engine(mode: Mode, package: str) -> None:
    """Put the engine in place, or stop the run before it proves the wrong thing."""
    if "blinker" in sys.modules:
        sys.exit("Blinker was imported before the engine could be put in its place.")
    if mode is Mode.HELIOGRAPH:
        importlib.import_module("heliograph.blinker").install()
    elif mode is Mode.AFTER_IMPORT:
        importlib.import_module(package)
        before = framework_signals(package)
        importlib.import_module("heliograph.blinker").install()
        if any(before[name] is not found for name, found in framework_signals(package).items()):
            sys.exit(f"install() replaced signals of {package} instead of adopting them.")


def framework_signals(package: str) -> dict[str, object]:
    """Return the signals that *package*, if it has been imported, keeps in its `signals` module."""
    module: ModuleType | None = sys.modules.get(f"{package}.signals")
    found = vars(module) if module else {}
    return {name: value for name, value in found.items() if hasattr(value, "has_receivers_for")}


def engine_in_use(package: str) -> str:
    """Name what stands behind the module `blinker` and behind each signal of *package*."""
    signals = [importlib.import_module("blinker").Signal(), *framework_signals(package).values()]
    return " and ".join(sorted({engine_of(signal) for signal in signals}))


def engine_of(signal: object) -> str:
    """Name the package whose code *signal* runs."""
    heliograph = sys.modules.get("heliograph")
    if heliograph and isinstance(signal, heliograph.Signal):
        return "heliograph"
    return type(signal).__module__.partition(".")[0]


def pytest_report_header() -> str:
    """Say at the start which engine the suite runs on."""
    return ENGINE_LINE + engine_in_use(PACKAGE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it again at the end: a suite may reload modules."""
    terminalreporter.write_line(ENGINE_LINE + engine_in_use(PACKAGE))


def pytest_runtest_logstart(nodeid: str) -> None:
    """Record that a test began, in case the run never gets to its end."""
    record(nodeid, "unfinished", "It did not finish.")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record what a test did; of its setup and teardown only what did not pass."""
    if report.when == "call" or report.outcome != "passed":
        record(report.nodeid, report.outcome, first_line_of_error(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record a file whose tests could not be collected."""
    if report.outcome == "failed":
        record(report.nodeid, "failed", first_line_of_error(report))


def first_line_of_error(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the first line of the error that *report* is about, or nothing."""
    if report.outcome != "failed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    # Without a crash there is only a formatted traceback, which ends with the error.
    lines = crash.message.splitlines() if crash else str(report.longrepr).splitlines()[::-1]
    return next((line.strip() for line in lines if line.strip()), "It failed without a message.")


def record(test: str, outcome: str, error: str) -> None:
    """Append one line to the results; at once, so that a crash loses nothing."""
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(json.dumps([test, outcome, error]) + "\n")


# --- Outside: preparing, running, comparing ---

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".downstream"
TIME_LIMIT = 900  # seconds for one run; the largest suite needs about ten.
# What the caller's shell may set and the suites would trip over.
FOREIGN = ("PYTHON", "PYTEST", "COV", "FLASK_", "QUART_", "DOWNSTREAM_")
# From harmless to serious: a test counts with the most serious thing that happened to it.
OUTCOMES = ("unfinished", "passed", "skipped", "failed")


class CannotRunError(Exception):
    """A suite could not be run, so nothing is known about it."""


@dataclass(frozen=True)
class Suite:
    """A project with a test suite, and what that suite needs."""

    package: str
    release: str
    needs: tuple[str, ...]
    modes: tuple[Mode, ...] = tuple(Mode)


class Result(NamedTuple):
    """What became of one test."""

    outcome: str
    error: str


class Runs(NamedTuple):
    """The results of one suite: each test's result in each mode, and what could not be run."""

    title: str
    results: dict[Mode, dict[str, Result]]
    problems: list[str]


BLINKER = "blinker==1.9.0"
# Exact versions are those that the project itself has pinned (requirements/tests.txt, uv.lock):
# with later ones of pytest and its plugins no test starts, with a later Werkzeug one fails.
SUITES = {
    suite.package: suite
    for suite in (
        Suite(
            "blinker",
            BLINKER,
            ("pytest==8.3.3", "pytest-asyncio==0.24.0"),
            # After the import would prove nothing: the suite makes all its signals later.
            modes=(Mode.BLINKER, Mode.HELIOGRAPH),
        ),
        Suite(
            "flask",
            "flask~=3.1.0",
            (BLINKER, "pytest==9.0.2", "werkzeug==3.1.5", "asgiref", "greenlet", "python-dotenv"),
        ),
        Suite(
            "quart",
            "quart",
            # Its pytest options name one of pytest-cov's.
            (BLINKER, "hypothesis", "pytest", "pytest-asyncio", "pytest-cov", "python-dotenv"),
        ),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that were asked for and return the exit status."""
    options = parse(arguments)
    suites = [run_suite(SUITES[package], options.heliograph) for package in options.suites]
    print_table(suites)
    differing = sum(print_differences(runs) for runs in suites)
    problems = [f"{runs.title}: {problem}" for runs in suites for problem in runs.problems]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    return 1 if differing else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Run other people's test suites on Blinker and on Heliograph, and compare.",
        epilog="Delete .downstream/ to look for newer releases.",
    )
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="suite",
        help=f"one or more of {', '.join(SUITES)} (default: blinker flask)",
    )
    parser.add_argument(
        "--heliograph",
        type=Path,
        default=CHECKOUT,
        metavar="FOLDER",
        help="the Heliograph to test (default: this checkout)",
    )
    options = parser.parse_args(arguments)
    options.suites = list(dict.fromkeys(options.suites)) or ["blinker", "flask"]
    # Not `choices`: on Python 3.11 it refuses an empty list of suites.
    if unknown := [name for name in options.suites if name not in SUITES]:
        parser.error(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    options.heliograph = options.heliograph.resolve()
    return options


def run_suite(suite: Suite, heliograph: Path) -> Runs:
    """Run one suite in all its modes."""
    try:
        python, archive = prepare(suite, heliograph)
        folder = unpack(archive)
    except CannotRunError as error:
        return Runs(suite.package, {}, [str(error)])
    runs = Runs(folder.name, {}, [])
    for mode in suite.modes:
        try:
            runs.results[mode] = run(suite, mode, python, folder)
        except CannotRunError as error:
            runs.problems.append(str(error))
    return runs


def prepare(suite: Suite, heliograph: Path) -> tuple[Path, Path]:
    """Return the Python of the suite's environment and its source distribution."""
    if not (heliograph / "pyproject.toml").is_file():
        msg = f"there is no Heliograph to install in {heliograph} (no pyproject.toml)."
        raise CannotRunError(msg)
    environment = CACHE / "environments" / suite.package
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = environment / "prepared.txt"
    wanted = fingerprint(suite, heliograph)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python, source_distribution(suite, python)
    report_progress(f"{suite.package}: preparing its environment")
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    command(sys.executable, "-m", "venv", "--clear", str(environment), task="make an environment")
    archive = source_distribution(suite, python)
    # Editable, so that later runs see the checkout as it is and need no network.
    packages = [*suite.needs, str(archive), "--editable", str(heliograph)]
    pip(python, "install", *packages, task="install what the suite needs")
    stamp.write_text(wanted, encoding="utf-8")
    return python, archive


def fingerprint(suite: Suite, heliograph: Path) -> str:
    """Describe the environment, so that one made for something else is made again."""
    project = hashlib.sha256((heliograph / "pyproject.toml").read_bytes()).hexdigest()
    return "\n".join([sys.version, suite.release, *suite.needs, str(heliograph), project])


def source_distribution(suite: Suite, python: Path) -> Path:
    """Return the suite's source distribution, downloading it if needed."""
    # One folder for each requirement: a changed one finds no outdated archive.
    folder = CACHE / "archives" / suite.release
    if not any(folder.glob("*.tar.gz")):
        options = ("--no-deps", "--no-binary", ":all:", "--dest", str(folder))
        task = f"download the source distribution of {suite.release}"
        pip(python, "download", *options, suite.release, task=task)
    return next(folder.glob("*.tar.gz"))


def unpack(archive: Path) -> Path:
    """Unpack *archive* afresh, so that no earlier run has touched the suite, and return it."""
    folder = CACHE / "suites" / archive.name.removesuffix(".tar.gz")
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as source:
        if hasattr(tarfile, "data_filter"):
            source.extractall(folder.parent, filter="data")
        else:  # Python 3.11.0 to 3.11.3 have no filters.
            source.extractall(folder.parent)  # noqa: S202 - pip has built this archive already
    if not any((folder / "tests").glob("**/test_*.py")):
        where = archive.parent.relative_to(CHECKOUT)
        msg = (
            f"the source distribution {archive.name} has no tests. To run them, put an archive "
            f"made from the project's repository into {where}/ in its place."
        )
        raise CannotRunError(msg)
    return folder


def pip(python: Path, *arguments: str, task: str) -> None:
    """Run the environment's pip, which may need the network."""
    try:
        command(str(python), "-m", "pip", "--disable-pip-version-check", *arguments, task=task)
    except CannotRunError as error:
        hint = "The first run needs a package index; later runs use what is in .downstream/."
        msg = f"{error}\n{hint}"
        raise CannotRunError(msg) from None


def command(*arguments: str, task: str) -> None:
    """Run a command; if it fails, tell what was being done and the error it gave."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).strip().splitlines()]
        errors = [line for line in lines if line.startswith("ERROR:")]
        errors = errors or lines[-1:] or ["it gave no reason"]
        msg = f"could not {task}: {errors[-1].removeprefix('ERROR:').strip()}"
        raise CannotRunError(msg)


def run(suite: Suite, mode: Mode, python: Path, folder: Path) -> dict[str, Result]:
    """Run the suite once and return each test's result."""
    report_progress(f"{folder.name}: {mode.value}")
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    log = logs / f"{suite.package}-{mode.name.lower()}.txt"
    results = log.with_suffix(".jsonl")
    results.write_text("", encoding="utf-8")
    status = run_pytest(python, folder, variables(suite, mode, results), log)
    check_engine(mode, log)
    found = read_results(results)
    if mode is Mode.BLINKER and (status not in (0, 1) or not found):
        msg = f"pytest stopped with status {status} {told_in(log)}"
        raise CannotRunError(msg)
    return found


def run_pytest(python: Path, folder: Path, environment: dict[str, str], log: Path) -> int | None:
    """Run pytest as the suite's own project would; return its status, None if it took too long."""
    with log.open("w", encoding="utf-8") as output:
        try:
            return subprocess.run(
                [str(python), "-m", "pytest", "-p", PLUGIN],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=TIME_LIMIT,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            report_progress(f"{folder.name}: stopped after {TIME_LIMIT} seconds")
            return None


def variables(suite: Suite, mode: Mode, results: Path) -> dict[str, str]:
    """Return the environment variables of a run, the plugin's among them."""
    folder = CACHE / "plugin"
    folder.mkdir(exist_ok=True)
    # A copy, alone in its folder, so that no other script can shadow a module.
    shutil.copyfile(__file__, folder / f"{PLUGIN}.py")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **kept,
        "PYTHONPATH": str(folder),
        MODE_VARIABLE: mode.name,
        PACKAGE_VARIABLE: suite.package,
        RESULTS_VARIABLE: str(results),
    }


def check_engine(mode: Mode, log: Path) -> None:
    """Make sure that the run was what it claims to be."""
    text = log.read_text(encoding="utf-8", errors="replace")
    engines = set(re.findall(rf"^{ENGINE_LINE}(.+)$", text, re.MULTILINE))
    if engines != {mode.engine}:
        found = " then ".join(sorted(engines)) or "none"
        msg = f"the engine {mode.value} should be {mode.engine}, but was {found} {told_in(log)}"
        raise CannotRunError(msg)


def told_in(log: Path) -> str:
    """Return where to read on, and how the log ends."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else "(nothing)"
    return f"(see {log.relative_to(CHECKOUT)}, which ends with: {last})"


def read_results(results: Path) -> dict[str, Result]:
    """Read the plugin's records, the most serious one for each test."""
    found: dict[str, Result] = {}
    for line in results.read_text(encoding="utf-8").splitlines():
        test, outcome, error = json.loads(line)
        if test not in found or seriousness(outcome) > seriousness(found[test].outcome):
            found[test] = Result(outcome, error)
    return found


def seriousness(outcome: str) -> int:
    """Rank outcomes; those of several phases make one test."""
    return OUTCOMES.index(outcome)


def report_progress(message: str) -> None:
    """Tell whoever waits what is happening, apart from the results."""
    print(message, file=sys.stderr, flush=True)


def print_table(suites: Iterable[Runs]) -> None:
    """Print one line for each suite: how many tests passed, failed and were skipped, by mode."""
    columns = [mode.value for mode in Mode]
    print(f"\n{'':16}{'':>7}  passed / failed / skipped")
    print(f"{'suite':16}{'tests':>7}" + "".join(f"  {column:>16}" for column in columns))
    for title, results, _ in suites:
        cells = [summary(results[mode].values()) if mode in results else "-" for mode in Mode]
        tests = len(next(iter(results.values()), ()))
        print(f"{title:16}{tests:>7}" + "".join(f"  {cell:>16}" for cell in cells))
    print()


def summary(results: Iterable[Result]) -> str:
    """Count outcomes; a test that did not finish has failed."""
    outcomes = [result.outcome for result in results]
    failed = outcomes.count("failed") + outcomes.count("unfinished")
    return f"{outcomes.count('passed')} / {failed} / {outcomes.count('skipped')}"


def print_differences(runs: Runs) -> int:
    """Print each test that passes on Blinker alone and its error; return how many there are."""
    blinker = runs.results.get(Mode.BLINKER)
    if blinker is None:
        return 0
    count = 0
    for mode, results in runs.results.items():
        for test, error in differences(blinker, results):
            print(f"{runs.title}, {mode.value}: {test}\n    {error}")
            count += 1
    if not count and not runs.problems:
        print(f"{runs.title}: every test that passes on Blinker passes on Heliograph.")
    return count


def differences(
    blinker: dict[str, Result],
    heliograph: dict[str, Result],
) -> Iterable[tuple[str, str]]:
    """Yield each test that passes on Blinker and does not on Heliograph, with its error."""
    passed = {test for test, result in blinker.items() if result.outcome == "passed"}
    # A file that cannot be collected is no test on Blinker, but tells why its tests are missing.
    for test, (outcome, error) in heliograph.items():
        known = test in blinker
        if (test in passed and outcome != "passed") or (not known and outcome == "failed"):
            yield test, error or f"It was {outcome}."
    for test in blinker:
        if test in passed and test not in heliograph:
            yield test, "It did not run."


if __name__ == "__main__":
    sys.exit(main())
elif __name__ == PLUGIN:
    put_in_engine(Mode[os.environ[MODE_VARIABLE]], PACKAGE)
