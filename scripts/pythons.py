"""Runs the suite on every supported Python, in C and in Python, and prints one table.

Those that are installed are taken as they are. Those that are missing and that Debian's unstable
suite has are put into a folder of their own, where root may do so on Debian (900 MB; see
`scripts/unstable.py`). On one of them the suite runs once more with what free-threaded builds
begin with: threads inherit their context, and warnings follow it. A free-threaded interpreter is
run where one is named.

    python -m scripts.pythons [--only 3.14 …] [--parts core flask …]
        [--root FOLDER] [--free-threaded /path/to/python3.13t]

The parts are in PARTS below. The one that is named last runs whatever `--only` says.
Each interpreter has an environment and a copy of the checkout in `.pythons/`, and each run a log
in `.pythons/logs/`. The exit status is 1 if a test failed or something that was asked for by its
name could not be run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

import pip

from scripts import unstable
from scripts.interpreters import CHECKOUT, environment, installed, supported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WORK = CHECKOUT / ".pythons"
# Files that are made from the checkout, and files that no test needs.
NOT_COPIED = (".*", "__pycache__", "*.egg-info", "*.so", "build", "dist", "htmlcov")
# On Pythons that have them as flags; one is enough, as they do the same everywhere.
INHERITING = "3.14"
AS_FREE_THREADED = {"PYTHON_THREAD_INHERIT_CONTEXT": "1", "PYTHON_CONTEXT_AWARE_WARNINGS": "1"}
# A run that hangs ends as a failure; pytest's own time limit is for a single test.
TIME_LIMIT = 3600
IN_USE = "import heliograph as it; assert it.implementation == {expected!r}, it.implementation"


@dataclass(frozen=True)
class Part:
    """A part of the suite that runs in a process of its own."""

    arguments: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    needs: str = "frameworks"


APART = ("audit", "core", "flask", "packaging", "plugin", "transactions")
PARTS = {
    "core": Part(("tests/core", "--ignore=tests/core/test_threads.py"), needs="test"),
    # Apart: without a GIL it takes a hundred times as long.
    "threads": Part(("tests/core/test_threads.py", "--timeout=900"), needs="test"),
    "wings": Part(("tests", *(f"--ignore=tests/{it}" for it in APART))),
    # What is killed there is the same on every Python.
    "transactions": Part(
        ("tests/transactions", "tests/audit", "--ignore=tests/audit/test_faults.py"),
        needs="transactions",
    ),
    "flask": Part(("tests/flask",), {"HELIOGRAPH_INSTALL": "before"}),
    "flask-late": Part(("tests/flask",), {"HELIOGRAPH_INSTALL": "after"}),
    "plugin": Part(
        (
            *("-p", "heliograph", "-o", "signals_rules=true", "--signals-install"),
            *("tests/plugin", "examples/tests"),
        )
    ),
    "packaging": Part(("tests/packaging",), needs="packaging"),
}
# Packages by the part that needs them: a part is left out if its packages cannot be installed.
BUNDLES = {
    "test": ("--group", "test", "setuptools>=77"),
    "frameworks": ("--group", "frameworks", "click>=8.1", "rich>=13"),
    # From 3.12 on with the tasks of Django 6.
    "transactions": (
        *("--group", "transactions", "msgspec>=0.19", "opentelemetry-sdk>=1.34"),
        *("celery>=5.4", "django>=5.2", "fastapi>=0.136", "uvicorn>=0.34"),
    ),
    "packaging": ("--group", "packaging", "pip"),
}


@dataclass
class Interpreter:
    """A Python, its environment, and the packages that could not be installed there."""

    name: str
    python: Path
    root: Path | None = None
    compiles: bool = False
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Its place."""
        return WORK / self.name

    @property
    def checkout(self) -> Path:
        """Its copy of the checkout."""
        return self.folder / "checkout"

    @property
    def inside(self) -> Path:
        """The Python of its environment."""
        return self.folder / "environment" / "bin" / "python"

    def run(self, log: Path, *command: str | Path, **variables: str) -> int:
        """Run a command in the copy, with what it says in the log; return its exit status."""
        told = [str(it) for it in command]
        if self.root is not None:
            told = unstable.inside(self.root, WORK, self.checkout, *command)
        env = environment(self.inside.parent, **variables)
        with log.open("w", encoding="utf-8") as output:
            try:
                return subprocess.run(
                    told,
                    cwd=self.checkout,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=TIME_LIMIT,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                output.write(f"\nIt was ended after {TIME_LIMIT} seconds.\n")
                return -1


class Outcome(NamedTuple):
    """What one run of a part gave."""

    passed: int
    failed: list[str]
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed}/{len(self.failed)}/{self.skipped}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the interpreters, run the suite on each, and return the exit status."""
    options = parse(arguments)
    (WORK / "logs").mkdir(parents=True, exist_ok=True)
    found, left_out = interpreters(options)
    rows: dict[str, dict[str, Outcome]] = {}
    for it in found:
        if problem := prepare(it):
            left_out[it.name] = problem
            continue
        left_out |= {f"{it.name}, {name}": problem for name, problem in it.missing.items()}
        for title, variables in implementations(it):
            rows[f"{it.name} {title}"] = run_parts(it, title, variables, options.parts)
    print_table(rows, left_out)
    failed = any(outcome.failed for row in rows.values() for outcome in row.values())
    return int(failed or not rows or not left_out.keys().isdisjoint(options.only))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Run the suite on every supported Python.")
    parser.add_argument("--only", nargs="*", default=[], metavar="VERSION")
    parser.add_argument("--parts", nargs="*", default=[], metavar="PART")
    parser.add_argument("--root", type=Path, default=WORK / "unstable", metavar="FOLDER")
    parser.add_argument("--free-threaded", metavar="PYTHON")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no part is called {min(unknown)!r}; there are {', '.join(PARTS)}")
    options.root = options.root.resolve()
    return options


def interpreters(options: argparse.Namespace) -> tuple[list[Interpreter], dict[str, str]]:
    """Return the interpreters that were asked for, and why others are left out."""
    without_gil = [free_threaded(options.free_threaded)] if options.free_threaded else []
    here = installed()
    names = {it.name for it in without_gil}
    wanted = [name for name in options.only or supported() if name not in names]
    found = [Interpreter(name, here[name]) for name in wanted if name in here]
    missing = [name for name in wanted if name not in here]
    left_out = dict.fromkeys(missing, "it is not installed")
    if made := [name for name in missing if name in unstable.PYTHONS]:
        report(f"looking for {' and '.join(made)} in {options.root}, or putting them there")
        try:
            unstable.make(options.root)
        except unstable.CannotMakeError as error:
            return found + without_gil, left_out | dict.fromkeys(made, str(error))
    found += [Interpreter(it, Path(f"/usr/bin/python{it}"), options.root) for it in made]
    return found + without_gil, {it: left_out[it] for it in missing if it not in made}


def free_threaded(python: str) -> Interpreter:
    """Return the interpreter that was named, by what its file is called."""
    path = Path(shutil.which(python) or python).absolute()
    return Interpreter(path.name.removeprefix("python"), path)


def prepare(it: Interpreter) -> str:
    """Copy the checkout, and install it and what it needs; return why that could not be done."""
    report(f"preparing {it.name}")
    copy_checkout(it.checkout)
    log = WORK / "logs" / f"{it.name}-prepare.txt"
    if it.run(log, it.python, "-VV"):
        return f"it does not run, see {log}"
    if problem := prepare_environment(it, log, version=log.read_text(encoding="utf-8")):
        return problem
    it.run(log, it.inside, "scripts/compiler.py")
    answer = log.read_text(encoding="utf-8").strip()
    it.compiles = answer == "1"
    # Each time: what was compiled has gone with the copy before.
    install = ("-e", ".", "--no-build-isolation", "--no-deps")
    if it.run(log, *pip_install(it, *install), HELIOGRAPH_REQUIRE_C=answer):
        return f"Heliograph could not be installed, see {log}"
    return ""


def copy_checkout(target: Path) -> None:
    """Copy the files that tests need, so that they do not change during the run."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(CHECKOUT, target, ignore=shutil.ignore_patterns(*NOT_COPIED))


