"""Muting signals, and running just some of their receivers."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph import ArgumentError, Signal
from heliograph.testing import capture, mute, only
from tests.threads import in_a_thread

heard: list[str] = []


def first(sender: object) -> None:
    """Hear it."""
    heard.append("first")


def second(sender: object) -> None:
    """Hear it."""
    heard.append("second")


@pytest.fixture
def paid() -> Signal:
    """Connect two receivers."""
    heard.clear()
    signal = Signal("paid")
    signal.connect(first)
    signal.connect(second)
    return signal


def test_nobody_receives_a_muted_signal(paid: Signal) -> None:
    """Several at once; captures see them nevertheless."""
    placed = Signal("placed")
    placed.connect(first)
    with mute(paid, placed), capture(paid, placed) as sent:
        paid.send()
        placed.send()
    while_muted = list(heard)
    placed.send()

    assert (while_muted, len(sent), heard) == ([], 2, ["first"])


def test_only_some_receivers_are_called(paid: Signal) -> None:
    """Of one signal or of several, where they are connected; others go on as ever."""
    placed, other = Signal("placed"), Signal("other")
    placed.connect(first)
    other.connect(first)
    with only(second, of=paid):
        paid.send()
    with only(second, of=[paid, placed]):
        paid.send()
        placed.send()
        other.send()

    assert heard == ["second", "second", "first"]


def test_a_block_may_be_local(paid: Signal) -> None:
    """Then other threads go on."""
    with mute(paid, local=True):
        paid.send()
        in_a_thread(paid.send)
    with only(first, of=paid, local=True):
        paid.send()
        in_a_thread(paid.send)

    assert heard == ["first", "second", "first", "first", "second"]


async def test_both_are_decorators(paid: Signal) -> None:
    """Of plain functions and of coroutine functions: it lasts while they run."""

    @mute(paid)
    def quiet() -> None:
        paid.send()

    @only(second, of=paid)
    async def partly() -> None:
        await paid.send_async()

    quiet()
    await partly()
    paid.send()

    assert heard == ["second", "first", "second"]


def test_a_block_may_be_entered_again(paid: Signal) -> None:
    """Inside of itself too: the signal is heard when the outer one is left."""
    silence = mute(paid)
    with silence:
        with silence:
            pass
        paid.send()
    paid.send()

    assert heard == ["first", "second"]


def test_a_receiver_that_is_not_connected_cannot_be_the_only_one(paid: Signal) -> None:
    """Nothing would be called, and the test would show nothing."""
    placed = Signal("placed")

    def other(sender: object) -> None:
        """Hear nothing."""

    with pytest.raises(ArgumentError) as told:
        only(first, other, of=[paid, placed])

    assert str(told.value).endswith(
        "is not connected to 'paid' or 'placed', so nothing would be called."
    )


def test_only_signals_are_muted() -> None:
    """A name is none."""
    wrong: Any = "paid"
    with pytest.raises(ArgumentError, match="It is only a name"):
        mute(wrong)
    with pytest.raises(ArgumentError, match="It is only a name"):
        only(first, of=wrong)


def test_a_class_is_not_decorated(paid: Signal) -> None:
    """What it would become is no class any more, and its tests would not be found."""

    class TestOrders:
        """A class of tests."""

    said = []
    for block in (mute(paid), only(first, of=paid)):
        with pytest.raises(ArgumentError) as told:
            block(TestOrders)
        said.append(str(told.value))

    assert said == [
        (
            f"{TestOrders.__qualname__} is a class: a function would replace it, and its tests "
            "would not be found. Decorate its methods, or write an autouse fixture with the body "
            f"`with {name}(...): yield`."
        )
        for name in ("mute", "only")
    ]
