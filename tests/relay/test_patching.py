"""Patching: a relay begins again when gevent has replaced threads and sockets."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from zope import event

from heliograph.relay import running
from heliograph.relay.patching import follow_patches
from tests.relay.processes import new_url, process, until, with_broker
from tests.relay.test_forking import said

if TYPE_CHECKING:
    from collections.abc import Iterator
gevent: Any = import_module("gevent")  # It has no types.
events: Any = import_module("gevent.events")
REFUSED = (
    "runs one event loop for all of them: heliograph-relay-shop cannot start, as another one is "
    "running. Have one relay in this process, and start it outside of asyncio."
)


def patch(*, comes: bool = True) -> None:
    """Tell of a patch, as gevent does, that replaces nothing; the program waits then, or not."""
    events.notify(events.GeventWillPatchAllEvent([], {}))
    events.notify(events.GeventDidPatchAllEvent([], {}))
    if comes:
        gevent.sleep(0.01)


def test_a_relay_begins_again_and_says_what_may_be_missing() -> None:
    """What is sent while threads are replaced is not heard."""
    url = new_url()
    made, other = process(url), process(url)
    with made.relay, other.relay:
        made.signal.send("shop", n=1)
        until(lambda: other.heard == [1])
        patch()
        until(lambda: ("missing", None) in other.heard)
        made.signal.send("shop", n=2)
        until(lambda: other.heard == [1, ("missing", None), 2])


@contextmanager
def sending(url: str, app: str) -> Iterator[None]:
    """Send a number again and again, with silence in between."""
    made, over = process(url, app=app), threading.Event()

    def send() -> None:
        while not over.wait(0.2):
            made.signal.send("test", n=1)

    with made.relay:
        thread = threading.Thread(target=send)
        thread.start()
        yield
        over.set()
        thread.join()


def test_a_program_that_is_patched_goes_on_by_greenlets(nats_url: str) -> None:
    """Plain receivers and async ones, also those that have waited for long, and after a fork."""
    app = f"patched-{uuid4().hex}"
    script = (
        f"made, heard = process({nats_url!r}, app={app!r}), []"
        + """
        from heliograph.relay import hearing
        hearing._IDLE = 0.02

        async def hear(sender, *, n):
            await asyncio.sleep(0.001)
            heard.append(n)

        made.relay.connect(made.signal, hear, scope="each")

        def hears():
            plain, awaited = len(made.heard), len(heard)
            until(lambda: len(made.heard) > plain + 2 and len(heard) > awaited + 2, within=20)
            return True

        with made.relay:
            found = [hears()]
            warnings.simplefilter("ignore")  # It comes late, on purpose.
            from gevent.monkey import get_original, patch_all
            patch_all()
            os.close = get_original("os", "close")  # gevent's waits for its loop.
            found += [hears(), in_child(lambda: hears() and made.relay.stop()), hears()]
            patch_all()  # A second time, which changes nothing.
            found += [hears()]
        print(json.dumps(found))
    """.replace("\n        ", "\n")
    )
    with sending(nats_url, app):
        assert said(script) == [True] * 5


def test_another_event_loop_is_refused_where_threads_are_greenlets() -> None:
    """It could not run; without gevent, there may be as many as one likes."""
    assert said("""
        from gevent.monkey import patch_all
        patch_all()
        from heliograph import StateError
        made, other = process(new_url()), process(new_url())
        with made.relay:
            try:
                other.relay.start()
            except StateError as error:
                refused = str(error)
        with other.relay:
            print(json.dumps([refused, other.relay.health().connected]))
    """) == [f"gevent makes greenlets of threads here, and asyncio {REFUSED}", True]


def test_what_waits_for_the_broker_goes_on_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch is no stop: nothing is dropped, and nothing that was under way is."""
    monkeypatch.setattr(running, "_LEAVE_OFF", 0.1)
    made, broker = with_broker(new_url())
    kept, slow = with_broker(new_url(), "durable")
    store, asked = slow.store, []

    async def never(*args: Any) -> Any:
        asked.append(args)
        await asyncio.Event().wait()

    monkeypatch.setattr(slow, "store", never)
    with made.relay, kept.relay:
        broker.go()
        made.signal.send("shop", n=1)
        kept.signal.send("shop", n=2)
        until(lambda: asked)
        patch(comes=False)
        assert [it.relay.health().waiting for it in (made, kept)] == [1, 1]
        assert not made.relay.health().running
        broker.come()
        monkeypatch.setattr(slow, "store", store)
        gevent.sleep(0.01)
        assert [it.relay.flush(30) for it in (made, kept)] == [True, True]
        for it in (made, kept):
            assert (it.relay.health().handed_over, it.relay.health().dropped) == (1, {})


