"""What more processes cost a relay and its broker: ``python -m benchmarks.relay_scale``.

It prints a table of 2, 4, 8, 16 and 32 processes on this machine, for docs/relay-scale.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.relay import brokers

_PROCESS = """
import json, os, sys, time
from heliograph import Namespace
from heliograph.relay import Relay, resynced
def changed(sender: str, *, n: int) -> None: ...
shop = Namespace("scale")
shop.declare(changed)
relay = Relay(sys.argv[1], app="scale")
relay.broadcast(shop.signal("changed"))
heard, gaps = [], []
def hear(sender, *, n):
    heard.append(time.time())
relay.connect(shop.signal("changed"), hear, scope="each")
resynced.connect(lambda sender, **it: gaps.append(time.time()), weak=False)
relay.start()
print("ready", flush=True)
for line in sys.stdin:
    if line == "tell\\n":
        spent = time.process_time()
        print(json.dumps([heard[-1] if heard else 0, len(heard), gaps[-1] if gaps else 0,
                          len(gaps), spent, relay.health().connected]), flush=True)
        heard.clear(), gaps.clear()
"""
SENT = 2_000
_PATIENCE = 60


def main() -> None:
    """Measure and print."""
    sys.stdout.write("| processes | all have heard 2,000 after | broker, µs for each sent")
    sys.stdout.write(" | process, µs for each heard | connections | back after a restart |\n")
    sys.stdout.write("|---:|---:|---:|---:|---:|---:|\n")
    for several in (2, 4, 8, 16, 32):
        sys.stdout.write(f"| {' | '.join(_measured(several))} |\n")
        sys.stdout.flush()


def _measured(several: int) -> list[str]:
    with brokers() as urls:
        url = urls["nats"]
        broker = _pid_of(url)
        command = [sys.executable, "-c", _PROCESS, url]
        pipe = subprocess.PIPE
        processes: list[Any] = [
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(several)
        ]
        try:
            for it in processes:
                it.stdout.readline()
            before = [_tell(it)[4] for it in processes]
            connections, spent = _connections(broker), _time_of(broker)
            first = _send(url)
            told = [_tell(it) for it in processes]
            cost = (_time_of(broker) - spent) / SENT * 1e6
            last = max(it[0] for it in told)
            heard = [it[1] for it in told]
            if {*heard} != {SENT}:
                raise RuntimeError(heard)
            each = sum(it[4] - b for it, b in zip(told, before, strict=True)) / several / SENT * 1e6
            back = _restarted(broker, processes)
        finally:
            for it in processes:
                it.kill()
                it.wait()
    return [
        str(several),
        f"{last - first:.2f} s",
        f"{cost:.0f}",
        f"{each:.0f}",
        str(connections),
        f"{back:.1f} s",
    ]


def _tell(process: Any) -> list[float]:
    process.stdin.write("tell\n")
    process.stdin.flush()
    found: list[float] = json.loads(process.stdout.readline())
    return found


def _send(url: str) -> float:
    from heliograph import Namespace
    from heliograph.relay import Relay

    def changed(sender: str, *, n: int) -> None: ...

    shop = Namespace("scale")
    shop.declare(changed)
    signal = shop.signal("changed")
    relay = Relay(url, app="scale")
    relay.broadcast(signal)
    with relay:
        first = time.time()
        for n in range(SENT):
            signal.send("shop", n=n)
            if n % 200 == 0:
                relay.flush(10)
        relay.flush(10)
        time.sleep(2.5)
    return first


def _restarted(broker: int, processes: list[Any]) -> float:
    """Kill the broker; return how long after it is back all are connected and told of the gap."""
    command = Path(f"/proc/{broker}/cmdline").read_bytes().split(b"\0")[:-1]
    os.kill(broker, 9)
    time.sleep(2.0)
    with subprocess.Popen(command, stdout=-3, stderr=-3) as again:
        began = time.time()
        told = [0.0] * len(processes)
        while not all(told) and time.time() - began < _PATIENCE:
            for at, it in enumerate(processes):
                told[at] = told[at] or _tell(it)[2]
            time.sleep(0.1)
        again.kill()
    return max(told) - began


def _pid_of(url: str) -> int:
    port = url.rpartition(":")[2]
    for it in Path("/proc").glob("[0-9]*"):
        try:
            words = (it / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"nats-server" in words[0] and port.encode() in words:
            return int(it.name)
    raise LookupError(url)


def _time_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _connections(pid: int) -> int:
    links = (str(it.readlink()) for it in Path(f"/proc/{pid}/fd").iterdir())
    return sum(it.startswith("socket:") for it in links)


if __name__ == "__main__":
    main()
