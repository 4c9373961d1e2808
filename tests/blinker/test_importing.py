"""What importing Heliograph under Blinker's names loads."""

from __future__ import annotations

import pytest

from heliograph.blinker import _utilities, base
from tests.blinker.processes import modules_of


def test_importing_needs_less_of_the_standard_library_than_blinker() -> None:
    """Whoever changes from Blinker starts faster, also by its names: files of our own are small."""
    ours = {name for name in modules_of("heliograph.blinker") if not name.startswith("heliograph")}
    blinkers = {name for name in modules_of("blinker") if not name.startswith("blinker")}

    assert len(ours) < len(blinkers)


def test_importing_loads_nothing_costly() -> None:
    """Each of these costs more to import than all of Heliograph."""
    costly = {"asyncio", "contextlib", "inspect", "re", "threading", "typing", "warnings"}

    assert modules_of("heliograph.blinker") & costly == set()


def test_names_that_need_typing_are_there_when_they_are_asked_for() -> None:
    """They serve annotations, and everybody gets the same ones."""
    assert [base.F.__name__, _utilities.T.__name__] == ["F", "T"]
    assert base.F is base.F
    assert base._PNamespaceSignal.__name__ == "_PNamespaceSignal"


def test_names_that_do_not_exist_are_refused_as_everywhere() -> None:
    """The message is that of any other module."""
    for module in (base, _utilities):
        with pytest.raises(AttributeError) as caught:
            getattr(module, "nonsense")  # noqa: B009 - type checkers know that it is not there.

        assert str(caught.value) == f"module {module.__name__!r} has no attribute 'nonsense'"
