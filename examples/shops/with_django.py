"""The shop in Django, in one file; a project has the same line in its ``wsgi.py``."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path

from heliograph.lifecycle.django import install

from . import receivers  # noqa: F401 - its receivers connect when it is imported.
from .store import Store, restock

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    SECRET_KEY="demo-only-not-a-secret",  # noqa: S106 - a demo signs nothing of worth.
)
store = Store()


def index(request: HttpRequest) -> JsonResponse:
    """Show what is left."""
    return JsonResponse(store.shelf)


def order(request: HttpRequest, item: str) -> JsonResponse:
    """Order one piece."""
    number = store.order(item)
    if number is None:
        raise Http404
    return JsonResponse({"number": number}, status=201)


def buy(request: HttpRequest, item: str) -> JsonResponse:
    """Buy more."""
    return JsonResponse({"left": restock(store, item)})


def export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the order book."""
    return StreamingHttpResponse(store.export(), content_type="text/csv")


urlpatterns = [
    path("", index),
    path("orders/<item>", order),
    path("restock/<item>", buy),
    path("export", export),
]

app = install(get_wsgi_application(), echo_request_id=True)
