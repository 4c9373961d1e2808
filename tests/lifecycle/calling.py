"""Calls applications in this process, as a server does, and keeps the signals that they send."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from heliograph.lifecycle import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Keep what life-cycle signals are sent in the block: names and payloads."""
    kept: list[tuple[str, dict[str, Any]]] = []
    connected = []
    for name, signal in lifecycle.items():

        def keep(sender: Any, _name: str = name, **payload: Any) -> None:
            kept.append((_name, {"sender": sender, **payload}))

        signal.connect(keep, weak=False)
        connected.append((name, signal, keep))
    try:
        yield kept
    finally:
        for name, signal, receiver in connected:
            signal.disconnect(receiver)
            # Where signals were joined and parted meanwhile, those of the frameworks have it, too.
            for framework in ("flask", "quart"):
                own = getattr(sys.modules.get(framework), name.replace("-", "_"), None)
                if own is not None:
                    own.disconnect(receiver)


def names(kept: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the names of what was sent, in order."""
    return [name for name, _ in kept]


def http_scope(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    """Return the scope of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [
            (it.replace("_", "-").encode(), value.encode()) for it, value in headers.items()
        ],
        "client": ("127.0.0.1", 1234),
        "server": ("localhost", 80),
    }


async def ask(app: Any, path: str, method: str = "GET", **headers: str) -> list[dict[str, Any]]:
    """Send a request, and return the messages that come back; what is raised is left to the end."""
    sent: list[dict[str, Any]] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(http_scope(path, method, **headers), receive, send)
    except Exception as error:  # noqa: BLE001 - a server logs it.
        sent.append({"type": "raised", "error": error})
    return sent


def ask_wsgi(app: Any, path: str, method: str = "GET", **headers: str) -> tuple[str, bytes]:
    """Send a request as a WSGI server does; return status and body, or ``raised``."""
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "REMOTE_ADDR": "127.0.0.1",
    }
    setup_testing_defaults(environ)
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    statuses = ["raised"]
    body = b""

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        statuses.append(status)
        return lambda data: None

    try:
        parts = app(environ, start_response)
        try:
            for part in parts:
                body += part
        finally:
            if hasattr(parts, "close"):
                parts.close()
    except Exception:  # noqa: BLE001 - a server logs it.
        return "raised", body
    return statuses[-1], body
