"""What the doctor says: a finding, with its place, its reason and its remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass

SEVERITIES = ("note", "warning", "error")
"""How bad a finding is, the mildest first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that goes wrong with signals, or will.

    Attributes:
        check: The name of the check that found it: stable, and what a silence names.
        severity: One of `SEVERITIES`.
        location: The ``file:line``, or None if it is in no line of the program.
        message: What is there.
        reason: Why that is wrong.
        remedy: What to do.
    """

    check: str
    severity: str
    location: str | None
    message: str
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, str | None]:
        """Return the finding as JSON can have it."""
        return asdict(self)

    def is_at_least(self, severity: str) -> bool:
        """Tell whether it is as bad as *severity*, or worse."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index(severity)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Return findings with the worst first, by check, and in the order of the lines."""

    def place(it: Finding) -> tuple[int, str, str, int, str]:
        file, _, line = (it.location or "").rpartition(":")
        number = int(line) if line.isdigit() else 0
        return -SEVERITIES.index(it.severity), it.check, file, number, it.message

    return sorted(findings, key=place)
