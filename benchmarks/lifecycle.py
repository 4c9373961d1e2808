"""What life-cycle signals add to a whole request under a server, with nobody connected."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.harness import measure
from benchmarks.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.harness import Timings

BATCH_NS = 20_000_000
FRAMEWORKS = {
    "Flask": ("waitress", "flask"),
    "Django, WSGI": ("waitress", "django_wsgi"),
    "Falcon, WSGI": ("waitress", "falcon_wsgi"),
    "Quart": ("uvicorn", "quart"),
    "Starlette": ("uvicorn", "starlette"),
    "FastAPI": ("uvicorn", "fastapi"),
    "Django, ASGI": ("uvicorn", "django_asgi"),
    "Litestar": ("uvicorn", "litestar"),
    "Falcon, ASGI": ("uvicorn", "falcon_asgi"),
    "aiohttp": ("aiohttp", "aiohttp"),
    "Starlette, httptools": ("httptools", "starlette"),
    "FastAPI, httptools": ("httptools", "fastapi"),
}


@dataclass(frozen=True)
class Lived:
    """Requests of one framework under its server, in every way."""

    framework: str
    server: str
    timings: Timings


def live(rounds: int, wanted: str = "") -> Iterator[Lived]:
    """Ask for a page that does nothing, of every framework; none without what is compared with."""
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.instrumentation") is None:
        return
    for name, (server, apps) in FRAMEWORKS.items():
        if wanted.lower() in name.lower():
            with served(server, apps) as works:
                yield Lived(name, server, measure(works, rounds, BATCH_NS))
