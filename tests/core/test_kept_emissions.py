"""Emissions that somebody keeps, and those that nobody does: what they hold, and for how long."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph import Signal
from tests.core.room import no_collector
from tests.core.watching import watched_by, watching

if TYPE_CHECKING:
    from heliograph import Emission


class Item:
    """Something that is sent, and can be held weakly."""

    emission: Emission | None = None


def test_an_emission_that_is_kept_stays_what_it_was() -> None:
    """What is sent later changes nothing of it."""
    signal = Signal("paid")
    signal.connect(_first)
    with watching() as seen:
        for number in range(3):
            signal.send(number, item=number)

    assert [(it.sender, dict(it.payload), [d.value for d in it.deliveries]) for it in seen] == [
        (number, {"item": number}, [number]) for number in range(3)
    ]


def test_an_emission_that_nobody_keeps_goes_with_the_send() -> None:
    """What it held goes too: the sender, the payload and what receivers returned."""
    signal, refs = Signal("paid"), list[Any]()
    signal.connect(_first)

    def look(emission: Emission) -> None:
        refs.extend(map(ref, (emission, emission.sender, emission.payload["item"])))

    with no_collector(), watched_by(look):
        signal.send(Item(), item=Item())

    assert [it() for it in refs] == [None, None, None]


def test_nothing_that_was_sent_stays_behind_unlooked_at() -> None:
    """The same where no instrument has looked at anything."""
    signal, item, sender = Signal("paid"), Item(), Item()
    signal.connect(_first)
    with no_collector(), watched_by(_ignore):
        signal.send(sender, item=item)
        refs = [ref(item), ref(sender)]
        del item, sender
        left = [it() for it in refs]

    assert left == [None, None]


def test_an_emission_in_a_circle_is_collected() -> None:
    """What was sent may refer to the emission of which it is a part."""
    signal, item = Signal("paid"), Item()
    signal.connect(_first)

    def keep(emission: Emission) -> None:
        emission.payload["item"].emission = emission

    with watched_by(keep):
        signal.send(item=item)
    gone = ref(item)
    del item
    gc.collect()

    assert gone() is None


def test_what_dies_with_an_emission_may_send() -> None:
    """The last one who holds a part of the payload is the emission."""
    signal, heard = Signal("paid"), list[object]()

    class Last:
        def __del__(self) -> None:
            signal.send(self.__class__, item="last")

    def look(emission: Emission) -> None:
        heard.append(emission.payload["item"].__class__)

    with watched_by(look):
        signal.send(item=Last())
        signal.send(item=1)

    assert heard == [Last, str, int]


def test_deliveries_are_the_same_at_every_look() -> None:
    """Whether the send goes on, or another receiver has been called since the last look."""
    outer, inner = Signal("outer"), Signal("inner")
    looks: list[tuple[object, ...]] = []
    outer.connect(_first)

    def send_inside(sender: object, **_: object) -> None:
        inner.send()

    def look(emission: Emission) -> None:
        looks.append((emission.parent or emission).deliveries)

    outer.connect(send_inside)
    with watched_by(look):
        outer.send("shop", item=1)

    assert [len(it) for it in looks] == [1, 2]
    assert looks[0][0] is looks[1][0]


def test_a_payload_is_that_of_the_send_at_every_look() -> None:
    """It is one dict, in the order of the keywords, without what wraps async receivers."""
    signal = Signal("paid")
    signal.connect(_first)
    with watching() as seen:
        signal.send("shop", item=1, _async_wrapper=_ignore, total=2)
        signal.send("shop")

    assert [list(it.payload.items()) for it in seen] == [[("item", 1), ("total", 2)], []]
    assert [it.payload for it in seen] == [it.payload for it in seen]


def test_many_receivers_are_noted_as_few_are() -> None:
    """There is room for each of them, and of the largest send nothing is left to the next."""
    signal, after = Signal("many"), Signal("after")
    receivers = [_returning(number) for number in range(50)]
    for receiver in receivers:
        signal.connect(receiver)
    after.connect(_first)
    with watching() as seen:
        signal.send()
        after.send(item=7)

    assert [[it.value for it in each.deliveries] for each in seen] == [list(range(50)), [7]]


def _first(sender: object, item: object = None, **_: object) -> object:
    return item if isinstance(item, int) else None


def _returning(value: object) -> Any:
    return lambda sender, **_: value


def _ignore(emission: Any) -> Any:
    return emission
