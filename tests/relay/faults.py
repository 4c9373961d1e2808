"""Faults of brokers and lines under load, and what of everything that was sent has arrived.

As a program it runs all of them and prints a table: ``python -m tests.relay.faults --times 10``.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from heliograph import Namespace
from heliograph.relay import FullError, Limits, Relay, resynced
from tests.relay.brokers import BROKERS
from tests.relay.lines import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph import Signal
    from tests.relay.brokers import Broker
    from tests.relay.lines import Line

MODES = ("broadcast", "replay", "durable")
RATE = 200.0
_PATIENCE = 40.0


@dataclass
class Report:
    """What became of what was sent in one run of one fault.

    For every process that hears it: sent = received + covered, where those are covered that it
    was told of after they were sent; and for a group: sent = received.
    """

    fault: str
    broker: str
    mode: str
    sent: int = 0
    refused: int = 0
    received: list[int] = field(default_factory=list)
    duplicates: int = 0
    gaps: int = 0
    holes: int = 0
    silent: int = 0
    longest: float = 0.0


class Side:
    """A relay of one process, and what it has heard."""

    def __init__(self, url: str, app: str, groups: tuple[str, ...] = ()) -> None:
        self.signals = {mode: _signal(mode) for mode in MODES}
        self.relay = Relay(url, app=app, groups=groups, limits=Limits(waiting=5_000))
        self.heard: dict[str, list[int]] = {mode: [] for mode in MODES}
        self.told: dict[str, list[float]] = {mode: [] for mode in MODES}
        resynced.connect(self._note, self.relay)
        for mode, signal in self.signals.items():
            getattr(self.relay, mode)(signal)

    def _note(self, sender: Relay, *, signal: Signal[...], reason: str, lost: int | None) -> None:
        mode = next(mode for mode, it in self.signals.items() if it is signal)
        self.told[mode].append(time.monotonic())

    def missing(self, mode: str, load: Load) -> tuple[int, int]:
        """Return how many it has not heard, and how many of these it was not told of since."""
        heard, last = {*self.heard[mode]}, max(self.told[mode], default=0.0)
        holes = [n for n in load.sent_at[mode] if n not in heard]
        return len(holes), sum(load.sent_at[mode][n] > last for n in holes)

    def hear(self, mode: str) -> Callable[..., None]:
        """Return a receiver that notes what it hears."""
        heard = self.heard[mode]

        def note(sender: str, *, n: int) -> None:
            heard.append(n)

        return note

    def connect(self) -> None:
        """Connect a receiver with each signal."""
        for mode in ("broadcast", "replay"):
            self.relay.connect(self.signals[mode], self.hear(mode), scope="each")
        self.relay.connect(
            self.signals["durable"], self.hear("durable"), group="billing", patience=3.0
        )


def _signal(mode: str) -> Signal[...]:
    shop = Namespace("faults")

    def stub(sender: str, *, n: int) -> None: ...

    shop.declare(name=mode)(stub)
    return shop.signal(mode)


class Load:
    """Sends all signals at a rate, in a thread, until it is stopped."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._stopping = threading.Event()
        self.sent_at: dict[str, dict[int, float]] = {mode: {} for mode in MODES}
        self.refused: Counter[str] = Counter()
        self.longest = 0.0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due, n = time.monotonic(), 0
        while not self._stopping.is_set():
            n += 1
            for mode, signal in self._side.signals.items():
                began = time.perf_counter()
                try:
                    signal.send("test", n=n)
                    self.sent_at[mode][n] = time.monotonic()
                except FullError:
                    self.refused[mode] += 1
                self.longest = max(self.longest, time.perf_counter() - began)
            due += 1 / RATE
            self._stopping.wait(max(0.0, due - time.monotonic()))


@dataclass
class Scene:
    """A broker, lines to it from each side, and the sides.

    Attributes:
        broker: The broker.
        lines: The line of the sender, and those of the two that hear.
        load: What sends.
    """

    broker: Broker
    lines: list[Line]
    load: Load


def killed(away: float) -> Callable[[Scene], None]:
    """Kill the broker, and start it again after some seconds."""

    def fault(scene: Scene) -> None:
        scene.broker.kill()
        time.sleep(away)
        scene.broker.start_again()

    return fault


def _all(scene: Scene, what: Callable[[Line], None]) -> None:
    for it in scene.lines:
        what(it)


def swallowed(scene: Scene) -> None:
    """Let the broker vanish without a word: what is said on the open connections is lost."""
    _all(scene, lambda it: it.swallow())


def cut(scene: Scene) -> None:
    """End all connections."""
    _all(scene, lambda it: it.cut())


def held(seconds: float, *directions: str, which: slice = slice(None)) -> Callable[[Scene], None]:
    """Pass nothing on for some seconds."""

    def fault(scene: Scene) -> None:
        for it in scene.lines[which]:
            it.hold(*directions)
        time.sleep(seconds)
        for it in scene.lines[which]:
            it.go_on()

    return fault


def cut_again_and_again(scene: Scene) -> None:
    """End all connections ten times, at random moments."""
    for _ in range(10):
        time.sleep(random.uniform(0.05, 0.4))
        _all(scene, lambda it: it.cut())


