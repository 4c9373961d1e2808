"""Forking: a child has a relay of its own, and the parent's goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

SHARED = """
import asyncio, json, multiprocessing, os, sys, threading, time, warnings
warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
from heliograph.relay import Relay, resynced
from tests.relay.processes import Process, declared, new_url, process, until, with_broker

def in_child(told):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(told()).encode())
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return json.loads(answer)

def threads():
    # One that has nothing to do any more may take a moment to end.
    end = time.monotonic() + 10
    while threading.active_count() > 1 and time.monotonic() < end:
        time.sleep(0.01)
    return sorted({it.name for it in threading.enumerate()} - {"MainThread"})
"""


def said(script: str) -> object:
    """Run a script in a process of its own, which may fork as it likes; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", SHARED + dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def test_a_child_begins_with_nothing_and_runs_as_its_parent_does() -> None:
    """Another origin, counts from zero, nothing of what waited, and a broker of its own."""
    assert said("""
        url = new_url()
        made, broker = with_broker(url)
        with made.relay:
            broker.go()
            for n in range(3):
                made.signal.send("shop", n=n)

            def told():
                health = made.relay.health()
                broker.come()
                neighbour = process(url)
                until(lambda: ("missing", None) in made.heard)  # It hears from now on.
                with neighbour.relay:
                    made.signal.send("shop", n=7)
                    neighbour.signal.send("shop", n=8)
                    until(lambda: sorted(neighbour.heard) == [7, 8])
                    until(lambda: [it for it in made.heard if it in (7, 8)] == [7, 8])
                return [
                    health.running, health.sent, health.waiting, health.dropped,
                    made.relay.origin, made.relay.health().sent, made.relay.stop(),
                ]

            running, sent, waiting, dropped, origin, later, stopped = in_child(told)
            here = made.relay.health()
            broker.come()
            flushed = made.relay.flush()
        print(json.dumps([
            [running, sent, waiting, dropped, later, stopped, origin != made.relay.origin],
            [here.sent, here.waiting, made.relay.health().handed_over, flushed, made.heard],
        ]))
    """) == [
        [True, 0, 0, {}, 1, True, True],
        [3, 3, 3, True, [0, 1, 2]],
    ]


def test_a_parent_goes_on_as_if_nothing_had_been() -> None:
    """However often it forks, with everything that it had under way."""
    assert said("""
        url = new_url()
        made, other = process(url), process(url)
        group = process(url, "durable", name="paid", groups=["billing"])

        async def work(sender, *, n):
            await asyncio.sleep(0.001)
            group.heard.append(n)

        group.relay.connect(group.signal, work, group="billing", concurrency=2)
        with made.relay, other.relay, group.relay:
            for n in range(20):
                made.signal.send("shop", n=n)
                group.signal.send("shop", n=n)
                if n % 5 == 0:
                    in_child(lambda: None)
            until(lambda: len(other.heard) == 20 and len(group.heard) == 20)
            until(lambda: group.relay.health().received == 20)
        print(json.dumps([other.heard, other.missed, sorted(group.heard), threads()]))
    """) == [[*range(20)], 0, [*range(20)], []]


def test_a_group_does_not_run_in_a_child() -> None:
    """It would share the work by accident; it can be started there."""
    assert said("""
        made = process(new_url(), "durable", groups=["billing"])
        made.relay.connect(made.signal, made.hear, group="billing")
        with made.relay:
            def told():
                before = list(made.relay.running.groups)
                made.signal.send("shop", n=1)
                made.relay.flush()
                made.relay.stop()
                heard = list(made.heard)
                with made.relay:
                    until(lambda: made.heard == [1])
                return [before, heard, made.heard]

            print(json.dumps([in_child(told), made.heard]))
    """) == [[[], [], [1]], []]


def test_a_relay_that_does_not_run_does_not_run_in_a_child() -> None:
    """As under a server that loads the application before it forks."""
    assert said("""
        made = process(new_url())

        def told():
            ran = made.relay.health().running
            with made.relay:
                made.signal.send("shop", n=1)
                until(lambda: made.relay.health().own)
            return [ran, made.heard, threads()]

        origins = [made.relay.origin]
        print(json.dumps([in_child(told), in_child(told), made.relay.health().running]))
    """) == [[False, [1], []], [False, [1], []], False]


def test_a_child_does_not_write_the_positions_of_its_parent() -> None:
    """The file is that of one process."""
    assert said("""
        from pathlib import Path
        from tempfile import mkdtemp
        file = Path(mkdtemp()) / "positions.json"
        url = new_url()
        made, other = process(url, "replay", positions=str(file)), process(url, "replay")
        with made.relay, other.relay:
            other.signal.send("shop", n=1)
            until(lambda: made.heard == [1])

            def told():
                other.signal.send("shop", n=2)
                other.signal.send("shop", n=3)
                # The embedded broker of this process has begun with nothing.
                until(lambda: made.heard == [1, ("missing", None), 2, 3])
                made.relay.stop()
                return file.exists()

            found = in_child(told)
        print(json.dumps([found, file.read_text().count("1@")]))
    """) == [False, 1]


