"""Compares the outcome of each test on Blinker and on Heliograph, and prints the differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from scripts.downstream.running import Result, run
from scripts.downstream.suite import CannotRunError, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scripts.downstream.preparing import Prepared
    from scripts.downstream.suite import Suite

    Results = dict[str, Result]

ABSENT = Result("absent", "It did not run.")


class Difference(NamedTuple):
    """A test that has not the same outcome on both."""

    mode: Mode
    test: str
    blinker: Result
    heliograph: Result

    def __str__(self) -> str:
        """Tell it, with the error of the one on which it failed."""
        error = self.heliograph.error or self.blinker.error
        outcomes = f"{self.heliograph.outcome} {self.mode.value}, {self.blinker.outcome} on Blinker"
        return f"{self.test}: {outcomes}\n    {error}"


@dataclass
class Comparison:
    """The results of the runs of one suite."""

    title: str
    results: dict[Mode, Results] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    flaky: list[Difference] = field(default_factory=list)
    """Tests whose outcome changed when the same run was made again."""
    problems: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Say in a word or two what was found."""
        differing, flaky = map(number_of_tests, (self.differences, self.flaky))
        if self.problems:
            return "could not be run"
        if differing:
            return f"{differing} differ"
        return f"the same ({flaky} flaky)" if flaky else "the same"


def compare(suite: Suite, prepared: Prepared) -> Comparison:
    """Run the suite in all its modes, and again where the outcomes differ."""
    comparison = Comparison(suite.release)
    again: Results | None = None
    for mode in suite.modes:
        try:
            results = comparison.results[mode] = run(suite, mode, prepared)
            blinker = comparison.results[Mode.BLINKER]
            found = list(differences(mode, blinker, results))
            if found:
                again = again or run(suite, Mode.BLINKER, prepared)
                settle(comparison, found, again, run(suite, mode, prepared))
        except CannotRunError as error:
            comparison.problems.append(str(error))
            if mode is Mode.BLINKER:
                break
    return comparison


def number_of_tests(differences: Iterable[Difference]) -> int:
    """Count the tests; one may differ in several modes."""
    return len({difference.test for difference in differences})


def differences(mode: Mode, blinker: Results, heliograph: Results) -> Iterator[Difference]:
    """Yield each test that has not the same outcome in both runs."""
    for test in {**blinker, **heliograph}:
        one, other = blinker.get(test, ABSENT), heliograph.get(test, ABSENT)
        if one.outcome != other.outcome:
            yield Difference(mode, test, one, other)


def settle(
    comparison: Comparison,
    found: Iterable[Difference],
    blinker: Results,
    heliograph: Results,
) -> None:
    """Separate the differences that a second pair of runs shows as well from flaky ones."""
    for difference in found:
        first = difference.blinker.outcome, difference.heliograph.outcome
        second = [results.get(difference.test, ABSENT).outcome for results in (blinker, heliograph)]
        kind = comparison.differences if [*first] == second else comparison.flaky
        kind.append(difference)


def table(comparisons: Iterable[Comparison]) -> str:
    """Return a line for each suite, in Markdown: tests passed / failed / skipped, by mode."""
    rows = [["suite", "tests", *(mode.value for mode in Mode), "verdict"]]
    rows += [row(comparison) for comparison in comparisons]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    aligned = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in aligned)


def row(comparison: Comparison) -> list[str]:
    """Return the cells of one suite."""
    results = comparison.results
    cells = [summary(results[mode].values()) if mode in results else "" for mode in Mode]
    tests = str(len(results.get(Mode.BLINKER, ())))
    return [comparison.title.replace("==", " "), tests, *cells, comparison.verdict]


def summary(results: Iterable[Result]) -> str:
    """Count outcomes; a test that did not finish has failed."""
    outcomes = [result.outcome for result in results]
    failed = outcomes.count("failed") + outcomes.count("unfinished")
    return f"{outcomes.count('passed')} / {failed} / {outcomes.count('skipped')}"


def print_findings(comparison: Comparison) -> None:
    """Print the details that do not fit in the table."""
    for kind in ("differences", "flaky"):
        for difference in getattr(comparison, kind):
            print(f"{comparison.title}, {kind}: {difference}")
