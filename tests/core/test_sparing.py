"""Sends that spare receivers arguments: nothing else about them is different."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Namespace, Signal, add_instrument, remove_instrument

if TYPE_CHECKING:
    from heliograph import Emission


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check no sends, as that has a path of its own."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")


@pytest.fixture
def paid() -> Signal:
    """Return a signal whose receivers are spared a note and a tip."""

    @Namespace("shop").declare(offered={"tip"})
    def paid(sender: str, *, order: int, tip: int, note: str = "") -> None: ...

    return paid


class Till:
    """Receivers that take different parts of the payload."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def order(self, sender: object, *, order: int) -> str:
        """Take the order alone."""
        self.heard.append((sender, order))
        return "order"

    def tip(self, sender: object, *, tip: int, order: int) -> str:
        """Take all but the note."""
        self.heard.append((sender, order, tip))
        return "tip"

    def everything(self, sender: object, **payload: object) -> str:
        """Take everything."""
        self.heard.append((sender, payload))
        return "everything"


WHOLE = {"order": 7, "tip": 1, "note": "x"}


def test_each_receiver_gets_what_it_takes_in_its_turn(paid: Signal) -> None:
    """Whatever a send leaves out, and with a wrapper among the keywords too."""
    till = Till()
    for receiver in (till.order, till.everything, till.tip):
        paid.connect(receiver)

    for _ in range(3):  # From the second send on, what is left out is known.
        sent = paid.send("shop", **WHOLE)
        paid.send("kiosk", order=8, tip=2)
        paid.send("stand", note="y", _async_wrapper=print, order=9, tip=3)

    assert [value for _, value in sent] == ["order", "everything", "tip"]
    assert till.heard == 3 * [
        ("shop", 7),
        ("shop", WHOLE),
        ("shop", 7, 1),
        ("kiosk", 8),
        ("kiosk", {"order": 8, "tip": 2}),
        ("kiosk", 8, 2),
        ("stand", 9),
        ("stand", {"note": "y", "order": 9, "tip": 3}),
        ("stand", 9, 3),
    ]


def test_a_receiver_may_be_spared_all_arguments() -> None:
    """Then it gets the sender alone, as always if nothing is sent."""

    @Namespace().declare
    def paid(sender: str, *, order: int = 0) -> None: ...

    heard: list[Any] = []
    signal: Any = paid  # Type checkers ask for **extra.
    signal.connect(heard.append, weak=False)

    def note(sender: str) -> None:
        heard.append([sender])

    signal.connect(note)
    paid.send("shop")
    paid.send("kiosk", order=1)

    assert heard[1::2] == [["shop"], ["kiosk"]]


def test_an_argument_that_is_not_declared_is_not_left_out(paid: Signal) -> None:
    """In production a misspelt one gets as far as the receivers, which then fail."""
    till = Till()
    paid.connect(till.order)
    paid.connect(till.everything)

    with pytest.raises(TypeError, match="'nte'"):
        paid.send("shop", order=1, tip=2, nte="x")

    assert till.heard == [("shop", {"order": 1, "tip": 2, "nte": "x"})]


@pytest.mark.parametrize("extra", [0, 30])
def test_an_error_is_raised_when_all_were_called(paid: Signal, extra: int) -> None:
    """With a note, and the rest of the send spares as well; also of a long payload."""
    till = Till()
    more = {f"a{number}": number for number in range(extra)}

    def failing(sender: str, *, order: int, **_: object) -> None:
        raise LookupError(order)

    def older(sender: str, *, order: int, tip: int) -> None:
        till.heard.append(order)

    taking: Any = older if not more else till.everything
    for receiver in (taking, failing, taking and till.everything):
        paid.connect(receiver)

    with pytest.raises(LookupError) as caught:
        paid.send("shop", order=1, tip=2, **more)

    assert "delivered to" in caught.value.__notes__[0]
    assert till.heard[-1] == ("shop", {"order": 1, "tip": 2, **more})


