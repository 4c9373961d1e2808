"""Watches steps by recording all that is sent in each of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heliograph.cli.quiet import logging_if
from heliograph.cli.steps import Step
from heliograph.inspector import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph.cli.client import Answer
    from heliograph.inspector import Part
    from heliograph.redaction import Redaction


@dataclass(frozen=True)
class Traced:
    """A step with all that was sent in it.

    Attributes:
        part: The step.
        answer: The response, if the step was a request.
    """

    part: Part
    answer: Answer | None


class Tracer:
    """Records steps, and tells of each when it is over.

    Args:
        tell: Called with each step.
        values: Whether to keep values of payloads.
        redaction: Which values are hidden.
        logs: Whether to let the program log.
    """

    def __init__(
        self,
        tell: Callable[[Traced], object],
        *,
        values: bool = False,
        redaction: Redaction | None = None,
        logs: bool = False,
    ) -> None:
        self._tell = tell
        self._values = values
        self._redaction = redaction
        self._logs = logs
        self.done: int = 0
        self.title: str = ""

    @contextmanager
    def step(self, title: str, *, quiet: bool = False) -> Iterator[Step]:
        """Watch what is done inside of the block; see `Watcher`."""
        step = Step(title)
        self.title = title
        with (
            trace(title, values=self._values, redaction=self._redaction, show=False) as traced,
            logging_if(self._logs),
        ):
            yield step
        outcome = step.outcome
        part = replace(
            traced.part, outcome=outcome.text, failed=outcome.failed, location=outcome.location
        )
        self.done += not quiet
        if part.emissions or not quiet:
            self._tell(Traced(part, outcome.answer))
