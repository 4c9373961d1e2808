"""What of a part of a program's life is shown, where commands do not show it already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from heliograph.inspector import Part, View, failures_of, tree_of
from heliograph.inspector.trees import as_text
from tests.inspector.tree_picture import called, sent

if TYPE_CHECKING:
    from heliograph.inspector.seen import SeenEmission

PART = Part("GET /", "200 OK", False, None, 0.0, 0.5, ())


def shown(*emissions: SeenEmission, view: View | None = None) -> list[str]:
    """Return the lines below the title."""
    part = replace(PART, emissions=emissions)
    return as_text([tree_of(part, view or View())]).splitlines()[1:-1]


def test_what_is_not_known_is_left_out() -> None:
    """The place of a send, and that of an error."""
    nowhere = replace(
        sent(0, "failed", "x.py:1"), sender="None", location=None, errors=(("OSError", None),)
    )

    assert shown(nowhere) == ["└── failed  no receivers", "    OSError"]


@pytest.mark.parametrize("unheard", ["no receivers for this sender", "no receivers left; garbage"])
def test_what_should_have_been_heard_is_shown(unheard: str) -> None:
    """A receiver that died, or that hears another sender, is the usual mistake."""
    lost = replace(sent(0, "paid", "x.py:1"), unheard=unheard)

    assert shown(lost) == [f"└── paid  {unheard}  from a Shop at x.py:1"]


def test_a_payload_that_breaks_its_declaration_is_shown() -> None:
    """Though nobody hears it."""
    wrong = replace(sent(0, "paid", "x.py:1"), problem="not as declared: 'total' is missing")

    assert shown(wrong) == [
        "└── paid  no receivers  not as declared: 'total' is missing  from a Shop at x.py:1"
    ]


def test_an_error_that_was_told_already_is_not_shown_again() -> None:
    """Frameworks send the same one several times, and the title may have told it."""
    error = (("OSError: full", "x.py:9"),)
    first, second = (
        replace(sent(at, name, "x.py:1"), errors=error) for at, name in enumerate("ab")
    )

    assert shown(first, second) == [
        "├── a  no receivers  from a Shop at x.py:1",
        "│   OSError: full  x.py:9",
        "└── 1 signal nobody hears: b",
    ]
    part = replace(PART, emissions=(first, second), location="x.py:9")
    assert as_text([tree_of(part, View())]) == (
        "GET /  200 OK  x.py:9  500 ms\n└── 2 signals nobody hears: a, b\n\n"
    )


def test_what_a_task_sends_after_its_receiver_stands_below_the_send() -> None:
    """Its receiver has returned, or has not."""
    outer = sent(0, "paid", "x.py:1", called("pack", 3, 0.01))
    late = sent(1, "late", "x.py:2", called("note", 4, 0.01), inside=(0, 1))

    assert shown(outer, late) == [
        "└── paid  from a Shop at x.py:1",
        "    ├── shop.receivers.pack  shop/receivers.py:3  10.0 ms",
        "    └── late  from a Shop at x.py:2",
        "        └── shop.receivers.note  shop/receivers.py:4  10.0 ms",
    ]


def test_failures_are_sentences() -> None:
    """Of the part, of receivers, and of what took too long if that is asked for."""
    failing = called("audit", 3, 0.2, error="OSError: full", error_location="x.py:9")
    nowhere = called("note", 4, 0.01, error="OSError", error_location=None)
    part = replace(
        PART,
        outcome="500 Oh",
        failed=True,
        emissions=(sent(0, "paid", "x.py:1", failing, nowhere),),
    )

    told = [
        "GET /: 500 Oh.",
        "GET /: shop.receivers.audit raised OSError: full (x.py:9).",
        "GET /: shop.receivers.note raised OSError.",
    ]
    assert failures_of(part) == told
    assert failures_of(part, 0.2) == [
        *told[:2],
        "GET /: shop.receivers.audit took 200 ms.",
        told[2],
    ]
