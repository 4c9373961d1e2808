"""Sending in C and in Python, in one process: which of them serves can be chosen at any time."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from contextlib import contextmanager, nullcontext
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import heliograph.core
from heliograph import implementation
from heliograph.core import locations
from heliograph.core.connected import Connected
from heliograph.core.connections.live import Anyone, Receivers
from heliograph.core.connections.state import SendState
from heliograph.core.source import Callers
from heliograph.core.spans import noop

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_C = "heliograph.core.sending._dispatch"
_ENGINE = "heliograph.core."
_WHICH = ("implementation", "in_c")
"""The names that say which one was loaded."""
IMPLEMENTATIONS = ("c", "python") if implementation == "c" else ("python",)
"""What can serve here: Python alone without a compiler, or under ``HELIOGRAPH_PURE=1``."""


class Replaced(NamedTuple):
    """An attribute that the part in C has put itself in the place of."""

    owner: Any
    name: str
    values: dict[str, Any]


@contextmanager
def served_by(which: str) -> Iterator[None]:
    """Let signals be sent in ``"c"`` or in ``"python"``, here and in processes started meanwhile.

    What C put in place when Heliograph was imported is taken out again, and put back.
    """
    before = os.environ.get("HELIOGRAPH_PURE")
    os.environ["HELIOGRAPH_PURE"] = "1" if which == "python" else "0"
    _put_in_place(which)
    try:
        yield
    finally:
        _put_in_place(implementation)
        if before is None:
            del os.environ["HELIOGRAPH_PURE"]
        else:
            os.environ["HELIOGRAPH_PURE"] = before


@pytest.fixture(autouse=True)
def served(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test on the implementation that its id names, if it names one."""
    which = getattr(request, "param", None)
    with nullcontext() if which is None else served_by(which):
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each implementation, unless it is marked to run once."""
    if metafunc.definition.get_closest_marker("once") is None:
        metafunc.parametrize("served", IMPLEMENTATIONS, indirect=True)


def in_use() -> str:
    """Return which one serves now: ``"c"`` or ``"python"``."""
    return "c" if in_c() else "python"


def in_c() -> list[tuple[Any, str]]:
    """Return what is served in C at the moment: the class, and the attribute's name."""
    return [(owner, name) for owner, name, value in _attributes() if _is_in_c(value)]


def engine() -> list[str]:
    """Say what is in each class and each module of the engine, and what it is."""
    _load()
    modules = [it for name, it in sys.modules.items() if name.startswith(_ENGINE) and name != IN_C]
    of_modules = [(it, *item) for it in modules for item in vars(it).items()]
    return sorted(
        f"{owner.__name__}.{name}: {_said(value)}"
        for owner, name, value in (*of_modules, *_attributes())
        if not (name in _WHICH or name.startswith("__") or isinstance(value, ModuleType))
    )


def _said(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, type):
        return value.__qualname__
    function = getattr(value, "__func__", value)
    return f"{type(value).__name__} {type(function).__name__}"


def _put_in_place(which: str) -> None:
    for owner, name, values in _replaced():
        setattr(owner, name, values[which])


@cache
def _replaced() -> list[Replaced]:
    """Return all attributes that differ; without the part in C, there are none."""
    if implementation != "c":
        return []
    _load()
    found = [
        Replaced(owner, name, {"c": value, "python": _in_python(value)})
        for owner, name, value in _attributes()
        if _is_in_c(value)
    ]
    located = locations.calling_location
    located_in_python = staticmethod(_in_python(located))
    return [
        *found,
        Replaced(Callers, "location", {"c": staticmethod(located), "python": located_in_python}),
        Replaced(locations, "calling_location", {"c": located, "python": _in_python(located)}),
        Replaced(SendState, "runs_in_c", {"c": SendState.runs_in_c, "python": False}),
        Replaced(Connected, "_anyone_class", {"c": Connected._anyone_class, "python": Anyone}),
        Replaced(
            Connected,
            "_receivers_class",
            {"c": Connected._receivers_class, "python": Receivers},
        ),
        Replaced(noop, "_InC", {"c": noop._InC, "python": None}),
    ]


def _in_python(value: Any) -> Any:
    return getattr(value, "__func__", value).__wrapped__


def _load() -> None:
    # What is loaded on demand puts itself in place then, for whatever serves at that moment.
    for it in pkgutil.walk_packages(heliograph.core.__path__, _ENGINE):
        if it.name != IN_C or implementation == "c":
            importlib.import_module(it.name)


def _attributes() -> Iterator[tuple[Any, str, Any]]:
    """Give the attributes of all classes of Heliograph that are loaded."""
    modules = [it for name, it in list(sys.modules.items()) if name.startswith("heliograph")]
    classes = {it for module in modules for it in vars(module).values() if isinstance(it, type)}
    for owner in classes:
        if owner.__module__.startswith("heliograph") and owner.__module__ != IN_C:
            for name, value in list(vars(owner).items()):
                yield owner, name, value


def _is_in_c(value: Any) -> bool:
    return type(getattr(value, "__func__", value)).__module__ == IN_C
