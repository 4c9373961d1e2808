"""Puts the page of a trail in front of an application, or gives it alone, to be mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.audit.page.site import TrailSite
from heliograph.development import in_development
from heliograph.inspector.page.access import Door
from heliograph.inspector.page.asgi import PageOverASGI
from heliograph.inspector.page.wsgi import PageOverWSGI

if TYPE_CHECKING:
    from heliograph.audit.trail import Trail


def over_wsgi(trail: Trail, app: Any, path: str, token: str | None) -> PageOverWSGI:
    """Return a WSGI application that serves the page."""
    return PageOverWSGI(app, _site(trail, path, token), path, None)


def over_asgi(trail: Trail, app: Any, path: str, token: str | None) -> PageOverASGI:
    """Return an ASGI application that serves the page."""
    return PageOverASGI(app, _site(trail, path, token), path, None)


def _site(trail: Trail, path: str, token: str | None) -> TrailSite:
    if not path.startswith("/") or path.endswith("/"):
        msg = f"path={path!r} is no path for the page: begin it with a slash, as in '/_trail'."
        raise ArgumentError(msg)
    return TrailSite(trail, Door(token, lambda: bool(in_development())))
