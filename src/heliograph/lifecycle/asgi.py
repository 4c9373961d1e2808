"""The life of any ASGI application, as signals: pure middleware, for the outermost place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle.exchange import (
    COMPLETE,
    DISCONNECT,
    INCOMPLETE,
    SHUTDOWN,
    Exchange,
    reason_of,
)
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
from heliograph.lifecycle.telling import tell, tell_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    from heliograph import Signal

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY = "heliograph.request"
"""Where the scope of a request has its `RequestInfo`."""

SERVED = "heliograph.served"
"""Where it has what is told of errors before a framework makes a response of them."""


class Middleware:
    """Wraps an ASGI application and sends its life-cycle signals.

    It never asks the server for anything by itself, changes no message but for the id of the
    request, and passes on what it does not know. Inside of another one it does nothing.

    Args:
        app: The ASGI application.
        sender: The sender of the signals; by default *app*.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.
        native: Signals that a framework inside sends itself.
    """

    def __init__(
        self,
        app: Application,
        *,
        sender: object = None,
        echo_request_id: bool = False,
        native: Collection[Signal[...]] = (),
    ) -> None:
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
        kind = scope["type"]
        if kind == "lifespan" and not self._left:
            await self._live(scope, receive, send)
        elif self._left or KEY in scope or kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def tell(self, signal: Signal[...], **payload: Any) -> None:
        """Send a signal, unless the framework does."""
        if signal not in self._native:
            await tell_async(signal, self.sender, **payload)

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

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        scope[KEY] = request
        kind = Response if scope["type"] == "http" else Socket
        served: Response | Socket = kind(self, request, scope, receive, send)
        scope[SERVED] = served
        self._open[served] = None
        request.enter()
        try:
            await self._start(lazy=True)
            await served.run()
        finally:
            self._open.pop(served, None)
            request.leave()


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
        request: RequestInfo | None = scope.get(KEY)
        if request is not None:
            request.find_route(partial(self._find, scope))
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            served: Response | Socket | None = scope.get(SERVED)
            if isinstance(served, Response):
                await served.break_off(error)
            raise


def request_of(scope: Scope) -> RequestInfo:
    """Return the request that a scope describes."""
    headers = scope.get("headers") or ()
    wanted = HEADER.encode()
    offered = next((value for name, value in headers if name.lower() == wanted), None)
    client = scope.get("client")
    return RequestInfo(
        kind=scope["type"],
        method=scope.get("method", "GET"),
        path=scope["path"],
        client=client[0] if client else None,
        native=scope,
        offered_id=None if offered is None else offered.decode("latin-1"),
    )


class Response(Exchange):
    """One request over HTTP, on its way through the application and back."""

    __slots__ = (
        "_length",
        "_owner",
        "_receive",
        "_scope",
        "_send",
        "_sender",
        "_trailers",
        "_underway",
    )

    def __init__(
        self, owner: Middleware, request: RequestInfo, scope: Scope, receive: Receive, send: Send
    ) -> None:
        super().__init__(request)
        self._owner = owner
        self._sender = owner.sender
        self._scope = scope
        self._receive = receive
        self._send = send
        self._length: int | None = None
        self._trailers = False
        self._underway: Message | None = None

    async def run(self) -> None:
        """Let the application serve the request."""
        await self._owner.tell(request_started, request=self.request)
        try:
            await self._owner.app(self._scope, self._received, self._sent)
        except BaseException as error:
            await self.failed(error)
            raise
        else:
            await self.finish(INCOMPLETE)
        finally:
            await self._owner.tell(request_tearing_down, request=self.request, exc=self.error)

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
            tell(got_request_exception, self._sender, **self.told_of(error))

    async def finish(self, reason: str, exc: BaseException | None = None) -> None:
        """End the response, unless it has ended."""
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
                self._count(last)
            await self.finish(DISCONNECT if last is None else COMPLETE)
        return message

    async def _sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = await self._announced(message)
        last = self._is_last(message)
        self._underway = message if last else None
        try:
            await self._send(message)
        except OSError as error:
            # It is the server's word for a client that has left.
            self.is_news(error, departure=True)
            await self.finish(DISCONNECT, error)
            raise
        except BaseException as error:
            await self.finish(reason_of(error), error)
            raise
        self._count(message)
        if last:
            await self.finish(COMPLETE)

    async def _announced(self, message: Message) -> Message:
        self.announced(message["status"])
        self._trailers = message.get("trailers", False)
        if self._owner.echoes:
            own = (HEADER.encode(), self.request.id.encode())
            others = [it for it in message.get("headers", ()) if it[0].lower() != own[0]]
            message = {**message, "headers": [*others, own]}
        self._length = length_of(message)
        response = ResponseInfo(message["status"], Headers(message.get("headers", ())))
        await self._owner.tell(request_finished, request=self.request, response=response)
        return message

    def _is_last(self, message: Message) -> bool:
        match message["type"]:
            case "http.response.body" | "http.response.zerocopysend":
                return not message.get("more_body", False) and not self._trailers
            case "http.response.pathsend":
                return not self._trailers
            case "http.response.trailers":
                return not message.get("more_trailers", False)
        return False

    def _count(self, message: Message) -> None:
        match message["type"]:
            case "http.response.body":
                self.handed_over(len(message.get("body", b"")))
            case "http.response.pathsend":
                known = self._length
                size = Path(message["path"]).stat().st_size if known is None else known
                self.handed_over(size)
            case "http.response.zerocopysend":
                self.handed_over(message.get("count") or self._length or 0)


def length_of(message: Message) -> int | None:
    """Return the Content-Length that a response announces."""
    for name, value in message.get("headers", ()):
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None
