"""Starlette: every request in the order of Flask, and routes with all their prefixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import current_request, lifecycle
from heliograph.lifecycle.starlette import install
from tests.lifecycle.calling import ask, heard, names

if TYPE_CHECKING:
    from pathlib import Path


async def plain(request: Any) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse("hello")


async def fails(request: Any) -> PlainTextResponse:
    """Raise what nobody handles."""
    raise LookupError


async def refuses(request: Any) -> PlainTextResponse:
    """Raise what the framework makes a response of."""
    raise HTTPException(403)


async def later(request: Any) -> PlainTextResponse:
    """Do some work when the response is out."""
    return PlainTextResponse("hello", background=BackgroundTask(work))


async def work() -> None:
    """Be seen in the order of the signals."""
    lifecycle["app-started"].send("work", lazy=True)


class Copies:
    """A layer that hands on a copy of the scope, as some do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as the application does."""
        await self.app(dict(scope), receive, send)


def made(**options: Any) -> Starlette:
    """Return an application with all kinds of routes."""
    deep = [Route("/deep/{id:int}", plain), Mount("/{lang}", routes=[Route("/x", plain)])]
    routes = [
        Route("/", plain),
        Route("/fails", fails),
        Route("/refuses", refuses),
        Route("/later", later),
        Route("/t/first/x", plain),
        Mount("/t/{tenant}", routes=[Mount("/n", routes=deep), Route("/here", plain)]),
        Mount("/sub", app=Starlette(routes=[Route("/page/{name}", plain)])),
        Mount("/raw", app=PlainTextResponse("raw")),
        Host("api.example", app=Router([Route("/hosted/{id}", plain)])),
        Mount("/", routes=[Route("/last/{id}", plain)]),
    ]
    return Starlette(routes=routes, **options)


async def test_a_request_that_succeeds_is_told_in_order() -> None:
    """Started, finished before anything is sent, sent, and torn down last."""
    app = made()
    install(app)
    with heard() as kept:
        await ask(app, "/later")

    assert names(kept) == [
        "app-started",
        "request-started",
        "request-finished",
        "response-sent",
        "app-started",
        "request-tearing-down",
    ]
    assert {it["sender"] for _, it in kept} == {app, "work"}


async def test_an_exception_is_told_before_the_response_that_is_made_of_it() -> None:
    """As Flask does; it is not told a second time when it has left the framework."""
    app = made()
    install(app)
    with heard() as kept:
        answer = await ask(app, "/fails")

    assert names(kept)[2:] == [
        "got-request-exception",
        "request-finished",
        "response-sent",
        "request-tearing-down",
    ]
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["aborted"], sent["reason"]) == (500, False, "complete")
    error = answer[-1]["error"]
    assert dict(kept)["got-request-exception"]["exception"] is error
    assert dict(kept)["request-tearing-down"]["exc"] is error


async def test_what_the_framework_handles_is_no_exception() -> None:
    """A 403 and a 404 are responses like others."""
    app = made()
    install(app)
    with heard() as kept:
        await ask(app, "/refuses")
        await ask(app, "/nowhere")

    assert [it["status"] for name, it in kept if name == "response-sent"] == [403, 404]
    assert "got-request-exception" not in names(kept)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/t/first/x", "/t/first/x"),
        ("/t/acme/here", "/t/{tenant}/here"),
        ("/t/acme/n/deep/9", "/t/{tenant}/n/deep/{id:int}"),
        ("/t/acme/n/de/x", "/t/{tenant}/n/{lang}/x"),
        ("/t/acme/n/nothing", None),
        ("/sub/page/me", "/sub/page/{name}"),
        ("/sub/nothing", None),
        ("/raw/any/thing", "/raw"),
        ("/last/7", "/last/{id}"),
        ("/nowhere", None),
        ("/fails", "/fails"),
    ],
)
@pytest.mark.parametrize("layers", [(), (Copies,), (BaseHTTPMiddleware,)])
async def test_a_route_has_the_prefixes_of_its_mounts(
    path: str, route: str | None, layers: tuple[Any, ...]
) -> None:
    """Whatever layers there are, and never the path itself."""

    async def dispatch(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    options = [{"dispatch": dispatch} if it is BaseHTTPMiddleware else {} for it in layers]
    middleware = [Middleware(it, **given) for it, given in zip(layers, options, strict=True)]
    app = made(middleware=middleware)
    install(app)
    with heard() as kept:
        await ask(app, path)

    assert [it["request"].route for name, it in kept if name == "response-sent"] == [route]


async def test_a_mounted_application_is_not_counted_twice() -> None:
    """The sender is the outermost one, also where the other one has signals as well."""
    inner = made()
    app = Starlette(routes=[Mount("/inner", app=inner)])
    install(inner)
    install(app)
    with heard() as kept:
        await ask(app, "/inner/later")

    told = [(name, it["sender"]) for name, it in kept if name == "response-sent"]
    assert told == [("response-sent", app)]


async def test_the_request_is_there_for_everybody_inside_of_it() -> None:
    """One object, from the first signal to the last."""
    seen = []

    async def look(request: Any) -> PlainTextResponse:
        seen.append(current_request())
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/", look)])
    install(app, echo_request_id=True)
    with heard() as kept:
        [start, *_] = await ask(app, "/", x_request_id="abc-1")

    assert {it["request"] for name, it in kept if "request" in it} == set(seen)
    assert current_request() is None
    assert dict(start["headers"])[b"x-request-id"] == b"abc-1"


async def test_an_installation_is_undone() -> None:
    """The application is served as before, and can be installed to again."""
    app = made()
    with install(app) as installation:
        await ask(app, "/")
    installation.uninstall()
    with heard() as kept:
        await ask(app, "/")

    assert kept == []
    # It has started.
    with pytest.raises(StateError, match=r"This starlette.Starlette has started to serve"):
        install(app)


def test_what_cannot_be_installed_is_refused() -> None:
    """Twice, or to something else."""
    app = made()
    install(app)
    with pytest.raises(StateError, match=r"are installed for this starlette.Starlette already"):
        install(app)
    with pytest.raises(ArgumentError, match=r"^A str object is not a starlette.Starlette"):
        install("app")  # type: ignore[arg-type]  # As somebody may.


async def test_a_route_below_a_host_is_found() -> None:
    """It adds nothing to the template."""
    below = Router([Route("/own/{id}", plain), Mount("/m", routes=[Route("/deep", plain)])])
    app = Starlette(routes=[Host("api.example", app=below)])
    install(app)
    with heard() as kept:
        for path in ("/own/7", "/m/deep"):
            await ask(app, path, host="api.example")
        await ask(app, "/m/deep", host="elsewhere.example")

    routes = [it["request"].route for name, it in kept if name == "response-sent"]
    assert routes == ["/own/{id}", "/m/deep", None]


async def test_the_files_of_a_mount_have_its_template_alone(tmp_path: Path) -> None:
    """Whether or not there is such a file; a redirect has none, and never the path."""
    (tmp_path / "page.txt").write_text("hello")
    routes = [Mount("/files", StaticFiles(directory=tmp_path)), Route("/item/", plain)]
    app = Starlette(routes=routes)
    install(app)
    with heard() as kept:
        for path in ("/files/page.txt", "/files/none.txt", "/item"):
            await ask(app, path)
        await ask(app, "/item/", "POST")

    told = [it for name, it in kept if name == "response-sent"]
    assert [(it["status"], it["request"].route) for it in told] == [
        (200, "/files"),
        (404, "/files"),
        (307, None),
        (405, "/item/"),
    ]


class Own(BaseRoute):
    """A route that says nothing of its template."""

    def matches(self, scope: Any) -> tuple[Match, dict[str, Any]]:
        """Match one path."""
        found = scope["path"] == "/sub/own"
        return (Match.FULL, {"endpoint": plain}) if found else (Match.NONE, {})

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        await PlainTextResponse("hello")(scope, receive, send)


async def test_a_mount_that_a_request_did_not_come_through_is_not_its_route() -> None:
    """It would have matched, but another route stood before it."""
    app = Starlette(routes=[Own(), Mount("/sub", app=PlainTextResponse("below"))])
    install(app)
    with heard() as kept:
        await ask(app, "/sub/own")
        await ask(app, "/sub/other")

    assert [it["request"].route for name, it in kept if name == "response-sent"] == [None, "/sub"]
