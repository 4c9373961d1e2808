"""A Django project with its debug toolbar, visited over WSGI and ASGI; prints what came back.

A program of its own: Django has one project in a process.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import django
from django.conf import settings

from heliograph import Namespace
from heliograph.inspector.panels import collecting

shop = Namespace("shop")
placed, packed = shop.signal('order-placed <script>alert(1)</script> "&'), shop.signal("packed")

PANEL = "heliograph.inspector.panels.django.HeliographPanel"
TOOLBARS = ("debug_toolbar.panels.history.HistoryPanel", "debug_toolbar.panels.timer.TimerPanel")
HERE = {"REMOTE_ADDR": "127.0.0.1"}
TEMPLATES = "django.template.backends.django.DjangoTemplates"
PATHS = ("/", "/json", "/stream", "/nowhere", "/broken")


@placed.connect
def pack(sender: object) -> None:
    """Pack."""
    packed.send(sender)


@packed.connect
def fail(sender: object) -> None:
    """Fail with what a page must not run."""
    msg = "<img src=x onerror=alert(1)>"
    raise ValueError(msg)


def configure() -> None:
    """Make the project."""
    settings.configure(
        DEBUG=True,
        SECRET_KEY="a test",  # noqa: S106 - it signs nothing.
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.staticfiles", "debug_toolbar"],
        STATIC_URL="/static/",
        MIDDLEWARE=["debug_toolbar.middleware.DebugToolbarMiddleware"],
        TEMPLATES=[{"BACKEND": TEMPLATES, "APP_DIRS": True}],
        DEBUG_TOOLBAR_PANELS=[*TOOLBARS, PANEL],
        DEBUG_TOOLBAR_CONFIG={"SHOW_TOOLBAR_CALLBACK": f"{__name__}.yes", "RENDER_PANELS": False},
    )
    django.setup()


def yes(request: object) -> bool:
    """Show it always."""
    return True


configure()

from debug_toolbar.toolbar import debug_toolbar_urls  # noqa: E402 - Django has a project now.
from django.core.wsgi import get_wsgi_application  # noqa: E402 - as above.
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402 - as above.
from django.test import AsyncClient, Client  # noqa: E402 - as above.
from django.urls import path  # noqa: E402 - as above.
from werkzeug.test import Client as WSGIClient  # noqa: E402 - as above.

from heliograph.inspector.inspector import Inspector  # noqa: E402 - as above.
from heliograph.inspector.panels import django as of_django  # noqa: E402 - as above.


def send() -> None:
    """Send, and do not mind."""
    with suppress(ValueError):
        placed.send("shop")


def page(request: object) -> HttpResponse:
    """Give a page."""
    send()
    response = HttpResponse("<html><body>hello</body></html>")
    response.headers["Server-Timing"] = "app;dur=5"
    return response


def as_json(request: object) -> JsonResponse:
    """Give JSON."""
    send()
    return JsonResponse({"a": 1})


def as_stream(request: object) -> StreamingHttpResponse:
    """Give a stream."""
    send()
    return StreamingHttpResponse(iter([b"a", b"b"]))


def broken(request: object) -> HttpResponse:
    """Raise."""
    send()
    raise RuntimeError


urlpatterns = [
    path("", page),
    path("json", as_json),
    path("stream", as_stream),
    path("broken", broken),
    *debug_toolbar_urls(),
]


def break_everything() -> None:
    """Let each source of the panel raise."""

    def fail(*args: object, **kwargs: object) -> Any:
        msg = "a source <b>fails</b>"
        raise OSError(msg)

    for name in ("begin", "end"):
        setattr(collecting.Collection, name, fail)
    if "half" in sys.argv[1]:  # It can still say so.
        return
    for name in ("_link", "as_html", "summary"):
        setattr(of_django, name, fail)
    for name in ("record_stats", "get_stats"):
        setattr(of_django.HeliographPanel, name, fail)


def panel_of(html: str) -> str:
    """Ask for the panel, as the toolbar's script does."""
    [request_id] = re.findall(r'data-request-id="([^"]+)"', html)
    asked = {"request_id": request_id, "panel_id": "HeliographPanel"}
    found = Client().get("/__debug__/render_panel/", asked)
    return str(found.json()["content"])


async def visit_async() -> dict[str, Any]:
    """Ask for all pages over ASGI."""
    client = AsyncClient(raise_request_exception=False)
    return {it: await client.get(it) for it in PATHS}


def visit() -> dict[str, Any]:
    """Ask for all pages over WSGI."""
    client = Client(raise_request_exception=False)
    return {it: client.get(it) for it in PATHS}


def timings() -> list[Any]:
    """Ask through an inspector that stands outside of Django; return the headers and the panel."""
    inspector = Inspector()
    client = WSGIClient(inspector.wsgi(get_wsgi_application(), server_timing=True))
    found = client.get("/", base_url="http://localhost", environ_overrides=HERE)
    panel = panel_of(found.text)
    inspector.stop()
    return [found.headers.getlist("Server-Timing"), panel]


def main() -> None:
    """Print the statuses, the toolbar's line and the panel of the page."""
    if "broken" in sys.argv[1]:
        break_everything()
    if sys.argv[1] == "outside":
        print(json.dumps(timings()))  # noqa: T201 - as below.
        return
    answers = asyncio.run(visit_async()) if "asgi" in sys.argv[1] else visit()
    html = answers["/"].content.decode()
    button = r'class="HeliographPanel"[^>]*>\s*Signals\s*<br>\s*<small>([^<]*)</small>'
    subtitle = re.findall(button, html)
    statuses = {it: answer.status_code for it, answer in answers.items()}
    print(json.dumps([statuses, subtitle, panel_of(html)]))  # noqa: T201 - the test reads it.


if __name__ == "__main__":
    main()
