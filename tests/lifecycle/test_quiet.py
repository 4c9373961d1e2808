"""Requests whose start nobody can hear: they are current and known, and nothing is told of them."""

from __future__ import annotations

import asyncio
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import add_instrument, remove_instrument
from heliograph.lifecycle import (
    asgi,
    current_request,
    lifecycle,
    request_started,
    request_tearing_down,
    response_sent,
    wsgi,
)
from tests.lifecycle.calling import ask, ask_wsgi, heard, http_scope, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph.lifecycle import RequestInfo


@pytest.fixture(autouse=True)
def in_production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In development every send is held against its declaration, whoever is connected."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    yield
    for signal in lifecycle.values():
        signal._registry.check(on=True)


def known(request: RequestInfo | None) -> Any:
    """Return what is known of a request."""
    assert request is not None
    return request.kind, request.method, request.path, request.client, request.id


WHOLE = ("http", "GET", "/page", "127.0.0.1", "mine")


async def test_a_request_that_nobody_hears_is_current_and_known() -> None:
    """In the application, in what it streams, and in tasks that it starts."""
    seen: list[Any] = []

    async def background() -> None:
        seen.append(known(current_request()))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.create_task(background())
        request = current_request()
        assert request is not None
        seen.append((known(request), request.native is scope, request.duration > 0))
        assert 0 < time() - request.started < 60
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        seen.append(current_request() is request)
        await send({"type": "http.response.body", "body": b"b"})
        await task

    served = asgi.Middleware(app)
    answer = await ask(served, "/page", x_request_id="mine")

    assert [it.get("body") for it in answer] == [None, b"a", b"b"]
    assert seen == [(WHOLE, True, True), True, WHOLE]
    assert current_request() is None


async def test_its_messages_pass_by_untouched() -> None:
    """The application gets the server's own `receive` and `send`, and the scope is as it was."""
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.append(given)

    async def receive() -> Any:
        """Never be called."""

    async def send(message: Any) -> None:
        """Never be called."""

    served = asgi.Middleware(app)
    for _ in range(2):  # At the first one, the application starts.
        scope = http_scope("/page")
        await served(scope, receive, send)
        assert seen.pop() == (scope, receive, send)
        assert scope == http_scope("/page")


async def test_what_a_task_finds_after_the_end_of_its_request() -> None:
    """All but the scope and the route, unless somebody has asked for these before."""
    found: list[Any] = []
    tasks: list[Any] = []

    async def later() -> None:
        await over.wait()
        request = current_request()
        assert request is not None
        found.append((known(request), request.is_over, request.native, request.route))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/asked":
            assert current_request().native is scope  # type: ignore[union-attr]  # It is current.
        tasks.append(asyncio.create_task(later()))

    over = asyncio.Event()
    served = asgi.Middleware(app)
    for path in ("/page", "/asked"):
        await ask(served, path, x_request_id="mine")
    over.set()
    await asyncio.gather(*tasks)

    assert found[0] == (WHOLE, True, None, None)
    assert found[1][2]["path"] == "/asked"


async def test_who_connects_in_the_middle_hears_the_next_request() -> None:
    """A request whose start nobody could hear tells nothing later either."""
    told: list[str] = []

    def hear(sender: Any, *, request: RequestInfo, **_: Any) -> None:
        told.append(request.path)

    receiver: Any = hear

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request_tearing_down.connect(receiver)

    served = asgi.Middleware(app)
    try:
        await ask(served, "/first")
        await ask(served, "/second")
    finally:
        request_tearing_down.disconnect(receiver)

    assert told == ["/second"]


