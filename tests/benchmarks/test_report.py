"""From timings to tables, and from tables to pages."""

from __future__ import annotations

import sys

from benchmarks import pages
from benchmarks.harness import Timing
from benchmarks.tables import Table


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """Both timings of a round saw the same machine; those of different rounds did not."""
    ours, theirs = Timing([1.0, 20.0, 3.0]), Timing([2.0, 80.0, 6.0])

    assert theirs.over(ours) == 2.0
    assert theirs.beyond(ours) == 3.0
    assert (ours.minimum, ours.median) == (1.0, 3.0)


def test_a_table_stands_in_columns_for_a_terminal() -> None:
    """Words stand to the left, numbers to the right, and a heading may have two lines."""
    table = Table("Costs", ["ns", "plain\nloop"], [["send", "7"], ["connect", "1,000"]])

    assert table.text().splitlines() == [
        "Costs",
        "",
        "         plain",
        "ns        loop",
        "-------  -----",
        "send         7",
        "connect  1,000",
    ]


def test_a_table_stands_in_markdown_for_a_page() -> None:
    """The title is left to the page."""
    table = Table("Costs", ["ns", "plain\nloop", "zope.\nevent"], [["send", "7", "8"]])

    assert table.markdown().splitlines() == [
        "| ns | plain loop | zope.event |",
        "| :--- | ---: | ---: |",
        "| send | 7 | 8 |",
    ]


def test_a_page_gets_what_was_measured_and_keeps_the_rest() -> None:
    """Only what stands at the mark of this Python is replaced."""
    behind = "" if pages.are_of_this_python() else " on {}.{}".format(*sys.version_info[:2])
    page = (
        f"Fast.\n<!-- measured: sending{behind} -->\nold\n<!-- end -->\n"
        "<!-- measured: memory -->\nkept\n<!-- end -->\n"
    )

    assert pages.fill(page, {"sending": "new", "threads": "unasked"}) == page.replace("old", "new")
