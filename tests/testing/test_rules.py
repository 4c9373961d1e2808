"""The rules for every test: no receiver fails in silence, no expectation is forgotten."""

from __future__ import annotations

import gc
import re
import unittest
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest
from blinker import Signal as BlinkerSignal

from heliograph import ArgumentError, Signal
from heliograph.testing import (
    ExpectationError,
    SignalsMixin,
    expect,
    expect_logged,
)
from heliograph.testing.belonging import started_by
from heliograph.testing.rules import (
    FailureWatch,
    ForgottenWatch,
    held_to,
    none_of_these,
    only_these,
)
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator

PAID, PLACED = Signal("order-paid"), Signal("order-placed")
PLAIN = BlinkerSignal()


def fail(sender: object, **payload: object) -> None:
    """Fail."""
    msg = "The disk is full."
    raise OSError(msg)


@pytest.fixture
def watch() -> Iterator[FailureWatch]:
    """Watch a test."""
    with FailureWatch() as watch:
        yield watch


def without_lines(text: str) -> str:
    """Put "#" for each line number."""
    return re.sub(r"py:\d+", "py:#", text)


def test_an_observer_that_fails_fails_the_test(watch: FailureWatch) -> None:
    """The message says which, where, and how to say that it is expected; it is said once."""
    with PAID.connected_to(fail, on_error="log"):
        PAID.send("shop")

    assert without_lines("\n".join(watch.problems())) == (
        "Receivers connected with on_error='log' failed:\n"
        "  tests.testing.test_rules.fail, connected at tests/testing/test_rules.py:#, "
        "on 'order-paid', sent at tests/testing/test_rules.py:#: OSError: The disk is full.\n"
        "If the test expects this, write `with expect_logged(OSError): ...`."
    )
    assert watch.problems() == []


def test_an_error_of_several_lines_is_told_on_one(watch: FailureWatch) -> None:
    """No line of it looks like the beginning of another problem."""

    def fail_at_length(sender: object) -> None:
        message = "The disk is full:\n0 bytes left"
        raise OSError(message)

    with PAID.connected_to(fail_at_length, on_error="log"):
        PAID.send("shop")
    _, failure, _ = watch.problems()

    assert failure.endswith(": OSError: The disk is full: 0 bytes left")


def test_an_error_that_is_raised_is_left_to_the_test(watch: FailureWatch) -> None:
    """It cannot be overlooked."""
    with PAID.connected_to(fail), pytest.raises(OSError, match="The disk is full"):
        PAID.send("shop")

    assert watch.problems() == []


def test_an_observer_that_fails_for_another_test_is_none_of_its_failures() -> None:
    """What that has left running may go on for long."""
    watch = FailureWatch()
    watch.begin("this test")
    with watch, PAID.connected_to(fail, on_error="log"):
        with started_by("another test"):
            PAID.send("shop")
        of_the_other = watch.problems()
        with started_by("this test"):
            PAID.send("shop")

        of_this = watch.problems()
        watch.begin("another test")
        PAID.send("shop")
        watch.begin("the one after it")

    assert (of_the_other, len(of_this), watch.problems()) == ([], 3, [])


def test_a_test_may_expect_that_an_observer_fails(watch: FailureWatch) -> None:
    """It is given the errors, and is not failed for them."""
    with PAID.connected_to(fail, on_error="log"):
        with expect_logged(OSError, match="disk") as logged:
            PAID.send("shop")
        with expect_logged() as any_error:
            PAID.send("shop")

    assert [str(it) for it in (*logged.errors, *any_error.errors)] == ["The disk is full."] * 2
    assert watch.problems() == []


def test_an_error_that_was_expected_has_to_come(watch: FailureWatch) -> None:
    """One of another class, or with another message, is none; and it is still a failure."""
    with PAID.connected_to(fail, on_error="log"):
        with pytest.raises(ExpectationError) as other_class, expect_logged(KeyError, ValueError):
            PAID.send("shop")
        with pytest.raises(ExpectationError) as other_message, expect_logged(match="tape"):
            PAID.send("shop")
    with pytest.raises(ZeroDivisionError), expect_logged():
        _ = 1 / 0

    with pytest.raises(ExpectationError) as nothing, expect_logged(OSError):
        pass

    assert without_lines(str(other_class.value)) == (
        "Expected a receiver connected with on_error='log' to raise KeyError or ValueError.\n"
        "Other errors were logged:\n"
        "  tests.testing.test_rules.fail, connected at tests/testing/test_rules.py:#, "
        "on 'order-paid', sent at tests/testing/test_rules.py:#: OSError: The disk is full."
    )
    assert "to raise Exception matching 'tape'.\nOther errors" in str(other_message.value)
    assert str(nothing.value) == (
        "Expected a receiver connected with on_error='log' to raise OSError.\nNo error was logged."
    )
    assert len(watch.problems()) == 4


def test_only_classes_of_errors_can_be_expected() -> None:
    """Another thing never comes."""
    with pytest.raises(ArgumentError, match=r"^'disk' is not a class of errors"):
        expect_logged("disk")


def test_an_expectation_that_was_never_entered_is_a_failure() -> None:
    """The forgotten ``with`` would pass in silence; nobody is blamed for those of others."""
    expect(PAID)
    with ForgottenWatch() as watch, ForgottenWatch() as inner:
        expect(PAID)
        with expect(PAID):
            PAID.send()
    expect(PAID)

    [problem] = watch.problems()

    assert without_lines(problem) == (
        "The expect() at tests/testing/test_rules.py:# was never entered: "
        "write `with expect(...):`."
    )
    assert (watch.problems(), inner.problems()) == ([], [problem])


