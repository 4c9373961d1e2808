"""What a watcher can ask of a process, and what its inspector answers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from heliograph.inspector.filters import Only
from heliograph.inspector.process import process_name
from heliograph.inspector.seen import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.inspector.attaching.messages import Message
    from heliograph.inspector.inspector import Inspector


def hello(name: str | None, started: float) -> Message:
    """Return what a process says of itself."""
    return {
        "process": process_name(),
        "pid": os.getpid(),
        "name": name,
        "program": os.path.basename(sys.argv[0]) if sys.argv else "",  # noqa: PTH119 - a text.
        "started": started,
    }


def answers_of(inspector: Inspector) -> dict[str, Callable[[Message], Message]]:
    """Return what can be asked, each with the function that answers it."""

    def after(asked: Message) -> Message:
        only = Only.from_dict(asked.get("only", {}))
        requests = bool(asked.get("requests", True))
        rows, position, lost = inspector.rows_after(
            int(asked["position"]), int(asked["most"]), only, requests=requests
        )
        return {"rows": rows, "columns": COLUMNS, "position": position, "lost": lost}

    def report(_: Message) -> Message:
        inspector.report()
        return {"written": True}

    return {
        "after": after,
        "counts": lambda _: inspector.counts().as_dict(),
        "health": lambda _: inspector.health().as_dict(),
        "report": report,
    }
