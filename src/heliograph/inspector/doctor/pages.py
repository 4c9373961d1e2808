"""Shows the table of all checks as a page: what each finds, why it matters, and what helps."""

from __future__ import annotations

from heliograph.inspector.doctor.checks import CHECKS, FAMILIES

_HEAD = """\
# What `heliograph doctor` finds

[The doctor](inspecting.md#doctor-what-goes-wrong) looks for these faults.
The name of a check stays: it is what a silence names, and what `--json` gives.
[The clinic](../examples/clinic/README.md) has one instance of each, beside the right way to do it.

This page is made by `heliograph doctor --checks`.
"""


def checks_as_markdown() -> str:
    """Return a page of Markdown with all checks, family by family."""
    parts = [_HEAD]
    for family, title in FAMILIES.items():
        rows = [
            f"| `{it.name}` | {it.severity} | {it.what} | {it.reason} {it.remedy} |"
            for it in CHECKS.values()
            if it.family == family
        ]
        head = ["| check | severity | what it finds | why, and what to do |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {title}", "", *head, *rows, ""]))
    return "\n".join(parts)
