"""The rules for every test: no receiver fails in silence, and no expectation is forgotten."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from heliograph import ArgumentError, Emission, add_instrument, remove_instrument
from heliograph.testing.belonging import is_work_of
from heliograph.testing.capture import capture
from heliograph.testing.engines import own
from heliograph.testing.errors import ExpectationError
from heliograph.testing.expecting import UNENTERED
from heliograph.testing.messages import listed, placed
from heliograph.testing.names import title
from heliograph.testing.sent import sending_place, where
from heliograph.testing.shortening import hung, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Self

    from heliograph import Delivery, Signal
    from heliograph.testing.expecting import Expectation
    from heliograph.testing.sent import Sent

    Rule = Callable[[Iterable[Sent], Sequence[Any]], list[str]]

_EXPECTED: list[LoggedErrors] = []
"""The blocks that are open now. In any thread: that is where receivers of workers fail."""


@dataclass(frozen=True)
class Failure:
    """An error that was logged instead of raised.

    Attributes:
        emission: What was being sent.
        delivery: The delivery that failed.
        location: The ``file:line`` that sent it.
    """

    emission: Emission
    delivery: Delivery
    location: str

    def __str__(self) -> str:
        error, connection = self.delivery.error, self.delivery.connection
        # For type checkers: it was noted because its connection says so.
        assert connection is not None, "Only a connection says what becomes of errors."  # noqa: S101
        return hung(
            "  ",
            f"{connection.name}, connected at {placed(connection.location)}, "
            f"on {title(self.emission.signal)}, sent at {self.location}: "
            f"{said(error)}",
        )


def failures(emission: Emission) -> list[Failure]:
    """Return the errors of an emission that has just ended, and that were logged."""
    logged = [
        it
        for it in emission.deliveries
        if it.error is not None and it.connection is not None and it.connection.on_error == "log"
    ]
    return [Failure(emission, it, where(*sending_place())) for it in logged]


class LoggedErrors:
    """A ``with`` block in which receivers must fail; made by `expect_logged`."""

    def __init__(self, kinds: tuple[type[BaseException], ...], match: str | None) -> None:
        self._kinds = kinds
        self._match = match
        self._others: list[Failure] = []
        self.errors: list[BaseException] = []

    def __repr__(self) -> str:
        return f"<LoggedErrors of {self._described()}: {list(map(said, self.errors))}>"

    def _described(self) -> str:
        names = " or ".join(it.__qualname__ for it in self._kinds)
        return f"{names} matching {self._match!r}" if self._match else names

    def claims(self, error: BaseException | None) -> bool:
        """Tell whether an error is one of those that are expected."""
        found = self._match is None or re.search(self._match, str(error)) is not None
        return found and isinstance(error, self._kinds)

    def __call__(self, emission: Emission) -> None:
        """Collect the errors of an emission. The engine calls this.

        Raises:
            ArgumentError: If it is the function below ``@expect_logged(...)``, which would be lost.
        """
        if not isinstance(emission, Emission):
            msg = f"{self!r} is no decorator: use it in a `with` statement, inside of the function."
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
            msg = f"Expected that a receiver connected with on_error='log' raises {kinds}."
            lines = ["These failed otherwise:", *map(str, self._others)] if self._others else []
            raise ExpectationError("\n".join([msg, *(lines or ["None of them failed."])]))


def expect_logged(*kinds: Any, match: str | None = None) -> LoggedErrors:
    """Return a block in which a receiver connected with ``on_error="log"`` must fail.

    The block holds the `errors` that are meant. Elsewhere such an error fails a test
    that is held to the rule `logged_errors`, see the page on testing.

    Args:
        kinds: Classes of errors; none for any `Exception`.
        match: A regular expression, searched for in the message of the error.

    Raises:
        ArgumentError: If something is no class of errors.
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            msg = f"{kind!r} is not a class of errors: use OSError, for instance."
            raise ArgumentError(msg)
    return LoggedErrors(kinds or (Exception,), match)


class FailureWatch:
    """An instrument that watches a test for receivers that fail and are logged.

    Attributes:
        found: What was against the rule, and has not been told yet.
    """

    def __init__(self) -> None:
        self._test: object = None
        self.found: list[Failure] = []

    def begin(self, test: object) -> None:
        """Watch a test from now on: what others have left running does not count."""
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
        """Return what is against the rule; what has been told is not told again."""
        found = [str(failure) for failure in self.found]
        self.found.clear()
        if found:
            found.insert(0, "Receivers connected with on_error='log' failed:")
            found.append("If the test expects that, say so: `with expect_logged(OSError): ...`.")
        return found


class ForgottenWatch:
    """Watches a test for an `expect` that it makes and never enters.

    Attributes:
        found: What was against the rule, and has not been told yet.
    """

    def __init__(self) -> None:
        self.found: list[Expectation] = []

    def begin(self, test: object) -> None:  # noqa: ARG002 - nobody else makes any meanwhile.
        """Watch a test from now on."""
        self.found.clear()

    def __enter__(self) -> Self:
        UNENTERED.append(self.found)
        return self

    def __exit__(self, *_: object) -> None:
        UNENTERED[:] = [it for it in UNENTERED if it is not self.found]

    def problems(self) -> list[str]:
        """Return what is against the rule; what has been told is not told again."""
        found = [
            f"The expect() at {it.made_at} was never entered: write `with expect(...):`."
            for it in self.found
        ]
        self.found.clear()
        return found


def check(*watches: FailureWatch | ForgottenWatch) -> None:
    """Insist on the rules.

    Raises:
        ExpectationError: If something is against them.
    """
    problems = [problem for watch in watches for problem in watch.problems()]
    if problems:
        raise ExpectationError("\n".join(problems))


@contextmanager
def held_to(rules: Sequence[tuple[Rule, Sequence[Any]]]) -> Iterator[list[str]]:
    """Hold a block to rules such as `only_these`; gives a list that has the problems at its end.

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
                own(it, "a mark")  # What it does not see, it would allow without a word.
    with capture() as sent:
        yield problems
    for rule, signals in rules:
        problems += rule(sent, signals)


def only_these(sent: Iterable[Sent], allowed: Sequence[Any]) -> list[str]:
    """Return what was sent besides some signals, given themselves or as patterns of names."""
    found = [it for it in sent if not _is_one_of(it.signal, allowed)]
    permitted = f"Only {_names(allowed)}" if allowed else "No signal"
    return _refused(found, f"{permitted} may be sent in this test")


def none_of_these(sent: Iterable[Sent], forbidden: Sequence[Any]) -> list[str]:
    """Return what was sent of some signals, given as for `only_these`; or of any at all."""
    found = [it for it in sent if not forbidden or _is_one_of(it.signal, forbidden)]
    refused = f"{_names(forbidden)} must not" if forbidden else "No signal may"
    return _refused(found, f"{refused} be sent in this test")


def _refused(found: Sequence[Sent], rule: str) -> list[str]:
    return [f"{rule}. Sent were:", *listed(found)] if found else []


def _is_one_of(signal: Signal, several: Sequence[Any]) -> bool:
    return any(
        fnmatchcase(signal.name or "", it) if isinstance(it, str) else it is signal
        for it in several
    )


def _names(several: Sequence[Any]) -> str:
    return ", ".join(repr(it) if isinstance(it, str) else title(it) for it in several)
