"""Runs all checks on a program, and leaves out what the program itself silences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from heliograph.describe import portable_location
from heliograph.inspector.doctor import connections, engine, toolbars, wiring, written
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.findings import SEVERITIES, Finding, in_order
from heliograph.inspector.doctor.requests import SLOW
from heliograph.inspector.doctor.silences import silenced, silences_in

if TYPE_CHECKING:
    from heliograph.inspector.doctor.engine import Engine
    from heliograph.inspector.doctor.program import Program
    from heliograph.inspector.doctor.requests import Observer


@dataclass(frozen=True)
class Examination:
    """What came of an examination.

    Attributes:
        engine: The engine of this process.
        by_itself: The engine of the program in a process of its own, or None if unknown.
        findings: What was found, the worst first.
        silenced: What the source silences.
    """

    engine: Engine
    by_itself: Engine | None
    findings: tuple[Finding, ...]
    silenced: tuple[Finding, ...]

    def fails(self, severity: str) -> bool:
        """Tell whether there is a finding that is as bad as *severity*, or worse."""
        return any(it.is_at_least(severity) for it in self.findings)

    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each severity."""
        return {it: sum(f.severity == it for f in self.findings) for it in reversed(SEVERITIES)}

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can have it."""
        return {
            "engine": self.engine.as_dict(),
            "by_itself": None if self.by_itself is None else self.by_itself.as_dict(),
            "findings": [it.as_dict() for it in self.findings],
            "silenced": [it.as_dict() for it in self.silenced],
        }


def examine(
    program: Program,
    *,
    by_itself: Engine | None = None,
    observer: Observer | None = None,
    slow: float = SLOW,
) -> Examination:
    """Look for everything that `CHECKS` lists.

    Args:
        program: The program, loaded.
        by_itself: The engine that the program has in a process of its own, if that is known.
        observer: Who has watched some requests, if any were sent.
        slow: Seconds from which on a receiver is slow.
    """
    here = engine.engine_here()
    found = [*engine.find(here, by_itself), *written.find(program)]
    if observer is not None:
        found += observer.find(slow)
    found += connections.find(program, [it.location for it in found if it.location])
    sent = frozenset() if observer is None else frozenset(observer.sent)
    found += wiring.find(program, sent)
    found += toolbars.find(program)
    silences = [it for source in program.sources for it in silences_in(source.file, source.text)]
    left, quiet = silenced(found, silences, _asked(program, observer), program.lines_of)
    return Examination(here, by_itself, _shown(left), _shown(quiet))


def _asked(program: Program, observer: Observer | None) -> set[str]:
    """Return the checks that could find something, so that a silence of theirs may be useless."""
    unasked = set[str]()
    if observer is None:
        unasked |= {it.name for it in CHECKS.values() if it.family == "requests"}
    if not program.blinkers:
        unasked.add("proxy-sender")
    if not program.is_async:
        unasked.add("blocking-receiver")
    return set(CHECKS) - unasked


def _shown(findings: list[Finding]) -> tuple[Finding, ...]:
    portable = [
        replace(it, location=it.location and portable_location(it.location))
        for it in dict.fromkeys(findings)
    ]
    return tuple(in_order(portable))
