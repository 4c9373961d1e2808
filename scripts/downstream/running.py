"""Runs a suite once, as its own project would, and reads the outcome of each test."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.downstream.preparing import report_progress, unpack
from scripts.downstream.suite import CACHE, CHECKOUT, CannotRunError, Mode

if TYPE_CHECKING:
    from scripts.downstream.preparing import Prepared
    from scripts.downstream.suite import Suite

RECORDER = Path(__file__).with_name("recorder")
TIME_LIMIT = 3600  # seconds for one run; the largest suite needs three minutes of a processor.
# Variables of the caller's shell that would disturb the suites.
FOREIGN = ("PYTHON", "PYTEST", "COV", "FLASK_", "QUART_", "REQUESTS_", "DOWNSTREAM_")
# From harmless to serious: a test counts with the most serious thing that happened to it.
OUTCOMES = ("unfinished", "passed", "skipped", "failed")


class Result(NamedTuple):
    """The outcome of one test."""

    outcome: str
    error: str


def run(suite: Suite, mode: Mode, prepared: Prepared) -> dict[str, Result]:
    """Run the suite once and return each test's result."""
    folder = unpack(prepared.archive)
    report_progress(f"{suite.release}: {mode.value}")
    (CACHE / "logs").mkdir(exist_ok=True)
    log = CACHE / "logs" / f"{suite.name}-{mode.name.lower()}.txt"
    results = log.with_suffix(".jsonl")
    results.write_text("", encoding="utf-8")
    command = [*launcher(mode, prepared.programs), f"--rootdir={folder}", *suite.arguments]
    status = run_pytest(command, folder, variables(suite, mode, results), log)
    found = read_results(results, mode, log)
    if mode is Mode.BLINKER and (status not in {0, 1} or not found):
        msg = f"pytest stopped with status {status} {told_in(log)}"
        raise CannotRunError(msg)
    return found


def launcher(mode: Mode, programs: Path) -> list[str]:
    """Return the command that starts pytest on the engine that *mode* asks for."""
    python = str(programs / "python")
    start = [str(programs / "heliograph"), "run", python] if mode.starts_with_it else [python]
    plugin = [] if mode is Mode.PLUGIN else ["-p", "no:heliograph"]
    return [*start, "-m", "pytest", "-p", "heliograph_downstream", *plugin]


def run_pytest(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    log: Path,
) -> int | None:
    """Run pytest in *folder*; return its status, None if it took too long."""
    with log.open("w", encoding="utf-8") as output:
        try:
            return subprocess.run(
                command,
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
    """Return the environment variables of a run, the recorder's among them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **kept,
        **suite.environment,
        "PYTHONPATH": str(RECORDER),
        "DOWNSTREAM_ADOPTED": suite.adopted if mode is Mode.ADOPTED else "",
        "DOWNSTREAM_RESULTS": str(results),
    }


def read_results(results: Path, mode: Mode, log: Path) -> dict[str, Result]:
    """Read the recorder's lines, the most serious one for each test."""
    found: dict[str, Result] = {}
    engines = set()
    for line in results.read_text(encoding="utf-8").splitlines():
        kind, *values = json.loads(line)
        if kind == "engine":
            engines.update(values)
            continue
        test, outcome, error = values
        if test not in found or seriousness(outcome) > seriousness(found[test].outcome):
            found[test] = Result(outcome, error)
    check_engine(engines, mode, log)
    return found


def seriousness(outcome: str) -> int:
    """Rank outcomes; those of several phases make one test."""
    return OUTCOMES.index(outcome)


def check_engine(engines: set[str], mode: Mode, log: Path) -> None:
    """Make sure that the run was what it claims to be."""
    if engines != {mode.engine}:
        found = " then ".join(sorted(engines)) or "none"
        msg = f"{mode.value}, the engine should be {mode.engine}, but was {found} {told_in(log)}"
        raise CannotRunError(msg)


def told_in(log: Path) -> str:
    """Return where to read on, and how the log ends."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else "(nothing)"
    return f"(see {log.relative_to(CHECKOUT)}, which ends with: {last})"
