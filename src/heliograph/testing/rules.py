"""Rules for every test: no receiver fails silently, and no expectation is forgotten."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from heliograph import ArgumentError, Emission, add_instrument, remove_instrument
from heliograph.describe import calling_location, describe_error, relative_location, short_repr
from heliograph.testing.belonging import is_work_of
from heliograph.testing.capture import capture
from heliograph.testing.engines import only_heliographs
from heliograph.testing.errors import ExpectationError
from heliograph.testing.expecting import UNENTERED
from heliograph.testing.formatting import label
from heliograph.testing.messages import emission_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Self

    from heliograph import Delivery
    from heliograph.testing.expecting import Expectation
    from heliograph.testing.sent import Sent

    Rule = Callable[[Iterable[Sent], Sequence[Any]], list[str]]

_EXPECTED: list[LoggedErrors] = []
"""The blocks that are open now, for all threads: receivers may fail in workers."""


@dataclass(frozen=True)
class Failure:
    """An error that was logged instead of raised.

    Attributes:
        emission: The emission.
        delivery: The delivery that failed.
        location: The ``file:line`` that sent it, relative to the current folder.
    """

    emission: Emission
    delivery: Delivery
    location: str

    def __str__(self) -> str:
        error, connection = self.delivery.error, self.delivery.connection
        # For type checkers: only a connection has errors logged.
        assert error is not None, "Only errors are logged."  # noqa: S101 - likewise.
        assert connection is not None, "Only connections log errors."  # noqa: S101 - likewise.
        return (
            f"  {connection.name}, connected at {relative_location(connection.location)}, "
            f"on {label(self.emission.signal)}, sent at {self.location}: {describe_error(error)}"
        )


def failures(emission: Emission) -> list[Failure]:
    """Return the logged errors of an emission that has just ended."""
    logged = [
        it
        for it in emission.deliveries
        if it.error is not None and it.connection is not None and it.connection.on_error == "log"
    ]
    if not logged:
        return []
    location = relative_location(calling_location() or "a task of its own")
    return [Failure(emission, it, location) for it in logged]


class LoggedErrors:
    """A ``with`` block in which receivers must fail; made by `expect_logged`."""

    def __init__(self, kinds: tuple[type[BaseException], ...], match: str | None) -> None:
        self._kinds = kinds
        self._match = match
        self._others: list[Failure] = []
        self.errors: list[BaseException] = []

    def __repr__(self) -> str:
        return f"<LoggedErrors of {self._described()}: {list(map(describe_error, self.errors))}>"

    def _described(self) -> str:
        names = " or ".join(it.__qualname__ for it in self._kinds)
        return f"{names} matching {self._match!r}" if self._match else names

    def claims(self, error: BaseException | None) -> bool:
        """Tell whether the block expects an error."""
        found = self._match is None or re.search(self._match, str(error)) is not None
        return found and isinstance(error, self._kinds)

    def __call__(self, emission: Emission) -> None:
        """Collect the errors of an emission. The engine calls this.

        Raises:
            ArgumentError: If the block is used as a decorator, which would lose the function.
        """
        if not isinstance(emission, Emission):
            msg = f"{self!r} is not a decorator: use it in a `with` statement, inside the function."
            raise ArgumentError(msg)
        for failure in failures(emission):
            error = failure.delivery.error
            if error is not None and self.claims(error):
                self.errors.append(error)
            else:
                self._others.append(failure)

    def __enter__(self) -> Self:
        _EXPECTED.append(self)
        add_instrument(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        remove_instrument(self)
        _EXPECTED[:] = [it for it in _EXPECTED if it is not self]
        if kind is None and not self.errors:
            kinds = self._described()
            msg = f"Expected a receiver connected with on_error='log' to raise {kinds}."
            others = ["Other errors were logged:", *map(str, self._others)]
            lines = others if self._others else ["No error was logged."]
            raise ExpectationError("\n".join([msg, *lines]))


def expect_logged(*kinds: Any, match: str | None = None) -> LoggedErrors:
    """Return a block in which a receiver connected with ``on_error="log"`` must fail.

    The block collects the expected `errors`. Outside such a block, they fail a test
    under the rule `logged_errors`; see the page on testing.

    Args:
        kinds: Classes of errors; by default, any `Exception`.
        match: A regular expression to search for in the message of the error.

    Raises:
        ArgumentError: If something is not a class of errors.
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            msg = f"{short_repr(kind)} is not a class of errors: use OSError, for instance."
            raise ArgumentError(msg)
    return LoggedErrors(kinds or (Exception,), match)


