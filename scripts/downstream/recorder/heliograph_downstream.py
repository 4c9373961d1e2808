"""Runs inside the pytest of a suite and records the outcome of each test.

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
"""The module that makes its signals before the engine is there, if the run is of that kind."""
ENGINES = ("heliograph", "blinker")


def adopt(module: str) -> None:
    """Put the engine in place after *module* has made its signals on Blinker."""
    if "blinker" in sys.modules:
        sys.exit("Blinker was imported before the module that is to make its signals on it.")
    importlib.import_module(module)
    before = signals()
    importlib.import_module("heliograph.blinker").install()
    after = signals()
    replaced = [name for name, signal in before.items() if after.get(name) is not signal]
    if not before:
        sys.exit(f"{module} makes no signals when it is imported, so none can be adopted.")
    if replaced:
        sys.exit(f"install() replaced signals instead of adopting them: {', '.join(replaced)}.")


def signals() -> dict[str, object]:
    """Return every signal that a module of this process holds, by its place."""
    # What programs put among the modules need not be one.
    loaded = [(module, getattr(it, "__dict__", {})) for module, it in [*sys.modules.items()]]
    names = [(module, *name) for module, names in loaded for name in [*names.items()]]
    return {f"{module}.{name}": value for module, name, value in names if engine_of(value)}


def engine_of(value: object) -> str:
    """Name the package whose code *value* runs if it is a signal, else nothing."""
    # By its type alone: proxies and mocks say yes to everything that they are asked themselves.
    packages = {it.__module__.partition(".")[0] for it in type(value).__mro__ if is_signal(it)}
    return next((engine for engine in ENGINES if engine in packages), "")


def is_signal(it: type) -> bool:
    """Whether the class is called what both engines call it."""
    return it.__name__ == "Signal" and isinstance(it.__module__, str)


def engine_in_use() -> str:
    """Name what stands behind the module `blinker` and behind all signals that modules hold."""
    signal = importlib.import_module("blinker").Signal()
    return " and ".join(sorted({engine_of(it) for it in [signal, *signals().values()]}))


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
