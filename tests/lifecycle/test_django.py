"""Django, under WSGI and ASGI: each start gets its end, which Django's own signals do not give."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application

import tests.lifecycle.django_project  # noqa: F401 - settings, before anything asks for them.
from heliograph import ArgumentError, StateError
from heliograph.lifecycle import wsgi
from heliograph.lifecycle.django import install, install_commands
from tests.lifecycle.calling import ask, ask_wsgi, heard, http_scope, names

if TYPE_CHECKING:
    from collections.abc import Iterator

# Django leaves the file of an upload open where a view or a body ends early.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")

PLAIN = ["request-started", "request-finished", "response-sent", "request-tearing-down"]
FAILS = [
    "request-started",
    "got-request-exception",
    "request-finished",
    "response-sent",
    "request-tearing-down",
]


@pytest.fixture(autouse=True)
def collect() -> Iterator[None]:
    """Let what is left open not be found in the middle of another test."""
    yield
    gc.collect()


def send(kind: str, path: str) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
    """Send a request; return the application and what was told."""
    with heard() as kept:
        if kind == "asgi":
            app = install(get_asgi_application())
            asyncio.run(ask(app, path))
        else:
            app = install(get_wsgi_application())
            ask_wsgi(app, path)
    app.uninstall()
    return app, kept


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/", 200, "/"),
        ("/shop/acme/item/7/", 200, "/shop/<slug:tenant>/item/<int:number>/"),
        ("/shop/acme/old/x", 200, r"/shop/<slug:tenant>/old/(?P<name>\w+)$"),
        ("/refuses", 403, "/refuses"),
        ("/nowhere", 404, None),
    ],
)
def test_a_request_is_told_in_order(kind: str, path: str, status: int, route: str | None) -> None:
    """With the route that all patterns make together."""
    app, kept = send(kind, path)

    assert names(kept) == ["app-started", *PLAIN]
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["request"].route) == (status, route)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_exception_is_told_before_the_response_that_is_made_of_it(kind: str) -> None:
    """The exception itself, also from a thread."""
    _, kept = send(kind, "/fails")

    assert names(kept) == ["app-started", *FAILS]
    told = dict(kept)
    assert type(told["got-request-exception"]["exception"]) is LookupError
    assert (told["response-sent"]["status"], told["response-sent"]["aborted"]) == (500, False)
    assert told["response-sent"]["request"].native.path == "/fails"


@pytest.mark.parametrize(
    ("kind", "path"), [("asgi", "/stream_async"), ("asgi", "/stream"), ("wsgi", "/stream")]
)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_an_exception_in_a_body_is_told_once(kind: str, path: str) -> None:
    """Django itself tells nothing of it, and of no end under ASGI."""
    _, kept = send(kind, path)

    sent = dict(kept)["response-sent"]
    # A plain iterator is read whole under ASGI, before any of it is sent.
    expected = (200, 0 if path == "/stream" and kind == "asgi" else 4, True, "error")
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == expected
    assert names(kept).count("got-request-exception") == 1
    assert names(kept)[-1] == "request-tearing-down"


@pytest.mark.parametrize("asked", ["/waits", "an upload"])
async def test_a_client_that_leaves_ends_its_request(asked: str) -> None:
    """While a view waits, and in its upload, of which Django tells nothing at all."""
    app = install(get_asgi_application())
    upload = asked != "/waits"
    first = {"type": "http.request", "body": b"", "more_body": upload}
    messages = [first, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError

    with app, heard() as kept:
        await app(http_scope("/" if upload else asked), receive, send)

    sent = dict(kept)["response-sent"]
    assert names(kept) == [
        "app-started",
        "request-started",
        "response-sent",
        "request-tearing-down",
    ]
    assert (sent["status"], sent["aborted"], sent["reason"]) == (None, True, "disconnect")


async def test_the_life_span_is_told_though_django_refuses_it() -> None:
    """The layer around Django answers the server; once it is undone, Django does as ever."""
    app = install(get_asgi_application())
    asked = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    answers: list[str] = []

    async def receive() -> Any:
        return asked.pop(0)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    with heard() as kept:
        await app({"type": "lifespan"}, receive, send)

    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert kept == [
        ("app-started", {"sender": app, "lazy": False}),
        ("app-stopping", {"sender": app}),
    ]
    app.uninstall()
    with pytest.raises(ValueError, match="Django can only handle ASGI/HTTP connections"):
        await app({"type": "lifespan"}, receive, send)


def test_an_installation_is_undone() -> None:
    """The handle goes on serving, without signals, and looks like the application."""
    application = get_wsgi_application()
    app = install(application)
    with app, pytest.raises(StateError, match=r"django.WSGIHandler already"):
        install(application)
    with heard() as kept:
        assert ask_wsgi(app, "/")[0] == "200 OK"
        ask_wsgi(app, "/fails")

    assert kept == []
    assert app.resolve_request is not None


def test_an_application_that_is_wrapped_already_is_refused() -> None:
    """The message says where to install instead."""
    with pytest.raises(ArgumentError) as caught:
        install(wsgi.Middleware(get_wsgi_application()))

    assert str(caught.value) == (
        "A Middleware object is not a django.WSGIHandler: pass what get_wsgi_application() or "
        "get_asgi_application() returns, not yet wrapped."
    )


class Command(BaseCommand):  # type: ignore[misc]  # Django tells no types.
    """A command that does as it is told."""

    requires_system_checks: Any = ()

    def add_arguments(self, parser: Any) -> None:
        """Take one argument."""
        parser.add_argument("ending")

    def handle(self, *args: Any, **options: Any) -> None:
        """End so."""
        match options["ending"]:
            case "fail":
                raise LookupError
            case "exit":
                sys.exit(3)
            case "nest":
                call_command(Command(), "well")


@pytest.mark.parametrize(
    ("ending", "ends"),
    [
        ("well", ["succeeded"]),
        ("fail", ["failed"]),
        ("exit", ["failed"]),
        ("nest", ["succeeded", "succeeded"]),
    ],
)
def test_a_command_is_a_job(ending: str, ends: list[str]) -> None:
    """Each has one end; one that calls another is its parent."""
    command = Command()
    with install_commands(), heard() as kept:
        with suppress(LookupError, SystemExit):
            call_command(command, ending)
        with pytest.raises(StateError, match=r"django.BaseCommand already"):
            install_commands()
        with pytest.raises(CommandError):  # It is not run at all.
            call_command(command)

    assert [it["outcome"] for name, it in kept if "outcome" in it] == ends
    jobs = [it["job"] for name, it in kept if name == "job-started"]
    assert [it.parent for it in jobs] == [None, *jobs[:-1]]
    assert (jobs[0].system, jobs[0].name) == ("django", "test_django")
    assert kept[0][1]["sender"] is command
    with heard() as kept:
        call_command(command, "well")
    assert kept == []


def test_the_application_itself_can_be_asked() -> None:
    """By somebody who kept it: nothing is told then."""
    app = get_wsgi_application()
    with install(app), heard() as kept:
        assert ask_wsgi(app, "/") == ("200 OK", b"hello")

    assert kept == []
