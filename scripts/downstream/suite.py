"""What a suite is, the ways in which it is run, and why one could not be."""

from __future__ import annotations

import enum
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".downstream"
BLINKER = "blinker==1.9.0"


class CannotRunError(Exception):
    """A suite could not be run, so nothing is known about it."""


class Mode(enum.Enum):
    """What a suite is run on; the value heads its column."""

    BLINKER = "on Blinker"
    HELIOGRAPH = "on Heliograph"
    PLUGIN = "with plugin"
    ADOPTED = "after import"

    @property
    def engine(self) -> str:
        """The engine that must be found in use."""
        return "blinker" if self is Mode.BLINKER else "heliograph"

    @property
    def starts_with_it(self) -> bool:
        """Whether the engine is in place before anything is imported, by `heliograph run`."""
        return self in {Mode.HELIOGRAPH, Mode.PLUGIN}


@dataclass(frozen=True)
class Suite:
    """A release whose source distribution has its tests; `suites.toml` tells the fields."""

    name: str
    release: str
    needs: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    pytest: str = "pytest==9.0.2"
    left_out: dict[str, str] = field(default_factory=dict)
    adopted: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def modes(self) -> list[Mode]:
        """The ways to run it; adopting proves nothing where signals are made later."""
        return [mode for mode in Mode if self.adopted or mode is not Mode.ADOPTED]

    @property
    def packages(self) -> list[str]:
        """What is installed besides the release and Heliograph."""
        return [BLINKER, self.pytest, *self.needs]

    @property
    def arguments(self) -> list[str]:
        """What pytest is given on its command line."""
        return [*self.tests, *map(leave_out, self.left_out)]


def leave_out(place: str) -> str:
    """Return pytest's option for leaving out a file or a test."""
    return f"--deselect={place}" if "::" in place else f"--ignore={place}"


def read_suites() -> dict[str, Suite]:
    """Return all suites by their names."""
    tables = tomllib.loads(Path(__file__).with_name("suites.toml").read_text(encoding="utf-8"))
    return {name: Suite(name, **table) for name, table in tables.items()}


SUITES = read_suites()
