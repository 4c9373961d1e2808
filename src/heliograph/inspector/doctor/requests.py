"""What receivers do in requests: seen while the requests run, and judged when they are over."""

from __future__ import annotations

import gc
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from heliograph import add_instrument, remove_instrument
from heliograph.describe import (
    describe_duration,
    describe_error,
    location_of,
    name_of,
    portable_location,
    title_of,
)
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.program import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph import Connection, Delivery, Emission, Signal
    from heliograph.inspector.doctor.findings import Finding

SLOW = 0.1
"""Seconds from which on a receiver is slow: asyncio says so of what keeps its loop for as long."""

_CONTAINERS = (dict, list, set)
_GROWING = 2


@dataclass
class _Calls:
    """The calls of one receiver by one signal."""

    name: str
    title: str
    location: str | None
    fastest: float = float("inf")
    count: int = 0
    errors: dict[tuple[str, str], int] = field(default_factory=dict)


class Observer:
    """An instrument that looks for faults, and keeps no object of the program.

    A context manager: it sees what is sent inside.
    """

    def __init__(self) -> None:
        self.sent: set[int] = set()
        self._calls: dict[tuple[int, str, str | None], _Calls] = {}
        self._changed: dict[str, str] = {}
        self._request = 0
        # The connections that are made, by the line that does it and the request.
        self._made: dict[str, dict[int, list[tuple[str, Connection]]]] = {}
        # Of each emission that is under way: what its payload is like, and how long the sends took
        # that its receivers have made, by the turn of the receiver.
        self._under_way: dict[int, tuple[dict[str, Any], dict[int, float]]] = {}

    def __enter__(self) -> Self:
        add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        remove_instrument(self)

    def next_request(self) -> None:
        """Let another request begin."""
        self._request += 1

    def on_start(self, emission: Emission) -> None:
        """Look at a payload before any receiver gets it. The engine calls this."""
        before = {
            name: _contents(value)
            for name, value in emission.payload.items()
            if type(value) in _CONTAINERS
        }
        self._under_way[id(emission)] = before, defaultdict(float)

    def __call__(self, emission: Emission) -> None:
        """Look at what came of an emission. The engine calls this."""
        before, inside = self._under_way.pop(id(emission), ({}, {}))
        self.sent.add(id(emission.signal))
        above = self._under_way.get(id(emission.parent))
        if above is not None:
            above[1][emission.turn] += emission.duration
        for turn, delivery in enumerate(emission.deliveries):
            self._note(emission, delivery, delivery.duration - inside.get(turn, 0.0))
        changed = [name for name, it in before.items() if _contents(emission.payload[name]) != it]
        if changed and emission.deliveries:
            self._note_change(emission, changed)

    def on_connect(
        self, signal: Signal[...], connection: Connection, previous: Connection | None
    ) -> None:
        """Note a new connection. The engine calls this."""
        if previous is None and self._request:
            place = self._made.setdefault(absolute(connection.location), {})
            place.setdefault(self._request, []).append((title_of(signal), connection))

    def _note(self, emission: Emission, delivery: Delivery, duration: float) -> None:
        where = location_of(delivery.receiver)
        name = name_of(delivery.receiver)
        key = id(emission.signal), name, where
        if key not in self._calls:
            self._calls[key] = _Calls(name, title_of(emission.signal), where and absolute(where))
        calls = self._calls[key]
        calls.count += 1
        calls.fastest = min(calls.fastest, duration)
        if isinstance(delivery.error, Exception):
            raised = location_of(delivery.error)
            # A receiver that does not suit what is sent fails before any line of it runs.
            mine = raised is not None and not portable_location(raised).startswith("heliograph/")
            error = describe_error(delivery.error), absolute(raised) if raised and mine else ""
            calls.errors[error] = calls.errors.get(error, 0) + 1

    def _note_change(self, emission: Emission, names: list[str]) -> None:
        receivers = [it.receiver for it in emission.deliveries]
        who = name_of(receivers[0]) if len(receivers) == 1 else f"One of {len(receivers)} receivers"
        where = location_of(receivers[0])
        said = ", ".join(map(repr, names))
        message = f"{who} has changed {said} in the payload of {title_of(emission.signal)}."
        self._changed[message] = absolute(where) if where else ""

    # --- afterwards --------------------------------------------------------------------

    def find(self, slow: float = SLOW) -> Iterator[Finding]:
        """Yield what went wrong; a receiver is slow from so many seconds on."""
        for calls in self._calls.values():
            yield from _of_calls(calls, slow)
        for message, where in self._changed.items():
            yield CHECKS["changed-payload"].finding(where or None, message)
        gc.collect()  # A connection that only garbage holds does not stay.
        for location, requests in self._made.items():
            yield from _growing(location, requests)


def _contents(value: Any) -> object:
    # By identity: comparing the values of others may run any code.
    if isinstance(value, dict):
        return [(id(key), id(it)) for key, it in value.items()]
    return [id(it) for it in value]


def _of_calls(calls: _Calls, slow: float) -> Iterator[Finding]:
    for (error, raised), count in calls.errors.items():
        where = f" at {portable_location(raised)}" if raised else ""
        message = (
            f"{calls.name}, a receiver of {calls.title}, raised {error}{where}; {count} of "
            f"{calls.count} {'call' if calls.count == 1 else 'calls'}."
        )
        yield CHECKS["raising-receiver"].finding(calls.location, message)
    if calls.fastest >= slow and not calls.errors:
        message = (
            f"{calls.name}, a receiver of {calls.title}, took {describe_duration(calls.fastest)}"
            f"{'' if calls.count == 1 else f' or more, in each of {calls.count} calls'}."
        )
        yield CHECKS["slow-receiver"].finding(calls.location, message)


def _growing(location: str, requests: dict[int, list[tuple[str, Connection]]]) -> Iterator[Finding]:
    # What is connected once, in the first request that needs it, does not grow.
    staying = [made for made in requests.values() if any(it.connected for _, it in made)]
    if len(staying) >= _GROWING:
        many = sum(it.connected for made in staying for _, it in made)
        title, connection = staying[0][0]
        message = (
            f"{len(staying)} requests have connected {connection.name} to {title}, and {many} "
            "connections are left."
        )
        yield CHECKS["connect-in-request"].finding(location, message)
