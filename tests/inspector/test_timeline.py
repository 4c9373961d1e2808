"""What was seen as a tree, and equal neighbours as one."""

from __future__ import annotations

from dataclasses import replace

from heliograph.inspector.seen import SeenDelivery, SeenEmission
from heliograph.inspector.timeline import SeenNode, SeenTurn, arrange, fold


def delivery(receiver: str, duration: float, error: str | None = None) -> SeenDelivery:
    """Make a delivery."""
    return SeenDelivery(receiver, None, None, duration, error, None, False, False)


def sent(
    number: int,
    signal: str,
    *deliveries: SeenDelivery,
    parent: int | None = None,
    turn: int = 0,
    duration: float = 1.0,
    process: str = "1-a",
) -> SeenEmission:
    """Make an emission that began at the second of its number."""
    return SeenEmission(
        process=process,
        id=number,
        parent=parent,
        turn=turn,
        signal=signal,
        namespace=None,
        sender="a Shop",
        payload={},
        started=float(number),
        duration=duration,
        thread="MainThread",
        task=None,
        location=None,
        request=None,
        muted=False,
        unheard=None,
        problem=None,
        deliveries=deliveries,
    )


def node(
    emission: SeenEmission, *turns: SeenTurn, unfinished: tuple[SeenNode, ...] = ()
) -> SeenNode:
    """Make a node for one emission."""
    return SeenNode(emission, turns, unfinished, 1, emission.duration, emission.duration)


def test_what_a_receiver_sent_stands_inside_of_its_turn() -> None:
    """Turns begin one after the other, and what was sent comes in the order in which it began."""
    first, second = delivery("pack", 0.25), delivery("mail", 0.5)
    outer = sent(0, "paid", first, second)
    packed, mailed = sent(2, "packed", parent=0, turn=1), sent(1, "mailed", parent=0, turn=1)
    late = sent(3, "late", parent=0, turn=2)

    assert arrange([late, packed, mailed, outer]) == [
        node(
            outer,
            SeenTurn(first, 0.0, (), 0.25, 0.25),
            SeenTurn(second, 0.25, (node(mailed), node(packed)), 0.5, 0.5),
            unfinished=(node(late),),
        )
    ]


def test_an_emission_whose_parent_is_not_there_is_outermost() -> None:
    """The parent may have been given up, or be of another process."""
    orphan, stranger = sent(5, "packed", parent=4), sent(4, "paid", process="2-a")

    assert arrange([orphan, stranger]) == [node(stranger), node(orphan)]


def test_equal_neighbours_fold() -> None:
    """With their number, their sum and the slowest; what is inside of them folds as well."""
    paid = [sent(at, "paid", delivery("pack", 0.5), duration=1.0 + at) for at in (0, 10, 20)]
    inner = [sent(at + 1 + i, "packed", parent=at) for at in (0, 10, 20) for i in (0, 1)]

    [found] = fold(arrange([*paid, *inner]))

    assert (found.emission, found.count, found.total, found.slowest) == (paid[0], 3, 33.0, 21.0)
    [turn] = found.turns
    assert turn.total == 1.5
    [inside] = turn.inside
    assert (inside.emission, inside.count, inside.total) == (inner[0], 6, 6.0)


def test_what_is_not_equal_does_not_fold() -> None:
    """Another outcome, another receiver, other children, or something in between."""
    given = [
        sent(0, "paid", delivery("pack", 0.5)),
        sent(1, "paid", delivery("pack", 0.5, "ValueError: no")),
        sent(2, "paid", delivery("mail", 0.5)),
        sent(3, "packed"),
        sent(4, "paid", delivery("mail", 0.5)),
        sent(5, "packed", parent=4),
    ]
    nodes = arrange(given)

    assert fold(nodes) == nodes


def test_unfinished_ones_fold_with_their_parents() -> None:
    """They are equal as well."""
    given = [sent(0, "paid"), sent(1, "late", parent=0, turn=3)]
    again = [replace(given[0], id=2), replace(given[1], id=3, parent=2)]

    [found] = fold(arrange([*given, *again]))

    assert [(it.emission, it.count) for it in found.unfinished] == [(given[1], 2)]


def test_what_a_loop_sends_in_each_round_is_folded() -> None:
    """Three rounds are a loop, and two may be chance; the fewest can be said."""
    rounds = [node(sent(at, name)) for at, name in enumerate(["a", "b"] * 3)]
    equal = [node(sent(at, "a")) for at in range(2)]

    assert [(it.emission.signal, it.count) for it in fold(rounds)] == [("a", 3), ("b", 3)]
    assert [it.count for it in fold(rounds[:4])] == [1, 1, 1, 1]
    assert [it.count for it in fold(equal)] == [2]
    assert [it.count for it in fold(equal, fewest=3)] == [1, 1]


def test_what_arrived_stands_below_where_it_was_sent() -> None:
    """In whichever process; what was sent elsewhere, by nobody who is seen, stands by itself."""
    there = {"origin": "shop@web:1:a", "process": "2-b"}
    paid = replace(sent(3, "paid"), envelopes=("one", "two"))
    arrived = replace(sent(0, "paid"), envelopes=("two",), **there)  # type: ignore[arg-type]  # Both are texts.
    mailed = sent(1, "mailed", parent=0, process="2-b")
    other = replace(sent(2, "paid"), envelopes=("three",), **there)  # type: ignore[arg-type]  # As above.

    below = node(arrived, unfinished=(node(mailed),))
    assert arrange([mailed, arrived, other, paid]) == [
        node(other),
        node(paid, unfinished=(below,)),
    ]
