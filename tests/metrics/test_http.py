"""Metrics of requests: what the conventions of OpenTelemetry say, and what signals add."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import flask
import pytest

from heliograph import StateError
from heliograph.lifecycle import asgi, wsgi
from heliograph.lifecycle import flask as lifecycle_flask
from heliograph.metrics import Metrics, http
from heliograph.metrics.dashboards import dashboard
from heliograph.metrics.wire import Wire
from tests.lifecycle.calling import ask, ask_wsgi
from tests.metrics.reading import series_of
from tests.metrics.test_forks import in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS = "http.server.request.duration"


def counts_of(metrics: Metrics, name: str = REQUESTS) -> dict[tuple[str, ...], float]:
    """Give how many values there are, by labels."""
    found = series_of(metrics, name).items()
    return {labels: it[0] if isinstance(it, tuple) else it for labels, it in found}


@pytest.fixture
def made_app() -> Iterator[Callable[[], flask.Flask]]:
    """Give what makes an application that has the life-cycle signals."""
    installed = ExitStack()

    def make() -> flask.Flask:
        app = flask.Flask("shop")
        app.secret_key = "tests"  # noqa: S105 - it guards nothing.

        @app.get("/orders/<int:number>")
        def show(number: int) -> str:
            return str(number)

        @app.get("/broken")
        def broken() -> str:
            raise LookupError

        @app.get("/page")
        def page() -> str:
            flask.flash("Welcome", "greeting")
            flask.flash("Again", "greeting")
            flask.flash("Careful", "warning")
            return flask.render_template_string("Hello {{ name }}", name="Ada")

        installed.enter_context(lifecycle_flask.install(app))
        return app

    with installed:
        yield make


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Give metrics of requests alone."""
    made = Metrics([])
    made.http(active=True)
    with made:
        yield made


def test_the_conventions_are_followed_to_the_letter() -> None:
    """Names, units, buckets and attributes are those of the stable conventions."""
    about = http.REQUEST

    assert (about.name, about.kind, about.unit) == (REQUESTS, "histogram", "s")
    assert about.labels == (
        "http.request.method",
        "url.scheme",
        "http.response.status_code",
        "http.route",
        "error.type",
        "network.protocol.version",
    )
    bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    assert list(about.bounds) == bounds
    assert (http.ACTIVE.name, http.ACTIVE.labels) == (
        "http.server.active_requests",
        ("http.request.method", "url.scheme"),
    )


def test_requests_are_told_apart_by_route_and_status(
    metrics: Metrics, made_app: Callable[[], flask.Flask]
) -> None:
    """A route is a template; what no route matched has no path in its labels."""
    client = made_app().test_client()
    for path in ("/orders/7", "/orders/8", "/nowhere/1", "/nowhere/2"):
        client.get(path, buffered=True)
    client.post("/orders/7", buffered=True)
    client.open("/orders/7", method="SECRET", buffered=True)

    assert counts_of(metrics) == {
        ("GET", "http", "200", "/orders/<int:number>", "", "1.1"): 2,
        ("GET", "http", "404", "<unmatched>", "", "1.1"): 2,
        ("POST", "http", "405", "<unmatched>", "", "1.1"): 1,
        ("_OTHER", "http", "405", "<unmatched>", "", "1.1"): 1,
    }


def test_errors_have_a_type_and_a_counter_of_their_own(
    metrics: Metrics, made_app: Callable[[], flask.Flask]
) -> None:
    """The counter is there at zero before the first error."""
    assert series_of(metrics, "heliograph.http.errors") == {(): 0.0}
    client = made_app().test_client()
    client.get("/broken", buffered=True)
    client.get("/orders/1", buffered=True)

    assert counts_of(metrics) == {
        ("GET", "http", "500", "/broken", "500", "1.1"): 1,
        ("GET", "http", "200", "/orders/<int:number>", "", "1.1"): 1,
    }
    assert series_of(metrics, "heliograph.http.errors") == {(): 1.0}


def test_templates_are_timed_by_name_and_messages_counted_by_category(
    metrics: Metrics, made_app: Callable[[], flask.Flask]
) -> None:
    """A template without a name is <inline>."""
    made_app().test_client().get("/page", buffered=True)

    assert counts_of(metrics, "heliograph.template.duration") == {("<inline>",): 1}
    assert series_of(metrics, "heliograph.messages.flashed") == {
        ("greeting",): 2.0,
        ("warning",): 1.0,
    }


def test_rendering_that_began_before_is_left_out(
    metrics: Metrics, made_app: Callable[[], flask.Flask]
) -> None:
    """Nobody knows how long it took; what never ends is forgotten some time."""
    measured = metrics._http
    assert measured is not None
    app = made_app()
    with app.test_request_context():
        flask.template_rendered.send(app, template=None, context={})
        measured._rendering = dict.fromkeys(range(10_000), 0.0)
        flask.render_template_string("Hello")
        assert len(measured._rendering) == 0
    measured._halves = dict.fromkeys(range(10_000), None)
    app.test_client().get("/orders/1", buffered=True)
    assert len(measured._halves) == 0

    assert counts_of(metrics, "heliograph.template.duration") == {("<inline>",): 1}


def test_what_a_framework_sends_outside_of_requests_is_no_request(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, made_app: Callable[[], flask.Flask]
) -> None:
    """Outside of development, nothing refuses it; the instruments go on."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    app = made_app()
    flask.request_finished.send(app, response=None)
    flask.request_tearing_down.send(app, exc=None)
    app.test_client().get("/orders/7", buffered=True)

    assert counts_of(metrics, "heliograph.http.headers.duration") == {
        ("GET", "/orders/<int:number>"): 1
    }


# --- the three durations ---------------------------------------------------------------


def slow_body(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
    """Announce a response at once, and send it for half a second."""
    start("200 OK", [])
    for _ in range(5):
        time.sleep(0.1)
        yield b"part"


async def with_background(scope: Any, receive: Any, send: Any) -> None:
    """Answer at once, and go on for a while."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
    await asyncio.sleep(0.3)