@pytest.mark.parametrize("kind", ["each", "group", "async"])
def test_a_receiver_may_fork(kind: str) -> None:
    """By multiprocessing too: the child runs a relay, and the parent goes on."""
    assert said(f"""
        kind = {kind!r}
        context = multiprocessing.get_context("fork")
        url = new_url()
        mode = "broadcast" if kind == "each" else "durable"
        made, other = process(url, mode), Process(Relay(url, app="shop", groups=["*"]), declared())
        getattr(other.relay, mode)(other.signal)
        answers = context.Queue()

        def in_process():
            until(lambda: other.relay.health().connected)
            answers.put([other.relay.health().sent, other.relay.origin == origin])

        def work(sender, *, n):
            child = context.Process(target=in_process)
            child.start()
            child.join(20)
            # Python itself ends a child of an executor's thread with 1.
            other.heard.append([n, child.exitcode if kind != "group" else 0])

        async def work_async(sender, *, n):
            work(sender, n=n)

        origin = other.relay.origin
        if kind == "each":
            other.relay.connect(other.signal, work, scope="each")
        else:
            receiver = work if kind == "group" else work_async
            other.relay.connect(other.signal, receiver, group="billing")
        with made.relay, other.relay:
            made.signal.send("shop", n=1)
            made.signal.send("shop", n=2)
            until(lambda: len(other.heard) == 2)
        print(json.dumps([other.heard, [answers.get(), answers.get()]]))
    """) == [[[1, 0], [2, 0]], [[0, False], [0, False]]]


def test_a_fork_while_it_starts_leaves_both_whole() -> None:
    """In the child it runs or does not, and can be started; the parent's starts."""
    assert said("""
        wrong = []
        for round in range(15):
            url = new_url()
            made = process(url)
            thread = threading.Thread(target=made.relay.start)
            thread.start()
            time.sleep(0.0003 * round)

            def told():
                if not made.relay.health().running:
                    made.relay.start()
                until(lambda: made.relay.health().connected)
                made.signal.send("shop", n=1)
                until(lambda: made.relay.health().own == 1)
                return made.relay.stop()

            if not in_child(told):
                wrong.append(round)
            thread.join()
            made.signal.send("shop", n=1)
            until(lambda: made.relay.health().own == 1)
            made.relay.stop()
        print(json.dumps([wrong, threads()]))
    """) == [[], []]


def test_a_fork_while_it_stops_leaves_both_whole() -> None:
    """Nothing waits for a thread that is not there."""
    assert (
        said("""
        for round in range(10):
            made = process(new_url())
            made.relay.start()
            thread = threading.Thread(target=made.relay.stop)
            thread.start()
            time.sleep(0.0005 * round)

            def told():
                made.relay.stop()
                with made.relay:
                    made.signal.send("shop", n=1)
                    until(lambda: made.relay.health().own == 1)
                return True

            assert in_child(told)
            thread.join()
        print(json.dumps(threads()))
    """)
        == []
    )


def test_a_fork_waits_for_no_receiver_that_goes_on() -> None:
    """One that blocks the loop of async receivers goes on in the parent."""
    assert said("""
        import heliograph.relay.loops as loops
        loops._PATIENCE = 0.05
        url = new_url()
        made, other = process(url), process(url)
        begun, go_on = threading.Event(), threading.Event()

        async def block(sender, *, n):
            begun.set()
            go_on.wait(20)

        other.relay.connect(other.signal, block, scope="each", priority=1)
        with made.relay, other.relay:
            made.signal.send("shop", n=1)
            begun.wait(20)
            in_child(lambda: None)
            go_on.set()
            made.signal.send("shop", n=2)
            until(lambda: other.heard == [1, 2])
        print(json.dumps(other.heard))
    """) == [1, 2]


def test_a_child_that_ends_takes_nothing_from_its_parent() -> None:
    """The kernel waits for both together: the parent's loops can be woken all the same."""
    assert said("""
        import gc
        import heliograph.relay.outgoing as outgoing
        import heliograph.relay.running as running
        outgoing._NOTICE = running._KEEP_POSITIONS = 3600.0  # Nothing else wakes the loops.
        url = new_url()
        made, other = process(url), process(url)
        heard = []

        async def hear(sender, *, n):
            heard.append(n)

        other.relay.connect(other.signal, hear, scope="each")
        with made.relay, other.relay:
            for n in range(3):
                made.signal.send("shop", n=n)
                until(lambda: len(heard) == n + 1)
                pid = os.fork()
                if pid == 0:
                    gc.collect()
                    sys.exit(0)  # As a worker that ends: the interpreter throws all away.
                assert os.waitpid(pid, 0)[1] == 0
        print(json.dumps(heard))
    """) == [0, 1, 2]
