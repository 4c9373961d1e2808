"""A Celery worker whose tasks send what crosses."""

from __future__ import annotations

import os

from celery import Celery

from tests.relay.served_program import price_changed

app = Celery("relayed", broker=os.environ["CELERY_BROKER"])


@app.task  # type: ignore[untyped-decorator]  # Celery has no types.
def change(n: int) -> None:
    """Change a price."""
    price_changed.send("view", n=n)