def test_an_expectation_that_nobody_watches_is_not_kept() -> None:
    """Or a long run would hold all that were ever forgotten."""
    forgotten = ref(expect(PAID))
    gc.collect()

    assert forgotten() is None


# --- marks -----------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [[PAID, PLACED], ["order-*"], [PAID, "*placed"]])
def test_a_test_may_be_held_to_some_signals(allowed: list[Any]) -> None:
    """Given themselves, or as patterns of names."""
    with held_to([(only_these, allowed)]) as problems:
        PAID.send()
        PLACED.send()

    assert problems == []


def test_what_is_sent_besides_is_listed() -> None:
    """With its place, and who received it; a signal without a name fits no pattern."""
    with held_to([(only_these, ["order-pai?"]), (only_these, [])]) as problems:
        PAID.send("shop")
        Signal().send("shop")

    assert [without_lines(it) for it in problems] == [
        "Only 'order-pai?' may be sent in this test. These were sent:",
        "  1. a signal without a name at tests/testing/test_rules.py:#",
        "     from 'shop'; received by nobody",
        "No signal may be sent in this test. These were sent:",
        "  1. 'order-paid' at tests/testing/test_rules.py:#",
        "     from 'shop'; received by nobody",
        "  2. a signal without a name at tests/testing/test_rules.py:#",
        "     from 'shop'; received by nobody",
    ]


@pytest.mark.parametrize("forbidden", [[], [PAID], ["order-*", PLACED]])
def test_a_test_may_be_kept_from_some_signals(forbidden: list[Any]) -> None:
    """Or from all."""
    with held_to([(none_of_these, forbidden)]) as problems:
        PAID.send("shop")
    with held_to([(none_of_these, [PLACED])]) as none:
        PAID.send("shop")

    assert (len(problems), none) == (3, [])


def test_what_an_older_thread_sends_is_told_as_such() -> None:
    """Another test may have left it running: which it is, and where it sends."""
    go_on = Event()

    def work() -> None:
        go_on.wait()
        PAID.send("worker")

    thread = Thread(target=work, name="left running")
    thread.start()
    with held_to([(none_of_these, [])]) as problems:
        go_on.set()
        thread.join()
        newer = Thread(target=PAID.send, args=["newer"], name="newer")
        newer.start()
        newer.join()

    assert re.sub(r"at \S+py:\d+", "at #", "\n".join(problems)) == (
        "No signal may be sent in this test. These were sent:\n"
        "  1. 'order-paid' at # in thread left running, which was running before\n"
        "     from 'worker'; received by nobody\n"
        "  2. 'order-paid' at # in thread newer\n"
        "     from 'newer'; received by nobody"
    )


@pytest.mark.parametrize("rule", [only_these, none_of_these])
def test_a_mark_names_signals(rule: Any) -> None:
    """Or patterns; anything else is refused, though nothing is sent that it could be about."""
    with pytest.raises(ArgumentError, match=r"^7 is not a signal of"), held_to([(rule, [7])]):
        pass


@in_a_fresh_process
def test_a_mark_takes_no_signals_of_blinker() -> None:
    """It would hear nothing of them; `install` makes them signals that it hears."""
    for rule in (only_these, none_of_these):
        with (
            pytest.raises(
                ArgumentError, match="is a signal of Blinker, and a mark works only with"
            ),
            held_to([(rule, [PLAIN])]),
        ):
            pass


# --- unittest --------------------------------------------------------------------------


class Case(SignalsMixin, unittest.TestCase):
    """What a user would write."""

    def setUp(self) -> None:
        """Connect something."""
        PAID.connect(fail, on_error="log")

    def captures(self) -> None:
        """Capture everything, one signal, and what is muted."""
        placed = self.capture_signals(PLACED, sender="shop", local=True)
        self.mute_signals(PAID, local=True)
        PAID.send("shop")
        PLACED.send("shop")
        PLACED.send("kiosk")

        assert (len(self.signals), len(placed)) == (3, 1)

    def fails_in_silence(self) -> None:
        """Let the observer fail."""
        PAID.send("shop")

    def forgets(self) -> None:
        """Forget a with."""
        expect(PAID)

    def expects(self) -> None:
        """Say that it is expected."""
        with expect_logged(OSError):
            PAID.send("shop")


class AsyncCase(SignalsMixin, unittest.IsolatedAsyncioTestCase):
    """The same for coroutines."""

    async def captures(self) -> None:
        """Capture what is sent by a coroutine."""
        await PAID.send_async("shop")

        assert self.signals.one().sender == "shop"


@pytest.mark.parametrize(
    ("case", "name", "said"),
    [
        (Case, "captures", None),
        (Case, "expects", None),
        (AsyncCase, "captures", None),
        (Case, "fails_in_silence", "Receivers connected with on_error='log' failed:"),
        (Case, "forgets", "was never entered: write `with expect(...):`."),
    ],
)
def test_a_test_case_is_held_to_the_rules(
    case: type[SignalsMixin], name: str, said: str | None
) -> None:
    """And what it connects is undone, in setUp too."""
    result = unittest.TestResult()
    case(name).run(result)
    found = [text for _, text in (*result.failures, *result.errors)]

    assert len(found) == (said is not None)
    assert (said or "") in "".join(found)
    assert PAID.connections == ()
