"""From timings to tables, and from tables to pages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import losses, pages
from benchmarks.costs.price import OURS, Price, plain_prices, prices_table
from benchmarks.harness import Row, Timing, Work
from benchmarks.pythons import beside_table
from benchmarks.report import faster_table
from benchmarks.tables import Table

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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


def test_who_is_faster_is_named_with_the_row() -> None:
    """A loss is shown first of all; the loops are no libraries."""
    measured = [
        (
            Row(name, lambda _: Work(lambda _: None)),
            {
                OURS: Timing([20.0, 40.0]),
                "blinker": Timing([30.0, 60.0]),
                "zope.event": Timing([zope, zope * 2]),
                "plain loop": Timing([1.0, 2.0]),
            },
        )
        for name, zope in {"1 receiver": 25.0, "10 receivers": 15.0}.items()
    ]

    table = faster_table("Who sends in less time", measured)

    assert table.lines == [["10 receivers", "zope.event", "15", "20", "0.75×"]]


def test_a_price_stands_beside_what_it_may_be() -> None:
    """With its base, and the other ways as multiples of that; a dash where nothing is known."""
    timings = {OURS: Timing([30.0, 30.0]), "blinker": Timing([60.0, 60.0])}
    by_hand = {OURS: Timing([30.0]), "by hand": Timing([20.0])}
    nowhere = dict.fromkeys(timings, lambda: Work(lambda _: None))
    measured = [
        (Price("connect", nowhere, "blinker", 0.4, 1.3), timings),
        (Price("wait", {OURS: nowhere[OURS], "by hand": nowhere[OURS]}, "by hand", 1.5), by_hand),
    ]

    in_c, in_python = (prices_table("Costs", measured, in_python=it) for it in (False, True))

    assert in_c.head == ["row", "×", "base, ns", OURS, "at most", "holds", "blinker", "by hand"]
    assert in_c.lines == [
        ["connect", "blinker", "60", "0.50×", "0.40×", "no", "1.00×", "–"],
        ["wait", "by hand", "20", "1.50×", "1.50×", "yes", "–", "1.00×"],
    ]
    assert [line[4:6] for line in in_python.lines] == [["1.30×", "yes"], ["–", "–"]]
    assert [it["base"] for it in plain_prices(measured)] == ["blinker", "by hand"]
    assert set(measured[0][0].works()) == set(timings)


def test_a_row_that_lost_against_what_landed_is_named() -> None:
    """Whatever table it is in; what was measured for the first time cannot have lost."""
    results = {
        "sending": [
            {"row": "1 receiver", "size": 0, "engines": {OURS: {"of_blinker": 0.12}}},
            {"row": "10 receivers", "size": 0, "engines": {OURS: {"of_blinker": 0.16}}},
            {"row": "awaited", "size": 0, "engines": {OURS: {"of_blinker": None}}},
        ],
        "growth": [{"row": "connect", "size": 9, "engines": {OURS: {"of_blinker": 5.0}}}],
        "costs": [{"row": "connect", "ways": {OURS: {"of_base": 0.7}}}],
        "python": "3.11",
    }
    before = {"sending": {"1 receiver": 0.11, "10 receivers": 0.13}}

    now = losses.ratios(results)
    table = losses.losses_table(now, before)

    assert now == {
        "sending": {"1 receiver": 0.12, "10 receivers": 0.16},
        "costs": {"connect": 0.7},
    }
    assert table.lines == [["sending", "10 receivers", "0.13×", "0.16×", "1.23×"]]
    assert table.title == "Rows that cost more than 1.15 times what landed: 1"
    assert losses.losses_table(now, {}).title.endswith(": none")


def test_what_landed_stays_until_it_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of one section does not forget the others."""
    monkeypatch.setattr(losses, "LANDED", tmp_path / "landed.json")
    assert losses.landed() == {}

    losses.land({"costs": {"connect": 0.7}, "sending": {"1 receiver": 0.1}})
    losses.land({"sending": {"1 receiver": 0.2}})

    assert losses.landed() == {"costs": {"connect": 0.7}, "sending": {"1 receiver": 0.2}}


def test_prices_of_several_pythons_stand_beside_each_other() -> None:
    """With the Pythons on which a row costs more than it may, and rows that one has not run."""
    runs = {"3.11": {"connect": 0.4, "muted": 0.9}, "3.15": {"connect": 0.4, "connect again": 0.8}}

    assert beside_table("costs", runs).lines == [
        ["connect", "blinker", "0.50×", "0.40×", "0.40×", "–"],
        ["connect again", "blinker", "0.70×", "–", "0.80×", "3.15"],
        ["muted", "blinker", "0.80×", "0.90×", "–", "3.11"],
    ]
