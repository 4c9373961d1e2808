"""Comments that silence a finding where it is, with the reason: read, and held against findings."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


_SILENCE = re.compile(
    r"#\s*heliograph:\s*ignore\b(?:\[(?P<names>[^\]]*)\])?\s*(?:[-–:]+\s*(?P<reason>.*))?"
)


@dataclass(frozen=True, slots=True)
class Silence:
    """A comment that silences findings of one line.

    Attributes:
        file: The file.
        line: The line of the comment.
        alone: Whether nothing else is in that line, so that the next line is meant.
        names: The checks that it names.
        reason: Why the finding is none, or "".
    """

    file: str
    line: int
    alone: bool
    names: tuple[str, ...]
    reason: str

    @property
    def location(self) -> str:
        """The ``file:line`` of the comment."""
        return f"{self.file}:{self.line}"

    def covers(self, finding: Finding, lines_of: Callable[[str], range]) -> bool:
        """Tell whether a finding is silenced by this.

        Args:
            finding: A finding with an absolute location.
            lines_of: Returns the lines of the statement at a location.
        """
        if finding.check not in self.names or finding.location is None:
            return False
        file, _, _ = finding.location.rpartition(":")
        lines = lines_of(finding.location)
        above = self.alone and self.line == lines.start - 1
        return file == self.file and (above or self.line in lines)


def silences_in(file: str, text: str) -> list[Silence]:
    """Return the silences in the text of a file. A text in quotes is no comment."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        written = _SILENCE.match(token.string) if token.type == tokenize.COMMENT else None
        if written is not None:
            names = [it.strip() for it in (written["names"] or "").split(",") if it.strip()]
            alone = not token.line[: token.start[1]].strip()
            reason = (written["reason"] or "").strip()
            found.append(Silence(file, token.start[0], alone, tuple(names), reason))
    return found


def silenced(
    findings: Iterable[Finding],
    silences: Collection[Silence],
    asked: Collection[str],
    lines_of: Callable[[str], range],
) -> tuple[list[Finding], list[Finding]]:
    """Sort out which findings are silenced.

    Args:
        findings: The findings, with absolute locations.
        silences: All silences of the program.
        asked: The checks that could find something in this run.
        lines_of: Returns the lines of the statement at a location.

    Returns:
        The findings that are left, with those of the silences themselves; and the silenced ones.
    """
    left, quiet = list[Finding](), list[Finding]()
    used = set[tuple[Silence, str]]()
    for finding in findings:
        by = [it for it in silences if it.covers(finding, lines_of)]
        used |= {(it, finding.check) for it in by}
        (quiet if by else left).append(finding)
    for silence in silences:
        left += _of_itself(silence, {name for it, name in used if it is silence}, asked)
    return left, quiet


def _of_itself(silence: Silence, used: Collection[str], asked: Collection[str]) -> list[Finding]:
    found = []
    if not silence.reason:
        said = f"[{', '.join(silence.names)}]" if silence.names else ""
        message = f"`heliograph: ignore{said}` gives no reason."
        found.append(CHECKS["silence-without-reason"].finding(silence.location, message))
    useless = CHECKS["useless-silence"]
    if not silence.names:
        message = "It names no check: write `heliograph: ignore[check] - why`."
        found.append(useless.finding(silence.location, message))
    for name in silence.names:
        if name not in CHECKS:
            message = f"There is no check {name!r}."
            found.append(useless.finding(silence.location, message))
        elif name in asked and name not in used:
            message = f"There is no finding of {name} in this line."
            found.append(useless.finding(silence.location, message))
    return found
