"""Choosing from what was captured, and insisting on it."""

from __future__ import annotations

import functools
import operator
import re
import sys
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from heliograph import ANY, ArgumentError, Namespace, Signal, signal
from heliograph.testing import Capture, ExpectationError, capture, expect

if TYPE_CHECKING:
    from collections.abc import Callable

PAID, PLACED, MAILED = Signal("paid"), Signal("placed"), Signal("mailed")


class Unshowable:
    """Fails to show itself."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.fixture
def sent() -> Capture:
    """Capture an order that is placed, and paid in two parts."""
    with capture(PAID, PLACED, MAILED) as captured:
        PLACED.send("shop", total=12, to="Ada")
        PAID.send("shop", total=5, to="Ada")
        PAID.send("kiosk", total=7, to="Bob")
    return captured


def totals(several: Any) -> list[int]:
    """Return the total of each emission."""
    return [it["total"] for it in several]


def test_emissions_are_chosen_by_signal_sender_and_payload(sent: Capture) -> None:
    """What is chosen can be chosen from again."""
    assert totals(sent.of(PAID)) == [5, 7]
    assert totals(sent.of(PAID, PLACED)) == [12, 5, 7]
    assert totals(sent.sent_by("shop")) == [12, 5]
    assert totals(sent.where(to="Ada")) == [12, 5]
    assert totals(sent.where({"to": "Ada"}, total=5)) == [5]
    assert totals(sent.of(PAID).sent_by("kiosk").where(total=7)) == [7]
    assert totals(sent.where(unknown=ANY)) == []


def test_the_first_the_last_and_the_only_one(sent: Capture) -> None:
    """Each gives an emission."""
    assert (sent.first["total"], sent.last["total"]) == (12, 7)
    assert sent.of(PLACED).one()["total"] == 12


def test_what_is_not_there_is_an_error(sent: Capture) -> None:
    """One that says what there was; an index beyond the end is an IndexError, as of a list."""
    none = sent.of(MAILED)
    for look in (none.one, lambda: none.first, lambda: none.last):
        with pytest.raises(ExpectationError, match=r"^Expected 'mailed'(?s:.*)It was not sent\."):
            look()
    with pytest.raises(ExpectationError, match=r"^Expected 'paid' once, but it was sent twice:\n"):
        sent.of(PAID).one()
    with pytest.raises(IndexError, match=r"^There is no emission \[2\]\. Expected 'paid'\.\nIt"):
        sent.of(PAID)[2]


@pytest.mark.parametrize(
    ("matcher", "found"),
    [
        (5, True),
        (ANY, True),
        (mock.ANY, True),
        (pytest.approx(5.0000001), True),
        (int, True),
        (Decimal, False),
        (lambda total: total < 6, True),
        (lambda total: total > 6, False),
        (re.compile("5"), False),
        ([5, 6].__contains__, True),
        ([6].__contains__, False),
        (partial(operator.eq, 5), True),
        (partial(operator.eq, 6), False),
        (operator.not_, False),
        (int.bit_count, True),
        (functools.cache(bool), True),
        (mock.Mock(), False),
        (mock.MagicMock(), False),
        (mock.Mock(spec=len), False),
        (mock.Mock(spec=partial(len)), False),
    ],
)
def test_a_value_may_be_a_matcher(sent: Capture, matcher: object, found: bool) -> None:
    """Equality, classes, functions; a mock is none, though it may be called."""
    assert bool(sent.of(PAID).sent_by("shop").where(total=matcher)) == found


def test_an_object_that_can_be_called_is_a_value() -> None:
    """An application above all: it is found by equality, and never called."""

    class App:
        def __call__(self, environ: object, start_response: object) -> None:
            """Serve a request."""

    shop, kiosk = App(), App()
    with capture(PAID) as sent:
        PAID.send(app=shop)

    assert (len(sent.where(app=shop)), len(sent.where(app=kiosk))) == (1, 0)
    assert len(sent.where(app=App)) == 1


@pytest.mark.parametrize(
    ("pattern", "found"), [("d", True), ("^d", False), (b"d", False), ("D|A", True)]
)
def test_a_regular_expression_is_searched_for(sent: Capture, pattern: Any, found: bool) -> None:
    """In strings, or in bytes if it is one of bytes."""
    assert bool(sent.of(PLACED).where(to=re.compile(pattern))) == found


def test_a_payload_may_hold_what_would_be_a_matcher() -> None:
    """A function, a class or a pattern is found as itself, and not asked."""
    for value in (totals, int, re.compile("a")):
        with capture(PAID) as sent:
            PAID.send(value=value)

        assert sent.where(value=value).one()["value"] is value


def test_a_matcher_that_raises_is_an_error(sent: Capture) -> None:
    """The message names the key, the matcher, the value and the emission."""

    def longer(value: Any) -> bool:
        return len(value) > 3

    with pytest.raises(ArgumentError) as told:
        sent.of(PLACED).where(total=longer)

    assert re.sub(r"py:\d+", "py:#", str(told.value)) == (
        "The matcher for 'total', test_a_matcher_that_raises_is_an_error.<locals>.longer at "
        "tests/testing/test_choosing.py:#, raised TypeError: object of type 'int' has no len(). "
        "It was given 12, which was sent at tests/testing/test_choosing.py:#."
    )
    assert type(told.value.__cause__) is TypeError


def test_a_matcher_may_raise_what_cannot_be_shown(sent: Capture) -> None:
    """The message says so, instead of failing itself."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    def refuse(value: object) -> bool:
        raise MuteError

    with pytest.raises(ArgumentError, match=r"raised MuteError whose message cannot be shown\. It"):
        sent.of(PLACED).where(total=refuse)


