"""What a panel shows, as data and as HTML."""

from __future__ import annotations

import json

from heliograph.inspector.panels.rows import as_html, rows_of, summary
from tests.inspector.page.seen_values import a_delivery, an_emission


def test_rows_can_be_stored_as_json() -> None:
    """Toolbars do, and what JSON does not have comes back as something else."""
    rows = rows_of(
        [
            an_emission(0, deliveries=(a_delivery(error="ValueError: no"),)),
            an_emission(1, parent=0, muted=True, deliveries=()),
            an_emission(2, parent=0, turn=7, unheard="no receivers", deliveries=(), location=None),
        ]
    )

    assert json.loads(json.dumps(rows)) == rows
    assert [(it["kind"], it["level"], it["said"]) for it in rows] == [
        ("signal", 0, ""),
        ("receiver", 1, "ValueError: no"),
        ("signal", 2, "muted"),
        ("signal", 1, "no receivers"),
    ]
    assert summary(rows) == "3 sent, 1 failed"


def test_a_long_table_is_cut() -> None:
    """A page of thousands of rows would be the toolbar's."""
    rows = rows_of(an_emission(it, signal=f"signal-{it}", deliveries=()) for it in range(510))
    html = as_html(rows, None, None)

    assert html.count("<tr>") == 501
    assert html.endswith("<p>10 more rows are not shown.</p>")
