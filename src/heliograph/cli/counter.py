"""Watches steps by counting what is sent in all of them together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from heliograph.cli.quiet import logging_if
from heliograph.cli.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counter:
    """Counts steps, and those that have failed.

    Args:
        logs: Whether to let the program log.
    """

    def __init__(self, *, logs: bool) -> None:
        self._logs = logs
        self.done: int = 0
        self.title: str = ""
        self.failures: dict[str, int] = {}
        """How often each step has failed, in words."""

    @contextmanager
    def step(self, title: str, *, quiet: bool = False) -> Iterator[Step]:
        """Watch what is done inside of the block; see `Watcher`."""
        step = Step(title)
        self.title = title
        with logging_if(self._logs):
            yield step
        self.done += not quiet
        if step.outcome.failed:
            failure = f"{title}: {step.outcome.text}"
            self.failures[failure] = self.failures.get(failure, 0) + 1
