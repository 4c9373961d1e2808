"""Blocks that are dropped and were never entered: they have done nothing, and say so."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, ReceiverWarning, Signal
from heliograph.testing import Templates, capture, expect, isolated, mute, only

if TYPE_CHECKING:
    from collections.abc import Callable

PAID, PLACED = Signal("paid"), Signal("placed")


def receive(sender: object, **payload: object) -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
def connected() -> Any:
    """Let somebody be connected."""
    with PAID.connected_to(receive):
        yield


def told_of(function: Callable[[], object]) -> list[tuple[str, int]]:
    """Return what is warned of while a function runs, and in which of its lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
        gc.collect()
    first = function.__code__.co_firstlineno
    assert {(it.category, it.filename) for it in caught} <= {(ReceiverWarning, __file__)}
    return [(str(it.message), it.lineno - first) for it in caught]


def test_a_block_that_nobody_has_entered_is_told_of_with_the_line_that_made_it() -> None:
    """Once, in the words of the test that made it."""
    import flask  # noqa: F401 - templates are its.

    def forget() -> None:
        mute(PAID, PLACED)
        only(receive, of=[PAID, PLACED])
        capture(PAID)
        isolated()
        isolated(local=True)
        Templates()
        kept = mute()
        del kept

    advice = " did nothing, as it was never entered. Use it in a `with` statement."
    told = told_of(forget)
    here = f"receive at {os.path.relpath(__file__)}:{receive.__code__.co_firstlineno}"
    assert told == [
        (f"mute() of 'paid', 'placed'{advice}", 1),
        (f"only() of 'paid', 'placed', except for {here}{advice}", 2),
        (f"capture(){advice}", 3),
        (f"isolated(){advice}", 4),
        (f"isolated(local=True){advice}", 5),
        (f"Templates(){advice}", 6),
        (f"mute() of nothing{advice}", 7),
    ]


def test_a_block_that_is_used_is_not_told_of() -> None:
    """In a `with` statement or as a decorator; `expect` has a rule of its own."""

    @mute(PAID)
    @only(receive, of=PAID)
    def decorated() -> None:
        with mute(PAID), only(receive, of=PAID), capture(), isolated(), isolated(local=True):
            PAID.send("shop")

    def use() -> None:
        decorated()
        expect(PAID)

    assert told_of(use) == []


def test_a_block_of_which_there_is_an_error_already_is_not_told_of() -> None:
    """It is one mistake."""
    wrong: Any = "paid"

    def fail() -> None:
        for make in (
            lambda: mute(PAID, wrong),
            lambda: only(receive, of=[PAID, wrong]),
            lambda: capture(wrong),
            lambda: mute(PAID, PLACED)(Signal),
            lambda: capture(PAID).one(),
        ):
            with pytest.raises(ArgumentError):
                make()

    assert told_of(fail) == []


def test_no_block_is_told_of_when_the_interpreter_ends() -> None:
    """Whatever is left then was not forgotten."""
    program = (
        "from heliograph import Signal\n"
        "from heliograph.testing import capture, isolated, mute\n"
        "kept = [mute(Signal()), capture(), isolated()]\n"
        "kept.append(kept)"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stderr == ""
