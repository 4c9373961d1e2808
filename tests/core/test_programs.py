"""Random programs in three worlds: signals in C, in Python, and in a plain list.

Few programs run by default. Many more: ``make fuzz``, which takes ``PROGRAMS`` and ``SEED``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings

from heliograph import Signal
from tests.core.plain_list import ListSignal
from tests.core.programs import PROGRAMS, Program
from tests.core.world import World, without_words
from tests.implementations import IMPLEMENTATIONS, served_by

_many = int(os.environ.get("HELIOGRAPH_FUZZ", "0"))

# A long run may take hours, and making a failing program small some minutes.
pytestmark = [pytest.mark.timeout(0 if _many else 900), pytest.mark.once, pytest.mark.unmeasured]


@given(program=PROGRAMS)
@settings(max_examples=_many or 400)
def test_a_program_does_the_same_in_c_in_python_and_in_a_plain_list(program: Program) -> None:
    """The same calls in the same order, the same values and errors, the same who live.

    C and Python say it in the same words, in messages and notes; a list says nothing.
    """
    lines = {}
    for which in IMPLEMENTATIONS:
        with served_by(which):
            lines[which] = World(Signal).run(program)
    in_a_list = [without_words(line) for line in World(ListSignal).run(program)]

    assert lines[IMPLEMENTATIONS[0]] == lines["python"]
    assert [without_words(line) for line in lines["python"]] == in_a_list


# --- what programs have found ------------------------------------------------------------


def test_a_receiver_that_is_due_stays_so_when_it_is_connected_once_more() -> None:
    """A new and more urgent connection does not hide the one that it is due by."""
    signal = Signal("paid")

    def later(sender: object) -> str:
        return "later"

    def first(sender: object) -> str:
        signal.connect(later, "shop", priority=1)
        return "first"

    signal.connect(first)
    signal.connect(later, priority=-1)

    assert signal.send("shop") == [(first, "first"), (later, "later")]


def test_a_receiver_that_was_disconnected_is_not_due_by_a_new_connection() -> None:
    """Not even if it has been connected for somebody else all the time."""
    signal = Signal("paid")

    def later(sender: object) -> str:
        return "later"

    def first(sender: object) -> str:
        signal.disconnect(later, "shop")
        signal.connect(later, "shop")
        return "first"

    signal.connect(first, priority=1)
    signal.connect(later, "kiosk")
    signal.connect(later, "shop")

    assert signal.send("shop") == [(first, "first")]


def test_an_error_that_is_not_raised_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged when something else leaves the send; its receiver may die at once."""
    caplog.set_level("CRITICAL", "heliograph")  # A record that is kept keeps the error.
    signal = Signal("paid")

    async def awaited(sender: object) -> None:
        """Be wrapped, which fails."""

    def leave(sender: object) -> None:
        raise KeyboardInterrupt

    def fail(receiver: object) -> Any:
        raise LookupError

    signal.connect(awaited)
    signal.connect(leave)
    with pytest.raises(KeyboardInterrupt):
        signal.send("shop", _async_wrapper=fail)
    del awaited

    assert signal.receivers == (leave,)
