"""`receiver_connected` and `receiver_disconnected`: signals about the receivers of a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph import ANY, AsyncReceiverError, Signal
from tests.core.diary import Diary

if TYPE_CHECKING:
    from heliograph import Connection


class Shop:
    """An ordinary object."""


class Tellings:
    """Notes what is told of a signal, in order."""

    def __init__(self, signal: Signal) -> None:
        self.lines: list[tuple[str, Signal, Connection, bool]] = []
        signal.receiver_connected.connect(self.connected)
        signal.receiver_disconnected.connect(self.disconnected)

    def connected(self, sender: Signal, *, connection: Connection) -> None:
        """Note a connection, and whether it is there."""
        self.lines.append(("connected", sender, connection, connection.connected))

    def disconnected(self, sender: Signal, *, connection: Connection) -> None:
        """Note a connection, and whether it is there."""
        self.lines.append(("disconnected", sender, connection, connection.connected))


def test_the_meta_signals_tell_of_each_connection_after_the_fact() -> None:
    """The sender is the signal; the connection is there when it is told of, or gone."""
    signal, diary = Signal("paid"), Diary()
    tellings = Tellings(signal)
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    [connection] = signal.connections
    signal.disconnect(receiver, "shop")

    assert tellings.lines == [
        ("connected", signal, connection, True),
        ("disconnected", signal, connection, False),
    ]


def test_a_receiver_that_is_written_for_blinkers_meta_signals_is_explained() -> None:
    """What is told under three names there are attributes of the connection here."""
    signal, diary = Signal("paid"), Diary()

    def note(it: Signal, receiver: object, sender: object, weak: bool) -> None:
        """Take what Blinker sends."""

    signal.receiver_connected.connect(note)
    with pytest.raises(TypeError) as caught:
        signal.connect(diary.receiver("r"))

    assert caught.value.__notes__[1:] == [
        "The receiver, the sender and weak are attributes of the 'connection' here.",
        "It does not take 'connection': add **extra to its parameters.",
    ]


def test_each_connection_that_ends_is_told_of() -> None:
    """A disconnect from all senders ends several connections."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for sender in (ANY, "a", "b"):
        signal.connect(receiver, sender)
    connections = signal.connections
    tellings = Tellings(signal)
    signal.disconnect(receiver)

    assert [(line[0], line[2]) for line in tellings.lines] == [
        ("disconnected", connection) for connection in connections
    ]


def test_what_changes_nothing_is_not_told_of() -> None:
    """Connecting again, with other options too, and disconnecting a stranger are no news."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    tellings = Tellings(signal)
    signal.connect(receiver)
    signal.connect(receiver, priority=2)
    signal.disconnect(receiver, "shop")
    signal.disconnect(diary.receiver("stranger"))

    assert tellings.lines == []


def test_temporary_connections_are_told_of() -> None:
    """Entering and leaving a block connects and disconnects."""
    signal, diary = Signal("paid"), Diary()
    tellings = Tellings(signal)
    with signal.connected_to(diary.receiver("r"), "shop"):
        [connection] = signal.connections

    assert tellings.lines == [
        ("connected", signal, connection, True),
        ("disconnected", signal, connection, False),
    ]


def test_death_is_not_told_of() -> None:
    """`receiver_disconnected` is for what ends on purpose."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("r"))
    signal.connect(signal.connect, shop)
    tellings = Tellings(signal)
    diary.kept.clear()
    del shop

    assert (tellings.lines, signal.connections) == ([], ())


@pytest.mark.parametrize("error", [ValueError("refused"), TypeError(), KeyboardInterrupt()])
def test_a_receiver_of_receiver_connected_that_raises_undoes_the_connection(
    error: BaseException,
) -> None:
    """`connect` raises the error, and nothing has changed."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "before")
    before = signal.connections
    refusal = diary.receiver("refusal", error=error)
    signal.receiver_connected.connect(refusal)
    with pytest.raises(type(error)) as caught:
        signal.connect(receiver)

    assert caught.value is error
    assert signal.connections == before


def test_an_async_receiver_of_a_meta_signal_undoes_the_connection() -> None:
    """Connecting is no place to await: the error says so."""
    signal, diary = Signal("paid"), Diary()
    asynchronous = diary.async_receiver("async")
    signal.receiver_connected.connect(asynchronous)
    with pytest.raises(AsyncReceiverError, match="signal 'receiver_connected of paid'"):
        signal.connect(diary.receiver("r"))

    assert signal.connections == ()


def test_a_receiver_of_receiver_disconnected_that_raises_undoes_nothing() -> None:
    """What was ended stays ended."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    refusal = diary.receiver("refusal", error=ValueError("refused"))
    signal.receiver_disconnected.connect(refusal)
    with pytest.raises(ValueError, match="refused"):
        signal.disconnect(receiver)

    assert signal.connections == ()


def test_meta_signals_are_made_when_they_are_asked_for() -> None:
    """A signal of which nobody wants to know has none, and asking twice gives the same one."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    before = sorted(set(vars(signal)) & {"receiver_connected", "receiver_disconnected"})

    assert before == []
    assert signal.receiver_connected is signal.receiver_connected
    assert signal.receiver_connected.name == "receiver_connected of paid"
    assert signal.receiver_disconnected.name == "receiver_disconnected of paid"


def test_a_meta_signal_has_meta_signals() -> None:
    """They are signals like others."""
    signal, diary = Signal("paid"), Diary()
    tellings = Tellings(signal.receiver_connected)
    receiver = diary.receiver("r")
    signal.receiver_connected.connect(receiver)
    connection = signal.receiver_connected.connections[-1]

    assert tellings.lines == [("connected", signal.receiver_connected, connection, True)]
