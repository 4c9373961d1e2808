"""What was seen as a tree in time: what each receiver sent, and equal neighbours as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from heliograph.inspector.seen import SeenDelivery, SeenEmission

    _Key = tuple[str, int | None]

# Two rounds of several sends may be chance; three are a loop.
_LONGEST_ROUND = 4
_FEWEST_ROUNDS = 3

_ARRIVED = -1
"""The turn of what came from another process: it was sent by no receiver's call."""


@dataclass(frozen=True, slots=True)
class SeenTurn:
    """A receiver's turn in an emission.

    Attributes:
        delivery: What came of it.
        offset: When it began, in seconds since its emission did. Receivers are called one after
            the other, so it is what the earlier ones took.
        inside: What it sent, in order.
        total: Seconds in all, where several were folded into one.
        slowest: Seconds that the slowest one took.
    """

    delivery: SeenDelivery
    offset: float
    inside: tuple[SeenNode, ...]
    total: float
    slowest: float


@dataclass(frozen=True, slots=True)
class SeenNode:
    """An emission in a tree, or several equal ones that were folded.

    Attributes:
        emission: The emission; the first one if there are several.
        turns: Its receivers, in the order in which they were called.
        unfinished: What was sent inside of it by receivers that had not returned, or by tasks
            that were left running; and what arrived of it, in another process or in this one.
        count: How many emissions it stands for.
        total: Seconds that they took in all.
        slowest: Seconds that the slowest one took.
    """

    emission: SeenEmission
    turns: tuple[SeenTurn, ...]
    unfinished: tuple[SeenNode, ...]
    count: int
    total: float
    slowest: float


def arrange(emissions: Iterable[SeenEmission]) -> list[SeenNode]:
    """Arrange emissions as a tree, of one process or of several.

    Args:
        emissions: In any order.

    Returns:
        The outermost ones, those whose parent is not among *emissions*, as they began. What
        arrived of an emission has this as its parent.
    """
    known: dict[_Key, SeenEmission] = {(it.process, it.id): it for it in emissions}
    sent = {
        envelope: key for key, it in known.items() if it.origin is None for envelope in it.envelopes
    }
    inside: dict[_Key, list[SeenEmission]] = {}
    outermost = []
    for it in sorted(known.values(), key=attrgetter("id")):
        around = (it.process, it.parent) if it.origin is None else _found(it, sent)
        if around in known:
            inside.setdefault(around, []).append(it)
        else:
            outermost.append(it)
    outermost.sort(key=attrgetter("started"))
    return [_node(it, inside) for it in outermost]


def _found(arrived: SeenEmission, sent: dict[str, _Key]) -> _Key:
    """Return where something was sent that has come from another process."""
    found = (sent[it] for it in arrived.envelopes if it in sent)
    return next(found, (arrived.process, arrived.parent))


def _node(emission: SeenEmission, inside: dict[_Key, list[SeenEmission]]) -> SeenNode:
    below: dict[int, list[SeenNode]] = {}
    for it in inside.get((emission.process, emission.id), ()):
        turn = it.turn if it.origin is None else _ARRIVED
        below.setdefault(turn, []).append(_node(it, inside))
    deliveries = emission.deliveries
    begins = accumulate((it.duration for it in deliveries), initial=0.0)
    turns = (
        SeenTurn(delivery, offset, tuple(below.pop(turn, ())), *[delivery.duration] * 2)
        for turn, (delivery, offset) in enumerate(zip(deliveries, begins, strict=False))
    )
    took = emission.duration
    return SeenNode(
        emission, tuple(turns), tuple(it for nodes in below.values() for it in nodes), 1, took, took
    )


def fold(nodes: Iterable[SeenNode], *, fewest: int = 2) -> list[SeenNode]:
    """Fold neighbours that are equal but for their time, at every depth.

    They are equal if they send the same signal from the same place and with the same outcome,
    and if all that is inside of them is equal as well. What a loop sends in each of its rounds,
    up to four sends, is folded as well, each with its like.

    Args:
        nodes: The nodes, in order.
        fewest: How many of them, or rounds of a loop, are folded at least.
    """
    inner = [_folded_inside(it, fewest) for it in nodes]
    numbers: dict[Hashable, int] = {}
    shapes = [numbers.setdefault(_shape(it), len(numbers)) for it in inner]
    folded: list[SeenNode] = []
    at = 0
    while at < len(inner):
        length, rounds = _repetition(shapes, at)
        if rounds < fewest:
            length = rounds = 1
        end = at + length * rounds
        folded += (_as_one(inner[it:end:length]) for it in range(at, at + length))
        at = end
    return folded


def _repetition(shapes: Sequence[int], at: int) -> tuple[int, int]:
    """Return the length of what repeats itself from a place on, and how often it is there."""

    def rounds(length: int) -> int:
        once, end = shapes[at : at + length], at + length
        while shapes[end : end + length] == once:
            end += length
        return (end - at) // length

    # The shortest comes first: of those that explain as much, it is the simplest.
    found = [(length, rounds(length)) for length in range(1, _LONGEST_ROUND + 1)]
    loops = [it for it in found if it[0] == 1 or it[1] >= _FEWEST_ROUNDS]
    return max(loops, key=lambda it: it[0] * it[1])


def _folded_inside(node: SeenNode, fewest: int) -> SeenNode:
    turns = (replace(it, inside=tuple(fold(it.inside, fewest=fewest))) for it in node.turns)
    unfinished = tuple(fold(node.unfinished, fewest=fewest))
    return replace(node, turns=tuple(turns), unfinished=unfinished)


def _shape(node: SeenNode) -> Hashable:
    it = node.emission
    return (
        (it.process, it.request, it.namespace, it.signal, it.sender, it.location, it.crossing),
        (it.muted, it.unheard, it.problem, it.under_way, it.errors, *it.payload.items()),
        tuple(
            (turn.delivery.receiver, turn.delivery.error, tuple(map(_inner, turn.inside)))
            for turn in node.turns
        ),
        tuple(map(_inner, node.unfinished)),
    )


def _inner(node: SeenNode) -> Hashable:
    return _shape(node), node.count


def _as_one(equal: Sequence[SeenNode]) -> SeenNode:
    first, *more = equal
    if not more:
        return first
    return SeenNode(
        first.emission,
        tuple(map(_turns_as_one, zip(*(it.turns for it in equal), strict=True))),
        tuple(map(_as_one, zip(*(it.unfinished for it in equal), strict=True))),
        sum(it.count for it in equal),
        sum(it.total for it in equal),
        max(it.slowest for it in equal),
    )


def _turns_as_one(turns: Sequence[SeenTurn]) -> SeenTurn:
    inside = zip(*(it.inside for it in turns), strict=True)
    total = sum(it.total for it in turns)
    slowest = max(it.slowest for it in turns)
    return replace(turns[0], inside=tuple(map(_as_one, inside)), total=total, slowest=slowest)
