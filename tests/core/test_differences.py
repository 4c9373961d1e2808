"""Sending in C and in Python, side by side: random programs must do the very same in both.

Few programs run by default. Many more: ``make fuzz``, which takes ``PROGRAMS`` and ``SEED``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from heliograph import Signal, implementation
from heliograph.core.connections.registry import Registry
from tests.core.programs import PROGRAMS, Program
from tests.core.world import World

_many = int(os.environ.get("HELIOGRAPH_FUZZ", "0"))

# A long run may take hours, and making a failing program small some minutes.
pytestmark = pytest.mark.timeout(0 if _many else 900)


class _PlanningRegistry(Registry):
    """What a registry is where there is no C: it keeps the last snapshot."""

    __slots__ = ()

    keeps_snapshots = True


class InPython(Signal):
    """A signal whose `send` is the one in Python."""

    _registry_class = _PlanningRegistry
    send: Any = getattr(Signal.send, "__wrapped__", Signal.send)


InPython.__name__ = Signal.__name__  # Messages name the class.


@pytest.mark.skipif(implementation != "c", reason="HELIOGRAPH_PURE=1, or no compiler")
@given(program=PROGRAMS)
@settings(
    max_examples=_many or 400,
    deadline=None,
    # Drawing is slow under coverage on a busy machine, which says nothing of the engine.
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_program_does_the_same_in_c_and_in_python(program: Program) -> None:
    """The same calls in the same order, the same values, errors and notes, the same who live."""
    assert World(Signal).run(program) == World(InPython).run(program)
