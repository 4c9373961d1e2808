"""Every interpreter of a process has an engine of its own, and takes it along when it ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.implementations import in_use

# What each interpreter runs: plain sends, one that goes on in Python, and one that fails.
INSIDE = """
import gc
import heliograph

class Shop:
    def receive(self, sender, **payload):
        return sender, payload

def fail(sender, **payload):
    raise LookupError(sender)

signal, shop = heliograph.Signal("paid"), Shop()
signal.connect(shop.receive)
signal.connect(shop.receive, shop)
for number in range(2_000):
    assert signal.send(shop, a=number) == [(shop.receive, (shop, {"a": number}))]
    assert signal.send("shop", _async_wrapper=None) == [(shop.receive, ("shop", {}))]
with signal.connected_to(fail, "shop", local=True):
    try:
        signal.send("shop")
    except LookupError as error:
        assert "signal 'paid'" in error.__notes__[0]
shop = None
gc.collect()
assert signal.send("shop") == []
"""

OUTSIDE = """
import sys
from threading import Thread

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import heliograph

inside = sys.stdin.read()
failures = []

def come_and_go():
    for _ in range(5):
        both = interpreters.create(), interpreters.create()
        for each in both:
            try:
                failures.append(interpreters.run_string(each, inside))
            except Exception as error:
                failures.append(error)
            interpreters.destroy(each)

threads = [Thread(target=come_and_go) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
exec(inside)
print([str(failure) for failure in failures if failure is not None], len(failures))
"""


def _run(code: str, given: str = "") -> tuple[int, str, str]:
    # Coverage does not measure other interpreters, and cannot be imported by all of them.
    env = {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-X", "dev", "-c", code]
    run = subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="CPython's interpreters")
def test_interpreters_come_and_go_and_send() -> None:
    """Several of one process, at the same time, with a lock each where there can be one."""
    inside = f"{INSIDE}\nassert heliograph.implementation == {in_use()!r}\n"

    assert _run(OUTSIDE, inside) == (0, "[] 20\n", "")


def test_a_program_may_end_while_somebody_still_sends() -> None:
    """A finalizer that sends while all is taken down breaks nothing, whomever it still finds."""
    code = """
import heliograph

signal = heliograph.Signal("paid")
signal.circle = signal

def receive(sender, **payload):
    return sender

class Last:
    def __del__(self, send=signal.send):
        send("shop", a=1)

signal.connect(receive, weak=False)
signal.last, last = Last(), Last()
signal.send("shop", a=1)
"""

    assert _run(code) == (0, "", "")
