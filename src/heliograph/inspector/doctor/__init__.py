"""Finds what goes wrong with signals in a program: in its source, its connections, its requests."""

from __future__ import annotations

from heliograph.inspector.doctor.checks import CHECKS, FAMILIES, Check
from heliograph.inspector.doctor.engine import Engine, engine_here
from heliograph.inspector.doctor.examination import Examination, examine
from heliograph.inspector.doctor.findings import SEVERITIES, Finding
from heliograph.inspector.doctor.pages import checks_as_markdown
from heliograph.inspector.doctor.program import Program
from heliograph.inspector.doctor.requests import SLOW, Observer

__all__ = [
    "CHECKS",
    "FAMILIES",
    "SEVERITIES",
    "SLOW",
    "Check",
    "Engine",
    "Examination",
    "Finding",
    "Observer",
    "Program",
    "checks_as_markdown",
    "engine_here",
    "examine",
]
