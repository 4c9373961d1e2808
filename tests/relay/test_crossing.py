"""Crossing: what is refused, what stays here, and how far something goes."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, StateError
from heliograph.relay import Limits, Relay, current
from tests.relay import collecting
from tests.relay.processes import declared, new_url, process, until, with_broker

if TYPE_CHECKING:
    from tests.relay.processes import Process


class App:
    """A sender that is an object."""


@pytest.mark.parametrize("mode", ["broadcast", "replay", "durable"])
@pytest.mark.parametrize(
    ("sender", "payload", "said"),
    [
        (
            App(),
            {"n": 1},
            (
                "signal 'changed' was sent by an App, which cannot cross: send it with a "
                "text as sender, or give the object a name that all processes know, by "
                "relay.name_sender('shop', app). No receiver was called."
            ),
        ),
        (7, {"n": 1}, "signal 'changed' was sent by an int, which cannot cross"),
        ("shop", {}, "signal 'changed' cannot cross: 'n' is missing."),
        ("shop", {"n": 1, "m": 2}, "signal 'changed' cannot cross: 'm' is not in it."),
        ("shop", {"n": "secret"}, "Expected `int`, got `str` - at `$.n`."),
        ("shop", {"n": object()}, "Encoding objects of type object is unsupported."),
        ("shop", {"n": 1, "note": "x" * 200}, "has 217 bytes as JSON, and 100 are allowed"),
    ],
)
def test_what_cannot_cross_is_refused_before_anybody_is_called(
    mode: str, sender: Any, payload: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it crosses; nothing is counted, as nothing was to cross."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")  # As in production: nothing else refuses it.
    made = process(new_url(), mode, limits=Limits(message_bytes=100))
    called: list[Any] = []
    made.signal.connect(lambda sender, **_: called.append(sender), weak=False, priority=9)

    with pytest.raises(ArgumentError, match=re.escape(said)):
        made.signal.send(sender, **payload)

    assert (called, made.heard) == ([], [])
    assert made.relay.counts() == {}


async def test_send_async_refuses_as_send_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody is awaited."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    made = process(new_url())

    with pytest.raises(ArgumentError, match=r"cannot cross: 'n' is missing\."):
        await made.signal.send_async("shop")
    assert await made.signal.send_async("shop", n=1) == [(made.hear, None)]
    assert made.relay.health().sent == 1


def test_a_payload_that_is_nested_too_deep_is_refused() -> None:
    """Before anybody is called."""
    relay, shop = Relay(new_url(), app="shop", limits=Limits(depth=2)), Namespace("shop")

    @shop.declare
    def tree(sender: str, *, nodes: Any) -> None: ...

    relay.broadcast(tree)
    with pytest.raises(ArgumentError, match=r"signal 'tree' is nested deeper than 2 levels\."):
        tree.send("shop", nodes=[[1]])
    tree.send("shop", nodes=[1])

    assert relay.health().sent == 1


def test_a_proxy_crosses_as_what_it_stands_for() -> None:
    """As it does in connect and send."""
    werkzeug = pytest.importorskip("werkzeug.local")
    url, app = new_url(), App()
    one, other = process(url), process(url)
    heard: list[Any] = []
    proxy = werkzeug.LocalProxy(lambda: app)
    one.relay.name_sender("app", proxy)
    other.relay.name_sender("app", app)
    other.relay.connect(other.signal, lambda sender, **_: heard.append(sender), scope="each")

    with one.relay, other.relay:
        one.signal.send(proxy, n=1)
        one.signal.send(app, n=2)
        until(lambda: len(heard) == 2)

    assert heard == [app, app]


def test_a_number_with_a_name_is_a_number_by_value() -> None:
    """As in connect: two of them are one sender."""
    url = new_url()
    one, other = process(url), process(url)
    one.relay.name_sender("big", 10**10)
    heard: list[Any] = []
    other.relay.connect(other.signal, lambda sender, **_: heard.append(sender), scope="each")

    with one.relay, other.relay:
        one.signal.send(int("10000000000"), n=1)
        until(lambda: heard)

    assert heard == ["big"]


def test_what_is_muted_does_not_cross() -> None:
    """Nobody is called, and nobody is told."""
    url = new_url()
    one, other = process(url), process(url)

    with one.relay, other.relay:
        with one.signal.muted():
            one.signal.send("shop", n=1)
        one.signal.send("shop", n=2)
        until(lambda: other.heard)

    assert (one.heard, other.heard) == ([2], [2])
    assert one.relay.health().sent == 1


def test_a_signal_that_is_muted_where_it_arrives_calls_nobody() -> None:
    """It has arrived all the same."""
    url = new_url()
    one, other = process(url), process(url)

    with one.relay, other.relay:
        with other.signal.muted():
            one.signal.send("shop", n=1)
            until(lambda: other.relay.health().received == 1)
        one.signal.send("shop", n=2)
        until(lambda: other.heard)

    assert other.heard == [2]


def test_an_error_of_a_receiver_here_holds_nothing_up() -> None:
    """It is raised where it was sent, and the envelope has left."""
    url = new_url()
    one, other = process(url), process(url)

    @one.signal.connect
    def fail(sender: object, *, n: int) -> None:
        msg = "out of ink"
        raise OSError(msg)

    with one.relay, other.relay:
        with pytest.raises(OSError, match="out of ink"):
            one.signal.send("shop", n=1)
        until(lambda: other.heard == [1])


def passed_on(url: str, *, forward: bool) -> tuple[Process, Process, Process]:
    """Return three processes, of which the second sends what it hears as another signal."""
    one, two, three = (process(url) for _ in range(3))
    seconds = []
    for it in (one, two, three):
        second = declared("second")
        it.relay.broadcast(second)
        it.relay.connect(
            second, lambda _, *, n, it=it: it.heard.append(("second", n, hops())), scope="each"
        )
        seconds.append(second)

    def pass_on(sender: Any, *, n: int) -> None:
        seconds[1].send(sender, n=n)

    two.relay.connect(two.signal, pass_on, scope="each", forward=forward)
    return one, two, three


def hops() -> int | None:
    """Return how far what is worked on has come."""
    delivered = current()
    return None if delivered is None else delivered.hops


def test_what_a_receiver_of_every_process_sends_stays_there() -> None:
    """As each process gets what led to it, and sends it itself; it is counted."""
    one, two, three = passed_on(new_url(), forward=False)

    with one.relay, two.relay, three.relay:
        one.signal.send("shop", n=1)
        until(lambda: len(two.heard) == 2)
        until(lambda: three.heard)

    assert ("second", 1, 0) in two.heard
    assert [it.relay.health().sent for it in (one, two, three)] == [1, 0, 0]
    assert two.relay.health().kept_local == 1
    assert (one.heard, three.heard) == ([1], [1])


def test_what_a_receiver_sends_crosses_if_it_is_told_to() -> None:
    """Then it knows how many processes have passed it on."""
    one, two, three = passed_on(new_url(), forward=True)

    with one.relay, two.relay, three.relay:
        one.signal.send("shop", n=1)
        until(lambda: len(one.heard) == len(three.heard) == 2)

    assert ("second", 1, 1) in one.heard
    assert ("second", 1, 1) in three.heard
    assert two.relay.health().sent == 1
    assert two.relay.health().kept_local == 0


def test_what_a_receiver_is_called_with_here_crosses_as_ever() -> None:
    """It works on no envelope: the process that sends calls it at once."""
    url = new_url()
    one, other = process(url), process(url)
    second, there, heard = declared("second"), declared("second"), list[int]()
    one.relay.broadcast(second)
    other.relay.broadcast(there)
    other.relay.connect(there, lambda _, *, n: heard.append(n), scope="each")
    one.relay.connect(
        one.signal, lambda sender, *, n: second.send(sender, n=n) and None, scope="each"
    )

    with one.relay, other.relay:
        one.signal.send("shop", n=1)
        until(lambda: heard == [1])


def test_a_loop_ends_at_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """Two groups that send to each other stop, and it is counted and logged."""
    url = new_url()
    one, two = (Relay(url, app="shop", groups=["ping", "pong"]) for _ in range(2))
    seen: list[tuple[str, int | None]] = []
    pings = []
    for relay in (one, two):
        ping, pong = declared("ping"), declared("pong")
        relay.durable(ping)
        relay.durable(pong)

        def back(sender: Any, *, n: int, pong: Any = pong) -> None:
            seen.append(("ping", hops()))
            pong.send(sender, n=n)

        def forth(sender: Any, *, n: int, ping: Any = ping) -> None:
            seen.append(("pong", hops()))
            ping.send(sender, n=n)

        relay.connect(ping, back, group="ping")
        relay.connect(pong, forth, group="pong")
        pings.append(ping)

    def dropped() -> int:
        return sum(it.health().dropped.get("hops", 0) for it in (one, two))

    with one, two:
        for n in (1, 2, 3):
            pings[0].send("shop", n=n)
            until(lambda: dropped() == n)  # noqa: B023 - at once.

    assert seen == [(("ping", "pong")[n % 2], n) for n in range(9)] * 3
    healths = [one.health(), two.health()]
    assert sum(it.sent for it in healths) == 30
    assert sum(it.received for it in healths) == 27
    assert (
        "signal 'pong' was sent because of an envelope that 8 processes had passed on, and 8 may: "
        "it does not cross. Receivers seem to send what leads to themselves."
    ) in caplog.messages


def test_what_has_gone_too_far_is_not_received() -> None:
    """A process may allow less than the one that sent it."""
    url = new_url()
    one, strict = process(url), process(url, limits=Limits(hops=1))
    source = process(url, "durable", name="source", groups=["all"])
    between = process(url, "durable", name="between", groups=["all"])
    signals = {}
    for name, target in (("source", "between"), ("between", "changed")):
        sender = declared(target)
        made = source if name == "source" else between
        (made.relay.durable if target == "between" else made.relay.broadcast)(sender)
        made.relay.connect(
            made.signal, lambda who, *, n, it=sender: it.send(who, n=n) and None, group="all"
        )
        signals[target] = sender

    with one.relay, strict.relay, source.relay, between.relay:
        source.signal.send("shop", n=1)
        until(lambda: one.heard == [1])
        until(lambda: strict.relay.health().dropped)

    assert strict.heard == []
    assert strict.relay.health().dropped == {"hops": 1}


async def test_what_a_receiver_starts_belongs_to_what_it_works_on() -> None:
    """A task of it too; what comes after it does not."""
    url = new_url()
    one, other = process(url), process(url)
    second = declared("second")
    other.relay.broadcast(second)
    tasks: list[asyncio.Task[Any]] = []

    async def hear(sender: Any, *, n: int) -> None:
        async def later() -> None:
            await asyncio.sleep(0)
            second.send(sender, n=n)

        tasks.append(asyncio.create_task(later()))
        await tasks[0]

    other.relay.connect(other.signal, hear, scope="each")
    async with one.relay, other.relay:
        one.signal.send("shop", n=1)
        await collecting.until(lambda: other.relay.health().kept_local)
        second.send("shop", n=2)

    assert other.relay.health().sent == 1


def test_a_send_waits_until_it_runs() -> None:
    """What is sent before the start, or after the end, crosses with the next start."""
    url = new_url()
    one, other = process(url, "replay"), process(url, "replay")
    one.signal.send("shop", n=1)
    assert one.relay.health().waiting == 1
    assert not one.relay.flush(0.0)

    with other.relay:
        with one.relay:
            until(lambda: other.heard == [1])
        one.signal.send("shop", n=2)
        with one.relay:
            until(lambda: other.heard == [1, 2])


def test_two_relays_of_one_signal_do_not_stand_in_each_others_way() -> None:
    """Each lets it cross; what one of them refuses, nobody is called for."""
    one, other = Relay(new_url(), app="shop"), Relay(new_url(), app="kiosk")
    signal = declared()
    one.broadcast(signal)
    other.durable(signal)
    signal.send("shop", n=1)

    assert (one.health().sent, other.health().sent) == (1, 1)


def test_a_broker_that_refuses_what_is_sent_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, and logged once; what comes after it crosses."""
    from heliograph.relay import RefusedError

    for mode in ("broadcast", "replay"):
        url = new_url()
        made, broker = with_broker(url, mode)
        other = process(url, mode)
        with made.relay, other.relay:
            broker.go(RefusedError("too large for it."))
            made.signal.send("shop", n=1)
            made.signal.send("shop", n=2)
            until(lambda: made.relay.health().dropped == {"refused": 2})  # noqa: B023 - at once.
            broker.come()
            made.signal.send("shop", n=3)
            until(lambda: other.heard[-1:] == [3])  # noqa: B023 - at once.

        health = made.relay.health()
        assert (health.sent, health.handed_over, health.waiting) == (3, 1, 0)
        assert [it for it in other.heard if it != ("missing", 2)] == [3]
        # Whoever has heard nothing of this process yet cannot know of what came before.
        said = "The broker refuses an envelope of 'changed' of 'shop': too large for it."
        assert caplog.messages.count(said) == 1
        caplog.clear()


def test_what_is_stored_is_refused_while_too_much_waits() -> None:
    """Before any receiver is called; what waits is handed over all the same."""
    from heliograph.relay import FullError

    made = process(new_url(), "replay", limits=Limits(waiting=2))
    made.signal.send("shop", n=1)
    made.signal.send("shop", n=2)
    with pytest.raises(
        FullError,
        match=r"2 envelopes of 'changed' of 'shop' wait for the broker, and there is no room for "
        r"more\. Send it with an outbox, or raise Limits\(waiting=\.\.\.\)\. Nothing was sent, and "
        r"no receiver was called\.",
    ) as caught:
        made.signal.send("shop", n=3)

    assert isinstance(caught.value, StateError)
    assert made.heard == [1, 2]
    health = made.relay.health()
    assert (health.sent, health.waiting, health.dropped) == (3, 2, {"no room here": 1})
    with made.relay:
        assert made.relay.flush()
    assert made.relay.health().handed_over == 2
