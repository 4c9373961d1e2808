"""Whether anybody hears a signal, asked before what a send would carry is made."""

from __future__ import annotations

from typing import Any

import pytest

import heliograph.blinker
from heliograph import Namespace, Signal, add_instrument, remove_instrument
from heliograph.development import add_check, in_development
from heliograph.hearing import any_heard, is_heard


def hear(sender: Any, **_: Any) -> None:
    """Be a receiver."""


def test_a_signal_is_heard_while_somebody_is_connected() -> None:
    """For whichever sender, until that is undone."""
    paid, sent = Signal("paid"), Signal("sent")
    are_heard = any_heard(paid, sent)
    assert (is_heard(sent), are_heard()) == (False, False)

    with sent.connected_to(hear, sender="shop"):
        assert (is_heard(paid), is_heard(sent), are_heard()) == (False, True, True)

    assert (is_heard(sent), are_heard()) == (False, False)


def test_an_instrument_hears() -> None:
    """One that wants all signals, or that names this one."""
    paid = Signal("paid")
    are_heard = any_heard(paid)
    for wanted in (None, [paid]):
        add_instrument(hear, signals=wanted)
        assert (is_heard(paid), are_heard()) == (True, True)
        remove_instrument(hear)
        assert (is_heard(paid), are_heard()) == (False, False)


def test_a_muted_signal_is_not_heard() -> None:
    """A send of it would reach nobody."""
    paid = Signal("paid")
    are_heard = any_heard(paid)
    paid.connect(hear)
    with paid.muted():
        assert (is_heard(paid), are_heard()) == (False, False)

    assert are_heard()


@pytest.mark.parametrize(("said", "heard"), [("1", True), ("0", False)])
def test_a_declared_signal_is_heard_in_development(
    said: str, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each of its sends is checked; elsewhere that is settled when somebody asks."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", said)

    @Namespace().declare
    def paid(sender: Any, *, total: int) -> None:
        """Sent when an order is paid."""

    are_heard = any_heard(paid)
    assert (are_heard(), is_heard(paid), are_heard()) == (heard, heard, heard)


class Check:
    """Does not know whether this is development, until it is told to."""

    answer: bool | None = None
    tell: Any = None

    def __call__(self) -> bool | None:
        """Tell what is known."""
        return self.answer

    def when_known(self, tell: Any) -> None:
        """Keep whom to tell."""
        self.tell = tell


def test_a_declared_signal_is_not_heard_while_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this is development: it is checked once that is known."""
    monkeypatch.delenv("HELIOGRAPH_CHECK", raising=False)
    in_development()  # The first question loads the check for pytest.
    monkeypatch.setattr("heliograph.core.development._checks", {})
    check = Check()
    add_check(check)

    @Namespace().declare
    def paid(sender: Any, *, total: int) -> None:
        """Sent when an order is paid."""

    are_heard = any_heard(paid)
    assert not are_heard()

    check.answer = True
    check.tell(True)
    assert are_heard()


def test_a_signal_of_blinkers_names_is_heard_by_whoever_it_is_joined_with() -> None:
    """It may take another one's connections."""
    from heliograph.blinker.joining import join

    theirs, ours = heliograph.blinker.Signal(), Signal("paid")
    are_heard = any_heard(theirs)
    part = join(theirs, ours)
    ours.connect(hear)
    assert are_heard()

    ours.disconnect(hear)
    part()
    assert not are_heard()
