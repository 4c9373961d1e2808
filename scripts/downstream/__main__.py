"""Runs other people's test suites on Blinker and on Heliograph, and compares them test by test.

Every suite comes from its project's source distribution and runs unchanged, with its own pytest
configuration: on Blinker; under `heliograph run`, without our pytest plugin and with it, as it is
installed; and, for frameworks, with Heliograph installed after the framework was imported.
Each test must have the same outcome in all of them.
Where one has not, the run and Blinker's are made again: what the second pair does not show as
well is told as flaky, and is no difference.

    python -m scripts.downstream [SUITE …]

The exit status is 0 if the engines agree, 1 if a test differs, and 2 if a suite could not be run.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.downstream.comparing import Comparison, compare, print_findings, table
from scripts.downstream.preparing import prepare, report_progress
from scripts.downstream.suite import CHECKOUT, SUITES, CannotRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.downstream.suite import Suite


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that were asked for and return the exit status."""
    options = parse(arguments)
    suites = [SUITES[name] for name in options.suites]
    with ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(lambda suite: examine(suite, options.heliograph), suites))
    print(f"\nTests passed / failed / skipped:\n\n{table(found)}\n")
    for comparison in found:
        print_findings(comparison)
    problems = [f"{found.title}: {problem}" for found in found for problem in found.problems]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    return 1 if any(comparison.differences for comparison in found) else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.downstream",
        description="Run other people's test suites on Blinker and on Heliograph, and compare.",
        epilog=f"Suites: {' '.join(SUITES)}. Delete .downstream/ to install everything again.",
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="which (default: all)")
    parser.add_argument(
        "--heliograph",
        type=Path,
        default=CHECKOUT,
        metavar="FOLDER",
        help="the Heliograph to test (default: this checkout)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="suites at a time (default: 1)")
    options = parser.parse_args(arguments)
    options.suites = list(dict.fromkeys(options.suites)) or list(SUITES)
    # Not `choices`: on Python 3.11 it refuses an empty list of suites.
    if unknown := [name for name in options.suites if name not in SUITES]:
        parser.error(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    options.heliograph = options.heliograph.resolve()
    return options


def examine(suite: Suite, heliograph: Path) -> Comparison:
    """Prepare a suite, run it in all its modes, and compare."""
    try:
        comparison = compare(suite, prepare(suite, heliograph))
    except CannotRunError as error:
        comparison = Comparison(suite.release, problems=[str(error)])
    report_progress(f"{suite.release}: {comparison.verdict}")
    return comparison


if __name__ == "__main__":
    sys.exit(main())
