"""Worker: a process that runs groups of a relay, from its first line to its exit status."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.output import show_all_letters
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.relay import Relay

_ENDING = ("SIGINT", "SIGTERM")
_GRACE = 2.0
"""Seconds that threads have to end, once the relay is stopped."""


class Worker:
    """Runs groups until a signal of the operating system ends it.

    Args:
        relay: The relay.
        as_json: Whether its lines are for programs.
    """

    def __init__(self, relay: Relay, *, as_json: bool) -> None:
        self._relay, self._as_json, self._out = relay, as_json, sys.stdout
        self._woken = threading.Event()
        self._ended_by: str | None = None
        self._before: dict[int, Any] = {}

    def run(self, groups: Sequence[str], timeout: float, every: float | None) -> int:
        """Run groups; return the exit status.

        Raises:
            RelayError: If the broker refuses us.
            ArgumentError: If there is no such group.
        """
        show_all_letters()
        self._heed()
        # With --json, each line of the output is one of ours.
        with redirect_stdout(sys.stderr if self._as_json else sys.stdout):
            return self._run(groups, timeout, every)

    def _run(self, groups: Sequence[str], timeout: float, every: float | None) -> int:
        self._relay.start(groups)
        self._tell_start(groups)
        self._wait(every)
        self._tell("stopping", f"{self._ended_by}: what is under way ends now.", by=self._ended_by)
        begun = time.monotonic()
        done = self._relay.stop(timeout)
        left = "" if done else ", and something is left"
        text = f"Stopped after {time.monotonic() - begun:.1f} s{left}."
        self._tell("stopped", text, finished=done)
        _end_anyway()
        return 0 if done else 1

    def _heed(self) -> None:
        for name in _ENDING:
            number = getattr(signal, name)
            self._before[number] = signal.signal(number, self._end)
        if hasattr(signal, "SIGUSR1"):  # pragma: no branch - Windows has none.
            signal.signal(signal.SIGUSR1, self._wake)

    def _end(self, number: int, _: object) -> None:
        self._ended_by = signal.Signals(number).name
        # The second one ends it at once.
        for it, before in self._before.items():
            signal.signal(it, before)
        self._woken.set()

    def _wake(self, *_: object) -> None:
        self._woken.set()

    def _wait(self, every: float | None) -> None:
        while self._ended_by is None:
            self._woken.wait(every)
            self._woken.clear()
            if self._ended_by is None:
                self._tell_health()

    def _tell_start(self, groups: Sequence[str]) -> None:
        relay, names = self._relay, ", ".join(groups)
        broker, problem = relay.look().broker, relay.health().problem
        said = None if problem is None else Redaction().without_secrets(problem)
        text = f"{relay.app} on {broker}: {names} at work in process {os.getpid()}."
        if said is not None:
            text += f" The broker is not there yet: {said}"
        self._tell("started", text, groups=[*groups], broker=broker, pid=os.getpid(), problem=said)

    def _tell_health(self) -> None:
        health = self._relay.health()
        state = "connected" if health.connected else f"not connected ({health.problem})"
        text = (
            f"{state}; {health.received} received, {health.failed} failed, {health.retried} to be "
            f"tried again, {health.dead} put aside, {health.waiting} waiting to be sent."
        )
        self._tell("health", Redaction().without_secrets(text), **asdict(health))

    def _tell(self, kind: str, text: str, **values: Any) -> None:
        line = f"-- {text}"
        if self._as_json:
            line = json.dumps({"kind": kind, "time": time.time(), **values}, default=str)
        click.echo(line, file=self._out)


def _end_anyway() -> None:
    """End even if a receiver does not: another process has its work already."""

    def end() -> None:
        time.sleep(_GRACE)
        sys.stdout.flush()
        os._exit(1)

    threading.Thread(target=end, name="heliograph-worker-end", daemon=True).start()
