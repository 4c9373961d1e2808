"""Metrics of requests in every framework of the life cycle, on real servers."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.lifecycle import served as serving
from tests.lifecycle.matrix import FRAMEWORKS
from tests.lifecycle.served import request, served
from tests.metrics.test_prometheus import named, samples_in

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = {
    "Flask": "gunicorn",
    "Django (WSGI)": "waitress",
    "Falcon (WSGI)": "gunicorn-gthread",
    "Quart": "hypercorn",
    "Starlette": "uvicorn",
    "FastAPI": "uvicorn",
    "Django (ASGI)": "daphne",
    "Litestar": "granian",
    "Falcon (ASGI)": "uvicorn-h11",
    "aiohttp": "aiohttp",
}
SECONDS = "http_server_request_duration_seconds"
BACKGROUND = "heliograph_http_background_duration_seconds"


def asked(it: serving.Served, *paths: str) -> dict[Any, float]:
    """Ask for paths, and return the samples once all requests are over."""
    for path in paths:
        with it.connect() as connection:
            connection.sendall(request(path, close=True))
            while connection.recv(65_536):
                pass
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = samples_in(it.ask("/metrics").partition(b"\r\n\r\n")[2].decode())
        if all(count == 0 for count in active_of(found)) and ended(found) >= len(paths):
            return found
        time.sleep(0.05)
    raise TimeoutError(found)


def active_of(samples: dict[Any, float]) -> list[float]:
    """Give how many requests are under way; aiohttp's page is one itself."""
    active = named(samples, "http_server_active_requests").values()
    return [it - ("aiohttp" in os.environ["WATCHED"]) for it in active]


def ended(samples: dict[Any, float]) -> float:
    """Give how many requests have ended, but for those for the page."""
    counts = named(samples, f"{SECONDS}_count").items()
    return sum(count for labels, count in counts if dict(labels)["http_route"] != "/metrics")


def seconds_of(samples: dict[Any, float], name: str = SECONDS) -> float:
    """Give the sum of a histogram."""
    return sum(named(samples, f"{name}_sum").values())


@pytest.mark.parametrize("framework", SERVERS)
def test_requests_have_the_same_labels_in_every_framework(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method, scheme, version, status and error are equal; a path is no route."""
    server, app = SERVERS[framework], FRAMEWORKS[framework].app
    over = "wsgi" if server in serving.WSGI else "asgi"
    monkeypatch.setenv("WATCHED", app)
    monkeypatch.setitem(serving.COMMANDS, "aiohttp", "tests.metrics.watched_app {port}")
    with served(server, f"tests.metrics.watched_app:over_{over}", tmp_path) as it:
        found = asked(it, "/plain", "/plain", "/stream", "/nowhere/at/all", "/error_at_once")
        background = found
        if FRAMEWORKS[framework].background:
            asked(it, "/background")
            time.sleep(0.7)
            background = asked(it)

    counts = [
        (told["http_route"].strip("/^$"), told["http_response_status_code"], told["error_type"])
        for labels, count in named(found, f"{SECONDS}_count").items()
        for told in [dict(labels)] * int(count)
        if told["http_route"] != "/metrics"
    ]
    [*fine, failed] = sorted(counts, key=lambda it: it[2])
    assert sorted(fine) == [
        ("<unmatched>", "404", ""),
        ("plain", "200", ""),
        ("plain", "200", ""),
        ("stream", "200", ""),
    ]
    assert failed[:2] in {("error_at_once", "500"), ("error_at_once", "")}
    assert failed[2] in {"500", "builtins.LookupError"}
    wires = {
        tuple(
            dict(labels)[name]
            for name in ("http_request_method", "url_scheme", "network_protocol_version")
        )
        for labels in named(found, f"{SECONDS}_count")
    }
    assert wires == {("GET", "http", "1.1")}
    assert found["heliograph_http_errors_total", ()] == 1.0
    # Work after the response is no part of it.
    assert seconds_of(background) - seconds_of(found) < 0.4
    # Tasks of Quart and Falcon go on for themselves: the request is over.
    if FRAMEWORKS[framework].background and framework not in ("Quart", "Falcon (ASGI)"):
        assert seconds_of(background, BACKGROUND) >= 0.5
