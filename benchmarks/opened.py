"""Trails, and tables like theirs, in files of SQLite that are as safe as each other."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from heliograph import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.audit import Trail

BATCH = 1_000
PAYLOAD: dict[str, Any] = {"order_id": 7, "user": "ada", "total": 12, "note": "paid by card"}


@contextmanager
def open_trail(
    folder: Path, name: str, mode: Any, signal: Signal[...], synchronous: str = "FULL"
) -> Iterator[Trail]:
    """Open a trail that records a signal."""
    from sqlalchemy import event

    from heliograph.audit import Limits, Trail

    limits = Limits(queue=1_000_000, batch=BATCH)
    with Trail(f"sqlite:///{folder / name}.db", service="shop", limits=limits) as trail:
        trail.record(signal, actor="user", target=("order", "order_id"), mode=mode)
        if synchronous != "FULL":  # No trail of a program's would do that.
            engine = trail._store.engine  # noqa: SLF001 - likewise.
            event.listen(engine, "connect", lambda it, _: _set(it, synchronous))
            engine.dispose()
        yield trail


def row() -> dict[str, Any]:
    """Return the same row as the trail writes, but for its digests, which are any bytes."""
    now = time.time_ns() // 1000
    return {
        "id": str(uuid.uuid4()), "occurred_at": now, "recorded_at": now, "signal": "order-paid",
        "action": "order-paid", "outcome": "success", "actor_id": "ada", "target_type": "order",
        "target_id": "7", "service": "shop", "host": "localhost", "pid": 1, "source": "shop.py:7",
        "notes": "", "data": json.dumps({"payload": PAYLOAD}), "data_salt": bytes(16),
        "data_digest": bytes(32), "digest": bytes(32),
    }  # fmt: skip


def tables(folder: Path, name: str, synchronous: str = "FULL") -> Any:
    """Return an engine for a file with the tables of a trail."""
    from sqlalchemy import create_engine, event

    with open_trail(folder, name, "durable", Signal("nothing")):
        engine = create_engine(f"sqlite:///{folder / name}.db")

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA busy_timeout = 5000")
        _set(connection, synchronous)

    return engine


def _set(connection: Any, synchronous: str) -> None:
    connection.execute(f"PRAGMA synchronous = {synchronous}")
