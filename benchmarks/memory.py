"""Weighs connections: one receiver, connected for each of very many senders.

Run as a module it weighs one engine once and prints the stages as JSON.
`weigh` does that in a fresh process each time: memory once used is not always given back.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.engines import Engine, Sender
from benchmarks.roster import ENGINES

Gauge = Callable[[], int]
Stages = dict[str, float]

STAGES = ("connected", "after a send each", "after disconnecting each", "after the senders died")
STATM = Path("/proc/self/statm")


def resident() -> int:
    """Return the bytes that the operating system has given this process."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced() -> int:
    """Return the bytes that Python's allocators have handed out since tracing began."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


# Only Linux tells a process in one line what it uses now; its peak would not do.
GAUGES: dict[str, Gauge] = {"RSS": resident} if STATM.exists() else {}
GAUGES["tracemalloc"] = traced
# Tracing takes so many times as long, and is exact with fewer connections.
SLOWER = {"tracemalloc": 10}


def weigh(engine: type[Engine], gauge: str, connections: int) -> Stages:
    """Return the bytes per connection at each of `STAGES`."""
    stages: Stages = {}
    for ending in ("disconnect", "die"):
        command = ["-m", "benchmarks.memory", engine.name, gauge, str(connections), ending]
        child = subprocess.run(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            check=True,
        )
        stages |= json.loads(child.stdout)
    return stages


def weigh_here(engine: Engine, gauge: Gauge, connections: int, ending: str) -> Stages:
    """Return the bytes per connection at the stages that lead to one of the two endings."""
    connect, disconnect, send = engine.connect, engine.disconnect, engine.send
    receiver = engine.new_receiver()
    before_senders = gauge()
    senders = [Sender() for _ in range(connections)]
    before = gauge()

    for sender in senders:
        connect(receiver, sender)
    stages = {"connected": gauge() - before}

    for sender in senders:
        send(sender, a=1)
    stages["after a send each"] = gauge() - before

    if ending == "disconnect":
        for sender in senders:
            disconnect(receiver, sender)
        stages["after disconnecting each"] = gauge() - before
    else:
        del sender  # The loops' own, which would live on.
        senders.clear()
        stages["after the senders died"] = gauge() - before_senders
    return {stage: weight / connections for stage, weight in stages.items()}


def main() -> None:
    """Weigh what the command line names, and print it as JSON."""
    name, gauge, connections, ending = sys.argv[1:]
    engine = next(engine for engine in ENGINES if engine.name == name)
    if GAUGES[gauge] is traced:
        tracemalloc.start()
    json.dump(weigh_here(engine(), GAUGES[gauge], int(connections), ending), sys.stdout)


if __name__ == "__main__":
    main()
