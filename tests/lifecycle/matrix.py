"""Measures what is told of requests, for each framework on each server, and writes it down.

``python -m tests.lifecycle.matrix`` measures all of them, and writes docs/lifecycle-matrix.md.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.lifecycle.served import ADAPTERS, ASGI, OWN, ROOT, WSGI, request, served

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.lifecycle.served import Served

PAGE = ROOT / "docs" / "lifecycle-matrix.md"


class Framework(NamedTuple):
    """An application, what serves it, and what its framework does not have."""

    app: str
    servers: Iterable[str]
    background: bool = True


APPS = "tests.lifecycle.apps"
ON_WSGI = [*WSGI, *ADAPTERS]
FRAMEWORKS = {
    "Flask": Framework(f"{APPS}.flask_app:app", ON_WSGI, background=False),
    "Django (WSGI)": Framework(f"{APPS}.django_app:wsgi", ON_WSGI, background=False),
    "Falcon (WSGI)": Framework(f"{APPS}.falcon_app:wsgi", ON_WSGI, background=False),
    "Quart": Framework(f"{APPS}.quart_app:app", ASGI),
    "Starlette": Framework(f"{APPS}.starlette_app:app", ASGI),
    "Starlette, BaseHTTPMiddleware": Framework(f"{APPS}.starlette_app:wrapped", ASGI),
    "FastAPI": Framework(f"{APPS}.fastapi_app:app", ASGI),
    "Django (ASGI)": Framework(f"{APPS}.django_app:asgi", ASGI, background=False),
    "Litestar": Framework(f"{APPS}.litestar_app:app", ASGI),
    "Falcon (ASGI)": Framework(f"{APPS}.falcon_app:asgi", ASGI),
    "aiohttp": Framework(f"{APPS}.aiohttp_app:app", OWN, background=False),
}
PAIRS = [(name, server) for name, it in FRAMEWORKS.items() for server in it.servers]
# Each framework and each server, and where they differ most; `make matrix` runs all pairs.
CHOSEN = [
    ("Flask", "gunicorn"),
    ("Flask", "waitress"),
    ("Django (WSGI)", "gunicorn-gthread"),
    ("Falcon (WSGI)", "granian-wsgi"),
    ("Quart", "hypercorn"),
    ("Starlette", "uvicorn"),
    ("Starlette, BaseHTTPMiddleware", "uvicorn"),
    ("Starlette", "gunicorn-asgi"),
    ("FastAPI", "uvicorn"),
    ("FastAPI", "hypercorn"),
    ("Django (ASGI)", "uvicorn"),
    ("Django (ASGI)", "daphne"),
    ("Litestar", "granian"),
    ("Falcon (ASGI)", "uvicorn"),
    ("aiohttp", "aiohttp"),
]

COLUMNS = {
    "whole": "a response",
    "stream": "one in parts",
    "raises": "error before it",
    "breaks": "error in it",
    "background": "background work",
    "upload": "client leaves in its upload",
    "wait": "while the view works",
    "body": "in the response",
    "stop": "the server is stopped",
    "life": "the application",
}

# Daphne cancels what is open when it has stopped already: its process may be gone before.
UNSETTLED = ("cancelled", "killed")

NOT_SEEN = "not seen"
NOT_CALLED = "not called"
NONE = "-"


class BrokenPromiseError(AssertionError):
    """What is promised everywhere did not hold."""


def measure(framework: str, server: str, folder: Path) -> dict[str, str]:
    """Serve a framework's application, do what can be done to it, and return what was told."""
    found = FRAMEWORKS[framework]
    with served(server, found.app, folder) as it:
        cells = dict(answers(it, background=found.background))
        cells["upload"] = leave(it, "/uploads", upload=True)
        cells["wait"] = leave(it, "/waits")
        cells["body"] = leave(it, "/long", once="request-finished")
        cells["stop"], cells["life"] = stop(it)
    if server == "daphne" and cells["stop"] in UNSETTLED:
        cells["stop"] = " or ".join(UNSETTLED)
    return cells


def answers(it: Served, *, background: bool) -> Iterator[tuple[str, str]]:
    """Ask for what ends by itself."""
    for column, path in {"whole": "/plain", "stream": "/stream"}.items():
        yield column, end_of(ask(it, path))["reason"]
    for column, path in {"raises": "/error_at_once", "breaks": "/error_in_body"}.items():
        lines = ask(it, path)
        end = end_of(lines)
        told = [line for line in lines if line["signal"] == "got-request-exception"]
        words = ["exception"] if told else []
        yield column, ", ".join([*words, end["reason"], str(end["status"] or "no response")])
    if background:
        end = end_of(ask(it, "/background"))
        yield "background", f"{end['reason']}, {'not ' * (end['duration'] < 0.5)}counted"
    else:
        yield "background", NONE


