"""What a send does: who is called, with what, and what changes while it runs."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, AsyncReceiverError, Signal
from heliograph.core.lock import under_lock
from tests.core.diary import Diary
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Shop:
    """An ordinary object."""


@pytest.fixture(params=["plain", "watched", "scoped"])
def way(request: pytest.FixtureRequest) -> Any:
    """Run a test on each way through the engine: the short one and the long ones."""
    if request.param == "watched":
        with watching():
            yield "watched"
    else:
        yield request.param


def a_signal(way: str) -> tuple[Signal, Diary]:
    """Return a signal and a diary; a temporary receiver makes sends go the long way."""
    signal, diary = Signal("paid"), Diary()
    if way == "scoped":

        def silent(sender: object, /, **payload: object) -> None:
            """Stand first, and do nothing."""

        block = signal.connected_to(silent, "shop", priority=99)
        block.__enter__()
    return signal, diary


def names(results: list[tuple[Callable[..., Any], Any]]) -> list[str]:
    """Return what the receivers of a diary returned."""
    return [value for _, value in results if value is not None]


def test_a_receiver_gets_the_sender_and_the_payload(way: str) -> None:
    """The sender comes by position, the payload by keyword."""
    signal, _ = a_signal(way)
    calls: list[tuple[object, dict[str, object]]] = []

    def receiver(sender: object, /, **payload: object) -> None:
        calls.append((sender, payload))

    signal.connect(receiver)
    signal.send("shop", total=12, self="me", sender="you", signal="it")

    assert calls == [("shop", {"total": 12, "self": "me", "sender": "you", "signal": "it"})]


def test_each_receiver_gets_a_payload_of_its_own(way: str) -> None:
    """What one receiver does to its keyword arguments is nothing to the next one."""
    signal, _ = a_signal(way)
    seen: list[dict[str, object]] = []

    def first(sender: object, **payload: object) -> None:
        payload.clear()

    def second(sender: object, **payload: object) -> None:
        seen.append(payload)

    signal.connect(first)
    signal.connect(second)
    signal.send("shop", total=12)

    assert seen == [{"total": 12}]


def test_send_returns_receivers_with_what_they_returned(way: str) -> None:
    """One pair for each receiver that was called, in order."""
    signal, diary = a_signal(way)
    first, second = diary.receiver("first"), diary.receiver("second")
    signal.connect(first)
    signal.connect(second)

    assert [pair for pair in signal.send("shop") if pair[1]] == [
        (first, "first"),
        (second, "second"),
    ]


def test_send_without_receivers_returns_an_empty_list(way: str) -> None:
    """Nobody connected is no error, before the first receiver and after the last one."""
    signal, diary = a_signal(way)
    receiver = diary.receiver("r")
    before = signal.send("kiosk", total=12)
    signal.connect(receiver)
    signal.disconnect(receiver)

    assert (before, signal.send("kiosk", total=12)) == ([], [])


async def test_send_async_without_receivers_returns_an_empty_list() -> None:
    """Nobody connected is no error."""
    assert await Signal("paid").send_async("shop", total=12) == []


def test_the_results_of_each_send_are_a_list_of_its_own() -> None:
    """A caller may change what it got."""
    signal = Signal("paid")
    signal.send().append(("mine", "mine"))  # type: ignore[arg-type]

    assert signal.send() == []


def test_many_senders_are_heard_one_by_one(way: str) -> None:
    """A send reaches those for its sender and those for `ANY`, and nobody else."""
    signal, diary = a_signal(way)
    for sender in ("shop", "kiosk", ANY, 0, "shop"):
        signal.connect(diary.receiver(repr(sender)), sender)

    assert names(signal.send("shop")) == ["'shop'", "ANY", "'shop'"]
    assert names(signal.send("kiosk")) == ["'kiosk'", "ANY"]
    assert names(signal.send(0)) == ["ANY", "0"]
    assert names(signal.send(1)) == ["ANY"]


# --- changes while a send runs ---------------------------------------------------------


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_a_receiver_connected_during_a_send_is_called_from_the_next_one(
    way: str, sender: object
) -> None:
    """A send works on the snapshot that it began with."""
    signal, diary = a_signal(way)
    late = diary.receiver("late")
    signal.connect(diary.receiver("first", then=lambda: signal.connect(late, sender)))
    signal.connect(diary.receiver("last"))

    assert names(signal.send("shop")) == ["first", "last"]
    assert names(signal.send("shop")) == ["first", "last", "late"]


def test_a_receiver_connected_earlier_in_the_order_waits_for_the_next_send(way: str) -> None:
    """A high priority does not bring anybody into a send that is under way."""
    signal, diary = a_signal(way)
    late = diary.receiver("late")
    signal.connect(diary.receiver("first", then=lambda: signal.connect(late, priority=5)))

    assert names(signal.send("shop")) == ["first"]
    assert names(signal.send("shop")) == ["late", "first"]


@pytest.mark.parametrize(
    ("connected", "disconnected"),
    [
        ([ANY], ANY),
        (["shop"], "shop"),
        (["shop"], ANY),
        ([ANY, "shop"], ANY),
    ],
)
def test_a_receiver_disconnected_during_a_send_is_not_called_any_more(
    way: str, connected: list[object], disconnected: object
) -> None:
    """Disconnecting counts at once, from all senders and from this one."""
    signal, diary = a_signal(way)
    gone = diary.receiver("gone")
    signal.connect(diary.receiver("first", then=lambda: signal.disconnect(gone, disconnected)))
    for sender in connected:
        signal.connect(gone, sender)
    signal.connect(diary.receiver("last"))

    assert names(signal.send("shop")) == ["first", "last"]


@pytest.mark.parametrize(
    ("connected", "disconnected"),
    [
        ([ANY, "shop"], "shop"),
        (["shop", ANY], "shop"),
        (["shop", "kiosk"], "kiosk"),
        ([ANY], "shop"),
    ],
)
def test_a_receiver_that_still_has_a_connection_is_still_called(
    way: str, connected: list[object], disconnected: object
) -> None:
    """Whoever is disconnected from one sender during a send may go on hearing by another way."""
    signal, diary = a_signal(way)
    kept = diary.receiver("kept")
    signal.connect(diary.receiver("first", then=lambda: signal.disconnect(kept, disconnected)))
    for sender in connected:
        signal.connect(kept, sender)

    assert names(signal.send("shop")) == ["first", "kept"]


def test_a_receiver_that_loses_any_but_keeps_this_sender_is_still_called(way: str) -> None:
    """Ending the connection for `ANY` alone leaves the one for the sender."""
    signal, diary = a_signal(way)
    kept = diary.receiver("kept")
    block = signal.connected_to(kept)
    block.__enter__()
    signal.connect(kept, "shop")
    signal.connect(
        diary.receiver("first", then=lambda: block.__exit__(None, None, None)), priority=1
    )

    assert names(signal.send("shop")) == ["first", "kept"]


def test_a_receiver_that_disconnects_itself_has_been_called(way: str) -> None:
    """Once means once: this send calls it, the next one does not."""
    signal, diary = a_signal(way)

    def once(sender: object) -> str:
        signal.disconnect(once)
        return "once"

    signal.connect(once)
    signal.connect(diary.receiver("last"))

    assert names(signal.send("shop")) == ["once", "last"]
    assert names(signal.send("shop")) == ["last"]


def test_a_receiver_disconnected_and_connected_again_waits_for_the_next_send(way: str) -> None:
    """It is a new connection, made during the send."""
    signal, diary = a_signal(way)
    again = diary.receiver("again")

    def reconnect() -> None:
        signal.disconnect(again)
        signal.connect(again)

    first = diary.receiver("first", then=reconnect)
    signal.connect(first)
    signal.connect(again)

    assert names(signal.send("shop")) == ["first"]

    signal.disconnect(first)

    assert names(signal.send("shop")) == ["again"]


def test_a_receiver_that_was_called_is_not_called_again_when_it_reconnects(way: str) -> None:
    """Nobody hears one send twice."""
    signal, diary = a_signal(way)
    first = diary.receiver("first")

    def reconnect() -> None:
        signal.disconnect(first)
        signal.connect(first)

    signal.connect(first)
    signal.connect(diary.receiver("second", then=reconnect))

    assert names(signal.send("shop")) == ["first", "second"]


def test_other_options_during_a_send_do_not_drop_the_receiver(way: str) -> None:
    """Connecting again with other options is no disconnecting."""
    signal, diary = a_signal(way)
    other = diary.receiver("other")
    signal.connect(diary.receiver("first", then=lambda: signal.connect(other, priority=9)))
    signal.connect(other)

    assert names(signal.send("shop")) == ["first", "other"]
    assert names(signal.send("shop")) == ["other", "first"]


def test_muting_during_a_send_silences_the_rest(way: str) -> None:
    """Who has been called has been called; nobody else is, until the signal is heard again."""
    signal, diary = a_signal(way)
    block = signal.muted()
    signal.connect(diary.receiver("first", then=block.__enter__))
    signal.connect(diary.receiver("second"))

    assert names(signal.send("shop")) == ["first"]
    assert signal.send("shop") == []

    block.__exit__()

    assert signal.is_muted is False


def test_muting_and_ending_it_during_a_send_leaves_the_rest(way: str) -> None:
    """What counts is whether the signal is muted when a receiver's turn comes."""
    signal, diary = a_signal(way)

    def mute_for_a_moment() -> None:
        with signal.muted():
            pass

    signal.connect(diary.receiver("first", then=mute_for_a_moment))
    signal.connect(diary.receiver("second"))

    assert names(signal.send("shop")) == ["first", "second"]


