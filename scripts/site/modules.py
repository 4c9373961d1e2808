"""Which modules are public, so that the reference has a page for each."""

from __future__ import annotations

# The front door first, then the wings by name: where a name is in two, the first has it.
_PUBLIC = (
    "heliograph",
    "heliograph.annotating",
    "heliograph.audit",
    "heliograph.blinker",
    "heliograph.blinker.annotating",
    "heliograph.describe",
    "heliograph.development",
    "heliograph.hearing",
    "heliograph.inspector",
    "heliograph.inspector.doctor",
    "heliograph.inspector.graph",
    "heliograph.inspector.panels.django",
    "heliograph.inspector.panels.flask",
    "heliograph.lifecycle",
    "heliograph.lifecycle.aiohttp",
    "heliograph.lifecycle.asgi",
    "heliograph.lifecycle.celery",
    "heliograph.lifecycle.django",
    "heliograph.lifecycle.django_templates",
    "heliograph.lifecycle.falcon",
    "heliograph.lifecycle.fastapi",
    "heliograph.lifecycle.flask",
    "heliograph.lifecycle.jinja",
    "heliograph.lifecycle.leases",
    "heliograph.lifecycle.litestar",
    "heliograph.lifecycle.quart",
    "heliograph.lifecycle.rq",
    "heliograph.lifecycle.starlette",
    "heliograph.lifecycle.wsgi",
    "heliograph.metrics",
    "heliograph.metrics.dashboards",
    "heliograph.metrics.opentelemetry",
    "heliograph.metrics.prometheus",
    "heliograph.redaction",
    "heliograph.relay",
    "heliograph.relay.inbox",
    "heliograph.relay.outbox",
    "heliograph.testing",
    "heliograph.testing.annotating",
    "heliograph.transactions",
    "heliograph.transactions.django",
    "heliograph.transactions.sqlalchemy",
)


def public_modules() -> list[str]:
    """Return the names of all public modules."""
    return list(_PUBLIC)
