"""Relays: what is said of a signal, who receives it, and what is refused at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, ReceiverError, Signal, StateError
from heliograph.relay import Limits, Relay, RelayError, current, resynced
from tests.relay.processes import declared, new_url, process, until

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_broadcast_signal_reaches_every_process_once() -> None:
    """The one that sends calls its receivers at once, and is not called again."""
    url = new_url()
    first, second, third = (process(url) for _ in range(3))

    with first.relay, second.relay, third.relay:
        results = first.signal.send("shop", n=1)
        assert (results, first.heard) == ([(first.hear, None)], [1])
        second.signal.send("shop", n=2)
        until(lambda: all(len(it.heard) == 2 for it in (first, second, third)))
        until(lambda: first.relay.health().own == second.relay.health().own == 1)

    assert [sorted(it.heard) for it in (first, second, third)] == [[1, 2]] * 3
    health = third.relay.health()
    assert (health.sent, health.received, health.own, health.missed) == (0, 2, 0, 0)


def test_what_another_program_sends_is_not_heard() -> None:
    """Programs on one broker are told apart by what they are called."""
    url = new_url()
    shop, kiosk, other = process(url), process(url, app="kiosk"), process(url)

    with shop.relay, kiosk.relay, other.relay:
        shop.signal.send("shop", n=1)
        until(lambda: other.heard)

    assert (kiosk.heard, kiosk.relay.health().received) == ([], 0)


def test_a_replayed_signal_reaches_a_process_that_was_away() -> None:
    """From where it was on; it was away before it had heard anything at all."""
    url = new_url()
    there, away = process(url, "replay"), process(url, "replay")

    with there.relay:
        with away.relay:
            pass
        for n in range(3):
            there.signal.send("shop", n=n)
        assert there.relay.flush()
        with away.relay:
            until(lambda: len(away.heard) == 3)
            there.signal.send("shop", n=3)
            until(lambda: len(away.heard) == 4)
        there.signal.send("shop", n=4)
        with away.relay:
            until(lambda: len(away.heard) == 5)

    assert away.heard == [0, 1, 2, 3, 4]
    assert away.missed == 0


def test_a_new_process_begins_a_replayed_signal_where_it_was_told_to() -> None:
    """With what comes, or with all that is stored."""
    url = new_url()
    there, from_now = process(url, "replay"), process(url, "replay")
    again, signal, heard = Relay(url, app="shop"), declared(), list[int]()
    again.replay(signal, start="beginning")
    again.connect(signal, lambda _, *, n: heard.append(n), scope="each")

    with there.relay:
        there.signal.send("shop", n=1)
        assert there.relay.flush()
        with from_now.relay, again:
            there.signal.send("shop", n=2)
            until(lambda: heard == [1, 2] and from_now.heard == [2])


def test_what_is_stored_no_more_is_told() -> None:
    """A process that was away for too long hears how many it has missed, before what follows."""
    url = new_url()
    there, away = process(url, "replay"), process(url, "replay")
    size = 230  # Bytes of one envelope, about.
    for it in (there, away):
        it.relay, it.signal = Relay(url, app="shop"), declared()
        it.relay.replay(it.signal, keep_bytes=3 * size)
        it.relay.connect(it.signal, it.hear, scope="each")
        resynced.connect(it.miss, it.relay)

    with there.relay:
        with away.relay:
            pass
        for n in range(10):
            there.signal.send("shop", n=n)
        assert there.relay.flush()
        with away.relay:
            until(lambda: away.heard and away.heard[-1] == 9)

    (_, lost), *heard = away.heard
    assert heard == [*range(lost, 10)]
    assert (away.missed, away.relay.health().received) == (lost, 10 - lost)


def test_a_durable_signal_is_worked_on_by_one_process_of_each_group() -> None:
    """The process that sends may be the one; it does not call the receiver itself."""
    url = new_url()
    processes = [process(url, "durable", groups=["billing", "mail"]) for _ in range(3)]
    worked: list[tuple[str, int]] = []
    for it in processes:
        for group in ("billing", "mail"):

            def work(_: object, *, n: int, group: str = group) -> None:
                worked.append((group, n))

            it.relay.connect(it.signal, work, group=group)
    first, second, third = processes

    with first.relay, second.relay, third.relay:
        for n in range(10):
            assert first.signal.send("shop", n=n) == []
        until(lambda: len(worked) >= 20)

    assert sorted(worked) == sorted((it, n) for it in ("billing", "mail") for n in range(10))
    assert sum(it.relay.health().received for it in processes) == 20


def test_a_group_works_on_what_was_sent_before_it_ran() -> None:
    """What is durable waits for it."""
    url = new_url()
    web, worker = process(url, "durable"), process(url, "durable")
    for it in (web, worker):
        it.relay.connect(it.signal, it.hear, group="billing")

    with web.relay:
        web.signal.send("shop", n=1)
        assert web.relay.flush()
    assert web.heard == []
    worker.relay.start(groups=["billing"])
    until(lambda: worker.heard == [1])
    assert worker.relay.stop()


def test_signal_connect_hears_what_is_sent_here_alone() -> None:
    """As ever."""
    url = new_url()
    first, second = process(url), process(url)
    local: list[int] = []
    second.signal.connect(lambda _, *, n: local.append(n), weak=False)

    with first.relay, second.relay:
        first.signal.send("shop", n=1)
        second.signal.send("shop", n=2)
        until(lambda: sorted(second.heard) == [1, 2])

    assert local == [2]


def test_send_returns_what_it_would_return_without_a_relay() -> None:
    """The receivers that were called here, in their order, and nothing of what crosses."""
    first = process(new_url())
    first.signal.connect(first.hear, priority=0, weak=False)
    results = first.signal.send("shop", n=1)

    assert results == [(first.hear, None)]


def test_a_receiver_can_be_connected_by_a_decorator() -> None:
    """It stays what it was."""
    made = process(new_url())

    @made.relay.connect(made.signal, scope="each", priority=1)
    def first(sender: object, *, n: int) -> int:
        return n

    assert first("shop", n=1) == 1
    assert made.signal.send("shop", n=2) == [(first, 2), (made.hear, None)]


def test_receivers_of_every_process_are_called_in_their_order_everywhere() -> None:
    """Those with a higher priority first, and equal ones in the order of connecting."""
    url = new_url()
    one, other = process(url), process(url)
    order: list[str] = []

    def connect(name: str, priority: int) -> None:
        def receiver(_: object, *, n: int) -> None:
            order.append(name)

        other.relay.connect(other.signal, receiver, scope="each", priority=priority)

    for name, priority in (("low", -1), ("first", 2), ("second", 2), ("zero", 0)):
        connect(name, priority)

    with one.relay, other.relay:
        one.signal.send("shop", n=1)
        until(lambda: len(order) == 4 and other.heard)
    assert order == ["first", "second", "zero", "low"]
    other.signal.send("shop", n=2)
    assert order[4:] == ["first", "second", "zero", "low"]


def test_a_receiver_is_called_once_however_often_it_is_connected() -> None:
    """For any sender and for one; or twice for the same."""
    url = new_url()
    one, other = process(url), process(url)
    other.relay.connect(other.signal, other.hear, scope="each", priority=1)
    other.relay.connect(other.signal, other.hear, "shop", scope="each")

    with one.relay, other.relay:
        one.signal.send("shop", n=1)
        one.signal.send("kiosk", n=2)
        until(lambda: len(other.heard) == 2)

    assert other.heard == [1, 2]
    assert len(other.relay.running.crossings[0].each) == 2


def test_a_receiver_that_is_disconnected_is_called_no_more() -> None:
    """From here or from elsewhere; its neighbours are, and it may come back."""
    url = new_url()
    one, other = process(url), process(url)
    neighbour: list[int] = []
    other.relay.connect(other.signal, lambda _, *, n: neighbour.append(n), scope="each")

    with one.relay, other.relay:
        other.signal.disconnect(other.hear)
        one.signal.send("shop", n=1)
        until(lambda: neighbour == [1])
        other.relay.connect(other.signal, other.hear, scope="each")
        one.signal.send("shop", n=2)
        until(lambda: other.heard == [2])


def test_a_sender_is_chosen_on_the_far_side() -> None:
    """By its text, or as the object that has the name there."""
    url = new_url()
    one, other = process(url), process(url)
    here, there, heard = object(), object(), list[tuple[Any, int]]()
    one.relay.name_sender("app", here)
    other.relay.name_sender("app", there)

    def hear(sender: Any, *, n: int) -> None:
        heard.append((sender, n))

    def hear_text(sender: Any, *, n: int) -> None:
        heard.append((sender, -n))

    other.relay.connect(other.signal, hear, there, scope="each")
    other.relay.connect(other.signal, hear_text, "shop", scope="each")

    with one.relay, other.relay:
        for n, sender in enumerate((here, "shop", None, "app")):
            one.signal.send(sender, n=n)
        until(lambda: len(other.heard) == 4)

    assert heard == [(there, 0), ("shop", -1), (there, 3)]


def test_a_group_may_choose_a_sender() -> None:
    """It is done with what others have sent."""
    made = process(new_url(), "durable", groups=["billing"])
    made.relay.connect(made.signal, made.hear, "shop", group="billing")

    with made.relay:
        for n, sender in enumerate(("kiosk", "shop", "kiosk")):
            made.signal.send(sender, n=n)
        until(lambda: made.relay.health().received == 3)

    assert made.heard == [1]


def test_signals_and_receivers_may_come_while_it_runs() -> None:
    """They cross and are called from then on."""
    url = new_url()
    one, other = process(url), process(url, "durable", groups=["*"])
    with one.relay, other.relay:
        late_here, late_there = declared("late"), declared("late")
        one.relay.broadcast(late_here)
        other.relay.broadcast(late_there)
        heard: list[int] = []
        other.relay.connect(late_there, lambda _, *, n: heard.append(n), scope="each")
        other.relay.connect(other.signal, other.hear, group="billing")

        def heard_it() -> bool:
            late_here.send("shop", n=1)
            return bool(heard)

        until(heard_it)
        other.signal.send("shop", n=2)
        until(lambda: other.heard == [2])


# What is refused.


def test_what_is_no_relay_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is made."""
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: Relay("memory://", app=""), "app='' is not a name: all processes use the same"),
        (lambda: Relay("memory://", app=None), "app=None is not a name"),  # type: ignore[arg-type]  # On purpose.
        (
            lambda: Relay("kafka://host", app="shop"),
            "The URL of a relay begins with one of memory://, nats://, tls://, redis://, ",
        ),
        (lambda: Relay("host:4222", app="shop"), "The URL of a relay begins with one of "),
        (
            lambda: Relay("memory://", app="shop", insecure=True),
            "memory:// has no such option: ",
        ),
        (lambda: Relay("nats://host:port", app="shop"), "nats://"),
        (
            lambda: Relay("memory://", app="shop", groups="billing"),
            "groups='billing' is one text: pass a list, as in groups=['billing'].",
        ),
        (lambda: Limits(depth=0), "depth=0 is not a limit: use a whole number of at least 1."),
        (lambda: Limits(hops=True), "hops=True is not a limit: "),
        (lambda: Limits(waiting=1.5), "waiting=1.5 is not a limit: "),  # type: ignore[arg-type]  # Likewise.
    ]
    for make, said in refused:
        with pytest.raises(ArgumentError, match=re.escape(said)):
            make()
    monkeypatch.setenv("HELIOGRAPH_RELAY_URL", "kafka://host")
    with pytest.raises(ArgumentError, match=r"begins with one of"):
        Relay(app="shop")


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    import sys

    for name in [it for it in sys.modules if it.startswith("heliograph.relay.nats")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ["nats", *(it for it in sys.modules if it.startswith("nats."))]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(
        ArgumentError, match=r"nats:// needs a library: pip install 'heliograph\[nats\]'\. "
    ):
        Relay("nats://127.0.0.1", app="shop")


def test_a_signal_that_cannot_cross_is_refused_and_stays_as_it_was() -> None:
    """Not declared, declared to cross already, of a name that crosses, or not a signal."""
    relay, signal = Relay("memory://", app="shop"), declared()
    relay.broadcast(signal)
    connections = signal.connections
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: relay.broadcast(Signal("bare")), "signal 'bare' is not declared, so nobody knows"),
        (lambda: relay.durable(signal), "signal 'changed' crosses already: say once how."),
        (
            lambda: relay.broadcast(declared()),
            "Another signal crosses as 'changed' already: names tell them apart.",
        ),
        (
            lambda: relay.broadcast("changed"),  # type: ignore[arg-type]  # On purpose, as below.
            "'changed' is not a signal: pass the signal itself.",
        ),
        (
            lambda: relay.replay(declared("other"), start="yesterday"),
            "start='yesterday' is not a place to begin at: use 'now' or 'beginning'.",
        ),
        (
            lambda: relay.durable(
                declared("other"),
                outbox=object(),  # type: ignore[arg-type]  # On purpose.
                after_commit=True,
            ),
            "outbox= waits for the commit already: leave after_commit=True out.",
        ),
        (
            lambda: relay.replay(declared("other"), outbox="shop.db"),  # type: ignore[arg-type]  # Likewise.
            "outbox='shop.db' is no outbox: pass a heliograph.relay.outbox.Outbox.",
        ),
        (lambda: relay.durable(declared("other"), keep=0), "keep=0 and keep_bytes=268435456 are"),
        (lambda: relay.replay(declared("other"), keep_bytes=0), "and keep_bytes=0 are not what a"),
    ]
    for say, said in refused:
        with pytest.raises(ArgumentError, match=re.escape(said)):
            say()

    assert signal.connections == connections
    assert [it.signal for it in relay.running.crossings] == [signal]