async def fails(scope: Any, receive: Any, send: Any) -> None:
    """Fail before there is a response."""
    raise LookupError


async def returns_early(scope: Any, receive: Any, send: Any) -> None:
    """Answer with a part of the response."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


def sum_of(metrics: Metrics, name: str) -> float:
    """Give the seconds of all values."""
    found = series_of(metrics, name).values()
    return sum(it[1] for it in found if isinstance(it, tuple))


def test_a_streamed_response_is_measured_up_to_its_last_byte(metrics: Metrics) -> None:
    """Half a second is half a second; its headers came at once."""
    ask_wsgi(wsgi.Middleware(slow_body), "/export")

    assert sum_of(metrics, REQUESTS) >= 0.5
    assert sum_of(metrics, "heliograph.http.headers.duration") < 0.4
    assert counts_of(metrics, "heliograph.http.headers.duration") == {("GET", "<unmatched>"): 1}


def test_background_work_is_no_part_of_the_response(metrics: Metrics) -> None:
    """It has a duration of its own."""
    asyncio.run(ask(asgi.Middleware(with_background), "/"))

    assert sum_of(metrics, REQUESTS) < 0.3 <= sum_of(metrics, "heliograph.http.background.duration")


def test_a_request_without_a_response_has_no_status(metrics: Metrics) -> None:
    """The error's type says what happened; it counts as aborted, by the reason."""
    before = series_of(metrics, "heliograph.http.aborted")
    asyncio.run(ask(asgi.Middleware(fails), "/"))
    asyncio.run(ask(asgi.Middleware(returns_early), "/"))

    assert counts_of(metrics) == {
        ("GET", "http", "", "<unmatched>", "builtins.LookupError", "1.1"): 1,
        ("GET", "http", "200", "<unmatched>", "incomplete", "1.1"): 1,
    }
    assert before == {(it,): 0.0 for it in http.REASONS}
    told = series_of(metrics, "heliograph.http.aborted")
    assert told == {**before, ("error",): 1.0, ("incomplete",): 1.0}
    assert series_of(metrics, "heliograph.http.errors") == {(): 2.0}


def test_active_requests_go_up_and_down(metrics: Metrics) -> None:
    """While a request is served it is one more."""
    inside: list[Any] = []

    def look(environ: dict[str, Any], start: Any) -> list[bytes]:
        inside.append(series_of(metrics, "http.server.active_requests"))
        start("200 OK", [])
        return [b""]

    ask_wsgi(wsgi.Middleware(look), "/")

    assert inside == [{("GET", "http"): 1.0}]
    assert series_of(metrics, "http.server.active_requests") == {("GET", "http"): 0.0}


# --- where it is declared ---------------------------------------------------------------


def test_requests_of_one_application_may_be_counted_alone(
    made_app: Callable[[], flask.Flask],
) -> None:
    """Two applications in one process may have metrics each."""
    shop, kiosk = made_app(), made_app()
    of_shop, of_both = Metrics([]), Metrics([])
    of_shop.http(app=shop)
    of_both.http()
    with of_shop, of_both:
        shop.test_client().get("/orders/1", buffered=True)
        kiosk.test_client().get("/orders/1", buffered=True)

    assert sum(counts_of(of_shop).values()) == 1
    assert sum(counts_of(of_both).values()) == 2


def test_the_phases_of_requests_may_be_left_out(made_app: Callable[[], flask.Flask]) -> None:
    """Then a request pays for one signal alone."""
    metrics = Metrics([])
    metrics.http(phases=False)
    with metrics:
        made_app().test_client().get("/orders/1", buffered=True)

    assert sum(counts_of(metrics).values()) == 1
    with pytest.raises(LookupError):
        metrics.family("heliograph.http.headers.duration")
    titles = [it["title"] for it in dashboard(metrics)["panels"]]
    assert "Requests" in titles
    assert "Time to headers" not in titles


def test_requests_are_declared_once(metrics: Metrics) -> None:
    """A second call would count each request twice."""
    with pytest.raises(StateError, match=r"call http\(\) once"):
        metrics.http()


def test_methods_are_chosen_by_the_variable_of_the_conventions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list replaces the known methods."""
    assert http.known_methods() == http.METHODS
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, PURGE")

    assert http.known_methods() == ("GET", "PURGE")


@pytest.mark.parametrize(
    ("native", "told"),
    [
        ({"wsgi.url_scheme": "https", "SERVER_PROTOCOL": "HTTP/2.0"}, ("https", "2")),
        ({"wsgi.url_scheme": "http"}, ("http", "")),
        ({"type": "http", "scheme": "https", "http_version": "3"}, ("https", "3")),
        ({"type": "http"}, ("http", "")),
        (object(), ("", "")),
        ({"type": "http", "scheme": "javascript", "http_version": "9.9"}, ("", "")),
    ],
)
def test_scheme_and_version_are_words_that_are_known(native: object, told: tuple[str, str]) -> None:
    """A client could make up others, each of them a label set."""
    assert Wire().read(native) == told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_has_no_requests_of_its_parent(
    metrics: Metrics, made_app: Callable[[], flask.Flask]
) -> None:
    """It begins with nothing, and counts its own."""
    app = made_app()
    app.test_client().get("/orders/1", buffered=True)

    def told() -> float:
        app.test_client().get("/orders/1", buffered=True)
        return sum(counts_of(metrics).values())

    assert in_child(told) == 1
    assert sum(counts_of(metrics).values()) == 1