async def test_each_start_that_was_told_gets_its_end() -> None:
    """Whoever hears one of the signals of a request hears them all, whatever was there before."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    served = asgi.Middleware(app)
    await ask(served, "/quiet")
    with heard() as kept:
        await ask(served, "/told")
    await ask(served, "/quiet")

    assert names(kept) == [
        "request-started",
        "request-finished",
        "response-sent",
        "request-tearing-down",
    ]


async def test_an_instrument_is_somebody() -> None:
    """It sees all of a request, and a muted receiver hears nothing of one."""
    seen: list[str | None] = []

    def watch(emission: Any) -> None:
        seen.append(emission.signal.name)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Answer nothing."""

    served = asgi.Middleware(app)
    await ask(served, "/quiet")
    add_instrument(watch, signals=[response_sent])
    await ask(served, "/seen")
    remove_instrument(watch)
    assert seen == ["response-sent"]

    receiver: Any = lambda sender, **_: seen.append("muted")  # noqa: E731 - held by its name.
    response_sent.connect(receiver)
    with response_sent.muted():
        await ask(served, "/muted")
    response_sent.disconnect(receiver)
    assert seen == ["response-sent"]


async def test_ids_are_echoed_though_nobody_hears() -> None:
    """The messages of such a request do not pass by untouched."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    served = asgi.Middleware(app, echo_request_id=True)
    for _ in range(2):
        start, *_ = await ask(served, "/", x_request_id="mine")
        assert start["headers"] == [(b"x-request-id", b"mine")]

    def plain(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return []

    kept: list[Any] = []

    def start_response(*given: Any) -> Any:
        kept.append(given)

    environ = {"REQUEST_METHOD": "GET", "HTTP_X_REQUEST_ID": "mine"}
    wsgi.Middleware(plain, echo_request_id=True)(environ, start_response)
    assert kept == [("200 OK", [("X-Request-ID", "mine")])]


async def test_a_layer_inside_of_one_that_is_not_heard_does_nothing() -> None:
    """Receivers that come in between hear nothing of the request either."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Answer nothing."""

    inner = asgi.Middleware(app)
    await ask(inner, "/alone")

    async def between(scope: Any, receive: Any, send: Any) -> None:
        with heard() as kept:
            await inner({**scope}, receive, send)
        told.extend(names(kept))

    told: list[str] = []
    await ask(asgi.Middleware(between), "/")

    assert told == []


async def test_a_scope_that_was_kept_is_of_no_request_any_more() -> None:
    """Something that is tried again with a copy is another request."""
    copies: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        copies.append({**scope})
        paths.append(current_request() is None)

    paths: list[bool] = []
    served = asgi.Middleware(app)
    await ask(served, "/")
    await served(copies[0], asyncio.sleep, asyncio.sleep)  # type: ignore[arg-type]  # Neither is called.
    with heard() as kept:
        await served(copies[1], asyncio.sleep, asyncio.sleep)  # type: ignore[arg-type]  # Likewise.

    assert (paths, names(kept).count("response-sent")) == ([False] * 3, 1)


async def test_a_request_around_is_current_again() -> None:
    """Unless it is over meanwhile."""
    over: list[RequestInfo] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        for request in over:
            request.is_over = True

    asked = asgi.Middleware(inner)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        request = current_request()
        assert request is not None
        await ask(asked, "/inner")
        assert current_request() is request
        over.append(request)
        await ask(asked, "/inner")
        assert current_request() is None

    await ask(asgi.Middleware(outer), "/outer")
    assert len(over) == 1


async def test_a_websocket_that_nobody_hears_is_current() -> None:
    """Its messages pass by untouched, and it is none over HTTP."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = current_request()
        assert request is not None
        seen.append((request.kind, request.method, receive is asyncio.sleep))

    scope: dict[str, Any] = {**http_scope("/"), "type": "websocket"}
    del scope["method"]
    await asgi.Middleware(app)(scope, asyncio.sleep, asyncio.sleep)  # type: ignore[arg-type]  # Neither is called.

    assert seen == [("websocket", "GET", True)]


async def test_an_application_that_starts_again_says_so() -> None:
    """At the first request after its end, though nobody hears of that."""
    started: list[bool] = []

    def note(sender: Any, *, lazy: bool) -> None:
        started.append(lazy)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Answer nothing."""

    served = asgi.Middleware(app)
    receiver: Any = note
    with lifecycle["app-started"].connected_to(receiver):
        for _ in range(2):
            await ask(served, "/")
            await ask(served, "/")
            await served.stop()

    assert started == [True, True]


