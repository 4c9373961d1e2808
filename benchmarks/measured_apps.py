"""Applications whose page does nothing, and whose requests are measured by one of several.

Each function returns an application that is built in one way. Nobody scrapes while it is timed, but
for OpenTelemetry's: its SDK is read by nobody, and keeps what it is told.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

PLAIN = "plain"
OURS = "heliograph"
ALL_SIGNALS = "heliograph, all signals"
TO_OTEL = "heliograph, to OTel's SDK"
THEIR_PROMETHEUS = "Prometheus"
OTEL_METRICS = "OTel, metrics"
OTEL = "OTel, with spans"
LEAN = "heliograph, phases=False"
INSTALLED = "life-cycle alone"
WAYS = (PLAIN, INSTALLED, LEAN, OURS, ALL_SIGNALS, TO_OTEL, THEIR_PROMETHEUS, OTEL_METRICS, OTEL)


def _meter_provider() -> Any:
    # By name: only the environment of the benchmarks has them.
    metrics = import_module("opentelemetry.sdk.metrics")
    export = import_module("opentelemetry.sdk.metrics.export")
    return metrics.MeterProvider([export.InMemoryMetricReader()])


def _of_otel(way: str) -> dict[str, Any]:
    trace = import_module("opentelemetry.sdk.trace")
    sampling = import_module("opentelemetry.sdk.trace.sampling")
    sampler = sampling.ALWAYS_ON if way == OTEL else sampling.ALWAYS_OFF
    return {
        "tracer_provider": trace.TracerProvider(sampler=sampler),
        "meter_provider": _meter_provider(),
    }


def _measured(way: str) -> None:
    """Measure the requests of the process by Heliograph."""
    if way == INSTALLED:
        return
    from heliograph.metrics import Metrics

    metrics = Metrics() if way == ALL_SIGNALS else Metrics([])
    metrics.http(phases=way != LEAN)
    if way == TO_OTEL:
        import_module("heliograph.metrics.opentelemetry").export(metrics, _meter_provider())
    else:
        import_module("heliograph.metrics.prometheus").export(metrics)
    metrics.start()
    _KEPT.append(metrics)


_KEPT: list[Any] = []


def flask(way: str) -> Any:
    """Return one of Flask."""
    import flask

    app = flask.Flask("benchmarks")
    app.add_url_rule("/", view_func=lambda: "done")
    if way in WAYS[1:6]:
        import_module("heliograph.lifecycle.flask").install(app)
        _measured(way)
    elif way == THEIR_PROMETHEUS:
        import_module("prometheus_flask_exporter").PrometheusMetrics(app)
    elif way != PLAIN:
        instrumentor: Any = import_module("opentelemetry.instrumentation.flask").FlaskInstrumentor()
        instrumentor.instrument_app(app, **_of_otel(way))
    return app


def fastapi(way: str) -> Any:
    """Return one of FastAPI."""
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI()

    @app.get("/", response_class=PlainTextResponse)
    async def page() -> str:
        return "done"

    if way in WAYS[1:6]:
        import_module("heliograph.lifecycle.fastapi").install(app)
        _measured(way)
    elif way == THEIR_PROMETHEUS:
        import_module("prometheus_fastapi_instrumentator").Instrumentator().instrument(app)
    elif way != PLAIN:
        found = import_module("opentelemetry.instrumentation.fastapi")
        found.FastAPIInstrumentor.instrument_app(app, **_of_otel(way))
    return app
