"""What a test may hold shows itself at any moment: before its block, inside and afterwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Signal
from heliograph.testing import capture, expect, expect_logged, isolated, mute, only

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

PAID = Signal("paid")
SENT = "<Sent 'paid' at here.py:#: total>"


def receipt(sender: object, **payload: object) -> None:
    """Receive it."""


def fail(sender: object, **payload: object) -> None:
    """Fail."""
    msg = "The disk is full."
    raise OSError(msg)


def shown(it: object) -> str:
    """Return the representation, with "#" for each line number."""
    assert f"{it}" == str(it) == repr(it)
    return re.sub(r"tests/testing/test_representations.py:\d+", "here.py:#", repr(it))


@pytest.fixture(autouse=True)
def connected() -> Any:
    """Let two be connected."""
    with PAID.connected_to(receipt), PAID.connected_to(fail, on_error="log"):
        yield


def is_cheap(total: Any) -> bool:
    """Raise for what is no number."""
    return bool(total < 5)


@pytest.mark.parametrize(
    ("block", "before", "inside", "after"),
    [
        (
            lambda: capture(PAID, sender="shop"),
            "<Capture of 'paid' from 'shop': not entered yet>",
            f"<Capture of 'paid' from 'shop': [{SENT}] so far>",
            f"<Capture of 'paid' from 'shop': [{SENT}]>",
        ),
        (
            capture,
            "<Capture of everything: not entered yet>",
            f"<Capture of everything: [{SENT}] so far>",
            f"<Capture of everything: [{SENT}]>",
        ),
        (
            lambda: expect(PAID, total=12, times=1),
            "<Expectation of 'paid' with total=12: not entered yet>",
            f"<Expectation of 'paid' with total=12: [{SENT}] so far>",
            f"<Expectation of 'paid' with total=12: [{SENT}]>",
        ),
        (
            lambda: mute(PAID, Signal("placed")),
            "<Muting of 'paid', 'placed': off>",
            "<Muting of 'paid', 'placed': on>",
            "<Muting of 'paid', 'placed': off>",
        ),
        (
            lambda: only(receipt, of=PAID),
            "<Muting of 'paid', except for receipt at here.py:#: off>",
            "<Muting of 'paid', except for receipt at here.py:#: on>",
            "<Muting of 'paid', except for receipt at here.py:#: off>",
        ),
        (isolated, "<isolated(): off>", "<isolated(): on>", "<isolated(): off>"),
        (
            lambda: isolated(local=True),
            "<isolated(local=True): off>",
            "<isolated(local=True): on>",
            "<isolated(local=True): off>",
        ),
        (
            lambda: expect_logged(OSError, match="disk"),
            "<LoggedErrors of OSError matching 'disk': []>",
            "<LoggedErrors of OSError matching 'disk': ['OSError: The disk is full.']>",
            "<LoggedErrors of OSError matching 'disk': ['OSError: The disk is full.']>",
        ),
    ],
)
def test_a_block_says_what_it_is(block: Any, before: str, inside: str, after: str) -> None:
    """Short, and telling whether it has been entered."""
    held: AbstractContextManager[object] = block()
    said = [shown(held)]
    with held:
        PAID.send("shop", total=12)
        said.append(shown(held))
    said.append(shown(held))

    assert said == [before, inside, after]


def test_many_emissions_are_not_all_shown() -> None:
    """The first few, and how many more there are."""
    with capture(PAID) as sent:
        for _ in range(5):
            PAID.send("shop", total=12)

    assert shown(sent.where(total=12)) == (
        f"<Emissions of 'paid' with total=12: [{SENT}, {SENT}, {SENT}, and 2 more]>"
    )


def test_a_matcher_that_raises_does_not_keep_anything_from_being_shown() -> None:
    """Whoever asks for it is told: that is whoever looks at the emissions."""
    held = expect(PAID, total=is_cheap)
    held.__enter__()
    PAID.send("shop", total="12")
    said = shown(held)
    held.__exit__(ValueError)

    assert said == (
        "<Expectation of 'paid' with total=is_cheap at here.py:#: "
        "1 emissions, and a matcher that raises so far>"
    )


def test_a_place_is_shown_where_the_current_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a test does that removes the one that it works in."""
    with capture(PAID) as sent:
        PAID.send("shop", total=12)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()

    assert repr(sent.one()) == f"<Sent 'paid' at {sent.one().location}: total>"
