"""Copies and pickles: of signals, which come out unconnected, and of what says who is meant."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, Namespace, Signal
from heliograph.core.identity import Symbol
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable


def pickled(thing: Any) -> Any:
    """Return what comes back from a pickle."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own.


COPIES = [copy.copy, copy.deepcopy, pickled]


class Paid(Signal):
    """A signal of a class of its own."""


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("kind", [Signal, Paid])
def test_a_copy_of_a_signal_is_an_unconnected_one_of_the_same_name(
    kind: type[Signal], copied: Callable[[Any], Any]
) -> None:
    """Connections are to the very signal that they were made with."""
    signal, diary = kind("paid", "When money came."), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    signal.receiver_connected.connect(diary.receiver("told"))
    made = copied(signal)

    assert (type(made), made.name, made.__doc__) == (kind, "paid", "When money came.")
    assert (made is signal, made.connections, made.send()) == (False, (), [])
    assert signal.send() == [(receiver, "r")]

    made.connect(diary.receiver("other"))

    assert signal.receivers == (receiver,)
    assert diary.lines == ["r"]


@pytest.mark.parametrize("copied", COPIES)
def test_a_signal_without_name_and_documentation_can_be_copied(
    copied: Callable[[Any], Any],
) -> None:
    """Nothing is made up for the copy."""
    made = copied(Signal())

    assert (made.name, "__doc__" in vars(made)) == (None, False)


def test_an_object_with_a_signal_can_be_copied() -> None:
    """The copy has a signal of its own, to which nobody is connected."""

    class Shop:
        def __init__(self) -> None:
            self.paid = Signal("paid")

    shop, diary = Shop(), Diary()
    shop.paid.connect(diary.receiver("r"))
    other = copy.deepcopy(shop)

    assert (other.paid is shop.paid, other.paid.send()) == (False, [])


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("symbol", [ANY, Symbol("ANYBODY")], ids=repr)
def test_a_copy_of_a_symbol_is_the_symbol(symbol: Symbol, copied: Callable[[Any], Any]) -> None:
    """`ANY` stays `ANY`, wherever it travels."""
    assert copied(symbol) is symbol


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_a_namespace_has_signals_of_its_own(copied: Callable[[Any], Any]) -> None:
    """They have the same names, and nobody is connected to them."""
    shop, diary = Namespace("shop"), Diary()
    shop.signal("paid").connect(diary.receiver("r"))
    made = copied(shop)

    assert (made.name, list(made)) == ("shop", ["paid"])
    assert (made["paid"] is shop["paid"], made["paid"].send()) == (False, [])


@pytest.mark.parametrize("copied", COPIES)
def test_a_connection_cannot_be_copied(copied: Callable[[Any], Any]) -> None:
    """It says what is connected; a second one would not be."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with pytest.raises(TypeError, match="Connection"):
        copied(signal.connections[0])


class Shelved(Signal):
    """A subclass with an argument of its own."""

    def __init__(self, shelf: int, *, label: str) -> None:
        super().__init__(f"shelf-{shelf}")
        self.shelf, self.label = shelf, label


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_subclass_has_its_attributes(copied: Callable[[Signal], Any]) -> None:
    """However its `__init__` is called."""
    signal, diary = Shelved(3, label="tea"), Diary()
    signal.connect(diary.receiver("r"))
    made = copied(signal)

    assert (type(made), made.name, made.shelf, made.label) == (Shelved, "shelf-3", 3, "tea")
    assert made.connections == ()


def test_a_subclass_that_skips_the_initialization_has_no_name() -> None:
    """It is a signal all the same."""

    class Bare(Signal):
        def __init__(self) -> None: ...

    assert (Bare().name, repr(Bare()), Bare().send()) == (None, "<Bare without a name>", [])
