"""What the pytest plugin adds to a suite that does not use it: whole runs, taking turns."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

WITHOUT = "without the plugin"
WAYS = {
    WITHOUT: ("-p", "no:heliograph"),
    "as installed": (),
    "signals_rules = true": ("-o", "signals_rules=true"),
}

# Other installed plugins must not be measured. pytest still finds the plugins by itself, as
# it does for users: to name one with `-p` makes it read what all packages offer once more.
OTHERS = sorted(entry_points(group="pytest11").names - {"heliograph"})
LEFT_OUT = tuple(chain.from_iterable(("-p", f"no:{name}") for name in ["cacheprovider", *OTHERS]))
COMMAND = (sys.executable, "-m", "pytest", "-q", *LEFT_OUT)


@dataclass(frozen=True)
class Suite:
    """What one way of running the tests takes: seconds of processor time, over all its runs."""

    way: str
    minimum_s: float
    median_s: float
    ratio: float


def suites(tests: int, rounds: int) -> list[Suite]:
    """Run so many tests that do nothing, in each of `WAYS` in turn."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        source = "\n".join(f"def test_{number}(): pass" for number in range(tests))
        place.joinpath("test_nothing.py").write_text(source, encoding="utf-8")
        # Or pytest would look for settings in the folders above.
        place.joinpath("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for way in WAYS:
            _seconds(place, way)  # Writes the bytecode, so that no compiling is timed.
        measured = [{way: _seconds(place, way) for way in _turn(at)} for at in range(rounds)]
    return [_summary(way, measured) for way in WAYS]


def _turn(number: int) -> list[str]:
    # What comes first in one round comes last in the next.
    return list(WAYS) if number % 2 else list(reversed(WAYS))


def _summary(way: str, measured: list[dict[str, float]]) -> Suite:
    times = [each[way] for each in measured]
    return Suite(
        way, min(times), median(times), median(each[way] / each[WITHOUT] for each in measured)
    )


def _seconds(folder: Path, way: str) -> float:
    before = getrusage(RUSAGE_CHILDREN).ru_utime
    subprocess.run(
        [*COMMAND, *WAYS[way], "test_nothing.py"],
        cwd=folder,
        env=_environment(folder),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return getrusage(RUSAGE_CHILDREN).ru_utime - before


_NOT_KEPT = ("PYTHONDONTWRITEBYTECODE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")


def _environment(folder: Path) -> dict[str, str]:
    # The same figures for users who forbid bytecode, or cannot write it.
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_KEPT}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
