"""Counts the instructions of a send, before and after: what a noisy machine cannot say in seconds.

Each row is a small program that runs under callgrind, once with few rounds and once with many: the
difference is what a round takes, without the start of Python. Two environments with two
versions of Heliograph are compared, and a row that takes much more than before fails:

    python -m benchmarks.instructions BEFORE/bin/python AFTER/bin/python

Needs valgrind. The counts are of one Python on one machine, and say nothing of another.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys

LIMIT = 1.15
"""How many times the instructions of before a row may take."""

FEW, MANY = 200, 2200

RECEIVERS = """
from heliograph import Signal
signal = Signal("order-paid")
def receiver(sender, **payload): pass
kept = [lambda sender, number=number, **payload: None for number in range({receivers})]
for it in kept: signal.connect(it)
"""
# What a row does first, and what it does in every round. Only what every release has.
ROWS = {
    "send, nobody listens": (RECEIVERS.format(receivers=0), "signal.send('shop', total=1)"),
    "send, 1 receiver": (RECEIVERS.format(receivers=1), "signal.send('shop', total=1)"),
    "send, 10 receivers": (RECEIVERS.format(receivers=10), "signal.send('shop', total=1)"),
    "send, 1 receiver of this sender": (
        RECEIVERS.format(receivers=0) + "signal.connect(receiver, sender='shop')",
        "signal.send('shop', total=1)",
    ),
    "send, 1 receiver, watched": (
        RECEIVERS.format(receivers=1)
        + "from heliograph import add_instrument\nadd_instrument(lambda emission: None)",
        "signal.send('shop', total=1)",
    ),
    "connect and disconnect": (
        RECEIVERS.format(receivers=10),
        "signal.connect(receiver); signal.disconnect(receiver)",
    ),
    "connected_to": (RECEIVERS.format(receivers=10), "with signal.connected_to(receiver): pass"),
}


def main(arguments: list[str]) -> int:
    """Count and compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("before", help="the Python of an environment with the earlier version")
    parser.add_argument("after", help="the Python of one with the later version")
    options = parser.parse_args(arguments)
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    print(f"{'instructions of a round':34} {'before':>9} {'after':>9} {'ratio':>7}")
    for row in ROWS:
        before[row], after[row] = per_round(options.before, row), per_round(options.after, row)
        ratio = after[row] / before[row]
        print(f"{row:34} {before[row]:9,.0f} {after[row]:9,.0f} {ratio:6.2f}×", flush=True)
    for lost in losses(before, after):
        print(f"Takes too much more than before: {lost}", file=sys.stderr)
    return bool(losses(before, after))


def losses(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Return the rows that take more than they may."""
    return [row for row, counted in before.items() if after[row] > counted * LIMIT]


def per_round(python: str, row: str) -> float:
    """Return the instructions of one round."""
    return (count(python, row, MANY) - count(python, row, FEW)) / (MANY - FEW)


def program(row: str, rounds: int) -> str:
    """Return what is run, as text."""
    setup, statement = ROWS[row]
    return f"{setup}\nfor _ in range({rounds}):\n    {statement}\n"


def count(python: str, row: str, rounds: int) -> int:
    """Return the instructions of a whole program."""
    # Where the hashes of names are others, tables are filled otherwise.
    env = os.environ | {"PYTHONHASHSEED": "0", "HELIOGRAPH_CHECK": "0"}
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    run = subprocess.run(
        [*command, python, "-c", program(row, rounds)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected\s*:\s*(\d+)", run.stderr)
    if run.returncode or not found:
        sys.exit(run.stderr)
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
