"""What was seen, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from heliograph import ArgumentError
from heliograph.inspector.seen import (
    COLUMNS,
    SeenDelivery,
    SeenEmission,
    SeenRequest,
    as_row,
    from_rows,
)

DELIVERY = SeenDelivery("shop.pack", "shop.py:3", None, 0.5, "ValueError", "shop.py:4", True, False)
EMISSION = SeenEmission(
    process="1-a",
    id=3,
    parent=None,
    turn=0,
    signal="order-paid",
    namespace=None,
    sender="a Shop",
    payload={"total": None, "text": "'x'"},
    started=1.5,
    duration=0.75,
    thread="MainThread",
    task=None,
    location="shop.py:9",
    request=None,
    muted=False,
    unheard=None,
    problem=None,
    deliveries=(DELIVERY,),
    errors=(("LookupError", "shop.py:4"), ("OSError", None)),
    origin="shop@web:4711:66087e94",
    envelopes=("envelope-1",),
)
REQUEST = SeenRequest(
    "1-a", "r1", 0, "http", "GET", "/", None, 200, 1.5, 0.25, False, "complete", None
)


@pytest.mark.parametrize("seen", [DELIVERY, EMISSION, REQUEST])
def test_it_travels_as_json(seen: SeenDelivery | SeenEmission | SeenRequest) -> None:
    """What comes out is equal to what went in."""
    assert type(seen).from_dict(json.loads(json.dumps(seen.as_dict()))) == seen


def test_many_of_them_travel_as_rows() -> None:
    """Without the names of their attributes, which are told once."""
    told = json.loads(json.dumps([[as_row(EMISSION), as_row(REQUEST)], COLUMNS]))

    assert from_rows(*told) == [EMISSION, REQUEST]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (3, COLUMNS),
        ([3], COLUMNS),
        ([["what"]], COLUMNS),
        ([["request", 1]], COLUMNS),
        ([["a"]], 3),
    ],
)
def test_rows_of_anything_else_are_refused(rows: object, columns: object) -> None:
    """By name."""
    with pytest.raises(ArgumentError, match="nothing that was seen"):
        from_rows(rows, columns)


def test_what_a_later_version_adds_is_left_out() -> None:
    """A watcher may be older than the application."""
    assert SeenRequest.from_dict({**REQUEST.as_dict(), "colour": "blue"}) == REQUEST


def test_what_an_earlier_version_does_not_tell_is_as_usual() -> None:
    """What came later has a default."""
    told = EMISSION.as_dict()
    for later in "errors", "under_way":
        del told[later]

    assert SeenEmission.from_dict(told) == replace(EMISSION, errors=())


@pytest.mark.parametrize("kind", [SeenDelivery, SeenEmission, SeenRequest])
@pytest.mark.parametrize("given", [{}, [], None, 3, {"deliveries": [{}]}, {"deliveries": 3}])
def test_anything_else_is_refused(kind: Any, given: object) -> None:
    """By name."""
    with pytest.raises(ArgumentError, match=f"no {kind.__name__}|no SeenDelivery"):
        kind.from_dict(given)


def test_an_emission_has_failed_if_a_receiver_has_raised() -> None:
    """One is enough."""
    assert EMISSION.failed
    assert not SeenEmission.from_dict({**EMISSION.as_dict(), "deliveries": []}).failed
