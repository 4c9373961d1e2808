"""Watches a run of a program, and adds to what was read what the run has shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self

from heliograph import add_instrument, remove_instrument
from heliograph.describe import calling_location
from heliograph.inspector.migration.annotations import of_class
from heliograph.inspector.migration.modules import shown_place
from heliograph.inspector.migration.payloads import with_run
from heliograph.inspector.migration.reading import FoundSend, is_name

if TYPE_CHECKING:
    from heliograph import Emission
    from heliograph.inspector.migration.annotations import TypeText
    from heliograph.inspector.migration.reading import Found, FoundSignal


class _Seen(NamedTuple):
    """One kind of send: what is the same in all sends of a loop."""

    name: str | None
    place: str
    sender: TypeText | None
    payload: tuple[tuple[str, TypeText | None], ...]
    lost: str

    def as_send(self) -> FoundSend:
        return FoundSend(self.place, "", self.sender, dict(self.payload), self.lost, seen=True)


class Watched:
    """The sends of a run: of each place, the names and types of its payloads, and no values.

    It watches inside of a ``with`` block.
    """

    def __init__(self) -> None:
        # A run may send a million times; from one place, it sends a few kinds of payloads.
        self._seen: dict[_Seen, None] = {}

    def __enter__(self) -> Self:
        add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        remove_instrument(self)

    def on_start(self, emission: Emission) -> None:
        """Note a send. The engine calls this."""
        place = shown_place(calling_location() or "unknown:0")
        payload = {
            name: _type_of(value)
            for name, value in emission.payload.items()
            if is_name(name) and name != "sender"
        }
        lost = ", ".join(f"**{{{name!r}: …}}" for name in emission.payload if name not in payload)
        kinds = tuple(payload.items())
        it = _Seen(emission.signal.name, place, _type_of(emission.sender), kinds, lost)
        self._seen[it] = None

    def __call__(self, emission: Emission) -> None:
        """Do nothing when a send ends. The engine calls this."""

    def added_to(self, found: Found) -> Found:
        """Return what was read, with what the run has shown.

        A send belongs to the signal that the source sends at its place; otherwise to the only
        one of its name.
        """
        sends = [(self._signal_of(it, found.signals), it.as_send()) for it in self._seen]
        signals = [
            with_run(it, [send for owner, send in sends if owner is it]) for it in found.signals
        ]
        return replace(found, signals=signals)

    @staticmethod
    def _signal_of(seen: _Seen, signals: list[FoundSignal]) -> FoundSignal | None:
        here = [it for it in signals if any(one.covers(seen.place) for one in it.sends)]
        called = [it for it in signals if it.made.group is not None and it.made.name == seen.name]
        found = [it for it in here if it in called or len(here) == 1] or called
        return found[0] if len(found) == 1 else None


def _type_of(value: object) -> TypeText | None:
    kind = type(value)
    return of_class(kind.__module__, kind.__qualname__)
