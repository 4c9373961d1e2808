"""Sits in the pytest of somebody's suite and writes down what each test did.

This folder is put on the path of that pytest, and this file, alone in it, loaded with `-p`:
it uses nothing of the scripts that read what it writes.
Each line of the results is a JSON list: `["engine", name]`, when the run starts and when it
ends, or `["test", node id, outcome, error]`, as often as something happens to a test.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Read at once, because some tests empty the environment.
RESULTS = Path(os.environ["DOWNSTREAM_RESULTS"])
ADOPTED = os.environ.get("DOWNSTREAM_ADOPTED", "")
"""The package whose signals are there before the engine is, if the run is of that kind."""


def adopt(package: str) -> None:
    """Put the engine in place after *package* has made its signals on Blinker."""
    if "blinker" in sys.modules:
        sys.exit("Blinker was imported before the package that is to make its signals on it.")
    importlib.import_module(package)
    before = signals_of(package)
    importlib.import_module("heliograph.blinker").install()
    if any(before[name] is not found for name, found in signals_of(package).items()):
        sys.exit(f"install() replaced signals of {package} instead of adopting them.")


def signals_of(package: str) -> dict[str, object]:
    """Return the signals that *package*, if it has been imported, keeps in its `signals` module."""
    module = sys.modules.get(f"{package}.signals")
    found = vars(module) if module else {}
    return {name: value for name, value in found.items() if hasattr(value, "has_receivers_for")}


def engine_in_use() -> str:
    """Name what stands behind the module `blinker` and behind the signals of frameworks."""
    signals = [importlib.import_module("blinker").Signal()]
    for package in ("flask", "quart"):
        signals += signals_of(package).values()
    return " and ".join(sorted({engine_of(signal) for signal in signals}))


def engine_of(signal: object) -> str:
    """Name the package whose code *signal* runs."""
    heliograph = sys.modules.get("heliograph")
    if heliograph and isinstance(signal, heliograph.Signal):
        return "heliograph"
    return type(signal).__module__.partition(".")[0]


def pytest_sessionstart() -> None:
    """Record which engine the suite starts on."""
    record("engine", engine_in_use())


def pytest_sessionfinish() -> None:
    """Record it again at the end: a suite may reload modules."""
    record("engine", engine_in_use())


def pytest_runtest_logstart(nodeid: str) -> None:
    """Record that a test began, in case the run never gets to its end."""
    record("test", nodeid, "unfinished", "It did not finish.")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record what a test did; of its setup and teardown only what did not pass."""
    if report.when == "call" or report.outcome != "passed":
        record("test", report.nodeid, report.outcome, first_line_of_error(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record a file whose tests could not be collected, or are skipped as a whole."""
    if report.outcome != "passed":
        record("test", report.nodeid, report.outcome, first_line_of_error(report))


def first_line_of_error(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the first line of the error that *report* is about, or nothing."""
    if report.outcome != "failed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    # Without a crash there is only a formatted traceback, which ends with the error.
    lines = crash.message.splitlines() if crash else str(report.longrepr).splitlines()[::-1]
    return next((line.strip() for line in lines if line.strip()), "It failed without a message.")


def record(*values: str) -> None:
    """Append one line to the results; at once, so that a crash loses nothing."""
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(json.dumps(values) + "\n")


if ADOPTED:
    adopt(ADOPTED)