def test_a_long_payload_is_spared_as_well() -> None:
    """One that C keeps no room for."""
    names = [f"a{number}" for number in range(40)]
    made: dict[str, Any] = {}
    exec(f"def paid(sender, *, {', '.join(f'{it}=0' for it in names)}): ...", made)  # noqa: S102 - the text above.
    paid = Namespace().declare(made["paid"])
    heard: list[object] = []

    def older(sender: object, *, a3: int = 0, a39: int = 0) -> None:
        heard.append((a3, a39))

    paid.connect(older)
    payload = {name: number for number, name in enumerate(names)}
    for _ in range(2):
        paid.send("shop", **payload)

    assert heard == [(3, 39)] * 2


def test_who_disconnects_meanwhile_is_not_called(paid: Signal) -> None:
    """The rest of the send goes on, and spares."""
    till = Till()

    def ending(sender: str, *, order: int) -> None:
        paid.disconnect(till.everything)

    for receiver in (ending, till.everything, till.tip):
        paid.connect(receiver)

    paid.send("shop", **WHOLE)

    assert till.heard == [("shop", 7, 1)]


def test_instruments_see_the_whole_payload(paid: Signal) -> None:
    """With a delivery to each receiver."""
    till, seen = Till(), list[Any]()

    def note(emission: Emission) -> None:
        seen.append((dict(emission.payload), [it.value for it in emission.deliveries]))

    paid.connect(till.order)
    paid.connect(till.everything)
    paid.send("shop", **WHOLE)  # Unwatched, so that there is a snapshot to be used.
    add_instrument(note)
    paid.send("shop", **WHOLE)
    remove_instrument(note)

    assert seen == [(WHOLE, ["order", "everything"])]
    assert till.heard == [("shop", 7), ("shop", WHOLE)] * 2


def test_what_leaves_a_send_at_once_does_so(paid: Signal) -> None:
    """Nobody else is called."""
    till = Till()

    def exhausted(sender: str, *, order: int) -> None:
        raise MemoryError

    paid.connect(exhausted)
    paid.connect(till.everything)

    with pytest.raises(MemoryError):
        paid.send("shop", **WHOLE)

    assert till.heard == []


def test_a_signal_may_be_sent_by_a_signal_that_spares(paid: Signal) -> None:
    """A receiver need not be a function, and the depth of the calls is counted."""

    @Namespace().declare
    def booked(sender: str, *, order: int, note: str = "") -> None: ...

    heard: list[object] = []

    def book(sender: str, *, order: int) -> None:
        heard.append(order)

    plain: Any = booked  # As above.
    plain.connect(book)
    paid.connect(
        partial(lambda send, sender, order: send(sender, order=order), booked.send), weak=False
    )
    paid.send("shop", **WHOLE)
    assert heard == [7]

    again = partial(lambda send, sender, order, tip: send(sender, order=order, tip=tip), paid.send)
    paid.connect(again, weak=False)
    with pytest.raises(RecursionError):
        paid.send("shop", **WHOLE)


class Name(str):
    """A name that fails when it is looked for."""

    __slots__ = ()

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)


def test_names_may_be_of_a_subclass_of_str(paid: Signal) -> None:
    """They are compared, not taken for others."""
    till = Till()
    paid.connect(till.order)

    payload: dict[Any, Any] = {Name("order"): 1, Name("tip"): 2, Name("note"): "x"}
    paid.send("shop", **payload)

    assert till.heard == [("shop", 1)]


@pytest.mark.parametrize("error", [LookupError, RecursionError])
def test_the_error_of_the_only_receiver_is_raised_as_it_is(
    paid: Signal, error: type[Exception]
) -> None:
    """Nobody is called after it."""

    def fail(sender: object, *, order: int) -> None:
        raise error(order)

    paid.connect(fail)
    for _ in range(2):  # The first one asks whether sends are checked.
        with pytest.raises(error, match="7"):
            paid.send("shop", **WHOLE)


def test_those_after_one_that_fails_get_what_they_take(paid: Signal) -> None:
    """As in any send: the error is raised in the end."""
    till = Till()

    def fail(sender: object, *, order: int) -> None:
        raise LookupError(order)

    paid.connect(fail)
    paid.connect(till.order)
    for _ in range(2):  # The first one asks whether sends are checked.
        with pytest.raises(LookupError, match="7"):
            paid.send("shop", **WHOLE)

    assert till.heard == [("shop", 7)] * 2
