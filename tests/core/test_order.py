"""One order of receivers: by priority, then by age, over `ANY` and single senders."""

from __future__ import annotations

import pytest

from heliograph import ANY, Signal
from tests.core.diary import Diary


def test_receivers_are_called_in_the_order_in_which_they_were_connected() -> None:
    """The order is that of connecting, however many there are."""
    signal, diary = Signal("paid"), Diary()
    names = [str(number) for number in range(50)]
    for name in names:
        signal.connect(diary.receiver(name))
    signal.send()

    assert diary.lines == names


def test_any_and_single_senders_share_one_order() -> None:
    """Whether a receiver hears everybody or one sender has no part in its place."""
    signal, diary, shop = Signal("paid"), Diary(), Diary()
    for name, sender in (("1", shop), ("2", ANY), ("3", shop), ("4", "kiosk"), ("5", ANY)):
        signal.connect(diary.receiver(name), sender)
    signal.send(shop)

    assert diary.lines == ["1", "2", "3", "5"]


def test_a_higher_priority_is_called_earlier() -> None:
    """Priority comes before age; the default is 0, and negative ones come last."""
    signal, diary = Signal("paid"), Diary()
    for name, priority, sender in (
        ("last", -1, ANY),
        ("first default", 0, "shop"),
        ("high", 10, ANY),
        ("highest", 10**30, "shop"),
        ("second default", 0, ANY),
        ("also high", 10, "shop"),
        ("lowest", -(10**30), ANY),
        ("just above default", True, "shop"),
    ):
        signal.connect(diary.receiver(name), sender, priority=priority)
    signal.send("shop")

    assert diary.lines == [
        "highest",
        "high",
        "also high",
        "just above default",
        "first default",
        "second default",
        "last",
        "lowest",
    ]


@pytest.mark.parametrize(
    ("senders", "expected"),
    [((ANY, "shop"), ["r", "other"]), (("shop", ANY), ["r", "other"])],
)
def test_a_receiver_for_any_and_for_a_sender_is_called_once_at_its_earlier_place(
    senders: tuple[object, object], expected: list[str]
) -> None:
    """One receiver is called once per send, where the first of its connections stands."""
    signal, diary = Signal("paid"), Diary()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    signal.connect(receiver, senders[0])
    signal.connect(other)
    signal.connect(receiver, senders[1])
    signal.send("shop")

    assert diary.lines == expected


def test_the_place_of_a_receiver_may_be_that_of_its_priority_for_one_sender() -> None:
    """The earlier place is the one with the higher priority, and its options count."""
    signal, diary = Signal("paid"), Diary()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    signal.connect(other)
    signal.connect(receiver)
    signal.connect(receiver, "shop", priority=1)
    signal.send("shop")
    signal.send("kiosk")

    assert diary.lines == ["r", "other", "other", "r"]


def test_a_receiver_that_is_connected_again_goes_to_the_end() -> None:
    """Disconnecting gives up the place."""
    signal, diary = Signal("paid"), Diary()
    first, second = diary.receiver("first"), diary.receiver("second")
    signal.connect(first)
    signal.connect(second)
    signal.disconnect(first)
    signal.connect(first)
    signal.send()

    assert diary.lines == ["second", "first"]


def test_another_priority_moves_a_connected_receiver() -> None:
    """Connecting again with another priority keeps the age alone."""
    signal, diary = Signal("paid"), Diary()
    first, second, third = (diary.receiver(name) for name in ("first", "second", "third"))
    for receiver in (first, second, third):
        signal.connect(receiver)
    signal.connect(third, priority=1)
    signal.send()
    signal.connect(first, priority=1)
    signal.send()

    assert diary.lines == ["third", "first", "second", "first", "third", "second"]


async def test_sync_and_async_receivers_keep_one_order() -> None:
    """`send_async` calls and awaits in the order of connecting."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("1"))
    signal.connect(diary.receiver("2"), "shop")
    signal.connect(diary.async_receiver("3"), "shop")
    signal.connect(diary.receiver("4"))
    await signal.send_async("shop")

    assert diary.lines == ["1", "2", "3", "4"]


def test_temporary_receivers_stand_in_the_same_order() -> None:
    """A temporary connection has the place of its age and priority, as a lasting one."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("1"))
    with (
        signal.connected_to(diary.receiver("2")),
        signal.connected_to(diary.receiver("0"), priority=1),
    ):
        signal.connect(diary.receiver("3"))
        signal.send()

    assert diary.lines == ["0", "1", "2", "3"]


def test_the_queries_keep_the_order_of_sending() -> None:
    """`receivers_for`, `receivers` and `connections` list by priority and age."""
    signal, diary = Signal("paid"), Diary()
    a, b, c, d = (diary.receiver(name) for name in "abcd")
    signal.connect(a)
    signal.connect(b, "shop")
    signal.connect(c, priority=1)
    signal.connect(d, "kiosk", priority=2)

    assert list(signal.receivers_for("shop")) == [c, a, b]
    assert signal.receivers == (d, c, a, b)
    assert [connection.receiver for connection in signal.connections] == [d, c, a, b]