def test_a_receiver_that_dies_during_a_send_is_left_out(way: str) -> None:
    """The dead are skipped without an error."""
    signal, diary = a_signal(way)
    dying = [diary.receiver("dying")]
    diary.kept.clear()
    signal.connect(diary.receiver("first", then=dying.clear))
    signal.connect(dying[0])
    signal.connect(diary.receiver("last"))

    assert names(signal.send("shop")) == ["first", "last"]


def test_a_sender_lives_until_its_send_ends(way: str) -> None:
    """Receivers for a sender are called even if the send is the last to refer to it."""
    signal, diary = a_signal(way)
    shops = [Shop()]
    signal.connect(diary.receiver("first", then=shops.clear), shops[0])
    signal.connect(diary.receiver("second"), shops[0])

    assert names(signal.send(shops[0])) == ["first", "second"]


def test_another_sender_may_die_during_a_send(way: str) -> None:
    """The end of connections for others changes nothing for this send."""
    signal, diary = a_signal(way)
    shops = [Shop()]
    signal.connect(diary.receiver("first", then=shops.clear))
    signal.connect(diary.receiver("second"), shops[0])
    signal.connect(diary.receiver("third"))

    assert names(signal.send("shop")) == ["first", "third"]


def test_garbage_may_be_collected_during_a_send(way: str) -> None:
    """A collection that ends connections runs in the middle of a send without harm."""
    signal, diary = a_signal(way)
    ring = Diary()
    ring.kept.append(ring.receiver)
    signal.connect(diary.receiver("first", then=gc.collect))
    signal.connect(ring.receiver("ring"))
    signal.connect(diary.receiver("last"))
    del ring

    assert names(signal.send("shop")) == ["first", "last"]


