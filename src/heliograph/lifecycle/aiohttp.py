"""The life of an aiohttp application on its own server, as signals."""

from __future__ import annotations

import asyncio
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import ref

from aiohttp import web

from heliograph import StateError
from heliograph.hearing import any_heard, is_heard
from heliograph.lifecycle.exchange import (
    CANCELLED,
    COMPLETE,
    DISCONNECT,
    ERROR,
    SHUTDOWN,
    Exchange,
    is_departure,
)
from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.request import CURRENT, HEADER, RequestInfo
from heliograph.lifecycle.response import Headers, ResponseInfo
from heliograph.lifecycle.signals import (
    OF_REQUESTS,
    OF_WEBSOCKETS,
    app_started,
    app_stopping,
    got_request_exception,
    got_websocket_exception,
    request_finished,
    request_started,
    request_tearing_down,
    response_sent,
    websocket_finished,
    websocket_started,
    websocket_tearing_down,
)
from heliograph.lifecycle.sockets import APPLICATION, CLIENT
from heliograph.lifecycle.telling import tell_async

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_KEY: web.AppKey[Any] = web.AppKey("heliograph.lifecycle", object)
# A plain name is all that releases before 3.14 know; later ones warn of one.
_REQUEST: Any = getattr(web, "RequestKey", lambda name, _: name)("heliograph.request", object)


def install(app: web.Application, *, echo_request_id: bool = False) -> Installation:
    """Send the life-cycle signals of an aiohttp application; *app* is their sender.

    Messages of websockets are not told: aiohttp lets nobody see them.

    Args:
        app: The root application, before it is started; sub-applications are part of it.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no aiohttp application.
        StateError: If they are installed already, or the application has started.
    """
    check(
        app,
        web.Application,
        installed=lambda it: it.get(_KEY) is not None,
        started=lambda it: it.frozen,
    )
    if app.pre_frozen:
        msg = (
            "This aiohttp.Application is a sub-application already: call install() for the root "
            "application, which tells of its requests."
        )
        raise StateError(msg)
    life = _Life(app, echo=echo_request_id)
    app[_KEY] = life
    app.middlewares.insert(0, life.serve)
    app.on_response_prepare.append(life.prepare)
    app.on_startup.append(life.start)
    # Before the requests that are under way end; cleaning up comes after them.
    app.on_shutdown.insert(0, life.stop)
    app.on_cleanup.append(life.wait)
    return Installation(app, life.leave)


