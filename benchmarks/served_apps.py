"""Applications whose page does nothing: plain, with life-cycle signals, and with OpenTelemetry's.

Each function returns an application that is built in one way. OpenTelemetry's is what instruments
the framework, or its ASGI middleware where there is none; without exporter, and sampling nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "plain"
OURS = "heliograph"
THEIRS = "opentelemetry"
WAYS = (PLAIN, OURS, THEIRS)


def _providers() -> dict[str, Any]:
    # By name: only the environment of the benchmarks has them.
    metrics = import_module("opentelemetry.metrics")
    trace = import_module("opentelemetry.sdk.trace")
    sampling = import_module("opentelemetry.sdk.trace.sampling")
    return {
        "tracer_provider": trace.TracerProvider(sampler=sampling.ALWAYS_OFF),
        "meter_provider": metrics.NoOpMeterProvider(),
    }


def _instrument(module: str, instrumentor: str) -> None:
    found = import_module(f"opentelemetry.instrumentation.{module}")
    getattr(found, instrumentor)().instrument(**_providers())


def _in_its_way(way: str, module: str, instrumentor: str | None, app: Any) -> Any:
    if way == OURS:
        return _installed(module, app)
    if way == PLAIN:
        return app
    if instrumentor is None:
        found = import_module("opentelemetry.instrumentation.asgi")
        return found.OpenTelemetryMiddleware(app, **_providers())
    found = import_module(f"opentelemetry.instrumentation.{module}")
    # Flask's is a method, those of the others are static.
    getattr(found, instrumentor)().instrument_app(app, **_providers())
    return app


def _installed(module: str, app: Any) -> Any:
    """Return what is to be served: an application, or what is around it."""
    handle = import_module(f"heliograph.lifecycle.{module}").install(app)
    return handle if callable(handle) else app


def flask(way: str) -> Any:
    """Return one of Flask."""
    import flask

    app = flask.Flask("benchmarks")
    app.add_url_rule("/", view_func=lambda: "done")
    return _in_its_way(way, "flask", "FlaskInstrumentor", app)


def quart(way: str) -> Any:
    """Return one of Quart."""
    import quart

    async def page() -> str:
        return "done"

    app = quart.Quart("benchmarks")
    app.add_url_rule("/", view_func=page)
    return _in_its_way(way, "quart", None, app)


def starlette(way: str) -> Any:
    """Return one of Starlette."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def page(_: Any) -> PlainTextResponse:
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", page)])
    return _in_its_way(way, "starlette", "StarletteInstrumentor", app)


def fastapi(way: str) -> Any:
    """Return one of FastAPI."""
    from fastapi import FastAPI

    async def page() -> str:
        return "done"

    app = FastAPI()
    app.get("/")(page)
    return _in_its_way(way, "fastapi", "FastAPIInstrumentor", app)


def litestar(way: str) -> Any:
    """Return one of Litestar."""
    from litestar import Litestar, get

    @get("/", media_type="text/plain")
    async def page() -> str:
        return "done"

    return _in_its_way(way, "litestar", None, Litestar([page]))


def falcon_wsgi(way: str) -> Any:
    """Return one of Falcon under WSGI."""
    import falcon

    class Page:
        def on_get(self, _: Any, response: Any) -> None:
            response.text = "done"

    if way == THEIRS:
        # It exchanges the class.
        _instrument("falcon", "FalconInstrumentor")
    app = falcon.App()
    app.add_route("/", Page())
    return _installed("falcon", app) if way == OURS else app


def falcon_asgi(way: str) -> Any:
    """Return one of Falcon under ASGI."""
    import falcon.asgi

    class Page:
        async def on_get(self, _: Any, response: Any) -> None:
            response.text = "done"

    app = falcon.asgi.App()
    app.add_route("/", Page())
    return _in_its_way(way, "falcon", None, app)


def django_wsgi(way: str) -> Any:
    """Return one of Django under WSGI."""
    from django.core.handlers.wsgi import WSGIHandler

    return _of_django(way, WSGIHandler, _django_page)


def django_asgi(way: str) -> Any:
    """Return one of Django under ASGI."""
    from django.core.handlers.asgi import ASGIHandler

    return _of_django(way, ASGIHandler, _async_django_page)


def _django_page(_: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse("done")


async def _async_django_page(_: Any) -> Any:
    return _django_page(_)


def _of_django(way: str, handler: Callable[[], Any], page: Any) -> Any:
    import django
    from django.conf import settings
    from django.urls import path

    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=type("Urls", (), {"urlpatterns": [path("", page)]}),
        # It announces the length: without, waitress closes the connection.
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    )
    django.setup()
    if way == THEIRS:
        # It changes the settings, which handlers read when they are made.
        _instrument("django", "DjangoInstrumentor")
    app = handler()
    return _installed("django", app) if way == OURS else app


def aiohttp(way: str) -> Any:
    """Return one of aiohttp."""
    from aiohttp import web

    async def page(_: Any) -> web.Response:
        return web.Response(text="done")

    if way == THEIRS:
        # It exchanges the class.
        _instrument("aiohttp_server", "AioHttpServerInstrumentor")
    app = web.Application()
    app.router.add_get("/", page)
    if way == OURS:
        _installed("aiohttp", app)
    return app
