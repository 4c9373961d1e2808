"""Expecting: blocks in which something has to be sent, and connections that have to be there."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph import ANY, ArgumentError, Signal
from heliograph.testing import ExpectationError, assert_connected, expect


def test_a_block_in_which_the_signal_is_sent_passes() -> None:
    """And holds the emissions that are meant, and no others."""
    paid = Signal("paid")
    with expect(paid, sender="shop", total=12) as sent:
        paid.send("shop", total=12, to="Ada")
        paid.send("shop", total=13)

    assert sent.one()["to"] == "Ada"


def test_a_block_in_which_it_is_not_sent_fails_at_its_end() -> None:
    """The lines of the block have run by then."""
    paid, totals = Signal("paid"), []

    def note(sender: object, total: int) -> None:
        totals.append(total)

    paid.connect(note)
    refused = pytest.raises(ExpectationError, match=r"^Expected 'paid' with total=12\.")
    with refused, expect(paid, {"total": 12}):
        paid.send(total=13)

    assert totals == [13]


@pytest.mark.parametrize(("times", "sent"), [(0, 0), (1, 1), (2, 2), (None, 1), (None, 2)])
def test_how_often_may_be_said(times: int | None, sent: int) -> None:
    """Exactly so often; otherwise at least once."""
    paid = Signal("paid")
    with expect(paid, times=times) as found:
        for _ in range(sent):
            paid.send()

    assert len(found) == sent


@pytest.mark.parametrize(("times", "sent"), [(0, 1), (1, 0), (1, 2), (2, 1), (None, 0)])
def test_another_number_fails(times: int | None, sent: int) -> None:
    """More is as wrong as less."""
    paid = Signal("paid")
    refused = pytest.raises(ExpectationError)
    with refused, expect(paid, times=times):
        for _ in range(sent):
            paid.send()


def test_an_expectation_may_be_entered_again() -> None:
    """It goes on where it was."""
    paid = Signal("paid")
    expected = expect(paid)
    with expected:
        paid.send("first")
    with expected:
        paid.send("second")

    assert [it.sender for it in expected] == ["first", "second"]


def test_an_error_of_the_block_passes_unchanged() -> None:
    """It is the reason why nothing was sent."""
    with pytest.raises(ZeroDivisionError), expect(Signal("paid")):
        _ = 1 / 0


def test_a_local_expectation_is_met_in_its_own_context() -> None:
    """As a capture, it may count the current thread or task alone."""
    paid = Signal("paid")
    with expect(paid, local=True) as sent:
        paid.send("here")

    assert sent.one().sender == "here"


@pytest.mark.parametrize("wrong", [{"times": -1}, {"times": "twice"}])
def test_a_number_must_be_one(wrong: Any) -> None:
    """The error comes before the block."""
    with pytest.raises(ArgumentError, match="is not a number of sends"):
        expect(Signal("paid"), **wrong)


# --- connections -----------------------------------------------------------------------


class Desk:
    """Holds a receiver that is a method."""

    def note(self, sender: object) -> None:
        """Receive it."""


def test_a_connection_for_everybody_hears_each_sender() -> None:
    """With a sender and without, methods as well as functions."""
    paid, desk = Signal("paid"), Desk()
    paid.connect(desk.note)

    assert_connected(paid, desk.note)
    assert_connected(paid, desk.note, sender="shop")
    with pytest.raises(ExpectationError):
        assert_connected(paid, Desk().note)


def test_a_connection_for_a_sender_hears_it_alone() -> None:
    """If no sender is given, it does not matter for whom it is."""
    paid, desk = Signal("paid"), Desk()
    paid.connect(desk.note, "shop")

    assert_connected(paid, desk.note)
    assert_connected(paid, desk.note, ANY)
    assert_connected(paid, desk.note, "shop")
    with pytest.raises(ExpectationError):
        assert_connected(paid, desk.note, sender="kiosk")


def test_only_a_signal_has_connections() -> None:
    """A name has none."""
    wrong: Any = "paid"
    with pytest.raises(ArgumentError, match="It is only a name"):
        assert_connected(wrong, Desk().note)
