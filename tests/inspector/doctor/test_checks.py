"""The table of checks, and the page that is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heliograph.inspector.doctor import CHECKS, FAMILIES, SEVERITIES, Finding, checks_as_markdown

pytestmark = pytest.mark.once

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


def test_the_page_of_the_checks_is_made_of_the_table() -> None:
    """`make pages` makes it again."""
    assert PAGE.read_text(encoding="utf-8") == checks_as_markdown()


def test_each_check_has_a_readable_name_and_whole_sentences() -> None:
    """Names of two words and more, in known families and severities; sentences that end."""
    assert [it for it in CHECKS if not re.fullmatch(r"[a-z]+(-[a-z]+)+", it)] == []
    assert {it.family for it in CHECKS.values()} == set(FAMILIES)
    assert {it.severity for it in CHECKS.values()} == set(SEVERITIES)
    texts = [text for it in CHECKS.values() for text in (it.reason, it.remedy)]
    assert [it for it in texts if not it.endswith((".", ":`."))] == []
    assert [it.what for it in CHECKS.values() if it.what.endswith(".")] == []


def test_a_finding_is_json() -> None:
    """With everything that it says."""
    finding = CHECKS["weak-lambda"].finding("kiosk.py:3", "A lambda.")

    assert Finding(**finding.as_dict()) == finding  # type: ignore[arg-type]  # Its own values.
    assert [finding.is_at_least(it) for it in SEVERITIES] == [True, True, True]
    assert not CHECKS["never-heard"].finding(None, "Nobody hears.").is_at_least("warning")