def test_a_matcher_that_has_to_be_awaited_is_an_error(sent: Capture) -> None:
    """What it returns is true for every value."""

    async def never(value: Any) -> bool:
        return False

    with pytest.raises(ArgumentError, match="it is a coroutine function, and nothing awaits it"):
        sent.of(PLACED).where(total=never)


class Array:
    """Compares element by element, as arrays do."""

    def __init__(self, *elements: int) -> None:
        self.elements = elements

    def __eq__(self, other: object) -> Any:
        return Array(*(it == other for it in self.elements))

    __hash__ = None  # type: ignore[assignment]  # So is that of arrays.

    def __len__(self) -> int:
        return len(self.elements)

    def __bool__(self) -> bool:
        if len(self.elements) != 1:
            msg = "The truth value of an array is ambiguous."
            raise ValueError(msg)
        return bool(self.elements[0])


class Refusing:
    """Raises when it is compared, or asked for its class."""

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError

    __hash__ = None  # type: ignore[assignment]  # Nothing else is asked of it.

    @property  # type: ignore[misc]  # Proxies have one as well.
    def __class__(self) -> Any:
        raise ZeroDivisionError


STRANGE: list[Callable[[], object]] = [
    lambda: Array(3, 3),
    lambda: Array(3),
    Array,
    lambda: [Array(1, 2)],
    Refusing,
]


@pytest.mark.parametrize("sending", STRANGE)
@pytest.mark.parametrize("wanting", [*STRANGE, lambda: 3, lambda: int, lambda: re.compile("3")])
def test_what_cannot_be_compared_is_not_what_is_wanted(
    sending: Callable[[], object], wanting: Callable[[], object]
) -> None:
    """It is no error either, and a message shows it; unless it is the very object."""
    value, wanted = sending(), wanting()
    with capture(PAID) as sent:
        PAID.send(value=value)

    assert list(sent.where(value=wanted)) == []
    sent.assert_not_sent(PAID, value=wanted)
    with pytest.raises(ExpectationError, match=r"^Expected 'paid' with value="):
        sent.assert_sent(PAID, value=wanted)
    with pytest.raises(ExpectationError, match=r"^Waited 0 s\. Expected 'paid' with value="):
        sent.wait(PAID, value=wanted, timeout=0)
    with pytest.raises(ExpectationError), expect(PAID, value=wanted):
        PAID.send(value=value)
    assert len(sent.where(value=value)) == 1


def test_what_was_sent_can_be_insisted_on(sent: Capture) -> None:
    """As often as is said, or at least once; what is meant is returned."""
    assert totals(sent.assert_sent(PAID)) == [5, 7]
    assert totals(sent.assert_sent(PAID, times=2)) == [5, 7]
    assert totals(sent.assert_sent(PAID, sender="kiosk", total=7)) == [7]
    assert totals(sent.assert_sent(PAID, {"to": "Bob"}, times=1)) == [7]
    assert totals(sent.assert_sent(MAILED, times=0)) == []
    with pytest.raises(ExpectationError, match=r"^Expected 'paid' once"):
        sent.assert_sent(PAID, times=1)
    with pytest.raises(ExpectationError, match=r"^Expected 'paid' with total=6"):
        sent.assert_sent(PAID, total=6)


def test_what_was_not_sent_can_be_insisted_on(sent: Capture) -> None:
    """Wholly, or with such a payload."""
    sent.assert_not_sent(MAILED)
    sent.assert_not_sent(PAID, {"to": "Ada"}, total=7)
    with pytest.raises(ExpectationError, match=r"^Expected no 'paid' from 'kiosk', but"):
        sent.assert_not_sent(PAID, sender="kiosk")


@pytest.mark.parametrize(
    ("signals", "how"),
    [
        ([PLACED, PAID, PAID], "exact"),
        ([PLACED, PAID], "subsequence"),
        ([PAID, PAID], "subsequence"),
        ([], "subsequence"),
        ([PAID, PLACED], "any"),
        ([PAID, PLACED, PAID], "any"),
    ],
)
def test_an_order_can_be_insisted_on(sent: Capture, signals: list[Signal], how: Any) -> None:
    """Exact is these and no others, a subsequence allows for others, any wants them all."""
    sent.assert_order(*signals, how=how)


