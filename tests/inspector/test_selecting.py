"""Which signals of a catalogue a pattern and the options of `heliograph list` leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heliograph.inspector import Catalogue, DeadInfo, NamespaceInfo, select
from tests.inspector.test_pages import COUNT, PLAIN

PAID = replace(PLAIN, name="paid", variable="shop.signals.order_paid", receivers=(COUNT,))
LOST = replace(PLAIN, dead=(DeadInfo("gone", "shop.py:5"),))
THEIRS = replace(PLAIN, name="request-started")
ALL = Catalogue(
    "shop",
    (
        NamespaceInfo("shop", "shop.signals.shop", (PAID, LOST)),
        NamespaceInfo(None, "", (PLAIN,)),
        NamespaceInfo("flask.signals._signals", "", (THEIRS,), own=False),
    ),
    ("shop.mail",),
)


def names(catalogue: Catalogue) -> list[str]:
    """Return namespaces and names."""
    return [f"{it.name}.{signal.name}" for it in catalogue.namespaces for signal in it.signals]


def test_without_any_wish_all_is_selected() -> None:
    """What was not imported stays told in any case."""
    assert select(ALL) == ALL
    assert select(ALL, ["nothing"]) == Catalogue("shop", (), ("shop.mail",))


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        (["paid"], ["shop.paid"]),
        (["pai"], ["shop.paid"]),
        (["*paid"], ["shop.paid"]),
        (["pai*"], ["shop.paid"]),
        (["pai?"], ["shop.paid"]),
        (["shop.*"], ["shop.paid", "shop.lost"]),
        (["*.order_paid"], ["shop.paid"]),
        (["aid", "request-*"], ["shop.paid", "flask.signals._signals.request-started"]),
        (["Paid"], []),
    ],
)
def test_a_pattern_fits_a_name_a_part_of_it_or_where_it_is_imported_from(
    patterns: list[str], selected: list[str]
) -> None:
    """With a wildcard it has to fit the whole name."""
    assert names(select(ALL, patterns)) == selected


def test_what_is_wrong_and_whose_it_is_can_be_asked_for() -> None:
    """Unheard, with dead receivers, of the program's own."""
    assert names(select(ALL, own=True)) == ["shop.paid", "shop.lost", "None.lost"]
    assert names(select(ALL, unheard=True)) == [
        "shop.lost",
        "None.lost",
        "flask.signals._signals.request-started",
    ]
    assert names(select(ALL, dead=True)) == ["shop.lost"]
