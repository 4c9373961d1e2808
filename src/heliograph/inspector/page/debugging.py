"""Tells whether the application behind the page is being debugged, by its own word."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import Any

from heliograph.development import in_development

_DEEPEST = 8

_LASTS = 1.0
"""Seconds for which an answer holds: each request asks, and an answer takes some 40 µs."""

# Of a bound method, of a life cycle's installation, and of middleware; in this order.
_INNER = ("__self__", "sender", "app")


class Development:
    """Tells whether the program is being developed.

    Flask and others know that they are debugged only while they serve a request, and the page is
    outside of them: it asks the application itself.

    Args:
        app: The application behind the page, or None.
    """

    def __init__(self, app: object) -> None:
        self._app = app
        self._known = False
        self._until = -inf

    def __call__(self) -> bool:
        """Tell it, as it was not longer ago than a second."""
        now = monotonic()
        if now >= self._until:
            self._known = in_development() is True or is_debugged(self._app)
            self._until = now + _LASTS
        return self._known


def is_debugged(app: object) -> bool:
    """Tell whether an application, or one that it is wrapped around, has ``debug`` set."""
    inner: Any = app
    for _ in range(_DEEPEST):
        if inner is None:
            break
        if getattr(inner, "debug", None) is True:
            return True
        held = (getattr(inner, name, None) for name in _INNER)
        inner = next((it for it in held if it is not None), None)
    return False