class _Life:
    """The signals of one application."""

    def __init__(self, app: web.Application, *, echo: bool) -> None:
        self.app = app
        self._echo = echo
        self._left = False
        self._are_heard = any_heard(*OF_REQUESTS, *OF_WEBSOCKETS)
        self._open: dict[_Response | _Socket, None] = {}
        # Nothing else holds a task.
        self._ending: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Tell of nothing more. A frozen application keeps what it has, which does nothing then."""
        self._left = True
        app = self.app
        del app._state[_KEY]  # noqa: SLF001 - a frozen one lets nothing be taken out.
        if not app.pre_frozen:
            app.middlewares.remove(self.serve)
            app.on_response_prepare.remove(self.prepare)
            app.on_startup.remove(self.start)
            app.on_shutdown.remove(self.stop)
            app.on_cleanup.remove(self.wait)

    async def start(self, _: web.Application) -> None:
        """Be told that the server starts."""
        if not self._left:
            await tell_async(app_started, self.app, lazy=False)

    async def stop(self, _: web.Application) -> None:
        """Be told that the server stops, before the requests under way have ended."""
        if not self._left:
            for still_open in list(self._open):
                await still_open.finish(SHUTDOWN)
            await tell_async(app_stopping, self.app)

    async def wait(self, _: web.Application) -> None:
        """Let what is being told get to its end."""
        await asyncio.gather(*self._ending)

    @web.middleware
    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve as the application does: called first, in a task that the request has alone."""
        around = CURRENT.get()
        if self._left or (isinstance(around, Request) and around.given() is request):
            return await handler(request)
        info = Request(request)
        CURRENT.set(info)
        if self._are_heard() or self._echo:
            return await self._serve_heard(info, request, handler)
        # A request whose start nobody can hear tells nothing later either.
        return await handler(request)

    async def _serve_heard(
        self, info: Request, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        info.hold(request)
        served: _Response | _Socket
        served = (_Socket if info.kind == "websocket" else _Response)(self.app, info)
        request[_REQUEST] = served
        self._open[served] = None
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is awaited by one.
        # The task ends when the last of the response is handed over, which comes after this.
        task.add_done_callback(partial(self._over, served))
        await served.begin()
        try:
            return await handler(request)
        except web.HTTPException:
            raise  # It is a response.
        except Exception as error:
            await served.notice(error, request)
            raise

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Be told of a response that is about to be announced."""
        # Mostly nothing is open, and a request takes long to say what it has.
        served: _Response | _Socket | None = request.get(_REQUEST) if self._open else None
        if self._left or served is None or served.app is not self.app:
            return
        if self._echo:
            response.headers[HEADER] = served.request.id
        await served.announce(response)

    def _over(self, served: _Response | _Socket, task: asyncio.Task[Any]) -> None:
        self._open.pop(served, None)
        if not (is_heard(served.ENDS[0]) or is_heard(served.ENDS[1])):
            return
        telling = task.get_loop().create_task(served.over(task))
        self._ending.add(telling)
        telling.add_done_callback(self._ending.discard)


class Request(RequestInfo):
    """What aiohttp's own request describes.

    Attributes:
        given: Returns that request, as long as something else holds it. Contexts that were copied
            hold this one: those of the server's timers, for seconds.
    """

    __slots__ = ("_headers", "_url", "given")

    def __init__(self, request: web.Request) -> None:
        self.given: ref[web.Request] = ref(request)
        self.method: str = request.method
        self._url = request.rel_url
        self._headers = request.headers
        self.is_over = False
        self._clock = perf_counter()

    def hold(self, request: web.Request) -> None:
        """Know all that is known of the request, for who hears of it later, too."""
        self.native = request
        self.client: str | None = request.remote

    def _found(self, name: str) -> Any:
        match name:
            case "kind":
                upgrade = self._headers.get("Upgrade", "")
                return "websocket" if upgrade.lower() == "websocket" else "http"
            case "path":
                return self._url.path
            case "native":
                return self.given()
            case "client":
                return getattr(self.given(), "remote", None)
            case "route_by":
                return None if self.native is None else (_route_of, self.native)
        return super()._found(name)

    def _offered(self) -> str | None:
        return self._headers.get(HEADER)


def _route_of(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _left(task: asyncio.Task[Any]) -> tuple[str, BaseException | None]:
    """Return how the task of a request has ended: the reason, and what it raised."""
    if task.cancelled():
        return CANCELLED, None
    error = task.exception()
    if error is not None:
        return (DISCONNECT if is_departure(error) else ERROR), error
    _, client_left = task.result()
    return (DISCONNECT if client_left else COMPLETE), None


def _is_departure(error: Exception, request: web.Request) -> bool:
    gone = request.transport is None or request.transport.is_closing()
    return is_departure(error) or (gone and isinstance(error, OSError))


class _Response(Exchange):
    """One request over HTTP."""

    __slots__ = ("_failed", "_response", "app")

    ENDS = (response_sent, request_tearing_down)

    def __init__(self, app: web.Application, request: RequestInfo) -> None:
        super().__init__(request)
        self.app = app
        self._failed = False
        self._response: web.StreamResponse | None = None

    async def begin(self) -> None:
        if is_heard(request_started):
            await tell_async(request_started, self.app, request=self.request)

    async def announce(self, response: web.StreamResponse) -> None:
        self.status = response.status
        self._response = response
        self._count(response)
        if is_heard(request_finished):
            told = ResponseInfo(response.status, Headers(response.headers.items()))
            await tell_async(request_finished, self.app, request=self.request, response=told)

    def _count(self, response: web.StreamResponse) -> None:
        # What aiohttp calls the length of a body, it counts with the headers.
        write = response.write

        async def write_and_count(data: Any) -> None:
            await write(data)
            self.bytes += len(data)

        vars(response)["write"] = write_and_count

    async def notice(self, error: Exception, request: web.Request) -> None:
        self.error = error
        if self.is_news(error, departure=_is_departure(error, request)):
            self._failed = True
            await tell_async(got_request_exception, self.app, **self.told_of(error))

    async def finish(self, reason: str, error: BaseException | None = None) -> None:
        if reason == COMPLETE and self._response is not None and not self.bytes:
            # It was handed over in one piece; HEAD hands over nothing.
            self.bytes = 0 if self.request.method == "HEAD" else self._response.content_length or 0
        payload = self.end(reason, error)
        if payload is not None:
            await tell_async(response_sent, self.app, **payload)

    async def over(self, task: asyncio.Task[Any]) -> None:
        reason, error = _left(task)
        # The server cannot answer any more, and says so by an error of its own.
        if reason == DISCONNECT and self._failed:
            reason, error = ERROR, self.error
        await self.finish(reason, error)
        await tell_async(
            request_tearing_down, self.app, request=self.request, exc=self.error or error
        )


class _Socket:
    """One websocket."""

    __slots__ = ("_ended", "_own_code", "_response", "app", "error", "request")

    ENDS = (websocket_finished, websocket_tearing_down)

    def __init__(self, app: web.Application, request: RequestInfo) -> None:
        self.app = app
        self.request = request
        self.error: BaseException | None = None
        self._ended = False
        self._own_code: int | None = None
        self._response: web.StreamResponse | None = None

    async def begin(self) -> None:
        await tell_async(websocket_started, self.app, request=self.request)

    async def announce(self, response: web.StreamResponse) -> None:
        self._response = response
        if isinstance(response, web.WebSocketResponse):
            self._listen(response)

    def _listen(self, response: web.WebSocketResponse) -> None:
        # Afterwards it knows one code alone, which may be the client's answer to the other.
        close = response.close

        async def close_and_note(*args: Any, **options: Any) -> bool:
            if response.close_code is None and self._own_code is None:
                self._own_code = int(options.get("code", 1000))
            return await close(*args, **options)

        vars(response)["close"] = close_and_note

    async def notice(self, error: Exception, request: web.Request) -> None:
        self.error = error
        if not _is_departure(error, request):
            await tell_async(
                got_websocket_exception, self.app, request=self.request, exception=error
            )

    async def finish(self, who: str, error: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        code = self._own_code
        if code is None:
            code = getattr(self._response, "close_code", None)
        await tell_async(
            websocket_finished,
            self.app,
            request=self.request,
            code=code,
            who=who,
            duration=self.request.duration,
            exc=error,
        )

    async def over(self, task: asyncio.Task[Any]) -> None:
        _, error = _left(task)
        closed = getattr(self._response, "close_code", None) is not None
        theirs = self._own_code is None and (closed or task.cancelled())
        await self.finish(CLIENT if theirs else APPLICATION, self.error or error)
        await tell_async(
            websocket_tearing_down, self.app, request=self.request, exc=self.error or error
        )
