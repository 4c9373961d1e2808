"""The life of any ASGI application, as signals: pure middleware, for the outermost place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle.exchange import (
    COMPLETE,
    DISCONNECT,
    INCOMPLETE,
    SERVED,
    SHUTDOWN,
    Exchange,
    reason_of,
    request_in,
)
from heliograph.lifecycle.installing import check_callable
from heliograph.lifecycle.request import HEADER, RequestInfo
from heliograph.lifecycle.response import Headers, ResponseInfo
from heliograph.lifecycle.signals import (
    app_started,
    app_stopping,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
    response_sent,
)
from heliograph.lifecycle.sockets import Socket
from heliograph.lifecycle.telling import is_heard, tell, tell_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping

    from heliograph import Signal

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Middleware:
    """Wraps an ASGI application and sends its life-cycle signals.

    It never asks the server for anything by itself, changes no message but for the id of the
    request, and passes on what it does not know. Inside of another one it does nothing.

    Args:
        app: The ASGI application.
        sender: The sender of the signals; by default *app*.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.
        native: Signals that a framework inside sends itself.

    Raises:
        ArgumentError: If *app* is not callable.
    """

    def __init__(
        self,
        app: Application,
        *,
        sender: object = None,
        echo_request_id: bool = False,
        native: Collection[Signal[...]] = (),
    ) -> None:
        check_callable(app, "ASGI")
        self.app = app
        self.sender: Any = app if sender is None else sender
        self.echoes = echo_request_id
        self._native = frozenset(native)
        self._open: dict[Response | Socket, None] = {}
        self._started = False
        self._left = False

    def leave(self) -> None:
        """Let the application serve alone from now on, where somebody holds on to this."""
        self._left = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the application does."""
        kind = _KINDS.get(scope["type"])
        if kind is None or self._left or request_in(scope) is not None:
            await self._let_pass(scope, receive, send)
            return
        request = request_of(scope)
        served = scope[SERVED] = kind(self, request, receive, send)
        self._open[served] = None
        request.enter()
        try:
            if not self._started:
                await self._start(lazy=True)
            await served.run(scope)
        finally:
            self._open.pop(served, None)
            # Servers' objects are in it, and hold the scope.
            scope.pop(SERVED, None)
            served.forget()
            request.leave()

    async def tell(self, signal: Signal[...], **payload: Any) -> None:
        """Send a signal, unless the framework does."""
        if signal not in self._native:
            await tell_async(signal, self.sender, **payload)

    async def _let_pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and not self._left:
            await self._live(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_watched() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.stop()
            return message

        async def send_watched(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                await self.start()

        await self.app(scope, receive_watched, send_watched)

    async def start(self) -> None:
        """Say that the application has started, unless that was said."""
        await self._start(lazy=False)

    async def _start(self, *, lazy: bool) -> None:
        if not self._started:
            self._started = True
            await self.tell(app_started, lazy=lazy)

    async def stop(self) -> None:
        """End what is still open, and say that the application stops."""
        for still_open in list(self._open):
            await still_open.stop()
        self._started = False  # A server may start the same application once more.
        if not self._left:  # The life span may have begun before.
            await self.tell(app_stopping)


class Probe:
    """Tells of exceptions before a framework makes responses of them.

    Args:
        app: What is inside: it belongs just inside of what handles all exceptions.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the application does."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            served: Response | Socket | None = scope.get(SERVED)
            if served is not None:
                await served.notice(error)
            raise


class Router:
    """Lets the route of a request be found, by what an application's router notes in the scope.

    Args:
        app: The router, or what is just outside of it: layers in between may copy the scope.
        find: Returns the route template of a scope that has been routed, or None.
    """

    def __init__(self, app: Application, find: Callable[[Scope], str | None]) -> None:
        self.app = app
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the application does."""
        request: RequestInfo | None = request_in(scope)
        if request is not None:
            request.find_route(partial(self._find, scope))
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            served: Response | Socket | None = scope.get(SERVED)
            if isinstance(served, Response):
                await served.break_off(error)
            raise


class _Request(RequestInfo):
    """One whose id is looked for once it is wanted."""

    by_asgi = True

    __slots__ = ("headers",)

    headers: Iterable[tuple[bytes, bytes]]

    def _offered(self) -> str | None:
        for name, value in self.headers:
            if name.lower() == _HEADER:
                return value.decode("latin-1")
        return None


_HEADER = HEADER.encode()


def request_of(scope: Scope) -> RequestInfo:
    """Return the request that a scope describes."""
    client = scope.get("client")
    request = _Request(
        scope["type"],
        scope.get("method", "GET"),
        scope["path"],
        client[0] if client else None,
        scope,
    )
    request.headers = scope.get("headers") or ()
    return request


class Response(Exchange):
    """One request over HTTP, on its way through the application and back."""

    __slots__ = ("_owner", "_receive", "_send", "_start", "_underway")

    def __init__(
        self, owner: Middleware, request: RequestInfo, receive: Receive, send: Send
    ) -> None:
        Exchange.__init__(self, request)
        self._owner = owner
        self._receive = receive
        self._send = send
        self._start: Message = {}
        self._underway: Message | None = None

    async def run(self, scope: Scope) -> None:
        """Let the application serve the request."""
        owner = self._owner
        if is_heard(request_started):
            await owner.tell(request_started, request=self.request)
        try:
            await owner.app(scope, self._received, self._sent)
        except BaseException as error:
            await self.failed(error)
            raise
        else:
            if not self._ended:
                await self.finish(INCOMPLETE)
        finally:
            if is_heard(request_tearing_down):
                await owner.tell(request_tearing_down, request=self.request, exc=self.error)

    async def stop(self) -> None:
        """End the response, as the application is being stopped."""
        await self.finish(SHUTDOWN)

    async def failed(self, error: BaseException) -> None:
        """End the response, as the application has raised."""
        self.raised(error)
        await self.notice(error)
        await self.finish(reason_of(error), error)

    async def notice(self, error: BaseException) -> None:
        """Tell of an exception that nobody has handled, unless it was told of before."""
        if self.is_news(error):
            await self._owner.tell(got_request_exception, **self.told_of(error))

    async def break_off(self, error: BaseException) -> None:
        """End the response if it was announced, as what makes it has raised.

        A layer outside may send a regular end all the same.
        """
        if self.status is not None:
            await self.notice(error)
            await self.finish(reason_of(error), error)

    def notice_now(self, error: BaseException) -> None:
        """Do so from code that is not async, in the loop or in a thread."""
        if self.is_news(error):
            tell(got_request_exception, self._owner.sender, **self.told_of(error))

    async def finish(self, reason: str, exc: BaseException | None = None) -> None:
        """End the response, unless it has ended."""
        if not is_heard(response_sent):
            self._ended = True
            return
        payload = self.end(reason, exc)
        if payload is not None:
            await self._owner.tell(response_sent, **payload)

    async def _received(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            # After the whole response, servers say so to everybody who asks, and some do before
            # they return from taking the last of it.
            last = self._underway
            if last is not None:
                self._count(last["type"], last)
            await self.finish(DISCONNECT if last is None else COMPLETE)
        return message

    async def _sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and not self._over:
            message = self._announced(message)
            if is_heard(request_finished):
                response = ResponseInfo(message["status"], Headers(message.get("headers", ())))
                await self._owner.tell(request_finished, request=self.request, response=response)
        elif self._is_last(kind, message):
            self._underway = message
        try:
            await self._send(message)
        except BaseException as error:
            await self._unsent(error)
            raise
        if kind != "http.response.start":
            self._count(kind, message)
            if self._underway is not None:
                await self.finish(COMPLETE)

    async def _unsent(self, error: BaseException) -> None:
        if isinstance(error, OSError):
            # It is the server's word for a client that has left.
            self.is_news(error, departure=True)
            await self.finish(DISCONNECT, error)
        else:
            await self.finish(reason_of(error), error)

    def _announced(self, message: Message) -> Message:
        self.announced(message["status"])
        if self._owner.echoes:
            own = (_HEADER, self.request.id.encode())
            others = [it for it in message.get("headers", ()) if it[0].lower() != _HEADER]
            message = {**message, "headers": [*others, own]}
        self._start = message
        return message

    def _is_last(self, kind: str, message: Message) -> bool:
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        if message.get("more_body", False) or self._start.get("trailers", False):
            return False
        return kind in _BODY

    def _count(self, kind: str, message: Message) -> None:
        if kind == "http.response.body":
            self.handed_over(len(message.get("body", b"")))
        elif kind == "http.response.pathsend":
            known = length_of(self._start)
            size = Path(message["path"]).stat().st_size if known is None else known
            self.handed_over(size)
        elif kind == "http.response.zerocopysend":
            self.handed_over(message.get("count") or length_of(self._start) or 0)


def length_of(message: Message) -> int | None:
    """Return the Content-Length that a response announces."""
    for name, value in message.get("headers", ()):
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None


_BODY = {"http.response.body", "http.response.pathsend", "http.response.zerocopysend"}

_KINDS: dict[str, type[Response | Socket]] = {"http": Response, "websocket": Socket}
