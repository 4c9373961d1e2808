"""Runs pytest in a child process, on files that a test writes."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from tests.cli.children import child, write

if TYPE_CHECKING:
    from pathlib import Path

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


def run(folder: Path, tests: str, *arguments: str, settings: str = PLAIN) -> Run:
    """Run tests in the order in which they are written, with the plugins that are installed."""
    write(folder / "shop.py", SIGNALS)
    write(folder / "pytest.ini", f"[pytest]\n{settings}\n")
    write(folder / "test_it.py", f"import pytest\nfrom shop import *\n{dedent(tests)}")
    options = ("-p", "no:randomly", "-p", "no:cacheprovider", "-rA", "--tb=short")
    ended = child(sys.executable, "-m", "pytest", *options, *arguments, cwd=folder)
    out = ended.out + ended.err
    found = _OUTCOME.findall(out)

    def of(outcome: str) -> list[str]:
        return sorted(name for what, name in found if what == outcome)

    return Run(of("PASSED"), of("FAILED"), of("ERROR"), out)