async def test_a_layer_that_was_left_does_nothing() -> None:
    """Nothing is current in an application that serves alone, whenever the layer was left."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current_request())

    async def leave(sender: Any, **_: Any) -> None:
        served.leave()

    served = asgi.Middleware(app)
    await ask(served, "/")
    assert seen.pop() is not None
    served.leave()
    await ask(served, "/")
    assert seen.pop() is None

    served = asgi.Middleware(app)
    receiver: Any = leave
    with lifecycle["app-started"].connected_to(receiver):
        await ask(served, "/")
    await ask(served, "/")
    assert seen.pop() is None


def parts() -> Iterator[bytes]:
    """Give two parts, and say which request is current meanwhile."""
    for _ in range(2):
        request = current_request()
        yield b"nobody " if request is None else request.path.encode()


class Lazy:
    """A body with a length that is made while it is read."""

    def __iter__(self) -> Iterator[bytes]:
        return parts()

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize(("body", "sent"), [(parts, b"/page/page"), (Lazy, b"/page/page")])
def test_a_request_is_current_while_its_body_is_read(body: Callable[[], Any], sent: bytes) -> None:
    """Until the server closes the body, in whichever way it is read."""

    def app(environ: Any, start_response: Any) -> Any:
        seen.append((known(current_request()), current_request().native is environ))  # type: ignore[union-attr]  # It is current.
        start_response("200 OK", [])
        return body()

    seen: list[Any] = []
    served = wsgi.Middleware(app)
    assert ask_wsgi(served, "/page", x_request_id="mine") == ("200 OK", sent)
    assert seen == [(WHOLE, True)]
    assert current_request() is None


def test_a_body_with_a_length_keeps_it() -> None:
    """Servers make a Content-Length of it."""
    served = wsgi.Middleware(lambda environ, start_response: Lazy())
    found: Any = served({"REQUEST_METHOD": "GET"}, lambda *_: len)
    assert len(found) == 2
    found.close()


def test_a_list_is_handed_over_as_it_is() -> None:
    """Nothing of the application runs while a server sends it: the request is over."""
    body = [b"done"]
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET"}
    served = wsgi.Middleware(lambda environ, start_response: body)

    assert served(environ, lambda *_: len) is body
    assert (current_request(), sorted(environ)) == (None, ["REQUEST_METHOD", "heliograph.mounted"])


def test_a_file_is_handed_over_as_it_is() -> None:
    """Servers send it their own way if it is of their class."""

    class Wrapper:
        """As servers have one."""

    file: Any = Wrapper()
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "wsgi.file_wrapper": Wrapper}
    assert wsgi.Middleware(lambda environ, start_response: file)(environ, lambda *_: len) is file
    assert current_request() is None


def test_a_request_ends_with_what_is_raised() -> None:
    """By the application, by its body, or by closing that."""

    def failing(environ: Any, start_response: Any) -> Any:
        raise LookupError

    def failing_later(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"one"
        raise LookupError

    class Unclosed:
        """A body that cannot be closed."""

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one"])

        def close(self) -> None:
            """Fail."""
            raise LookupError

    for app in (failing, failing_later, lambda environ, start_response: Unclosed()):
        assert ask_wsgi(wsgi.Middleware(app), "/")[0] == "raised"
        assert current_request() is None


def test_a_body_that_nobody_closes_ends_its_request() -> None:
    """As adapters read one: they hold on to its iterator alone."""
    served = wsgi.Middleware(lambda environ, start_response: parts())
    read = list(served({"REQUEST_METHOD": "GET", "PATH_INFO": "/page"}, lambda *_: len))

    assert read == [b"/page", b"/page"]
    assert current_request() is None


def test_a_request_over_wsgi_that_nobody_hears_tells_nothing() -> None:
    """The next one tells all to whoever has connected meanwhile."""

    def app(environ: Any, start_response: Any) -> Any:
        request_started.connect(receiver)
        start_response("200 OK", [])
        return parts()

    told: list[str] = []

    def hear(sender: Any, *, request: RequestInfo) -> None:
        told.append(request.path)

    receiver: Any = hear
    served = wsgi.Middleware(app)
    ask_wsgi(served, "/first")
    ask_wsgi(served, "/second")
    request_started.disconnect(receiver)

    assert told == ["/second"]
