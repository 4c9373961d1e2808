"""Starting and stopping: by hand, by a block, and with an application."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle import app_started, app_stopping
from heliograph.relay import RefusedError, current
from heliograph.relay.relay import _at_exit
from tests.relay import collecting
from tests.relay.processes import new_url, process, until, with_broker

if TYPE_CHECKING:
    import pytest

    from tests.relay.processes import Process


class App:
    """An application."""


def threads() -> set[str]:
    """Return the names of the threads of relays."""
    return {it.name for it in threading.enumerate() if it.name.startswith("heliograph-relay")}


def test_it_stops_twice_and_starts_again() -> None:
    """A relay that is stopped can be started, and goes on where it was."""
    url = new_url()
    made, other = process(url), process(url)
    assert made.relay.stop()
    with other.relay:
        for n in range(3):
            with made.relay:
                made.signal.send("shop", n=n)
                other.signal.send("shop", n=n)
                # It is called at once, and never later.
                until(lambda: len(made.heard) == 2 * n + 2 == len(other.heard))  # noqa: B023 - at once.
            assert made.relay.stop()
            assert made.relay.stop()

    assert made.missed == other.missed == 0
    assert made.relay.health().problem == "it is stopped"
    log: Any = made.relay.running.transport
    assert not log._place.log(made.relay.running.crossings[0].channel).takers


def test_nothing_is_left_behind() -> None:
    """No thread of it, however it was used."""
    before = threads()
    made = process(new_url(), "durable", groups=["*"])

    async def work(sender: object, *, n: int) -> None:
        await asyncio.sleep(0)

    made.relay.connect(made.signal, made.hear, group="plain")
    made.relay.connect(made.signal, work, group="async")
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: made.relay.health().received == 2)
    until(lambda: threads() == before)


async def test_an_async_block_does_the_same() -> None:
    """It starts and stops without blocking the loop."""
    url = new_url()
    made, other = process(url), process(url)
    async with made.relay as relay, other.relay:
        assert relay is made.relay
        made.signal.send("shop", n=1)
        await collecting.until(lambda: other.heard)

    assert not made.relay.health().running
    assert await made.relay.stop_async()


def test_what_waits_is_handed_over_before_it_ends() -> None:
    """Whatever the mode."""
    for mode in ("broadcast", "replay", "durable"):
        made = process(new_url(), mode)
        with made.relay:
            for n in range(100):
                made.signal.send("shop", n=n)
        health = made.relay.health()
        assert (health.handed_over, health.waiting, health.dropped) == (100, 0, {})


def test_what_is_left_is_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The broker was away for too long."""
    made, broker = with_broker(new_url())
    broker.go()
    made.relay.start()
    for n in range(3):
        made.signal.send("shop", n=n)

    assert not made.relay.stop(0.01)
    assert made.relay.health().dropped == {"stopped": 3}
    assert (
        "The relay of 'shop' was stopped with 3 envelopes of 'changed' of 'shop' that the broker "
        "does not have: nobody gets them."
    ) in caplog.messages


def test_what_waits_for_a_start_that_never_comes_is_told_at_the_end() -> None:
    """A program that forgets to start its relay learns of it, and of what is lost."""
    program = """
from heliograph import Namespace
from heliograph.relay import Relay

@Namespace("shop").declare
def changed(sender: str, *, n: int) -> None: ...

relay = Relay("memory://", app="shop")
relay.broadcast(changed)
other = Relay("memory://", app="other").start()
changed.send("shop", n=1)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (run.returncode, run.stdout) == (0, "")
    assert run.stderr == (
        "The relay of 'shop' ends without a start() with 1 envelopes of 'changed' of 'shop' that "
        "the broker does not have: nobody gets them.\n"
    )


def test_the_end_of_a_process_tells_of_each_relay_once(caplog: pytest.LogCaptureFixture) -> None:
    """Not of one that runs, which is stopped, nor of one that has nothing."""
    made, other, running = (process(new_url(), app=name) for name in ("one", "two", "three"))
    made.signal.send("shop", n=1)
    with running.relay:
        _at_exit()
        _at_exit()

    said = (
        "The relay of 'one' ends without a start() with 1 envelopes of 'changed' of 'one' that the "
        "broker does not have: nobody gets them."
    )
    assert [it for it in caplog.messages if "'one'" in it] == [said]
    assert "'two'" not in caplog.text
    assert "'three'" not in caplog.text
    assert other.relay.health().dropped == {}


def test_what_was_left_is_missing_to_others() -> None:
    """They are told when the process goes on."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    with other.relay:
        with made.relay:
            made.signal.send("shop", n=0)
            until(lambda: other.heard == [0])
            broker.go()
            made.signal.send("shop", n=1)
            made.relay.stop(0.01)
        broker.come()
        with made.relay:
            made.signal.send("shop", n=2)
            until(lambda: other.heard == [0, ("missing", 1), 2])


def test_what_has_arrived_is_heard_before_it_ends() -> None:
    """By the receivers of every process."""
    url = new_url()
    made, other = process(url), process(url)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(sender: object, *, n: int) -> None:
        begun.set()
        go_on.wait(20)

    other.relay.connect(other.signal, slowly, scope="each")
    other.relay.start()
    with made.relay:
        for n in range(20):
            made.signal.send("shop", n=n)
    assert begun.wait(20)
    threading.Timer(0.05, go_on.set).start()

    assert other.relay.stop()
    assert other.heard == [*range(20)]


