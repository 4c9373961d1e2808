"""The command ``python -m benchmarks``: runs what was asked for and prints the tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.engines import ENGINES, Engine, UnsupportedError
from benchmarks.growth import growth_rows
from benchmarks.harness import Row, measure
from benchmarks.imports import imports
from benchmarks.memory import GAUGES, weigh
from benchmarks.rows import CONNECTING, SENDING

if TYPE_CHECKING:
    from collections.abc import Iterable

Results = dict[str, object]


@dataclass(frozen=True)
class Effort:
    """How much of everything a run does."""

    rounds: int
    growth_rounds: int
    sizes: tuple[int, ...]
    senders: int
    interpreters: int


FULL = Effort(
    rounds=150, growth_rounds=30, sizes=(1, 1_000, 100_000), senders=100_000, interpreters=30
)
QUICK = Effort(rounds=15, growth_rounds=5, sizes=(1, 1_000, 10_000), senders=20_000, interpreters=5)


def main() -> None:
    """Measure and print, section by section."""
    options = _options()
    effort = QUICK if options.quick else FULL
    wanted: re.Pattern[str] = options.rows
    results: Results = _circumstances()
    started = time.monotonic()

    print(_preface(results))
    _timings("Sending", SENDING, effort.rounds, wanted, results)
    _timings("Connecting", CONNECTING, effort.rounds, wanted, results)
    _growth(effort, wanted, results)
    if wanted.search("memory"):
        _memory(options.senders or effort.senders, results)
    if wanted.search("import"):
        _imports(effort.interpreters, results)
    print(f"{time.monotonic() - started:.0f} seconds")

    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, for trying out")
    parser.add_argument(
        "--rows",
        type=_pattern,
        default="",
        metavar="PATTERN",
        help="only rows whose name holds this regular expression; also 'memory' and 'import'",
    )
    parser.add_argument(
        "--senders", type=_at_least_one, metavar="N", help="weigh connections to N senders"
    )
    parser.add_argument(
        "--json", type=_writable, metavar="FILE", help="write all figures there as well"
    )
    return parser.parse_args()


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        msg = f"{text!r} is not a regular expression: {error}"
        raise argparse.ArgumentTypeError(msg) from None


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"{text!r} is not a number of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _writable(text: str) -> Path:
    # Asked before minutes of measuring, not after.
    try:
        Path(text).open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def _circumstances() -> Results:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "blinker": version("blinker"),
        "cpus": os.cpu_count(),
    }


def _preface(results: Results) -> str:
    return (
        f"{results['python']}, Blinker {results['blinker']}, {results['cpus']} CPUs.\n"
        "Engines take turns in one process; no garbage collection; the empty loop is subtracted.\n"
        "Only the ratios hold (medians over the rounds); nanoseconds are this machine's, today.\n"
        "A receiver is `def receiver(sender, **kw): return None`, weakly held.\n"
        "A row sends 1 keyword unless it says otherwise.\n"
    )


def _timings(
    title: str, rows: Iterable[Row], rounds: int, wanted: re.Pattern[str], results: Results
) -> None:
    measured = _measured(rows, rounds, wanted)
    if measured:
        results[title.lower()] = report.plain(measured)
        print(report.timings_table(title, measured))


def _growth(effort: Effort, wanted: re.Pattern[str], results: Results) -> None:
    measured = _measured(growth_rows(effort.sizes), effort.growth_rounds, wanted)
    if measured:
        results["growth"] = report.plain(measured)
        print(report.growth_table("Growth: the same among so many …", measured))


def _measured(rows: Iterable[Row], rounds: int, wanted: re.Pattern[str]) -> list[report.Measured]:
    return [(row, measure(row, ENGINES, rounds)) for row in rows if wanted.search(row.name)]


def _memory(senders: int, results: Results) -> None:
    weights = {
        gauge: {
            engine.name: weigh(engine, gauge, senders) for engine in ENGINES if _connects(engine)
        }
        for gauge in GAUGES
    }
    results["memory"] = {"senders": senders, "bytes_per_connection": weights}
    print(report.memory_table(weights, senders))


def _connects(engine: type[Engine]) -> bool:
    try:
        return callable(engine().connect)
    except UnsupportedError:
        return False


def _imports(interpreters: int, results: Results) -> None:
    measured = imports(interpreters)
    results["imports"] = [asdict(each) for each in measured]
    print(report.imports_table(measured))


if __name__ == "__main__":
    main()