def test_sends_nest(way: str) -> None:
    """A receiver may send the same signal again; the inner send is complete before it returns."""
    signal, diary = a_signal(way)
    depth: list[int] = []

    def nesting(sender: object) -> str:
        depth.append(len(depth))
        if len(depth) < 3:
            signal.send("shop")
        return "nesting"

    signal.connect(nesting)
    signal.connect(diary.receiver("after"))

    assert names(signal.send("shop")) == ["nesting", "after"]
    assert diary.lines == ["after", "after", "after"]


@pytest.mark.parametrize("how", ["send", "send_async", "receivers_for"])
def test_who_goes_between_looking_up_and_calling_is_not_called(how: str) -> None:
    """A disconnect that is complete counts, however shortly before the call it came.

    Another thread is played by a profiler, at the moment after receivers were looked up.
    """
    signal, diary = Signal("paid"), Diary()
    first, gone = diary.receiver("first"), diary.receiver("gone")
    signal.connect(first, priority=1)  # Those are looked up in Python.
    signal.connect(gone)

    def disconnect(frame: FrameType, event: str, arg: object) -> None:
        if (event, frame.f_code.co_name) == ("return", "find"):
            sys.setprofile(None)
            signal.disconnect(gone)

    before = sys.getprofile()
    with watching():
        sys.setprofile(disconnect)
        try:
            if how == "send":
                signal.send("shop")
            elif how == "send_async":
                asyncio.run(signal.send_async("shop"))
            else:
                diary.lines += [receiver("shop") for receiver in signal.receivers_for("shop")][1:]
        finally:
            sys.setprofile(before)

    assert diary.lines == ["first"]


