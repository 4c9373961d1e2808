"""What failed expectations say, whole."""

from __future__ import annotations

import re
import sys
import threading
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Signal
from heliograph.testing import ExpectationError, assert_connected, capture, expect, mute
from heliograph.testing.report import report
from tests.threads import in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = "tests.testing.test_messages"


class Shop:
    """A sender that says which it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Shop {self.name}>"


def receipt(sender: object, **payload: object) -> None:
    """Receive it."""


def refuse(sender: object, **payload: object) -> None:
    """Receive it not."""
    raise OSError


def message_of(block: Callable[[], object]) -> str:
    """Return what the failure of a block says, with "#" for each line number of this file."""
    with pytest.raises(ExpectationError) as told:
        block()
    text = str(told.value).replace("tests/testing/test_messages.py", "here.py")
    return re.sub(r"here.py:\d+", "here.py:#", text)


def test_what_came_near_and_what_else_happened() -> None:
    """Every emission that came near with what differs, what else was sent, and who was dead."""
    placed, started, audited = Signal("order-placed"), Signal("request-started"), Signal("audited")
    eu, us = Shop("eu"), Shop("us")

    def dying(sender: object, **payload: object) -> None:
        """Be gone."""

    placed.connect(dying)
    del dying

    def expecting() -> None:
        with expect(placed, sender=eu, total=Decimal("9.90"), paid=True):
            placed.connect(receipt)
            started.connect(receipt)
            started.send(eu)
            started.send(eu)
            audited.send(eu)
            placed.send(eu, total=Decimal("9.9000000001"), paid=True)
            placed.disconnect(receipt)
            thread = threading.Thread(target=placed.send, args=(us,), kwargs={"total": 1}, name="w")
            thread.start()
            thread.join()

    said = message_of(expecting)

    assert re.sub(r"threading.py:\d+|\S+/threading.py:\d+", "threading.py:#", said) == (
        "Expected 'order-placed' from <Shop eu> with total=Decimal('9.90'), paid=True.\n"
        "It was sent twice with a difference:\n"
        f"  1. at here.py:#; received by {HERE}.receipt\n"
        "     total: found    Decimal('9.9000000001')\n"
        "            expected Decimal('9.90')\n"
        "  2. at threading.py:# in thread w; received by nobody\n"
        "     sender: found    <Shop us>\n"
        "             expected <Shop eu>\n"
        "     total: found    1\n"
        "            expected Decimal('9.90')\n"
        "     paid: missing; expected True\n"
        "Also sent:\n"
        f"  'request-started' twice, received by {HERE}.receipt\n"
        "  'audited' once, received by nobody\n"
        "Receivers of 'order-placed' that were garbage-collected:\n"
        f"  {HERE}.test_what_came_near_and_what_else_happened.<locals>.dying, "
        "connected at here.py:#"
    )


def test_what_a_capture_leaves_out_is_told_as_a_difference() -> None:
    """What was chosen by sender and payload before counts with what is insisted on now."""
    placed = Signal("order-placed")
    with capture(placed, sender="shop") as sent:
        placed.send("kiosk", total=12)

    assert message_of(lambda: sent.where(total=13).assert_sent(placed, to="Ada")) == (
        "Expected 'order-placed' from 'shop' with total=13, to='Ada'.\n"
        "It was sent once with a difference:\n"
        "  1. at here.py:#; received by nobody\n"
        "     sender: found    'kiosk'\n"
        "             expected 'shop'\n"
        "     total: found    12\n"
        "            expected 13\n"
        "     to: missing; expected 'Ada'"
    )


def test_what_does_not_belong_to_the_capture() -> None:
    """It is the answer to the search when the emission came from elsewhere."""
    placed = Signal("order-placed")
    with capture(placed, local=True) as sent:
        in_a_thread(lambda: placed.send("shop", total=12))

    assert message_of(lambda: sent.assert_sent(placed, total=12)) == (
        "Expected 'order-placed' with total=12.\n"
        "No signal was sent at all.\n"
        "Sent by another test or context, so not counted:\n"
        "  1. 'order-placed' at here.py:# in thread worker\n"
        "     from 'shop', total=12; received by nobody"
    )


def test_nothing_at_all() -> None:
    """If nothing was sent, there is nothing to look for."""
    placed = Signal("order-placed")

    assert message_of(lambda: expect(placed, times=2).__enter__().__exit__(None)) == (
        "Expected 'order-placed' twice.\nNo signal was sent at all."
    )


def test_too_often() -> None:
    """What was as expected is listed, then what was nearly so."""
    placed = Signal("order-placed")
    placed.connect(refuse, on_error="log")
    placed.connect(receipt)
    with capture(placed) as sent:
        placed.send("shop", total=12)
        with mute(placed):
            placed.send("shop", total=12, to="Ada")
        placed.send("shop", total=13)

    assert message_of(lambda: sent.assert_sent(placed, total=12, times=1)) == (
        "Expected 'order-placed' with total=12 once.\n"
        "It was sent twice:\n"
        "  1. 'order-placed' at here.py:#\n"
        f"     from 'shop', total=12; received by {HERE}.refuse (raised OSError), {HERE}.receipt\n"
        "  2. 'order-placed' at here.py:#\n"
        "     from 'shop', total=12, to='Ada'; muted\n"
        "It was sent once with a difference:\n"
        f"  1. at here.py:#; received by {HERE}.refuse (raised OSError), {HERE}.receipt\n"
        "     total: found    13\n"
        "            expected 12"
    )


def test_what_should_not_have_been_sent() -> None:
    """Each emission is listed with its place."""
    placed = Signal("order-placed")
    with capture(placed) as sent:
        placed.send(None, total=12)

    assert message_of(lambda: sent.assert_not_sent(placed)) == (
        "Expected no 'order-placed', but it was sent once:\n"
        "  1. 'order-placed' at here.py:#\n"
        "     from None, total=12; received by nobody"
    )
    assert message_of(lambda: sent.assert_order(how="exact")) == (
        "Expected exactly: nothing.\n"
        "Number 1 was 'order-placed', and nothing was expected there.\n"
        "These were sent:\n"
        "  1. 'order-placed' at here.py:#\n"
        "     from None, total=12; received by nobody"
    )


def test_not_one() -> None:
    """None at all, or all that there are."""
    placed, paid = Signal("order-placed"), Signal("order-paid")
    with capture(placed, paid) as sent:
        placed.send(1)
        placed.send(2)

    assert message_of(sent.of(placed).one) == (
        "Expected 'order-placed' once, but it was sent twice:\n"
        "  1. 'order-placed' at here.py:#\n"
        "     from 1; received by nobody\n"
        "  2. 'order-placed' at here.py:#\n"
        "     from 2; received by nobody"
    )
    assert message_of(sent.of(paid).one) == (
        "Expected 'order-paid' once.\n"
        "It was not sent.\n"
        "Also sent:\n"
        "  'order-placed' twice, received by nobody"
    )


def test_not_in_order() -> None:
    """What was sent is listed; if nothing was, who might have sent it."""
    placed, paid = Signal("order-placed"), Signal("order-paid")
    with capture(placed, paid) as sent:
        paid.send()
        placed.send()
    with capture(placed) as nothing:
        pass

    assert message_of(lambda: sent.assert_order(placed, paid)) == (
        "Expected in this order: 'order-placed', 'order-paid'.\n"
        "'order-paid' was not sent after 'order-placed' (number 2).\n"
        "These were sent:\n"
        "  1. 'order-paid' at here.py:#\n"
        "     from None; received by nobody\n"
        "  2. 'order-placed' at here.py:#\n"
        "     from None; received by nobody"
    )
    assert message_of(lambda: nothing.assert_order(placed, how="any")) == (
        "Expected in any order: 'order-placed'.\n"
        "'order-placed' was not sent.\n"
        "No signal was sent at all."
    )


def test_not_connected() -> None:
    """Who is connected, for whom and where; and who was."""
    placed, nobody, eu = Signal("order-placed"), Signal("order-paid"), Shop("eu")

    def dying(sender: object, **payload: object) -> None:
        """Be gone."""

    placed.connect(refuse)
    placed.connect(receipt, eu)
    nobody.connect(dying)
    del dying

    assert message_of(lambda: assert_connected(placed, receipt, Shop("us"))) == (
        "Expected receipt at here.py:# to be connected to 'order-placed' for <Shop us>.\n"
        "These are connected:\n"
        f"  {HERE}.refuse, for all senders, connected at here.py:#\n"
        f"  {HERE}.receipt, for <Shop eu>, connected at here.py:#"
    )
    assert message_of(lambda: assert_connected(nobody, receipt)) == (
        "Expected receipt at here.py:# to be connected to 'order-paid'.\n"
        "No receiver is connected.\n"
        "Receivers of 'order-paid' that were garbage-collected:\n"
        f"  {HERE}.test_not_connected.<locals>.dying, connected at here.py:#"
    )


def test_another_signal_of_the_same_name() -> None:
    """Two namespaces may have one each, and nothing is harder to see."""
    expected, sent = Signal("order-placed"), Signal("order-placed")

    def expecting() -> None:
        with expect(expected):
            sent.send()

    assert message_of(expecting) == (
        "Expected 'order-placed'.\n"
        "It was not sent.\n"
        "Also sent:\n"
        "  'order-placed' once, received by nobody\n"
        "    It is another signal with the same name."
    )


def test_a_signal_without_a_name_is_called_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a module holds it; otherwise there is nothing to call it by."""
    module: Any = ModuleType("shop.signals")
    module.paid = Signal()
    monkeypatch.setitem(sys.modules, "shop.signals", module)
    refunded = Signal()

    assert message_of(lambda: expect(module.paid).__enter__().__exit__(None)) == (
        "Expected shop.signals.paid.\nNo signal was sent at all."
    )
    assert message_of(lambda: expect(refunded).__enter__().__exit__(None)) == (
        "Expected a signal without a name.\nNo signal was sent at all."
    )