class FailureWatch:
    """An instrument that watches a test for receivers whose errors are logged.

    Attributes:
        found: Failures that have not been reported yet.
    """

    def __init__(self) -> None:
        self._test: object = None
        self.found: list[Failure] = []

    def begin(self, test: object) -> None:
        """Watch a test from now on; what other tests have left running does not count."""
        self._test = test
        self.found.clear()

    def __enter__(self) -> Self:
        add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        remove_instrument(self)

    def __call__(self, emission: Emission) -> None:
        """Note the errors of an emission. The engine calls this."""
        for failure in failures(emission) if is_work_of(self._test) else ():
            error = failure.delivery.error
            if not any(block.claims(error) for block in tuple(_EXPECTED)):
                self.found.append(failure)

    def problems(self) -> list[str]:
        """Return what breaks the rule; each problem is reported once."""
        found = [str(failure) for failure in self.found]
        self.found.clear()
        if found:
            found.insert(0, "Receivers connected with on_error='log' failed:")
            found.append("If the test expects this, write `with expect_logged(OSError): ...`.")
        return found


class ForgottenWatch:
    """Watches a test for an `expect` that it makes and never enters.

    Attributes:
        found: Expectations that have not been reported yet.
    """

    def __init__(self) -> None:
        self.found: list[Expectation] = []

    def begin(self, test: object) -> None:  # noqa: ARG002 - no other test makes any at the same time.
        """Watch a test from now on."""
        self.found.clear()

    def __enter__(self) -> Self:
        UNENTERED.append(self.found)
        return self

    def __exit__(self, *_: object) -> None:
        UNENTERED[:] = [it for it in UNENTERED if it is not self.found]

    def problems(self) -> list[str]:
        """Return what breaks the rule; each problem is reported once."""
        found = [
            f"The expect() at {it.made_at} was never entered: write `with expect(...):`."
            for it in self.found
        ]
        self.found.clear()
        return found


def check_rules(*watches: FailureWatch | ForgottenWatch) -> None:
    """Insist on the rules.

    Raises:
        ExpectationError: If the test has broken one.
    """
    problems = [problem for watch in watches for problem in watch.problems()]
    if problems:
        raise ExpectationError("\n".join(problems))


@contextmanager
def held_to(rules: Sequence[tuple[Rule, Sequence[Any]]]) -> Iterator[list[str]]:
    """Hold a block to rules such as `only_these`; yields a list that its end fills with problems.

    Raises:
        ArgumentError: If something is neither a signal of Heliograph nor a pattern.
    """
    problems: list[str] = []
    if not rules:
        yield problems
        return
    for _, signals in rules:
        for it in signals:
            if not isinstance(it, str):
                only_heliographs(it, "a mark")  # It would allow all others, which it cannot see.
    with capture() as sent:
        yield problems
    for rule, signals in rules:
        problems += rule(sent, signals)


def only_these(sent: Iterable[Sent], allowed: Sequence[Any]) -> list[str]:
    """Return the problems with signals other than the allowed ones, or patterns of names."""
    found = [it for it in sent if not _is_one_of(it, allowed)]
    permitted = f"Only {_names(allowed)}" if allowed else "No signal"
    return _refused(found, f"{permitted} may be sent in this test")


def none_of_these(sent: Iterable[Sent], forbidden: Sequence[Any]) -> list[str]:
    """Return the problems with forbidden signals, or patterns of names; without any, with all."""
    found = [it for it in sent if not forbidden or _is_one_of(it, forbidden)]
    refused = f"{_names(forbidden)} must not" if forbidden else "No signal may"
    return _refused(found, f"{refused} be sent in this test")


def _refused(found: Sequence[Sent], rule: str) -> list[str]:
    return [f"{rule}. These were sent:", *emission_lines(found)] if found else []


def _is_one_of(sent: Sent, several: Sequence[Any]) -> bool:
    return any(
        fnmatchcase(sent.signal.name or "", it) if isinstance(it, str) else sent.is_of(it)
        for it in several
    )


def _names(several: Sequence[Any]) -> str:
    return ", ".join(repr(it) if isinstance(it, str) else label(it) for it in several)