def test_a_relay_that_does_not_run_is_not_started_by_a_patch() -> None:
    """Nor is one that somebody else has started meanwhile, a second time."""
    made, other = process(new_url()), process(new_url())
    with other.relay:
        patch(comes=False)
        other.relay.start()
        gevent.sleep(0.01)
        assert not made.relay.health().running
        assert other.relay.health().running


def test_a_relay_that_is_stopped_meanwhile_does_not_begin_again() -> None:
    """And what waits is counted as at any stop."""
    made, broker = with_broker(new_url())
    made.relay.start()
    broker.go()
    made.signal.send("shop", n=1)
    patch(comes=False)

    assert made.relay.stop() is False
    gevent.sleep(0.01)
    assert not made.relay.health().running
    assert made.relay.health().dropped == {"stopped": 1}


def test_a_fork_that_has_nothing_to_begin_begins_nothing() -> None:
    """As where somebody has stopped the relay of a child before its greenlets ran."""
    made = process(new_url())
    made.relay.running._start_late()

    assert not made.relay.health().running


@pytest.mark.parametrize("left_out", ["select", "thread"])
def test_a_relay_is_refused_where_it_would_hold_up_everything(left_out: str) -> None:
    """Its loop would wait in the thread of all greenlets, or for ever."""
    assert said(f"""
        from gevent.monkey import patch_all
        patch_all({left_out}=False)
        from heliograph import StateError
        try:
            process(new_url()).relay.start()
        except StateError as error:
            print(json.dumps(str(error)))
    """) == (
        "gevent has replaced threads here, or what waits for sockets, and not both: "
        "heliograph-relay-shop cannot start. Let patch_all() have thread=True and select=True."
    )


@pytest.fixture
def hearers() -> Iterator[list[Any]]:
    """Give those who hear of events, and let those go that come."""
    before = [*event.subscribers]
    yield event.subscribers
    event.subscribers[:] = before


def test_what_fails_keeps_nobody_from_patching(
    hearers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; other events, and an end without a beginning, are nobody's."""
    called: list[bool] = []

    def fail() -> None:
        called.append(True)
        msg = "no"
        raise ValueError(msg)

    follow_patches(fail, fail)
    events.notify("anything")
    events.notify(events.GeventDidPatchBuiltinModulesEvent([], {}))
    events.notify(events.GeventDidPatchAllEvent([], {}))
    gevent.sleep(0.01)
    assert not called

    patch(comes=False)
    assert called == [True]
    gevent.sleep(0.01)
    assert called == [True, True]
    assert "cannot follow" in caplog.text
    assert hearers


def test_a_second_patch_concerns_nobody(
    hearers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads are greenlets already."""
    called: list[bool] = []
    monkeypatch.setattr(import_module("gevent.monkey"), "is_module_patched", "threading".__eq__)
    follow_patches(lambda: called.append(True), lambda: called.append(False))
    patch()

    assert (called, len(hearers) > 0) == ([], True)


def test_a_program_without_gevent_is_not_patched(
    hearers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked to tell."""
    before = [*hearers]
    monkeypatch.setitem(sys.modules, "zope.event", None)
    follow_patches(list, list)
    assert hearers == before