def hear(sender: object, *, n: int) -> None:
    """Hear nothing."""


def hear_again(sender: object, *, n: int) -> None:
    """Hear nothing."""


async def hear_async(sender: object, *, n: int) -> None:
    """Hear nothing."""


def test_a_receiver_that_is_connected_wrongly_is_refused_and_not_connected() -> None:
    """The message names the receiver, the signal and what to do."""
    relay = Relay("memory://", app="shop")
    cast, stored, local = declared("cast"), declared("stored"), declared("local")
    relay.broadcast(cast)
    relay.durable(stored)
    relay.connect(stored, hear, group="taken")
    name = f"{__name__}.hear"
    refused: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: relay.connect(local, hear, scope="each"),
            (
                "signal 'local' does not cross: say relay.broadcast(...), relay.replay(...) or "
                "relay.durable(...) first."
            ),
        ),
        (lambda: relay.connect(cast, hear), "with scope='each', for every process, or with group="),
        (lambda: relay.connect(cast, hear, scope="all"), "with scope='each', for every process"),
        (lambda: relay.connect(cast, hear, scope="each", group="a"), "with scope='each', for ev"),
        (lambda: relay.connect(stored, hear, group=""), "group='' is not the name of a group: use"),
        (lambda: relay.connect(stored, hear, group=3), "group=3 is not the name of a group: use"),
        (
            lambda: relay.connect(cast, hear, group="billing"),
            "signal 'cast' crosses by relay.broadcast(...): connect ",
        ),
        (
            lambda: relay.connect(stored, hear, scope="each"),
            "signal 'stored' crosses by relay.durable(...): connect ",
        ),
        (
            lambda: relay.connect(cast, hear, scope="each", tries=3),
            "There is no option 'tries' here. There are forward, priority, on_error.",
        ),
        (
            lambda: relay.connect(stored, hear_async, group="a", priority=3),
            (
                "There is no option 'priority' here. There are tries, backoff, patience, "
                "concurrency, time_limit."
            ),
        ),
        (
            lambda: relay.connect(stored, hear_async, group="taken"),
            (
                f"The group 'taken' has a receiver of signal 'stored' already, {name}: give this "
                "one a group of its own, so that each is tried on its own."
            ),
        ),
        (
            lambda: relay.connect(stored, hear, group="second"),
            "to signal 'stored' already: a receiver is connected once.",
        ),
        (
            lambda: relay.connect(stored, hear_again, group="a", time_limit=3),
            "time_limit=3 cannot end ",
        ),
        (
            lambda: relay.connect(stored, hear_async, group="a", time_limit=0),
            "time_limit=0 is not a number of seconds, for ",
        ),
        (
            lambda: relay.connect(stored, hear_async, group="a", time_limit="1"),
            "time_limit='1' is not a number of seconds, for ",
        ),
        *(
            (
                lambda it=it: relay.connect(stored, hear_async, group="a", **it),
                "The group 'a' has tries=",
            )
            for it in (
                {"tries": 0},
                {"tries": "5"},
                {"backoff": 3},
                {"backoff": (2, 1)},
                {"backoff": (1, 2, 3)},
                {"patience": 0},
                {"concurrency": 0},
            )
        ),
        (lambda: relay.connect(cast, hear, scope="each", priority="high"), "priority"),
        (lambda: relay.connect(cast, hear, scope="each", on_error="ignore"), "on_error"),
    ]
    before = cast.connections, stored.connections, local.connections
    for connect, said in refused:
        with pytest.raises(ArgumentError, match=re.escape(said)):
            connect()

    assert (cast.connections, stored.connections, local.connections) == before
    assert [it.each for it in relay.running.crossings] == [[], []]
    assert [*relay.running.crossings[1].groups] == ["taken"]


