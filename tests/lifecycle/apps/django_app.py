"""A Django project in one file, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.django import install
from tests.lifecycle.apps import bodies

if TYPE_CHECKING:
    from django.http import HttpRequest


def plain(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse("hello")


def body(name: str) -> Any:
    """Return a view that answers with a body: of the kind that the server can take in parts."""

    def view(request: HttpRequest) -> StreamingHttpResponse:
        kind = f"{name}_async" if hasattr(request, "scope") else name
        return StreamingHttpResponse(getattr(bodies, kind)())

    return view


def waits(request: HttpRequest) -> HttpResponse:
    """Answer after a while."""
    time.sleep(0.5)
    return HttpResponse("late")


async def waits_async(request: HttpRequest) -> HttpResponse:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return HttpResponse("late")


def uploads(request: HttpRequest) -> HttpResponse:
    """Read an upload."""
    return HttpResponse(str(len(request.body)))


def error_at_once(request: HttpRequest) -> HttpResponse:
    """Raise."""
    raise LookupError


urlpatterns = [
    path("plain", plain),
    path("stream", body("three")),
    path("long", body("long")),
    path("waits", waits_async),
    path("waits_in_thread", waits),
    path("uploads", uploads),
    path("error_at_once", error_at_once),
    path("error_in_body", body("broken")),
]

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="for tests",  # noqa: S106 - it guards nothing.
    DEBUG=False,
    LOGGING_CONFIG=None,
)
asgi = install(get_asgi_application())
wsgi = install(get_wsgi_application())
