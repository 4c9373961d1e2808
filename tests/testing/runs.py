"""Runs pytest on files that a test writes, in this process or in one of its own."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from dataclasses import dataclass
from functools import cache
from textwrap import dedent
from typing import TYPE_CHECKING

import heliograph.core  # noqa: TID251 - what is in it is loaded, not used.
import heliograph.pytest_plugin
import heliograph.testing
from tests.cli.children import child, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_OUTCOME = re.compile(
    r"^(PASSED|FAILED|ERROR) (?:at \w+ of )?\S*?::(?:\w+::)?([\w\[\]-]+)", re.MULTILINE
)

SIGNALS = """
from heliograph import Signal

placed, paid = Signal("order-placed"), Signal("order-paid")

def pay(sender, **payload):
    paid.send(sender)

def fail(sender, **payload):
    raise OSError("The disk is full.")

def receive(sender, **payload):
    pass
"""
"""The module `shop`, which the tests of a child use."""


PLAIN = "filterwarnings = error"
RULES = f"{PLAIN}\nsignals_rules = true"
"""Settings: with the rules for every test, and without."""


@dataclass(frozen=True)
class Run:
    """What came of a run: the outcome of each test, errors of set-up and tear-down, the output."""

    passed: list[str]
    failed: list[str]
    errors: list[str]
    out: str


# In the order in which they are written. Hypothesis is imported at the end of each run.
_OPTIONS = (
    *("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
    *("-rA", "--tb=short"),
)


def run(folder: Path, tests: str, *arguments: str, settings: str = PLAIN) -> Run:
    """Run tests in a process of their own, in which nothing has been imported yet."""
    _write(folder, tests, settings)
    ended = child(sys.executable, "-m", "pytest", *_OPTIONS, *arguments, cwd=folder)
    return _read(ended.out + ended.err)


def run_here(pytester: pytest.Pytester, tests: str, *arguments: str, settings: str = PLAIN) -> Run:
    """Run tests in this process, which takes a tenth of the time.

    What they import is forgotten when they end; what they install would stay.
    """
    _load_heliograph()
    _write(pytester.path, tests, settings)
    # Only one at a time can have the alarm: it is that of the test around it.
    ended = pytester.runpytest_inprocess(*_OPTIONS, "-p", "no:timeout", *arguments)
    return _read(f"{ended.stdout}{ended.stderr}")


@cache
def _load_heliograph() -> None:
    """Import what is loaded on demand, or it would be forgotten, and there would soon be two."""
    for room in (heliograph.core, heliograph.testing):  # noqa: TID251 - as above.
        for it in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(it.name)


def _write(folder: Path, tests: str, settings: str) -> None:
    write(folder / "shop.py", SIGNALS)
    write(folder / "pytest.ini", f"[pytest]\n{settings}\n")
    write(folder / "test_it.py", f"import pytest\nfrom shop import *\n{dedent(tests)}")


def _read(out: str) -> Run:
    found = _OUTCOME.findall(out)

    def of(outcome: str) -> list[str]:
        return sorted(name for what, name in found if what == outcome)

    return Run(of("PASSED"), of("FAILED"), of("ERROR"), out)
