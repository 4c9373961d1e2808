"""What Blinker's names hold shows itself as all of Heliograph's: short, and without failing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.blinker import NamedSignal, Namespace, Signal
from heliograph.blinker.tables import Buckets, Receivers

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "x" * 3000


class Unshowable:
    """A name, a sender and a receiver that fails when it is looked at."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""


def odd() -> Iterator[object]:
    """Give what a user can hold, in states that are odd."""
    thing: Any = Unshowable()
    shop, crowded = Namespace(), Namespace()
    yield from (shop.signal(thing), shop, shop.signal(LONG), shop.signal("a\nb"))
    for number in range(1000):
        crowded.signal(f"signal-{number}")
    yield crowded
    signal = Signal(LONG)
    signal.connect(thing, weak=False)
    yield from (signal, signal.receivers, signal._by_sender, signal._by_receiver)
    for number in range(100):
        signal.connect(Unshowable(), str(number), weak=False)
    yield from (signal.receivers, signal._by_sender, signal._by_receiver)
    kinds: list[Any] = [Signal, NamedSignal, Namespace, Receivers, Buckets]
    yield from (kind.__new__(kind) for kind in kinds)


def test_whatever_blinkers_names_hold_shows_itself_on_one_short_line() -> None:
    """A debugger shows every variable, those too that are half made, crowded or unwell."""
    texts = [repr(it) for it in odd()]

    assert [text for text in texts if len(text) > 200 or len(text.splitlines()) != 1] == []


def test_what_is_short_shows_itself_as_in_blinker() -> None:
    """Only what is too long to be looked at is shortened."""
    shop = Namespace()
    paid = shop.signal("paid")
    plain = object.__repr__(paid)
    paid.connect(print, "kiosk", weak=False)

    assert repr(paid) == f"{plain[:-1]}; 'paid'>"
    assert (repr(shop), repr(paid.receivers)) == (repr({"paid": paid}), repr(dict(paid.receivers)))
    assert repr(paid._by_sender) == repr(dict(paid._by_sender))


def test_a_class_of_ones_own_adds_to_what_a_signal_shows() -> None:
    """It calls the ``__repr__`` that it inherits, as it does on Blinker."""

    class Counted(NamedSignal):
        def __repr__(self) -> str:
            return f"{super().__repr__()[:-1]}, counted>"

    counted = Counted("paid")

    assert repr(counted) == f"{object.__repr__(counted)[:-1]}; 'paid', counted>"
