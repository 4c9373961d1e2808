"""Random programs: processes that come, go, send and fail, beside a plain list of what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from heliograph.relay import Relay, current, resynced
from tests.relay.processes import declared, new_url, until

PROCESSES = 3
WHICH = st.integers(0, PROCESSES - 1)


@dataclass
class Side:
    """A process, and what it should have heard.

    Attributes:
        relay: Its relay.
        signals: Its signals, by how they cross.
        heard: What it has heard, by how it crossed.
        expected: The same, in the model.
        waiting: What waits for its next start, in the model.
        position: How far it has heard what is stored, in the model; None before its first start.
        told: What it was told to have missed.
    """

    relay: Relay
    signals: dict[str, Any] = field(default_factory=dict)
    heard: dict[str, list[int]] = field(default_factory=lambda: {"broadcast": [], "replay": []})
    expected: dict[str, list[int]] = field(default_factory=lambda: {"broadcast": [], "replay": []})
    waiting: list[tuple[str, int]] = field(default_factory=list)
    position: int | None = None
    told: list[Any] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether it is started."""
        return self.relay.running.is_running


def _has_heard_all(side: Side) -> bool:
    return sum(map(len, side.heard.values())) >= sum(map(len, side.expected.values()))


class Processes(RuleBasedStateMachine):
    """Three processes over one broker. After each step, everything has arrived where it should."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.stored: list[tuple[int, int]] = []
        self.worked: list[int] = []
        self.to_work: list[int] = []
        self.fail: set[int] = set()
        self.tries: dict[int, list[int]] = {}
        self.sides: list[Side] = []

    @initialize()
    def begin(self) -> None:
        """Declare everything in each process."""
        url = new_url()
        for _ in range(PROCESSES):
            side = Side(Relay(url, app="shop", groups=["*"]))
            for mode in ("broadcast", "replay", "durable"):
                signal = side.signals[mode] = declared(mode)
                getattr(side.relay, mode)(signal)
                if mode == "durable":
                    side.relay.connect(
                        signal, self._work, group="billing", tries=3, backoff=(0.0, 0.0)
                    )
                else:
                    side.relay.connect(signal, self._hearing(side, mode), scope="each")
            resynced.connect(
                lambda _, *, side=side, **payload: side.told.append(payload),
                side.relay,
                weak=False,
            )
            self.sides.append(side)

    def _hearing(self, side: Side, mode: str) -> Any:
        def hear(_: object, *, n: int) -> None:
            side.heard[mode].append(n)

        return hear

    def _work(self, _: object, *, n: int) -> None:
        delivered = current()
        assert delivered is not None
        self.tries.setdefault(n, []).append(delivered.tries)
        if n in self.fail and delivered.tries < 3:
            raise OSError(n)
        self.worked.append(n)

    @rule(which=WHICH)
    def start(self, which: int) -> None:
        """Start a process, or start it again."""
        side = self.sides[which]
        if side.runs:
            side.relay.stop()
            self.step()
        if side.position is None:
            side.position = len(self.stored)
        side.relay.start()
        waiting, side.waiting = side.waiting, []
        for mode, n in waiting:
            self._crosses(which, mode, n)

    @rule(which=WHICH)
    def stop(self, which: int) -> None:
        """Stop a process, or do so again."""
        assert self.sides[which].relay.stop()

    @rule(which=WHICH, mode=st.sampled_from(["broadcast", "replay"]), several=st.integers(1, 5))
    def send(self, which: int, mode: str, several: int) -> None:
        """Send something that every process hears, from one that runs or does not."""
        for _ in range(several):
            self._send(which, mode)

    @rule(which=WHICH, fails=st.booleans())
    def order(self, which: int, *, fails: bool) -> None:
        """Send something that one process works on, and fails with twice perhaps."""
        if fails:
            self.fail.add(self.number)
        self._send(which, "durable")

    def _send(self, which: int, mode: str) -> None:
        side, n = self.sides[which], self.number
        self.number += 1
        if side.runs:
            self._crosses(which, mode, n)
        else:
            side.waiting.append((mode, n))
        if mode != "durable":
            side.expected[mode].append(n)
        side.signals[mode].send(f"process {which}", n=n)

    def _crosses(self, which: int, mode: str, n: int) -> None:
        """Say in the model where it arrives."""
        if mode == "broadcast":
            for at, other in enumerate(self.sides):
                if at != which and other.runs:
                    other.expected[mode].append(n)
        elif mode == "replay":
            self.stored.append((which, n))
        else:
            self.to_work.append(n)

    @invariant()
    def step(self) -> None:
        """Everything has arrived, in its order, and is counted."""
        self._replay()
        running = [it for it in self.sides if it.runs]
        for it in running:
            assert it.relay.flush()
            until(partial(_has_heard_all, it))
        if running:
            until(lambda: len(self.worked) >= len(self.to_work))
        for it in self.sides:
            assert sorted(it.heard["broadcast"]) == sorted(it.expected["broadcast"])
            assert sorted(it.heard["replay"]) == sorted(it.expected["replay"])
            assert it.told == []
            health = it.relay.health()
            assert health.sent == health.handed_over + health.waiting
            assert health.waiting == len(it.waiting)
            assert (health.dropped, health.missed, health.dead) == ({}, 0, 0)

    def _replay(self) -> None:
        for at, side in enumerate(self.sides):
            if side.runs and side.position is not None:
                news = self.stored[side.position :]
                side.expected["replay"] += [n for which, n in news if which != at]
                side.position = len(self.stored)

    def teardown(self) -> None:
        """Let everything be worked on; each envelope in the order of its tries."""
        try:
            for which in range(len(self.sides)):
                self.start(which)
                self.step()
        finally:
            for it in self.sides:
                it.relay.stop()
        assert sorted(self.worked) == sorted(self.to_work)
        expected = {n: [1, 2, 3] if n in self.fail else [1] for n in self.to_work}
        assert self.tries == expected
        for it in self.sides:
            of_one = [
                [n for n in it.heard["replay"] if n in self._sent_by(at)] for at in range(PROCESSES)
            ]
            assert of_one == [sorted(several) for several in of_one]

    def _sent_by(self, which: int) -> set[int]:
        return {n for at, n in self.stored if at == which}


TestProcesses = Processes.TestCase
TestProcesses.settings = settings(max_examples=50, stateful_step_count=15)