def shown(expected: Any, found: Any) -> list[str]:
    """Return the two lines of a message that say how a value differs."""
    placed = Signal("order-placed")
    with capture(placed) as sent:
        placed.send(it=found)
    text = message_of(lambda: sent.assert_sent(placed, it=expected))
    return [line.strip() for line in text.splitlines()[3:]]


def test_long_values_are_shortened_but_never_where_they_differ() -> None:
    """What both have in common goes, but for a few characters on each side."""
    numbers = list(range(200))
    others = [*numbers[:100], "not a number", *numbers[100:]]

    assert shown(numbers, others) == [
        "it: found    [0, 1, 2, 3, … 97, 98, 99, 'not a number', 100, 101, 10 … 7, 198, 199]",
        "expected [0, 1, 2, 3, … 97, 98, 99, 100, 101, 10 … 7, 198, 199]",
    ]
    assert shown("a" * 100, "b" * 100) == [
        f"it: found    '{'b' * 100}'",
        f"expected '{'a' * 100}'",
    ]
    assert shown("a" * 100 + "b", "a" * 100) == [
        f"it: found    '{'a' * 11} … {'a' * 12}'",
        f"expected '{'a' * 11} … {'a' * 12}b'",
    ]


class Matrix:
    """A value that is shown in several lines, as an array is."""

    def __init__(self, corner: int) -> None:
        self.corner = corner

    def __repr__(self) -> str:
        return f"[[{self.corner} 0]\n [0 1]]"


