"""Counts and times the modules that an import loads, in interpreters that loaded no others."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

MODULES = ("heliograph", "heliograph.blinker", "blinker")

# -S keeps the environment's .pth files out: what they import would be missing from the count.
# `site` itself is imported by hand, for it and what it needs are there in every ordinary start.
SCRIPT = """
import site, sys
from time import perf_counter_ns
before = set(sys.modules)
start = perf_counter_ns()
import {module}
elapsed = perf_counter_ns() - start
print(elapsed, *sorted(set(sys.modules) - before))
"""


@dataclass(frozen=True)
class Import:
    """The time of one import, and the modules that it loads."""

    module: str
    median_ms: float
    minimum_ms: float
    loaded: tuple[str, ...]


def imports(repetitions: int) -> list[Import]:
    """Import each of `MODULES` in turn, *repetitions* times over."""
    with TemporaryDirectory() as bytecode:
        for module in MODULES:
            _import(module, bytecode)  # Writes the bytecode, so that no compiling is timed.
        rounds = [
            {module: _import(module, bytecode) for module in MODULES} for _ in range(repetitions)
        ]
    return [_summary(module, [round_[module] for round_ in rounds]) for module in MODULES]


def _summary(module: str, runs: list[tuple[float, tuple[str, ...]]]) -> Import:
    times = [milliseconds for milliseconds, _ in runs]
    return Import(module, median(times), min(times), runs[0][1])


def _import(module: str, bytecode: str) -> tuple[float, tuple[str, ...]]:
    child = subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT.format(module=module)],
        env=environment(bytecode),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    elapsed, *loaded = child.stdout.split()
    return int(elapsed) / 1e6, tuple(loaded)


def environment(bytecode: str) -> dict[str, str]:
    """Return that of an interpreter that keeps bytecode in a folder."""
    # The same figures for users who forbid bytecode, or cannot write it.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join(filter(None, sys.path))
    return kept | {"PYTHONPATH": path, "PYTHONPYCACHEPREFIX": bytecode}