def test_what_an_inner_send_disconnects_is_gone_for_the_outer_one(way: str) -> None:
    """All sends under way see that a receiver went."""
    signal, diary = a_signal(way)
    inner = Signal("inner")
    gone = diary.receiver("gone")
    inner.connect(diary.receiver("inner", then=lambda: signal.disconnect(gone)))
    signal.connect(diary.receiver("outer", then=inner.send))
    signal.connect(gone)

    signal.send("shop")

    assert diary.lines == ["outer", "inner"]


async def test_changes_during_send_async_count_as_during_send() -> None:
    """Connect waits, disconnect and mute count at once, also between awaits."""
    signal, diary = Signal("paid"), Diary()
    late, gone = diary.async_receiver("late"), diary.async_receiver("gone")
    block = signal.muted()

    def change() -> None:
        signal.connect(late)
        signal.disconnect(gone)

    signal.connect(diary.async_receiver("first", then=change))
    signal.connect(gone)
    signal.connect(diary.async_receiver("last", then=block.__enter__))
    signal.connect(diary.receiver("silenced"))

    assert names(await signal.send_async("shop")) == ["first", "last"]

    block.__exit__()
    diary.lines.clear()
    await signal.send_async("shop")

    assert diary.lines == ["first", "last"]


def test_the_sends_of_one_type_of_sender_are_told_apart() -> None:
    """What is remembered for a type of sender ends when one of them gets a receiver of its own."""
    signal, diary, one, other = Signal("paid"), Diary(), Shop(), Shop()
    signal.connect(diary.receiver("any"))
    before = [names(signal.send(one)), names(signal.send(other))]
    signal.connect(diary.receiver("one"), one)

    assert before == [["any"], ["any"]]
    assert [names(signal.send(one)), names(signal.send(other))] == [["any", "one"], ["any"]]


# --- subclasses that say themselves who is called --------------------------------------


class Traced(Signal):
    """Has `receivers_for` overridden, as tracing libraries do."""

    def __init__(self, name: str, given: list[Callable[..., Any]]) -> None:
        super().__init__(name)
        self.given = given
        self._registry.override(on=True)

    def receivers_for(self, sender: Any) -> Any:
        """Give those that are connected, and then others."""
        yield from super().receivers_for(sender)
        yield from self.given


def test_an_overridden_receivers_for_says_who_is_called() -> None:
    """A send calls whom it gives, connected or not, until that is turned off."""
    diary = Diary()
    connected, given = diary.receiver("connected"), diary.receiver("given")
    signal = Traced("paid", [given])
    alone = names(signal.send("shop"))
    signal.connect(connected, "shop")
    both = names(signal.send("shop"))
    signal._registry.override(on=False)

    assert (alone, both, names(signal.send("shop"))) == (
        ["given"],
        ["connected", "given"],
        ["connected"],
    )


