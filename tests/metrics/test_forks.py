"""Processes that are forked count from zero, and say so."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    # From 3.12 on, Python warns of a fork while another thread runs; here that is the test.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def in_child(told: Callable[[], object]) -> object:
    """Run a function in a forked process; return what it returned, through JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(told()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return json.loads(answer)


def test_a_child_counts_from_zero_and_says_so() -> None:
    """Neither process has counts of the other; the child goes on counting by itself."""
    paid = Signal("order-paid")
    with Metrics() as metrics:
        for _ in range(5):
            paid.send()

        def told() -> list[object]:
            before = metrics.snapshot()
            paid.send()
            after = metrics.snapshot()
            return [
                len(before.signals),
                [it.count for it in after.signals],
                after.forked,
                after.pid == os.getpid(),
                after.since <= before.taken,
            ]

        children = [in_child(told), in_child(told)]

        assert children == [[0, [1], True, True, True]] * 2
        parent = metrics.snapshot()
        assert ([it.count for it in parent.signals], parent.forked) == ([5], False)


def test_a_lock_that_another_thread_holds_at_the_fork_does_not_stop_the_child() -> None:
    """The thread that counts is not there in the child, and could never give it back."""
    paid = Signal("order-paid")
    held, over = threading.Event(), threading.Event()
    with Metrics() as metrics:
        paid.send()

        def hold() -> None:
            with metrics.counting._lock:
                held.set()
                over.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)

        def told() -> int:
            paid.send()
            return metrics.snapshot().signals[0].count

        try:
            assert in_child(told) == 1
        finally:
            over.set()
            thread.join()


def test_metrics_that_are_gone_are_not_in_the_way_of_a_fork() -> None:
    """What is called in a child does not keep metrics alive."""
    paid = Signal("order-paid")
    made = Metrics()
    del made

    assert in_child(lambda: len(paid.send())) == 0
