"""Whether programs are being developed in a process: the switch, Python, and checks of others."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, development
from heliograph.debug_modes import debug_modes
from heliograph.development import in_development
from tests.core.room import room_for
from tests.ids import without_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def unanswered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nobody answer but the checks that the test adds: pytest itself would."""
    monkeypatch.delenv("HELIOGRAPH_CHECK", raising=False)
    in_development()  # The first question loads the check.
    development.remove_check(debug_modes)
    yield
    development.add_check(debug_modes)


class Opening:
    """A check that cannot say yet, and tells later."""

    def __init__(self) -> None:
        self.tell: Callable[[bool], None] = print

    def __call__(self) -> bool | None:
        """Say nothing."""
        return None

    def when_known(self, tell: Callable[[bool], None]) -> None:
        """Keep what is to be told."""
        self.tell = tell


def paid() -> Any:
    """Return a signal that is declared, with another payload than none."""

    @Namespace("shop").declare
    def paid(sender: object, *, total: int) -> None: ...

    return paid


def is_refused(signal: Any) -> bool:
    """Tell whether a send that is not as declared is refused."""
    try:
        signal.send("shop")
    except ArgumentError:
        return True
    return False


@pytest.mark.parametrize(
    ("said", "answer"),
    [("1", True), ("on", True), ("0", False), ("False", False), ("no", False), ("OFF", False)],
)
def test_the_switch_overrides_all_else(
    monkeypatch: pytest.MonkeyPatch, said: str, answer: bool
) -> None:
    """One environment variable settles the question."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", said)

    assert in_development() is answer


def test_an_empty_switch_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were not set."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "")

    assert in_development() is True


@pytest.mark.parametrize(("options", "answer"), [(["-X", "dev"], "True"), ([], "False")])
def test_pythons_development_mode_is_development(options: list[str], answer: str) -> None:
    """``python -X dev``, or PYTHONDEVMODE=1."""
    program = "from heliograph import development; print(development.in_development())"
    said = ("PYTEST", "PYTHONDEVMODE", "HELIOGRAPH_CHECK")
    environment = {name: it for name, it in os.environ.items() if not name.startswith(said)}
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == answer


def test_without_a_check_nobody_develops(unanswered: None) -> None:
    """Production is what needs no setting."""
    assert in_development() is False


@pytest.mark.parametrize(
    ("answers", "answer"),
    [
        ([True], True),
        ([False], False),
        ([None], None),
        ([1], True),
        ([0], False),
        ([False, None], None),
        ([None, False, True], True),
    ],
)
def test_one_yes_is_enough_and_an_open_answer_is_not_a_no(
    unanswered: None, answers: list[Any], answer: bool | None
) -> None:
    """Whichever of the checks it comes from."""
    checks = [lambda it=it: it for it in answers]
    for check in checks:
        development.add_check(check)

    asked = in_development()
    for check in checks:
        development.remove_check(check)

    assert (asked, in_development()) == (answer, False)


def test_a_check_is_asked_once_however_often_it_is_added(unanswered: None) -> None:
    """And no more once it is removed; removing it again is no error."""
    asked: list[str] = []

    class Debugger:
        def is_on(self) -> bool:
            asked.append("asked")
            return False

    debugger = Debugger()
    assert development.add_check(debugger.is_on) == debugger.is_on
    development.add_check(debugger.is_on)
    in_development()
    development.remove_check(debugger.is_on)
    development.remove_check(debugger.is_on)
    in_development()

    assert asked == ["asked"]


async def later() -> bool:
    """Answer when it is awaited."""
    return True


def one_by_one() -> Iterator[bool]:
    """Answer when it is iterated over."""
    yield False


@pytest.mark.parametrize("check", [None, "yes", bool, later, one_by_one], ids=without_address)
def test_what_cannot_answer_is_refused(check: Any) -> None:
    """A class would be true, and so would a coroutine or a generator."""
    with pytest.raises(ArgumentError, match="cannot tell whether programs are being developed"):
        development.add_check(check)


@pytest.mark.parametrize("at", ["__call__", "when_known"])
def test_a_check_that_fails_is_named_once_and_asked_no_more(
    unanswered: None, caplog: pytest.LogCaptureFixture, at: str
) -> None:
    """The send that asked goes on."""

    class Failing(Opening):
        def fail(self, *_: object) -> bool | None:
            raise LookupError

    check, signal = Failing(), paid()
    kind = type("Broken", (Failing,), {at: Failing.fail})
    check.__class__ = kind
    development.add_check(check)

    assert [signal.send("shop"), paid().send("shop"), in_development()] == [[], [], False]
    assert [it.exc_info and it.exc_info[0] for it in caplog.records] == [LookupError]
    assert "which tells whether programs are being developed, failed" in caplog.text


def test_a_check_that_fails_in_several_threads_at_once_is_named_once(
    unanswered: None, caplog: pytest.LogCaptureFixture
) -> None:
    """One of them removes it."""
    meet = Barrier(3)

    def failing() -> bool:
        meet.wait()
        raise LookupError

    development.add_check(failing)
    threads = [Thread(target=in_development) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(caplog.records) == 1


class Undecided:
    """An answer that is neither yes nor no."""

    def __bool__(self) -> bool:
        raise LookupError


class Unready(Opening):
    """A check whose method cannot be looked up."""

    @property
    def when_known(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # That is it.
        """Fail."""
        raise LookupError


def undecided() -> Any:
    """Give what is no answer."""
    return Undecided()


@pytest.mark.parametrize("check", [undecided, Unready()], ids=["undecided", "unready"])
def test_what_a_check_has_may_fail_as_well(
    unanswered: None, caplog: pytest.LogCaptureFixture, check: Any
) -> None:
    """The send that asked goes on, and the check is removed, as if the call had failed."""
    signal = paid()
    development.add_check(check)

    assert [signal.send("shop"), in_development()] == [[], False]
    assert [it.exc_info and it.exc_info[0] for it in caplog.records] == [LookupError]


def test_a_check_whose_method_is_none_has_none(unanswered: None) -> None:
    """A subclass may take the method away so."""
    signal, check = paid(), type("Quiet", (Opening,), {"when_known": None})()
    development.add_check(check)
    sent = signal.send("shop")
    answer = in_development()
    development.remove_check(check)

    assert (sent, answer) == ([], None)


def test_a_check_without_room_on_the_stack_stays(
    unanswered: None, caplog: pytest.LogCaptureFixture
) -> None:
    """That the stack is full says nothing about the check."""

    def dig(levels: int = 50) -> bool:
        return levels == 0 or dig(levels - 1)

    development.add_check(dig)
    with room_for(40):
        before = in_development()
    after = in_development()
    development.remove_check(dig)

    assert (before, after, caplog.records) == (None, True, [])


@pytest.mark.parametrize("answer", [True, False])
def test_signals_that_wait_are_checked_once_a_check_says_yes(
    unanswered: None, answer: bool
) -> None:
    """Until then they refuse nothing, and ask nobody."""
    check, signal = Opening(), paid()
    development.add_check(check)
    before = [is_refused(signal), is_refused(signal)]
    check.tell(answer)
    development.remove_check(check)
    if answer:  # It is asked again, and what it has told it says from now on.
        development.add_check(true)
    after = is_refused(signal)
    development.remove_check(true)

    assert (before, after) == ([False, False], answer)


def true() -> bool:
    """Say yes."""
    return True


def test_a_no_is_final_once_all_open_checks_have_told_it(unanswered: None) -> None:
    """Two frameworks may be loaded, and an application of the second be in debug mode."""
    first, second, signal = Opening(), Opening(), paid()
    for check in (first, second):
        development.add_check(check)
    is_refused(signal)
    first.tell(False)
    second.tell(True)
    for check in (first, second):
        development.remove_check(check)
    development.add_check(true)
    refused = is_refused(signal)
    development.remove_check(true)

    assert refused


def test_without_a_method_to_tell_an_open_answer_is_taken_for_no(unanswered: None) -> None:
    """Nobody could say when to ask again."""

    def check() -> bool | None:
        return None

    signal = paid()
    development.add_check(check)
    before = is_refused(signal)
    development.remove_check(check)
    development.add_check(true)
    after = is_refused(signal)
    development.remove_check(true)

    assert (before, after) == (False, False)
