"""Who is who: what was found wrong in Blinker is right."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.local import LocalProxy

from tests.blinker.receivers import Thing, heard, q, r

if TYPE_CHECKING:
    import heliograph


class Slot:
    """Cannot be referred to weakly."""

    __slots__ = ()


class Zero(IntEnum):
    """Has a member that equals 0."""

    X = 0


class A(IntEnum):
    """Has a member that equals 1."""

    X = 1


class B(IntEnum):
    """Has one as well."""

    ONE = 1


class Odd(str):
    """A string without a hash."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("zero", [0, False, Zero.X, "", 0.0])
def test_no_value_is_taken_for_any(signal: heliograph.Signal, zero: Any) -> None:
    """Zero is a sender like one, in connecting, disconnecting and asking."""
    signal.connect(r, sender=zero)

    assert heard(signal, zero) == ["r"]
    assert heard(signal, "x") == heard(signal, None) == []
    assert not signal.has_receivers_for("x")

    signal.connect(r, "a")
    signal.disconnect(r, sender=zero)

    assert (heard(signal, zero), heard(signal, "a")) == ([], ["r"])


@pytest.mark.parametrize("kind", [Slot, list, dict, object, lambda: (object(),)])
def test_no_sender_is_taken_for_one_that_had_its_id(signal: heliograph.Signal, kind: Any) -> None:
    """A sender that cannot be held weakly keeps its id as long as it is connected."""
    wrong = []
    for _ in range(50):
        sender = kind()
        signal.connect(r, sender=sender)
        del sender
        wrong += heard(signal, kind())

    assert wrong == []


def test_no_sender_that_can_die_is_taken_for_another(signal: heliograph.Signal) -> None:
    """Its connection is gone before its id can come again."""
    wrong = []
    for _ in range(50):
        sender = Thing()
        signal.connect(r, sender=sender)
        del sender
        wrong += heard(signal, Thing())

    assert (wrong, signal.connections) == ([], ())


def test_a_number_is_not_the_object_whose_id_it_is(signal: heliograph.Signal) -> None:
    """Senders are looked up by kind."""
    thing = Thing()
    signal.connect(r, sender=thing)
    signal.connect(q, sender=id(r))

    assert heard(signal, id(thing)) == []
    assert heard(signal, r) == []


def test_a_receiver_is_not_disconnected_by_its_id(signal: heliograph.Signal) -> None:
    """Only the receiver itself is the receiver."""
    signal.connect(r)
    number: Any = id(r)
    signal.disconnect(number)

    assert heard(signal, "a") == ["r"]


@pytest.mark.parametrize(("connected", "sent"), [(A.X, B.ONE), (1, True), (True, 1), (1, A.X)])
def test_equal_numbers_of_other_types_are_other_senders(
    signal: heliograph.Signal, connected: int, sent: int
) -> None:
    """An enum's member is not another enum's, and one is not true."""
    signal.connect(r, sender=connected)

    assert (heard(signal, sent), heard(signal, connected)) == ([], ["r"])


def test_a_string_needs_no_hash_of_its_own(signal: heliograph.Signal) -> None:
    """Strings are compared by value, whatever their class does."""
    signal.connect(r, sender=Odd("a"))

    assert heard(signal, "a") == heard(signal, Odd("a")) == ["r"]


def test_a_proxy_is_what_it_stands_for(signal: heliograph.Signal) -> None:
    """In connecting, sending, asking and disconnecting."""
    app = Thing()
    current_app: Any = LocalProxy(lambda: app)
    signal.connect(r, current_app)

    assert heard(signal, app) == heard(signal, current_app) == ["r"]
    assert signal.has_receivers_for(app)
    assert signal.has_receivers_for(current_app)
    assert [c.sender for c in signal.connections] == [app]

    signal.disconnect(r, current_app)

    assert heard(signal, app) == []