async def test_an_overridden_receivers_for_may_give_async_receivers() -> None:
    """Whether they are async is found out when they are given."""
    diary = Diary()
    signal = Traced("paid", [diary.async_receiver("async"), diary.receiver("plain")])

    assert names(await signal.send_async("shop")) == ["async", "plain"]


def test_an_overridden_receivers_for_may_give_async_receivers_that_are_false() -> None:
    """Whether `send` refuses a receiver does not depend on its truth value."""

    class Empty(list[object]):
        async def __call__(self, sender: object, **_: object) -> None:
            self.append(sender)

    signal = Traced("paid", [Empty()])
    with pytest.raises(AsyncReceiverError, match="Empty"):
        signal.send("shop")


def test_an_overridden_receivers_for_is_not_asked_while_muted() -> None:
    """Muted is muted."""
    diary = Diary()
    signal = Traced("paid", [diary.receiver("given")])
    with signal.muted():
        assert signal.send("shop") == []


def test_an_overridden_receivers_for_may_give_nobody() -> None:
    """None is how a weak reference says that its receiver is dead: it is left out."""
    diary = Diary()
    given = diary.receiver("given")
    signal = Traced("paid", [None, given])  # type: ignore[list-item]

    assert signal.send("shop") == [(given, "given")]


# --- one sender, again and again -----------------------------------------------------------


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("everybody", ["", "all"])
def test_a_sender_that_sends_again_and_again_is_heard_by_those_who_are_connected_now(
    everybody: str, *, several: bool
) -> None:
    """What is remembered of its last send holds for nobody else, and not after a change."""
    signal, diary, shop, kiosk = Signal("paid"), Diary(), Shop(), Shop()
    own, late = diary.receiver("own"), diary.receiver("late")
    if everybody:
        signal.connect(diary.receiver(everybody))
    signal.connect(own, shop)
    if several:
        signal.connect(diary.receiver("too"), shop)

    def heard(sender: object) -> str:
        return " ".join(value for _, value in signal.send(sender))

    here = f"{everybody} own too" if several else f"{everybody} own"
    here = here.strip()
    assert [heard(it) for it in (shop, shop, kiosk, shop, None, "shop", shop)] == [
        *[here, here, everybody, here],
        *[everybody, everybody, here],
    ]
    signal.connect(late, shop)
    assert [heard(shop), heard(shop)] == [f"{here} late"] * 2
    signal.disconnect(own, shop)
    assert heard(shop).split() == [it for it in f"{here} late".split() if it != "own"]
    with signal.muted():
        assert heard(shop) == ""
    with signal.muted(local=True):
        assert [heard(shop), heard(shop)] == [""] * 2
    with signal.connected_to(own, shop, local=True):
        assert [heard(shop), heard(shop)] == [heard(shop)] * 2
        assert heard(shop).endswith("own")


def test_a_sender_at_the_address_of_one_that_has_just_died_is_not_taken_for_it() -> None:
    """Not even before that death is dealt with."""
    signal, diary, shops = Signal("paid"), Diary(), [Shop()]
    signal.connect(diary.receiver("own"), shops[0])
    senders, address, answers = signal._registry.senders, id(shops[0]), list[object]()

    def die_and_come() -> None:
        del shops[:]
        other = Shop()
        # As if it had got that address.
        senders[id(other)] = senders.pop(address)
        answers.append(signal.send(other))
        senders[address] = senders.pop(id(other))

    under_lock(die_and_come)

    assert (answers, signal.connections) == ([[]], ())


def test_who_sends_without_a_sender_is_not_taken_for_one_that_died() -> None:
    """Nothing is left of it that could be the same as None."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("own"), shop)
    signal.connect(diary.receiver("other"), other := Shop())
    answers = [[value for _, value in signal.send(shop)] for _ in range(2)]
    del shop

    assert answers == [["own"]] * 2
    assert (signal.send(None), signal.send(), len(signal.send(other))) == ([], [], 1)
