"""What is told of the engine: in whose place it is, in which language, and how often."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import implementation
from heliograph.inspector.doctor import Engine, engine_here
from heliograph.inspector.doctor.engine import find
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from heliograph.inspector.doctor import Finding

pytestmark = pytest.mark.once

HEALTHY = Engine(
    version="0.1.0",
    implementation="c",
    in_place=True,
    uses_blinker=True,
    blinkers=(),
    copied=(),
    copies=(),
)


def told(found: list[Finding]) -> list[tuple[str, str]]:
    """Return the checks and what they say."""
    return [(it.check, it.message) for it in found]


def of(here: Engine, by_itself: Engine | None = None) -> list[tuple[str, str]]:
    """Return what is told of an engine."""
    return told(list(find(here, by_itself)))


@in_a_fresh_process
def test_the_engine_of_this_process_is_this_one() -> None:
    """It survives JSON."""
    here = engine_here()

    assert (here.version, here.implementation) == (heliograph.__version__, implementation)
    assert Engine.from_dict(here.as_dict()) == here
    assert here.copies == ()


def test_an_engine_in_order_is_not_told_of() -> None:
    """In place here and by itself, or in a program that uses no Blinker."""
    without = replace(HEALTHY, in_place=False, uses_blinker=False)

    assert [of(HEALTHY), of(HEALTHY, HEALTHY), of(HEALTHY, without)] == [[], [], []]


def test_an_engine_that_is_not_in_place_is_told_of() -> None:
    """With some of the signals that are Blinker's then."""
    names = tuple("abcdefg")
    few = replace(HEALTHY, in_place=False, blinkers=names[:2])
    many = replace(few, blinkers=names)

    assert of(HEALTHY, few) == [("not-in-place", "Its signals are Blinker's then: a, b.")]
    assert of(HEALTHY, many) == [
        ("not-in-place", "Its signals are Blinker's then: a, b, c, d, e and 2 more.")
    ]


def test_an_engine_in_python_is_told_of_with_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has said so, or it could not be compiled."""
    monkeypatch.setenv("HELIOGRAPH_PURE", "1")
    said = of(replace(HEALTHY, implementation="python"))
    monkeypatch.delenv("HELIOGRAPH_PURE")

    assert said == [("in-python", "Heliograph sends in Python, as HELIOGRAPH_PURE is set.")]
    assert of(replace(HEALTHY, implementation="python")) == [
        ("in-python", "Heliograph sends in Python, as there is no C part.")
    ]


def test_copies_of_both_libraries_are_told_of() -> None:
    """Signals of the one are no signals of the other."""
    copies = replace(HEALTHY, copied=("bell",), copies=(str(Path.cwd() / "vendored"),))

    assert of(copies) == [
        ("two-engines", "Another copy of Heliograph is loaded, from vendored."),
        ("still-blinker", "There are signals of a copy of Blinker: bell."),
    ]


def test_signals_and_engines_of_copies_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the modules that their classes say they are of."""

    def made(module: str) -> type:
        def send(self: object) -> None: ...

        return type("Signal", (), {"__module__": module, "send": send, "name": "bell"})

    kinds = [made("blinker.base"), made("shop.vendored.blinker"), made("shop.vendored.Signal")]
    other_engine = made("shop.vendored.heliograph.core.signal")
    kept = [it() for it in kinds]
    monkeypatch.setitem(sys.modules, "blinker", ModuleType("blinker"))
    here = engine_here()

    assert (here.in_place, here.uses_blinker) == (False, True)
    assert ("bell" in here.blinkers, here.copied) == (True, ("bell",))
    assert here.copies == (str(Path(__file__).parents[1]),)
    assert (len(kept), other_engine.__name__) == (3, "Signal")
