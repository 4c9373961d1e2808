"""Checks of the engine: whether it is in Blinker's place, in C, alone, and everywhere."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heliograph
from heliograph import Signal
from heliograph.describe import label_of, portable_location
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.static import of_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from heliograph.inspector.doctor.findings import Finding

_SHOWN = 5
_BLINKER = ("blinker", "blinker.base")


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs a process's signals.

    Attributes:
        version: Heliograph's version.
        implementation: What sends: ``"c"`` or ``"python"``.
        in_place: Whether Heliograph is in the place of Blinker.
        uses_blinker: Whether the process has loaded Blinker, or what is in its place.
        blinkers: The signals that are Blinker's.
        copied: The signals of copies of Blinker, which packages bring.
        copies: The folders of other copies of Heliograph that are loaded.
    """

    version: str
    implementation: str
    in_place: bool
    uses_blinker: bool
    blinkers: tuple[str, ...]
    copied: tuple[str, ...]
    copies: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can have it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Engine:
        """Return what `as_dict` has given, also if it came through JSON."""
        lists = {name: tuple(found[name]) for name in ("blinkers", "copied", "copies")}
        return cls(**{**found, **lists})


def engine_here() -> Engine:
    """Look at the engine of this process."""
    known = gc.get_objects()
    blinkers = [(label_of(it), _blinker_of(type(it))) for it in of_kinds(known, _blinker_of)]
    blinker = sys.modules.get("blinker")
    return Engine(
        version=heliograph.__version__,
        implementation=heliograph.implementation,
        in_place=getattr(blinker, "Signal", None) is _standing_in(),
        uses_blinker=blinker is not None,
        blinkers=tuple(sorted({it for it, module in blinkers if module in _BLINKER})),
        copied=tuple(sorted({it for it, module in blinkers if module not in _BLINKER})),
        copies=tuple(sorted(set(_copies(known)))),
    )


def _standing_in() -> object:
    return getattr(sys.modules.get("heliograph.blinker"), "Signal", ())


def _blinker_of(kind: type) -> str | None:
    """Return the module of Blinker, or of a copy of it, that a class of signals is of, or None."""
    if issubclass(kind, (Signal, type)):
        return None
    # By the name of the module, as a package may bring a copy.
    found = [it.__module__ for it in kind.__mro__ if it.__name__ == "Signal"]
    return next((it for it in found if f".{it}".endswith((".blinker", ".blinker.base"))), None)


def _copies(known: Sequence[object]) -> Iterator[str]:
    classes: list[Any] = of_kinds(known, lambda it: it is type)
    for it in classes:
        if it is Signal or it.__name__ != "Signal":
            continue
        if f".{it.__module__}".endswith(".heliograph.core.signal"):
            # The function knows its file, also if the module is in no table any more.
            sender: Any = vars(it)["send"]
            yield str(Path(sender.__code__.co_filename).parents[1])


def find(here: Engine, by_itself: Engine | None = None) -> Iterator[Finding]:
    """Yield what is wrong with the engine.

    Args:
        here: The engine of this process, where Heliograph was put in Blinker's place.
        by_itself: The engine of the program in a process of its own, or None if unknown.
    """
    if by_itself is not None and by_itself.uses_blinker and not by_itself.in_place:
        message = f"Its signals are Blinker's then: {_several(by_itself.blinkers)}."
        yield CHECKS["not-in-place"].finding(None, message)
    if here.implementation != "c":
        why = (
            "HELIOGRAPH_PURE is set" if os.environ.get("HELIOGRAPH_PURE") else "there is no C part"
        )
        yield CHECKS["in-python"].finding(None, f"Heliograph sends in Python, as {why}.")
    if here.copies:
        places = ", ".join(map(portable_location, here.copies))
        message = f"Another copy of Heliograph is loaded, from {places}."
        yield CHECKS["two-engines"].finding(None, message)
    if here.copied:
        message = f"There are signals of a copy of Blinker: {_several(here.copied)}."
        yield CHECKS["still-blinker"].finding(None, message)


def _several(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return f"{', '.join(names[:_SHOWN])}{f' and {more} more' if more > 0 else ''}"
