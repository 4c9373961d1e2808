"""Emissions and requests as a recorder writes them, where a test needs only some of it."""

from __future__ import annotations

from typing import Any

from heliograph.inspector.seen import SeenDelivery, SeenEmission, SeenRequest

PROCESS = "4711-1a2b3c"


def a_delivery(**changes: Any) -> SeenDelivery:
    """Return a delivery, but for some changes."""
    values: dict[str, Any] = {
        "receiver": "shop.mail.send_receipt",
        "location": "shop/mail.py:3",
        "connected": "shop/mail.py:2",
        "duration": 0.001,
        "error": None,
        "error_location": None,
        "is_async": False,
        "hop": False,
    }
    return SeenDelivery(**{**values, **changes})


def an_emission(number: int = 0, **changes: Any) -> SeenEmission:
    """Return an emission, but for some changes."""
    values: dict[str, Any] = {
        "process": PROCESS,
        "id": number,
        "parent": None,
        "turn": 0,
        "signal": "order-placed",
        "namespace": "shop",
        "sender": "a Shop",
        "payload": {},
        "started": 1_795_000_000.0 + number / 100,
        "duration": 0.002,
        "thread": "MainThread",
        "task": None,
        "location": "shop/views.py:9",
        "request": "r1",
        "muted": False,
        "unheard": None,
        "problem": None,
        "deliveries": (a_delivery(),),
    }
    return SeenEmission(**{**values, **changes})


def a_request(**changes: Any) -> SeenRequest:
    """Return a request, but for some changes."""
    values: dict[str, Any] = {
        "process": PROCESS,
        "id": "r1",
        "position": 0,
        "kind": "http",
        "method": "GET",
        "path": "/orders",
        "route": "/orders",
        "status": 200,
        "started": 1_795_000_000.0,
        "duration": 0.01,
        "aborted": False,
        "reason": "complete",
        "error": None,
    }
    return SeenRequest(**{**values, **changes})
