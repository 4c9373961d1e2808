"""Writes what life-cycle signals a served application sends, for a test in another process."""

from __future__ import annotations

import json
import os
from typing import Any

from heliograph.lifecycle import lifecycle

SHOWN = (
    "status",
    "bytes",
    "aborted",
    "reason",
    "lazy",
    "response_started",
    "code",
    "who",
    "message",
    "outcome",
)

OF_A_JOB = ("system", "name", "id", "run_id", "attempt", "redelivered", "eager", "requested_by")


def keep(sender: Any, **payload: Any) -> None:
    """Be a receiver of every signal; the name comes from the one that connects."""


def line_of(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return what is written of one send."""
    line: dict[str, Any] = {"signal": name, "process": os.getpid()}
    line |= {key: payload[key] for key in SHOWN if key in payload}
    if "message" in line and isinstance(line["message"], bytes):
        line["message"] = line["message"].decode()
    error = payload.get("exc") or payload.get("exception")
    line["error"] = type(error).__name__ if error is not None else None
    if "job" in payload:
        job = payload["job"]
        line |= {key: getattr(job, key) for key in OF_A_JOB}
        line["parent"] = job.parent and job.parent.id
    if "request" in payload:
        request = payload["request"]
        line["path"], line["id"], line["route"] = request.path, request.id, request.route
        line["method"] = request.method
    if "duration" in payload:
        line["duration"] = round(payload["duration"], 3)
    if "response" in payload:
        line["status"] = payload["response"].status_code
    return line


def begin(path: str) -> None:
    """Write a line for each send of a life-cycle signal from now on."""
    for name, signal in lifecycle.items():

        def receive(sender: Any, name: str = name, **payload: Any) -> None:
            write(path, line_of(name, payload))

        signal.connect(receive, weak=False)


def write(path: str, line: dict[str, Any]) -> None:
    """Write a line."""
    file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, (json.dumps(line) + "\n").encode())
    os.close(file)


async def note_work(path: str) -> None:
    """Be the background work of the response to a path: it says that it was done."""
    write(os.environ["DIARY"], {"signal": "work", "path": path})


begin(os.environ["DIARY"])
