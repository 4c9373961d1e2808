"""What compresses responses leaves the page and its news alone, whatever the browser accepts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from brotli_asgi import BrotliMiddleware
from flask import Flask
from flask_compress import Compress
from starlette.middleware.gzip import GZipMiddleware

from heliograph.inspector.inspector import Inspector
from heliograph.inspector.page.document import document
from tests.inspector.page.calling import call

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCEPTS = "gzip, deflate, br, zstd"


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    """Give an inspector that is stopped in the end."""
    made = Inspector()
    yield made
    made.stop()


def test_flask_compress(inspector: Inspector) -> None:
    """It compresses what leaves Flask: also a page that is mounted as a view."""
    app = Flask("shop")
    app.config["COMPRESS_MIN_SIZE"] = 1
    page = inspector.wsgi()
    app.add_url_rule("/signals/<path:path>", view_func=lambda path: mounted(page))
    app.add_url_rule("/signals/", "root", view_func=lambda: mounted(page))
    Compress(app)
    client = app.test_client()

    found = client.get("/signals/", headers={"Accept-Encoding": ACCEPTS})
    news = client.get("/signals/news", headers={"Accept-Encoding": ACCEPTS})
    assert (found.data, found.headers["Content-Encoding"]) == (document().body, "identity")
    assert (news.get_json()["more"], news.headers["Content-Encoding"]) == (False, "identity")


def mounted(page: Any) -> Any:
    """Serve the page as Flask lets a view do it."""
    from flask import Response, request

    environ = {**request.environ, "SCRIPT_NAME": "/signals"}
    environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/signals")
    return Response.from_app(page, environ)


@pytest.mark.parametrize("around", [GZipMiddleware, BrotliMiddleware])
def test_middleware_of_starlette(inspector: Inspector, around: Any) -> None:
    """Around the page, as around any application."""
    app = around(inspector.asgi(), minimum_size=1)
    headers = [(b"host", b"localhost"), (b"accept-encoding", ACCEPTS.encode())]

    for path, kind in (("/", b"text/html; charset=utf-8"), ("/news", b"application/json")):
        start, *parts = call(app, path, headers=headers)
        told = {name: value for name, value in start["headers"] if name != b"content-length"}
        assert told[b"content-type"] == kind
        assert told[b"content-encoding"] == b"identity"
        body = b"".join(it.get("body", b"") for it in parts)
        assert body == document().body if path == "/" else body.startswith(b'{"cursor"')


DJANGO = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
)
django.setup()

from django.http import HttpResponse
from django.test import Client
from django.urls import re_path
from heliograph.inspector.page.visits import ALWAYS

def page(request):
    return HttpResponse(b'{"cursor": 1}' * 500, headers=dict(ALWAYS))

urlpatterns = [re_path("", page)]
found = Client().get("/", headers={"Accept-Encoding": "gzip"})
print(found.headers["Content-Encoding"], found.content == b'{"cursor": 1}' * 500)
"""


def test_djangos_middleware() -> None:
    """What has an encoding already, it leaves alone."""
    # In a process of its own, as Django has one project in each.
    ended = subprocess.run(
        [sys.executable, "-c", DJANGO], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.split() == ["identity", "True"]