def prepare_environment(it: Interpreter, log: Path, version: str) -> str:
    """Install what the tests need, unless it is there; return why nothing can run."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = f"{it.python} {version} {BUNDLES} {project['dependency-groups']}"
    ready = it.folder / "ready"
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return ""
    ready.unlink(missing_ok=True)
    shutil.rmtree(it.folder / "environment", ignore_errors=True)
    if it.run(log, it.python, "-m", "venv", "--without-pip", it.inside.parents[1]):
        return f"no environment could be made, see {log}"
    for name, packages in BUNDLES.items():
        log = WORK / "logs" / f"{it.name}-{name}.txt"
        if it.run(log, *pip_install(it, *packages)):
            it.missing[name] = f"not everything could be installed, see {log}"
    if not it.missing:
        ready.write_text(wanted, encoding="utf-8")
    return it.missing.get("test", "")


def pip_install(it: Interpreter, *packages: str) -> Iterator[str | Path]:
    """Yield a command that installs into its environment by the pip of this one.

    An interpreter may come without pip, and with one that knows no dependency groups.
    """
    copy = WORK / "pip"
    if not copy.is_dir():
        shutil.copytree(Path(pip.__file__).parent, copy)
    yield from (it.inside, copy, "install", "-qq", "--disable-pip-version-check")
    # The newest of Hypothesis are in Rust; where they have no wheel, one in Python serves.
    yield from ("--only-binary=hypothesis", *packages)


def implementations(it: Interpreter) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the suite runs on, with the environment variables that make it so."""
    in_c = {"in C": {"HELIOGRAPH_PURE": "0"}} if it.compiles else {}
    both = in_c | {"in Python": {"HELIOGRAPH_PURE": "1"}}
    yield from both.items()
    if it.name == INHERITING:
        for title, variables in both.items():
            yield f"{title}, contexts inherited", variables | AS_FREE_THREADED