def test_values_of_several_lines_keep_to_their_place() -> None:
    """Each line begins where the first one does, or below what the message says of it."""
    placed = Signal("order-placed")
    placed.connect(receipt, (shop := Matrix(0)))
    with capture(placed) as sent:
        placed.send(shop, it=Matrix(1))

    assert message_of(lambda: sent.assert_sent(placed, it=Matrix(2), to=Matrix(3))) == (
        "Expected 'order-placed' with it=[[2 0]\n"
        "          [0 1]], to=[[3 0]\n"
        "          [0 1]].\n"
        "It was sent once with a difference:\n"
        f"  1. at here.py:#; received by {HERE}.receipt\n"
        "     it: found    [[1 0]\n"
        "                   [0 1]]\n"
        "         expected [[2 0]\n"
        "                   [0 1]]\n"
        "     to: missing; expected [[3 0]\n"
        "                            [0 1]]"
    )
    assert message_of(lambda: sent.assert_not_sent(placed, sender=shop)) == (
        "Expected no 'order-placed' from [[0 0]\n"
        "             [0 1]], but it was sent once:\n"
        "  1. 'order-placed' at here.py:#\n"
        "     from [[0 0]\n"
        "      [0 1]], it=[[1 0]\n"
        f"      [0 1]]; received by {HERE}.receipt"
    )
    assert message_of(lambda: assert_connected(placed, refuse, shop)) == (
        "Expected refuse at here.py:# to be connected to 'order-placed' for [[0 0]\n"
        "          [0 1]].\n"
        "These are connected:\n"
        f"  {HERE}.receipt, for [[0 0]\n"
        f"  {' ' * len(HERE)}               [0 1]], connected at here.py:#"
    )