def test_a_receiver_that_does_not_end_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The stop says that something is left; what had arrived is heard all the same."""
    url = new_url()
    made, other = process(url), process(url)
    begun, go_on = threading.Event(), threading.Event()

    def forever(sender: object, *, n: int) -> None:
        begun.set()
        go_on.wait(20)

    other.relay.connect(other.signal, forever, scope="each")
    other.relay.start()
    with made.relay:
        made.signal.send("shop", n=0)
        assert begun.wait(20)
        for n in range(1, 20):
            made.signal.send("shop", n=n)
        until(lambda: len(other.relay.running._beginning.hearing[0]._pending) == 19)
    other.relay.running._beginning.hearing[0]._is_full = True  # As after a thousand.
    assert not other.relay.stop(0.01)
    go_on.set()
    until(lambda: other.heard == [*range(20)])


def test_a_receiver_may_stop_the_relay() -> None:
    """It does not wait for itself."""
    url = new_url()
    made, other = process(url), process(url)
    stopped: list[bool] = []
    other.relay.connect(
        other.signal, lambda _, *, n: stopped.append(other.relay.stop()), scope="each"
    )
    other.relay.start()
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: stopped)

    assert stopped == [False]
    assert not other.relay.health().running


def test_a_transport_that_does_not_end_well_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The program ends all the same."""
    made, broker = with_broker(new_url())

    async def fail(within: float) -> None:
        msg = "the line was cut."
        raise OSError(msg)

    with made.relay:
        broker.close = fail  # type: ignore[method-assign]  # This broker alone does so.

    assert not made.relay.health().running
    assert "The connection to the broker of 'shop' did not end well." in caplog.messages


def test_an_idle_thread_ends_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So an idle relay costs one thread."""
    from heliograph.relay import hearing

    monkeypatch.setattr(hearing, "_IDLE", 0.01)
    url = new_url()
    made, other = process(url), process(url)
    with made.relay, other.relay:
        for n in range(2):
            made.signal.send("shop", n=n)
            until(lambda: len(other.heard) == n + 1)  # noqa: B023 - at once.
            until(lambda: other.relay.running._beginning.hearing[0]._thread is None)

    assert other.heard == [0, 1]


# With an application.


def test_it_starts_and_stops_with_an_application() -> None:
    """With the one that it was told, and not with its neighbours."""
    made = process(new_url())
    app, neighbour = App(), App()
    made.relay.start_with(app)

    app_started.send(neighbour, lazy=False)
    assert not made.relay.health().running
    app_started.send(app, lazy=False)
    app_started.send(app, lazy=False)
    assert made.relay.health().running
    app_stopping.send(neighbour)
    assert made.relay.health().running
    app_stopping.send(app)
    assert not made.relay.health().running
    app_started.send(app, lazy=False)
    app_stopping.send(app)
    assert not made.relay.health().running


def test_it_starts_with_any_application() -> None:
    """Unless it was told with which one."""
    made = process(new_url())
    made.relay.start_with()
    app = App()
    app_started.send(app, lazy=False)
    assert made.relay.health().running
    app_stopping.send(app)
    assert not made.relay.health().running


def test_an_application_that_stops_lets_it_hand_over_what_waits() -> None:
    """A relay that was started by hand goes on after that."""
    made = process(new_url())
    with made.relay:
        made.signal.send("shop", n=1)
        app_stopping.send(App())
        assert made.relay.health().handed_over == 1
        assert made.relay.health().running


async def test_async_receivers_end_before_the_application() -> None:
    """They run on its loop, which goes on until they have."""
    made = process(new_url(), "durable", groups=["billing"])
    begun, done = asyncio.Event(), list[int]()

    async def work(sender: object, *, n: int) -> None:
        begun.set()
        await asyncio.sleep(0.05)
        done.append(n)

    made.relay.connect(made.signal, work, group="billing")
    app = App()
    made.relay.start_with(app)
    await app_started.send_async(app, lazy=False)
    made.signal.send("shop", n=1)
    await begun.wait()
    await app_stopping.send_async(app)

    assert done == [1]
    assert not made.relay.health().running
    assert made.relay.health().received == 1


def test_a_broker_that_is_away_is_logged_and_the_application_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody waits for it."""
    made, broker = with_broker(new_url())
    broker.go(RefusedError("a wrong password."))
    app = App()
    made.relay.start_with(app)
    app_started.send(app, lazy=False)
    said = "The relay of 'shop' has not begun as it should: a wrong password."
    until(lambda: said in caplog.messages)
    app_stopping.send(app)

    assert not made.relay.health().running


def test_a_first_look_that_nobody_waits_for_may_be_over() -> None:
    """A relay that is stopped at once says nothing."""
    made: Process = process(new_url())
    with made.relay:
        first = made.relay.running._beginning.first
        made.relay._first_look(first)
    waiting: Any = type(first)()
    waiting.cancel()
    made.relay._first_look(waiting)
    assert current() is None


def test_health_and_counts_say_what_became_of_everything() -> None:
    """By signal, and over all of them."""
    url = new_url()
    made, other = process(url), process(url)
    assert made.relay.health().problem == "it is not started"
    with made.relay, other.relay:
        made.signal.send("shop", n=1)
        until(lambda: other.heard and made.relay.health().own)
        health = other.relay.health()
        assert (health.running, health.connected, health.problem) == (True, True, None)
        assert (health.unsent, health.oldest_unsent) == (None, None)

    assert made.relay.counts() == {"changed": {"sent": 1, "handed over": 1, "own": 1}}
    assert other.relay.counts() == {"changed": {"received": 1}}
    made.relay.running.tally.drop("stopped", "changed", 2)
    assert made.relay.counts()["changed"]["dropped: stopped"] == 2