@pytest.mark.parametrize(
    ("signals", "how", "reason"),
    [
        ([PAID, PLACED], "subsequence", "'placed' was not sent after 'paid' (number 2)."),
        ([PLACED, PAID, MAILED], "subsequence", "'mailed' was not sent."),
        ([PLACED, PAID], "exact", "Number 3 was 'paid', and nothing was expected there."),
        ([PLACED, *[PAID] * 3], "exact", "Number 4 was nothing, and 'paid' was expected there."),
        ([PLACED, PLACED, PAID], "exact", "Number 2 was 'paid', and 'placed' was expected there."),
        ([PLACED, PLACED], "any", "'placed' was expected twice, and was sent once."),
        ([MAILED], "any", "'mailed' was not sent."),
    ],
)
def test_another_order_is_an_error(
    sent: Capture, signals: list[Signal], how: Any, reason: str
) -> None:
    """The second line of the message is the reason."""
    with pytest.raises(ExpectationError) as told:
        sent.assert_order(*signals, how=how)

    assert str(told.value).splitlines()[1] == reason


def test_an_order_must_be_one_that_there_is(sent: Capture) -> None:
    """The error lists them."""
    wrong: Any = "random"
    with pytest.raises(ArgumentError) as told:
        sent.assert_order(PAID, how=wrong)

    assert str(told.value) == "how='random' is not an order. Use 'subsequence', 'exact', 'any'."


HELD_HERE = Signal("held-here")
THAT_ONE = "the one of that name that was sent"
BY_DEFAULT = "heliograph.signal('choosing-by-default')"


def test_a_name_is_answered_with_the_signals_of_that_name(sent: Capture) -> None:
    """Of the modules' variables, of what was sent, or of the default namespace: never a new one."""
    shop, asked = Namespace("shop"), ["held_here", "shipped_late", "choosing-by-default", "refund"]
    signal("choosing-by-default")
    with capture() as everything:
        shop.signal("shipped-late").send()
    said = []
    for name in asked:
        with pytest.raises(ArgumentError) as told:
            everything.assert_sent(name)
        said.append(str(told.value))

    only = "is not a signal. It is only a name"
    assert said == [
        f"'held_here' {only}: pass the signal itself, tests.testing.test_choosing.HELD_HERE.",
        f"'shipped_late' {only}: pass the signal itself, {THAT_ONE}, <Signal 'shipped-late'>.",
        f"'choosing-by-default' {only}: pass the signal itself, {BY_DEFAULT}.",
        f"'refund' {only}, and no module has a signal of that name: pass the signal itself.",
    ]


def test_a_name_is_answered_with_one_variable_of_each_package(
    sent: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outermost: the modules inside pass on what they import."""
    passed_on = Signal("passed-on")
    for name in ("depot.inside", "depot", "depot.inside.more", "yard"):
        module = ModuleType(name)
        vars(module)["passed_on"] = passed_on
        monkeypatch.setitem(sys.modules, name, module)

    with pytest.raises(ArgumentError, match=r"itself, depot\.passed_on or yard\.passed_on\.$"):
        sent.assert_sent("passed-on")


def test_bad_input_is_refused_however_it_shows_itself(sent: Capture) -> None:
    """An object without a hash, and one that fails to show itself, get the error of any other."""
    refused = "<Unshowable whose repr raises ZeroDivisionError> is not a"
    wrong: Any = Unshowable()
    with pytest.raises(ArgumentError, match=f"^{refused} signal of"):
        capture(wrong)
    with pytest.raises(ArgumentError, match=f"^times={refused} number"):
        sent.assert_sent(PAID, times=wrong)
    with pytest.raises(ArgumentError, match=r"^how=\[\] is not an order"):
        sent.assert_order(PAID, how=[])  # type: ignore[arg-type]  # That is the mistake.


def test_what_is_not_captured_cannot_be_insisted_on(sent: Capture) -> None:
    """It would never be found, and always be missing."""
    other = Signal("refunded")
    message = (
        "'refunded' is not captured here, only 'paid', 'placed', 'mailed'. Capture it with "
        "capture() or with the fixture capture_signals."
    )
    for ask in (sent.assert_sent, sent.assert_not_sent, sent.assert_order, sent.of):
        with pytest.raises(ArgumentError) as told:
            ask(other)

        assert str(told.value) == message


@pytest.mark.parametrize("times", [-1, 1.5, "once"])
def test_how_often_must_be_a_number(sent: Capture, times: Any) -> None:
    """Nothing is sent as often as that."""
    with pytest.raises(ArgumentError, match=f"^times={times!r} is not a number of sends"):
        sent.assert_sent(PAID, times=times)
