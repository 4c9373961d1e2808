"""What `make downstream` takes for a difference, and what for chance."""

from __future__ import annotations

from scripts.downstream.comparing import ABSENT, Comparison, Difference, differences, settle, table
from scripts.downstream.running import Result
from scripts.downstream.suite import SUITES, Mode

PASSED = Result("passed", "")
SKIPPED = Result("skipped", "")
FAILED = Result("failed", "assert 1 == 2")


def test_a_test_differs_if_its_outcome_does() -> None:
    """Failing on Blinker alone is a difference too, and so is not running; errors may differ."""
    blinker = {"same": FAILED, "ours": PASSED, "theirs": FAILED, "gone": SKIPPED}
    heliograph = {
        "same": Result("failed", "other"),
        "ours": FAILED,
        "theirs": PASSED,
        "new": PASSED,
    }

    assert list(differences(Mode.PLUGIN, blinker, heliograph)) == [
        Difference(Mode.PLUGIN, "ours", PASSED, FAILED),
        Difference(Mode.PLUGIN, "theirs", FAILED, PASSED),
        Difference(Mode.PLUGIN, "gone", SKIPPED, ABSENT),
        Difference(Mode.PLUGIN, "new", ABSENT, PASSED),
    ]


def test_what_the_second_pair_of_runs_does_not_show_is_chance() -> None:
    """A difference is one that the same two runs, made again, show again."""
    ours = Difference(Mode.HELIOGRAPH, "ours", PASSED, FAILED)
    theirs = Difference(Mode.HELIOGRAPH, "theirs", FAILED, PASSED)
    once = Difference(Mode.HELIOGRAPH, "once", PASSED, FAILED)
    comparison = Comparison("suite==1")

    settle(
        comparison,
        [ours, theirs, once],
        {"ours": PASSED, "theirs": PASSED, "once": PASSED},
        {"ours": FAILED, "theirs": PASSED, "once": PASSED},
    )

    assert (comparison.differences, comparison.flaky) == ([ours], [theirs, once])


def test_a_verdict_counts_tests() -> None:
    """A test that differs in two modes is one; chance does not hide a difference."""
    ours = [Difference(mode, "ours", PASSED, FAILED) for mode in (Mode.HELIOGRAPH, Mode.PLUGIN)]
    once = Difference(Mode.HELIOGRAPH, "once", PASSED, FAILED)

    assert [
        Comparison("suite==1").verdict,
        Comparison("suite==1", flaky=[once]).verdict,
        Comparison("suite==1", flaky=[once], differences=ours).verdict,
        Comparison("suite==1", differences=ours, problems=["no index"]).verdict,
    ] == ["the same", "the same (1 flaky)", "1 differ", "could not be run"]


def test_a_difference_is_told_with_its_error() -> None:
    """Whoever reads it sees where it failed, and of what."""
    difference = Difference(Mode.HELIOGRAPH, "tests/test_app.py::test_ours", PASSED, FAILED)

    assert str(difference) == (
        "tests/test_app.py::test_ours: failed on Heliograph, passed on Blinker\n    assert 1 == 2"
    )


def test_the_table_can_be_put_into_a_page() -> None:
    """A test that did not finish has failed; a mode that was not run has an empty cell."""
    ran = {"a": PASSED, "b": FAILED, "c": Result("unfinished", "It did not finish."), "d": SKIPPED}
    comparison = Comparison("suite==1", {Mode.BLINKER: ran, Mode.HELIOGRAPH: ran})

    assert table([comparison]).splitlines() == [
        "| suite   | tests | on Blinker | on Heliograph | with plugin | after import | verdict  |",
        "| ------- | ----- | ---------- | ------------- | ----------- | ------------ | -------- |",
        "| suite 1 | 4     | 1 / 2 / 1  | 1 / 2 / 1     |             |              | the same |",
    ]


def test_every_suite_has_an_exact_release_and_reasons_for_what_it_leaves_out() -> None:
    """Next year's run is the same as today's, and nobody wonders why a test is not run."""
    loose = [suite.release for suite in SUITES.values() if "==" not in suite.release]
    unexplained = [suite.name for suite in SUITES.values() if not all(suite.left_out.values())]

    assert (loose, unexplained) == ([], [])
