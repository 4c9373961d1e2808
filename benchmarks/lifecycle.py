"""What life-cycle signals add to a whole request under a server, with nobody connected."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.harness import Timing, measure
from benchmarks.served_apps import WAYS
from benchmarks.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.harness import Timings

# For one of the connections that are asked at once: twenty times as much for the server.
BATCH_NS = 1_000_000
# The same program takes up to 5 % more or less time from one process to the next, for its whole
# life: nobody knows how its memory lies. Only the median over several of each tells 3 %.
CREWS = 9
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
            yield Lived(name, server, _measured(server, apps, rounds))


def _measured(server: str, apps: str, rounds: int) -> Timings:
    """Time all ways, by turns, in several processes of each: the least disturbed round of each."""
    timings = {way: Timing() for way in WAYS}
    for _ in range(CREWS):
        with served(server, apps) as works:
            # Each round asks for some hundred pages, so that few of them do.
            for way, timing in measure(works, max(1, rounds // 20), BATCH_NS).items():
                timings[way].rounds.append(timing.minimum)
    return timings