FAULTS: dict[str, Callable[[Scene], None]] = {
    "killed, back after 1 s": killed(1.0),
    "killed, back after 3 s": killed(3.0),
    "killed, back after 12 s": killed(12.0),
    "all lines cut": cut,
    "all lines cut ten times": cut_again_and_again,
    "gone without a word": swallowed,
    "held for 5 s": held(5.0),
    "held for 30 s": held(30.0),
    "held for 30 s on the way to the broker": held(30.0, "to"),
    "held for 30 s on the way from the broker": held(30.0, "from"),
    "the sender's line held for 20 s": held(20.0, which=slice(0, 1)),
    "the receivers' lines held for 20 s": held(20.0, which=slice(1, None)),
}
"""All faults."""

CHOSEN = ("killed, back after 1 s", "all lines cut ten times", "gone without a word")
"""Those that every run of the tests shows; the others are as long as they sound."""


def run(fault: str, name: str, broker: Broker, app: str) -> list[Report]:
    """Let one fault happen in the middle of a load; return what became of each signal."""
    with ExitStack() as stack:
        port = urlsplit(broker.url).port or 0
        lines = [stack.enter_context(line(port)) for _ in range(3)]
        scheme = urlsplit(broker.url).scheme
        urls = [f"{scheme}://127.0.0.1:{it.port}" for it in lines]
        sender = Side(urls[0], app)
        sides = [Side(url, app, ("billing",)) for url in urls[1:]]
        for it in sides:
            it.connect()
        for it in (*sides, sender):
            stack.enter_context(it.relay)
        _wait_until_heard(sender, sides)
        with Load(sender) as load:
            time.sleep(random.uniform(0.3, 0.8))
            FAULTS[fault](Scene(broker, lines, load))
            time.sleep(1.0)
        _settle(sender, sides, load)
        return [*_reports(fault, name, sides, load)]


def _wait_until_heard(sender: Side, sides: list[Side]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not all(it.heard["broadcast"] and it.heard["replay"] for it in sides):
        for mode in ("broadcast", "replay"):
            sender.signals[mode].send("test", n=0)
        time.sleep(0.05)
        assert time.monotonic() < deadline, [it.relay.health() for it in (sender, *sides)]


def _settle(sender: Side, sides: list[Side], load: Load) -> None:
    """Wait until nothing more arrives, and nothing is missing, for at most some time."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        reports = _reports("", "", sides, load)
        if not any(it.silent or (it.holes and it.mode != "broadcast") for it in reports):
            return
        time.sleep(0.1)


def _reports(fault: str, broker: str, sides: list[Side], load: Load) -> Iterator[Report]:
    for mode in MODES:
        heard = [[n for n in it.heard[mode] if n] for it in sides]
        if mode == "durable":
            heard = [[n for it in heard for n in it]]
            everything = {n for it in heard for n in it}
            holes = silent = sum(n not in everything for n in load.sent_at[mode])
        else:
            missing = [it.missing(mode, load) for it in sides]
            holes, silent = (sum(it) for it in zip(*missing, strict=True))
        unique = [set(it) for it in heard]
        yield Report(
            fault=fault,
            broker=broker,
            mode=mode,
            sent=len(load.sent_at[mode]),
            refused=load.refused[mode],
            received=[len(it) for it in unique],
            duplicates=sum(map(len, heard)) - sum(map(len, unique)),
            gaps=sum(len(it.told[mode]) for it in sides),
            holes=holes,
            silent=silent,
            longest=load.longest,
        )


_COLUMNS = (
    "fault",
    "broker",
    "signal",
    "runs",
    "sent",
    "refused",
    "received",
    "missing",
    "gaps told",
    "missing and not told",
    "twice",
    "longest `send`, ms",
)


def table(reports: list[Report]) -> str:
    """Return a table in Markdown: the sums over all runs of a fault, and the longest send."""
    rows: dict[tuple[str, str, str], list[Report]] = {}
    for it in reports:
        rows.setdefault((it.fault, it.broker, it.mode), []).append(it)
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for (fault, broker, mode), several in rows.items():
        cells: list[Any] = [
            fault,
            broker,
            mode,
            len(several),
            sum(it.sent * len(it.received) for it in several),
            sum(it.refused for it in several),
            sum(sum(it.received) for it in several),
            sum(it.holes for it in several),
            sum(it.gaps for it in several),
            sum(it.silent for it in several),
            sum(it.duplicates for it in several),
            f"{max(it.longest for it in several) * 1000:.1f}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run all faults, and print what became of everything."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--brokers", nargs="*", default=[*BROKERS])
    parser.add_argument("--faults", nargs="*", default=[*FAULTS])
    chosen = parser.parse_args(arguments)
    reports: list[Report] = []
    for name in chosen.brokers:
        with BROKERS[name]() as broker:
            for fault in chosen.faults:
                for turn in range(chosen.times):
                    reports += run(fault, name, broker, f"{name}-{turn}-{len(reports)}")
                    sys.stderr.write("\n".join(table(reports[-3:]).splitlines()[2:]) + "\n")
    sys.stdout.write(table(reports) + "\n")
    return int(any(it.silent for it in reports))


if __name__ == "__main__":
    sys.exit(main())
