"""How much of everything a run of the benchmarks does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How much of everything a run does.

    `rows` is a regular expression for the names of the rows that are wanted.
    """

    rounds: int
    growth_rounds: int
    sizes: tuple[int, ...]
    receivers: tuple[int, ...]
    crowds: tuple[int, ...]
    senders: int
    request_rounds: int
    thread_rounds: int
    interpreters: int
    tests: int
    suites: int
    watchers: int
    watching: float
    rows: str = ""


FULL = Effort(
    rounds=150,
    growth_rounds=30,
    sizes=(1, 1_000, 100_000),
    receivers=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000),
    crowds=(1, 10, 100, 1_000, 10_000, 100_000),
    senders=1_000_000,
    request_rounds=200,
    thread_rounds=15,
    interpreters=30,
    tests=2_000,
    suites=40,
    watchers=7,
    watching=5.0,
)
QUICK = Effort(
    rounds=15,
    growth_rounds=5,
    sizes=(1, 1_000, 10_000),
    receivers=(1, 10, 100),
    crowds=(1, 100, 10_000),
    senders=20_000,
    request_rounds=15,
    thread_rounds=3,
    interpreters=5,
    tests=2_000,
    suites=5,
    watchers=2,
    watching=2.0,
)
