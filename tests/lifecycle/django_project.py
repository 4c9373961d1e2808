"""A Django project in one file."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path


def plain(request: Any, **_: Any) -> HttpResponse:
    """Answer."""
    return HttpResponse("hello")


def fails(request: Any) -> HttpResponse:
    """Raise what nobody handles."""
    raise LookupError


def refuses(request: Any) -> HttpResponse:
    """Raise what the framework makes a response of."""
    raise PermissionDenied


async def waits(request: Any) -> HttpResponse:
    """Answer after a while."""
    await asyncio.sleep(30)
    return HttpResponse("too late")


def stream(request: Any) -> StreamingHttpResponse:
    """Raise in the middle of a body."""

    def parts() -> Any:
        yield b"part"
        raise LookupError

    return StreamingHttpResponse(parts())


def stream_async(request: Any) -> StreamingHttpResponse:
    """Raise in the middle of a body."""

    async def parts() -> Any:
        yield b"part"
        raise LookupError

    return StreamingHttpResponse(parts())


nested = [path("item/<int:number>/", plain), re_path(r"^old/(?P<name>\w+)$", plain)]
urlpatterns = [
    path("", plain),
    path("fails", fails),
    path("refuses", refuses),
    path("waits", waits),
    path("stream", stream),
    path("stream_async", stream_async),
    path("shop/<slug:tenant>/", include(nested)),
]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="for tests",  # noqa: S106 - it guards nothing.
        DEBUG=False,
        LOGGING_CONFIG=None,
    )