def ask(it: Served, path: str) -> list[dict[str, Any]]:
    """Send a request and read the answer; return what was told of it."""
    with it.connect() as connection:
        connection.sendall(request(path, close=True))
        it.lines(path, last="response-sent")
    # What no server ends is not waited for.
    return over(it, path)


def over(it: Served, path: str) -> list[dict[str, Any]]:
    """Return what was told of a request once it is over. Frameworks differ in what comes last."""
    it.lines(path, last="response-sent")
    return it.lines(path, last="request-tearing-down")


def end_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the end of a request: it has one start, one end and one teardown."""
    names = [line["signal"] for line in lines]
    once = ("request-started", "response-sent", "request-tearing-down")
    if [names.count(it) for it in once] != [1, 1, 1] or names.count("got-request-exception") > 1:
        raise BrokenPromiseError(names)
    return next(line for line in lines if line["signal"] == "response-sent")


def leave(it: Served, path: str, *, upload: bool = False, once: str = "request-started") -> str:
    """Close the connection in the middle of a request; return the reason that was told."""
    length = "Content-Length: 1000\r\nContent-Type: application/json\r\n" if upload else ""
    with it.connect() as connection:
        connection.sendall(request(path, "POST" if upload else "GET", length))
        connection.sendall(b"x" * 10 if upload else b"")
        if not begun(it, path, once):
            return NOT_CALLED
    end = end_of(over(it, path))
    return str(end["reason"]) if end["aborted"] else NOT_SEEN


def begun(it: Served, path: str, signal: str) -> bool:
    """Wait until a request has begun, or long enough to know that it does not."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if any(line["signal"] == signal and line.get("path") == path for line in it.all()):
            return True
        time.sleep(0.02)
    return False


def stop(it: Served) -> tuple[str, str]:
    """Ask the server to stop in the middle of a response; return how that and the rest end."""
    before = len(it.all())
    # The last request to this path was another one.
    with it.connect() as connection:
        connection.sendall(request("/long"))
        while not any(line["signal"] == "request-finished" for line in it.all()[before:]):
            time.sleep(0.02)
        it.ask_to_stop()
        with suppress(ConnectionError):
            while connection.recv(1_000_000):
                pass
        it.process.wait(60)
    told = it.all()
    ends = [line["reason"] for line in told[before:] if line["signal"] == "response-sent"]
    if len(ends) > 1:
        raise BrokenPromiseError(ends)
    starts = [line for line in told if line["signal"] == "app-started"]
    stops = [line for line in told if line["signal"] == "app-stopping"]
    how = "at the first request" if starts[0]["lazy"] else "started"
    return (ends or ["killed"])[0], f"{how}, {'stopping' if stops else 'no stopping'}"


def row(framework: str, server: str, cells: dict[str, str]) -> str:
    """Return a line of the table."""
    return f"| {' | '.join([framework, server, *(cells[it] for it in COLUMNS)])} |"


def rows_of(page: str) -> dict[tuple[str, str], str]:
    """Return the lines of the table on a page, by framework and server."""
    found = [line for line in page.splitlines() if line.startswith("| ")]
    return {(framework, server): line for line in found for _, framework, server, *_ in [cut(line)]}


def cut(line: str) -> list[str]:
    """Return the cells of a line."""
    return [it.strip() for it in line.split("|")]


def measured(pairs: Iterable[tuple[str, str]], folder: Path) -> dict[tuple[str, str], Future[str]]:
    """Begin to measure, a few at a time: mostly, it is waiting."""
    pool = ThreadPoolExecutor(6)

    def line_of(framework: str, server: str) -> str:
        own = folder / f"{framework} {server}"
        own.mkdir()
        return row(framework, server, measure(framework, server, own))

    return {(name, server): pool.submit(line_of, name, server) for name, server in pairs}


def main() -> None:
    """Measure, and write the page: the text above the table stays."""
    head = f"| framework | server | {' | '.join(COLUMNS.values())} |"
    text, _, _ = PAGE.read_text(encoding="utf-8").partition("| framework ")
    with tempfile.TemporaryDirectory() as folder:
        found = [it.result() for it in measured(PAIRS, Path(folder)).values()]
    lines = [head, "|" + "---|" * (len(COLUMNS) + 2), *found, ""]
    PAGE.write_text(text + "\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