def run_parts(
    it: Interpreter, title: str, variables: dict[str, str], chosen: Iterable[str]
) -> dict[str, Outcome]:
    """Run the parts that were chosen, or all."""
    outcomes = {}
    for name in chosen or PARTS:
        part = PARTS[name]
        if part.needs not in it.missing:
            report(f"{it.name} {title}: {name}")
            log = WORK / "logs" / f"{it.name} {title}: {name}.txt"
            outcomes[name] = run_part(it, part, log, part.variables | variables)
            print(f"{outcomes[name]} passed/failed/skipped", *outcomes[name].failed, sep="\n  ")
    return outcomes


def run_part(it: Interpreter, part: Part, log: Path, variables: dict[str, str]) -> Outcome:
    """Run one part, and read what pytest wrote of it."""
    expected = "python" if variables["HELIOGRAPH_PURE"] == "1" else "c"
    if it.run(log, it.inside, "-c", IN_USE.format(expected=expected), **variables):
        return Outcome(0, [f"another implementation is in use, see {log}"], 0)
    results = it.folder / "results.xml"
    results.unlink(missing_ok=True)
    pytest = ("-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={results}")
    status = it.run(log, it.inside, *pytest, *part.arguments, **variables)
    return read_results(results, status, log)


def read_results(results: Path, status: int, log: Path) -> Outcome:
    """Count, and name what failed; a run without results has failed as a whole."""
    if not results.is_file():
        return Outcome(0, [f"it ended with status {status}, see {log}"], 0)
    tree = ET.parse(results)  # noqa: S314 - written by the pytest that has just run.
    cases = list(tree.iter("testcase"))
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    passed = len(cases) - skipped - len(failed)
    if status and not failed:
        failed = [f"it ended with status {status}, see {log}"]
    return Outcome(passed, failed, skipped)


def print_table(rows: dict[str, dict[str, Outcome]], left_out: dict[str, str]) -> None:
    """Print a line for each implementation, then what failed, and what was not run."""
    columns = [name for name in PARTS if any(name in row for row in rows.values())]
    width = max(map(len, rows), default=0)
    print(f"\n{'passed/failed/skipped':{width}}" + "".join(f"  {it:>12}" for it in columns))
    for title, row in rows.items():
        cells = [str(row.get(name, "-")) for name in columns]
        print(f"{title:{width}}" + "".join(f"  {cell:>12}" for cell in cells))
    for title, row in rows.items():
        for name, outcome in row.items():
            print("".join(f"\n{title}: {name}: {test}" for test in outcome.failed), end="")
    print("".join(f"\nnot run: {name}: {reason}" for name, reason in left_out.items()))


def report(message: str) -> None:
    """Print progress."""
    print(f"\n== {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