def test_an_error_of_several_lines_is_told_on_one_in_a_report() -> None:
    """Behind the receiver that raised it, however deep that is."""
    placed, paid = Signal("order-placed"), Signal("order-paid")

    def fail(sender: object) -> None:
        message = "Two things:\nthis\nand that"
        raise ValueError(message)

    def pay(sender: object) -> None:
        paid.send()

    paid.connect(fail, on_error="log")
    placed.connect(pay)
    with capture() as sent:
        placed.send()
    name = f"{HERE}.{fail.__qualname__}"

    assert report(sent).splitlines()[3:] == [
        f"      to {name}, which logged ValueError: Two things: this and that",
    ]


def test_values_that_look_the_same_are_said_to_differ() -> None:
    """Two objects may be unequal and have one representation; a long one loses its middle."""
    one, other = float("nan"), float("nan")
    but = "They look the same, but are not equal."

    assert shown(one, other) == ["it: found    nan", "expected nan", but]
    assert shown([one, "a" * 90], [other, "a" * 90]) == [
        f"it: found    [nan, '{'a' * 41} … {'a' * 10}']",
        f"expected [nan, '{'a' * 41} … {'a' * 10}']",
        but,
    ]


def test_matchers_are_shown_as_what_they_are() -> None:
    """A class by its name, a function with its place, a pattern as it is written."""
    assert shown(Decimal, 1)[1] == "expected Decimal"
    assert shown(re.compile("a+"), 1)[1] == "expected re.compile('a+')"
    assert shown(partial(isinstance_of, str), 1)[1] == (
        "expected partial of isinstance_of at here.py:#"
    )


@pytest.mark.parametrize("matcher", [Decimal, re.compile("b"), lambda it: it == "b"])
def test_what_a_matcher_has_refused_is_shortened(matcher: object) -> None:
    """There is no part of a long value in which it differs from a matcher."""
    assert shown(matcher, "a" * 5000)[0] == f"it: found    '{'a' * 47} … {'a' * 11}'"


def isinstance_of(kind: type, value: object) -> bool:
    """Tell whether a value is of a type."""
    return isinstance(value, kind)


def test_a_value_that_cannot_be_shown_does_not_hide_the_message() -> None:
    """Its repr is its own affair."""

    class Odd:
        def __repr__(self) -> str:
            raise OSError

    assert shown(Odd(), 1)[1] == (
        "expected <test_a_value_that_cannot_be_shown_does_not_hide_the_message.<locals>.Odd "
        "whose repr raises OSError>"
    )
