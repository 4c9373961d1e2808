"""The shops of the examples: three frameworks, one file of receivers, and one account of it all."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.children import child, heliograph

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"


@pytest.mark.parametrize(
    ("shop", "interface"),
    [("with_flask", "wsgi"), ("with_fastapi", "asgi"), ("with_django", "wsgi")],
)
def test_receivers_see_the_same_in_every_framework(shop: str, interface: str) -> None:
    """Requests, responses to their ends, exceptions and jobs, by one file of receivers."""
    ended = child(sys.executable, str(HERE / "visiting.py"), shop, interface, cwd=EXAMPLES)
    assert ended.status == 0, ended.err
    counts, lines = json.loads(ended.out)

    assert counts == {
        "requests": 8,
        "responses 200 complete": 3,
        "responses 201 complete": 2,
        "responses 404 complete": 2,
        "responses 500 complete": 1,
        "alarms LookupError": 1,
        "jobs restock succeeded": 1,
        "jobs restock failed: LookupError": 1,
        "receipts": 2,
    }
    assert [_shortened(it) for it in lines] == [
        "a-visitor GET /: 200",
        "receipt for order 1: lantern (a-visitor)",
        "a-visitor POST /orders/*: 201",
        "a-visitor POST /orders/*: 404",
        "receipt for order 2: mirror (a-visitor)",
        "a-visitor POST /orders/*: 201",
        "a-visitor POST /restock/*: 200",
        "a-visitor /restock/bell failed: LookupError('nobody makes a bell')",
        "a-visitor POST /restock/*: 500",
        "a-visitor GET /export: 200",
        "a-visitor GET /nowhere: 404",
    ]


def _shortened(line: str) -> str:
    # Each framework has its own way to write the variable part of a route.
    return re.sub(r"[<{]item[>}]", "*", line).partition(", ")[0]


@pytest.mark.parametrize("shop", ["with_flask", "with_fastapi", "with_django"])
def test_a_trace_shows_each_of_the_shops(shop: str) -> None:
    """As the page of the examples says."""
    ended = heliograph("trace", f"shops.{shop}", "POST /orders/lantern", cwd=EXAMPLES)

    assert (ended.status, ended.err) == (0, "")
    for receiver in ("count_request", "send_receipt", "write_access_line"):
        assert f"── shops.receivers.{receiver}  " in ended.out