def test_what_cannot_be_called_is_no_receiver() -> None:
    """As for any signal."""
    relay, cast = Relay("memory://", app="shop"), declared()
    relay.broadcast(cast)
    with pytest.raises(ReceiverError):
        relay.connect(cast, 3, scope="each")  # type: ignore[call-overload]  # On purpose.
    with pytest.raises(ReceiverError):
        relay.connect(cast, lambda: None, scope="each")

    assert relay.running.crossings[0].each == []


def test_a_name_belongs_to_one_sender() -> None:
    """And is a text."""
    relay, one, other = Relay("memory://", app="shop"), object(), object()
    relay.name_sender("one", one)
    relay.name_sender("one", one)
    for name in ("", None, 3):
        with pytest.raises(ArgumentError, match=rf"{name!r} is not the name of a sender: use a t"):
            relay.name_sender(name, one)  # type: ignore[arg-type]  # On purpose.
    with pytest.raises(
        ArgumentError, match=r"The name 'one' belongs to .*object.* already: each sender needs"
    ):
        relay.name_sender("one", other)


def test_a_group_without_receivers_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would do nothing, and say nothing."""
    url = new_url()
    made = process(url, "durable", groups=["billing"])
    with pytest.raises(
        ArgumentError,
        match=r"Nothing is connected with group='billing', so it has nothing to do. Import the "
        r"modules of its receivers first. Groups with receivers here: none\.",
    ):
        made.relay.start()
    made.relay.connect(made.signal, made.hear, group="mail")
    with pytest.raises(ArgumentError, match=r"Groups with receivers here: 'mail'\."):
        made.relay.start()
    assert not made.relay.health().running
    with pytest.raises(ArgumentError, match=r"groups='mail' is one text: "):
        made.relay.start(groups="mail")
    monkeypatch.setenv("HELIOGRAPH_RELAY_GROUPS", " mail ,, ")
    monkeypatch.setenv("HELIOGRAPH_RELAY_URL", url)
    named = Relay(app="shop")
    signal = declared()
    named.durable(signal)
    named.connect(signal, made.hear, group="mail")
    with named:
        signal.send("shop", n=1)
        until(lambda: made.heard == [1])


def test_what_lets_a_signal_cross_has_a_name() -> None:
    """Whoever lists receivers sees that it crosses, and by whose relay."""
    made = process(new_url(), "durable")

    assert [it.name for it in made.signal.connections] == ["heliograph.relay of 'shop'"]


def test_what_is_never_called_refuses_to_be() -> None:
    """What lets a signal cross is one of its connections, for a time of its own."""
    made = process(new_url())
    [gate] = [it.receiver for it in made.signal.connections if it.when == "relayed"]
    assert gate is not None

    with pytest.raises(ArgumentError, match=r"signal 'changed' crosses when it is sent\."):
        gate("shop", n=1)


def test_only_what_is_stored_can_be_confirmed() -> None:
    """And only while it runs."""
    cast, stored = process(new_url()), process(new_url(), "durable")
    with pytest.raises(RelayError, match=r"The relay of 'shop' is not running: start\(\) it first"):
        stored.relay.send_confirmed(stored.signal, "shop", n=1)
    with (
        cast.relay,
        pytest.raises(
            ArgumentError,
            match=r"Nobody stores signal 'changed': use relay.replay or relay.durable for it\.",
        ),
    ):
        cast.relay.send_confirmed(cast.signal, "shop", n=1)
    with stored.relay, pytest.raises(ArgumentError, match=r"Nobody stores signal 'other'"):
        stored.relay.send_confirmed(declared("other"), "shop", n=1)


def test_it_is_started_once() -> None:
    """Whoever starts it owns it."""
    relay = Relay(new_url(), app="shop")
    with relay:
        with pytest.raises(StateError, match=r"This relay is running: start\(\) it once\."):
            relay.start()
        assert repr(relay) == "<Relay of 'shop': running>"
        assert relay.health().connected
    assert repr(relay) == "<Relay of 'shop': not running>"
    assert relay.app == "shop"
    assert relay.origin.startswith("shop@")


def test_nothing_of_a_receiver_leaks_into_what_comes_after() -> None:
    """What a delivery knows ends with it."""
    url = new_url()
    one, other = process(url), process(url)
    known: list[Any] = []
    other.relay.connect(other.signal, lambda _, *, n: known.append(current()), scope="each")

    with one.relay, other.relay:
        one.signal.send("shop", n=1)
        until(lambda: known)

    [delivered] = known
    assert delivered is not None
    assert (delivered.signal, delivered.origin, delivered.sender) == (
        "changed",
        one.relay.origin,
        "shop",
    )
    assert (delivered.group, delivered.tries, delivered.hops) == (None, 1, 0)
    assert current() is None
