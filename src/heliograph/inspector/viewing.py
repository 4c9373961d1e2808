"""Says what of a part of a program's life is shown, and makes its tree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heliograph.describe import describe_duration
from heliograph.inspector.selecting import matches_any
from heliograph.inspector.timeline import arrange, fold
from heliograph.inspector.trees import Branch, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph.inspector.parts import Part
    from heliograph.inspector.seen import SeenDelivery, SeenEmission
    from heliograph.inspector.timeline import SeenNode, SeenTurn

    Line = tuple[Piece, ...]

SLOW = 0.1
"""Seconds from which on a receiver stands out, unless something else is said."""

_NOBODY = "no receivers"
# Two or three lines are read faster than "× 2".
_FEWEST_TO_FOLD = 3


@dataclass(frozen=True)
class View:
    """What of a trace is shown.

    Attributes:
        slow: Seconds from which on a receiver stands out.
        unheard: Whether sends that nobody hears are shown where they were sent.
        signals: Patterns of the names of signals; any of them has to match.
        receivers: Patterns of the names of receivers.
        only_slow: Whether to show slow deliveries alone, or failed ones too if both are asked for.
        only_failed: Whether to show failed deliveries alone.
    """

    slow: float = SLOW
    unheard: bool = False
    signals: Sequence[str] = ()
    receivers: Sequence[str] = ()
    only_slow: bool = False
    only_failed: bool = False

    @property
    def chooses(self) -> bool:
        """Whether anything is left out."""
        return bool(self.signals) or self.chooses_receivers

    @property
    def chooses_receivers(self) -> bool:
        """Whether some receivers are left out."""
        return bool(self.receivers) or self.only_slow or self.only_failed

    def shows_signal(self, it: SeenEmission) -> bool:
        """Tell whether a signal is one of those to show."""
        names = it.signal, f"{it.namespace or ''}.{it.signal}"
        return not self.signals or matches_any(self.signals, *names)

    def shows_receiver(self, it: SeenDelivery) -> bool:
        """Tell whether a receiver is one of those to show."""
        if self.receivers and not matches_any(self.receivers, it.receiver):
            return False
        if not (self.only_slow or self.only_failed):
            return True
        slow = self.only_slow and it.duration >= self.slow
        return slow or (self.only_failed and it.error is not None)


def failures_of(part: Part, slow: float | None = None) -> list[str]:
    """Return what has failed in a part, or has taken *slow* seconds or longer, a sentence each."""
    found = [f"{part.title}: {part.outcome}."] if part.failed else []
    for emission in part.emissions:
        for it in emission.deliveries:
            if it.error is not None:
                place = f" ({it.error_location})" if it.error_location else ""
                found.append(f"{part.title}: {it.receiver} raised {it.error}{place}.")
            if slow is not None and it.duration >= slow:
                took = describe_duration(it.duration)
                found.append(f"{part.title}: {it.receiver} took {took}.")
    return found


# --- what is left out ------------------------------------------------------------------


def tree_of(part: Part, view: View) -> Branch:
    """Return the tree of a part."""
    return _Drawing(part, view).tree()


class _Drawing:
    """The tree of one part while it is made."""

    def __init__(self, part: Part, view: View) -> None:
        self._part = part
        self._view = view
        self._unheard: Counter[str] = Counter()
        # What has been told already: frameworks send the same error three times.
        self._told: set[str | None] = {part.location} if part.location else set()

    def tree(self) -> Branch:
        nodes = list(self._chosen(arrange(self._part.emissions), inherited=False))
        thread = nodes[0].emission.thread if nodes else ""
        below = [self._emission(it, thread) for it in fold(nodes, fewest=_FEWEST_TO_FOLD)]
        if self._unheard and not self._view.chooses_receivers:
            below.append(Branch((tuple(self._nobody()),)))
        if self._part.lost:
            lost = f"{self._part.lost:,} sends are not shown, as there was no room to keep them"
            below.append(Branch(((Piece(lost, "warn"),),)))
        return Branch((tuple(self._title()),), tuple(below))

    def _chosen(self, nodes: Iterable[SeenNode], *, inherited: bool) -> Iterator[SeenNode]:
        """Yield what is shown of nodes; count what nobody hears."""
        view = self._view
        for node in nodes:
            own = inherited or view.shows_signal(node.emission)
            if own and self._is_left_out(node.emission):
                self._unheard[node.emission.signal] += 1
                continue
            self._told |= _places(node.emission)
            turns = tuple(self._chosen_turns(node, own=own))
            unfinished = tuple(self._chosen(node.unfinished, inherited=own))
            if turns or unfinished or (own and not view.chooses_receivers):
                yield replace(node, turns=turns, unfinished=unfinished)

    def _chosen_turns(self, node: SeenNode, *, own: bool) -> Iterator[SeenTurn]:
        for turn in node.turns:
            inside = tuple(self._chosen(turn.inside, inherited=own))
            if inside or (own and self._view.shows_receiver(turn.delivery)):
                yield replace(turn, inside=inside)

    def _is_left_out(self, it: SeenEmission) -> bool:
        if self._view.unheard or it.unheard != _NOBODY or it.problem:
            return False
        return _places(it) <= self._told

    # --- the words ---------------------------------------------------------------------

    def _nobody(self) -> Iterator[Piece]:
        several = len(self._unheard)
        yield Piece(f"{several} signal{'s' * (several > 1)} nobody hears:", "quiet")
        named = [f"{it} × {many}" if many > 1 else it for it, many in self._unheard.items()]
        for at, it in enumerate(named, start=1):
            yield Piece(it + "," * (at < several), "quiet", whole=True, gap=" ")

    def _title(self) -> Iterator[Piece]:
        part = self._part
        yield Piece(part.title, "title")
        if part.outcome:
            yield Piece(part.outcome, "bad" if part.failed else "good")
        if part.location:
            yield Piece(part.location, "quiet")
        yield _took(part.duration)

    def _emission(self, node: SeenNode, thread: str) -> Branch:
        it = node.emission
        lines = [tuple(self._of_emission(node, thread))]
        lines += (tuple(_error(text, place)) for text, place in it.errors)
        below = [self._delivery(turn, it.thread) for turn in node.turns]
        below += [self._emission(inner, it.thread) for inner in node.unfinished]
        return Branch(tuple(lines), tuple(below))

    def _of_emission(self, node: SeenNode, thread: str) -> Iterator[Piece]:
        it = node.emission
        yield Piece(it.signal, "signal")
        if it.payload:
            yield Piece(f"({', '.join(map(_value, it.payload.items()))})", "quiet", gap=" ")
        if it.muted:
            yield Piece("muted", "warn")
        if it.unheard:
            yield Piece(it.unheard, "quiet" if it.unheard == _NOBODY else "warn")
        if it.crossing:
            yield Piece(it.crossing, "quiet")
        if it.problem:
            yield Piece(it.problem, "warn")
        yield from _origin(it, thread)
        if it.under_way:
            yield Piece("still under way", "warn")
        elif node.count > 1:
            yield Piece(f"× {node.count:,},", whole=True)
            yield Piece(describe_duration(node.total), "quiet", whole=True, gap=" ")
        elif len(node.turns) > 1:
            yield _took(it.duration)

    def _delivery(self, turn: SeenTurn, thread: str) -> Branch:
        lines = [tuple(self._of_delivery(turn))]
        it = turn.delivery
        if it.error is not None:
            text = f"{'logged' if it.logged else 'raised'} {it.error}"
            lines.append(tuple(_error(text, it.error_location)))
        below = [self._emission(inner, thread) for inner in turn.inside]
        return Branch(tuple(lines), tuple(below))

    def _of_delivery(self, turn: SeenTurn) -> Iterator[Piece]:
        it = turn.delivery
        failed = it.error is not None and not it.logged
        yield Piece(it.receiver, "bad" if failed else "")
        if it.narrow:
            yield Piece("without **extra", "warn", whole=True)
        if it.hop:
            yield Piece("through a wrapper" if it.is_async else "thread hop", "warn", whole=True)
        yield Piece(it.location or "built in", "quiet")
        if turn.slowest >= self._view.slow:
            yield Piece(describe_duration(turn.total), "bad", whole=True)
            yield Piece("slow", "bad", gap=" ")
        else:
            yield _took(turn.total)


def _places(it: SeenEmission) -> set[str | None]:
    """Return where the errors were raised that an emission tells of."""
    told: set[str | None] = {place or text for text, place in it.errors}
    return told | {one.error_location or one.error for one in it.deliveries if one.error}


def _origin(it: SeenEmission, thread: str) -> Iterator[Piece]:
    sender = "" if it.sender == "None" else f"from {it.sender}"
    place = f"at {it.location}" if it.location else ""
    if sender or place:
        yield Piece(f"{sender}{' ' * bool(sender and place)}{place}", "quiet")
    if it.thread != thread:
        yield Piece(f"in {it.thread}", "quiet")


def _value(named: tuple[str, str | None]) -> str:
    name, value = named
    return name if value is None else f"{name}={value}"


def _error(text: str, place: str | None) -> Iterator[Piece]:
    yield Piece(text, "bad")
    if place:
        yield Piece(place, "quiet")


def _took(seconds: float) -> Piece:
    return Piece(describe_duration(seconds), "quiet", whole=True)
