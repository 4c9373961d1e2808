"""Every section of the benchmarks, done once and as small as it can be."""

from __future__ import annotations

import pytest

from benchmarks.effort import Effort
from benchmarks.engines import SENDER, Engine
from benchmarks.roster import ENGINES
from benchmarks.sections import SECTIONS
from benchmarks.vectorcall import compiled

ONCE = Effort(
    rounds=1,
    growth_rounds=1,
    sizes=(1, 2),
    receivers=(1, 2),
    crowds=(1, 2),
    senders=10,
    request_rounds=1,
    thread_rounds=1,
    interpreters=1,
    tests=2,
    suites=1,
    watchers=1,
    watching=0.3,
    rows="^nobody|^if receivers: nobody$|^1 receiver$|^[12]$|^disconnect",
)

TABLES = {
    "sending": ["sending", "sending minima", "sending medians", "sending faster"],
    "pure": ["pure"],
    "watched": ["watched", "watched goals", "watched pure", "watched pure goals"],
    "asking": ["asking", "asking pure"],
    "costs": ["costs", "costs pure"],
    "flask": ["flask"],
    "declared": ["declared", "spans"],
    "connecting": ["connecting", "connecting minima", "connecting faster"],
    "growth": ["growth"],
    "receivers": ["receivers"],
    "disconnect": ["disconnect"],
    "memory": ["memory"],
    "requests": ["requests"],
    "lifecycle": [],  # Only the environment of the benchmarks has OpenTelemetry.
    "metrics": ["metrics sends", "metrics scrape", "metrics goals"],  # The same holds for requests.
    "threads": ["threads"],
    "audit": ["audit"],
    "relay": ["relay", "relay sends", "relay idle"],
    "import": ["import"],
    "attached": ["attached"],
    "pytest": ["pytest"],
}

# Signals that do nothing are in C, so that nothing is what they cost.
in_c = pytest.mark.skipif(compiled() is None, reason="no C compiler: there is nothing to compare")


@pytest.mark.parametrize(
    "section",
    [pytest.param(name, marks=in_c if name == "requests" else ()) for name in SECTIONS],
)
def test_every_section_gives_its_tables(section: str) -> None:
    """A section runs without the peers being installed, and every line of its tables is whole."""
    findings = list(SECTIONS[section](ONCE))

    assert [finding.key for finding in findings] == TABLES[section]
    # It may be that nobody is faster.
    assert all(it.table.lines for it in findings if not it.key.endswith(" faster"))
    assert all(
        len(line) == len(finding.table.head) for finding in findings for line in finding.table.lines
    )


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(engine, marks=in_c if engine.name == "C loop" else ())
        for engine in ENGINES
        if engine.name != "zope.event"  # It passes one object, in which both are.
    ],
    ids=lambda engine: engine.name,
)
def test_on_every_engine_receivers_hear_what_is_sent(engine: type[Engine]) -> None:
    """What a loop over two items times is two sends, with their sender and their payload."""
    heard: list[tuple[object, object]] = []

    def receiver(sender: object, a: object, **more: object) -> None:
        heard.append((sender, a))

    signal = engine()
    signal.hear(receiver)
    signal.sending()([1, 2])

    assert heard == [(SENDER, 1), (SENDER, 1)]
