"""What a program is made to do, step by step, and who watches each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from heliograph.describe import describe_error, location_of, portable_location

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from heliograph.cli.client import Answer


@dataclass(frozen=True)
class Outcome:
    """What came of a step.

    Attributes:
        text: In words, such as ``"200 OK"``.
        failed: Whether it is a failure of the program.
        location: The ``file:line`` of its error, or None.
        answer: The whole response, if there is one.
    """

    text: str = ""
    failed: bool = False
    location: str | None = None
    answer: Answer | None = None


@dataclass
class Step:
    """One thing that a program does, such as answering a request.

    Attributes:
        title: What it is, as one would write it.
        outcome: What came of it, once that is known.
    """

    title: str
    outcome: Outcome = Outcome()


class Watcher(Protocol):
    """Watches steps."""

    def step(self, title: str, *, quiet: bool = False) -> AbstractContextManager[Step]:
        """Watch what is done inside of the block.

        Args:
            title: What it is.
            quiet: Whether nothing is told of it if nothing was sent.
        """
        ...


def of_answer(answer: Answer) -> Outcome:
    """Return what came of a request."""
    text = answer.status
    if answer.location:
        text = f"{text} to {answer.location}"
    raised = None if answer.error is None else f"raised {describe_error(answer.error)}"
    if raised is not None and raised != answer.status:  # It stands in place of an answer, or after.
        text = f"{text}, {raised}"
    return Outcome(text, answer.failed, _place(answer.error), answer)


def of_error(error: BaseException) -> Outcome:
    """Return what came of a program that has raised."""
    return Outcome(f"raised {describe_error(error)}", failed=True, location=_place(error))


def _place(error: BaseException | None) -> str | None:
    place = None if error is None else location_of(error)
    return None if place is None else portable_location(place)
