"""The life of any ASGI application, as signals: pure middleware, for the outermost place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.hearing import any_heard, is_heard
from heliograph.lifecycle.described import ScopeRequest
from heliograph.lifecycle.exchange import (
    COMPLETE,
    DISCONNECT,
    INCOMPLETE,
    REQUEST,
    SERVED,
    SHUTDOWN,
    Exchange,
    reason_of,
    request_in,
)
from heliograph.lifecycle.installing import check_callable
from heliograph.lifecycle.request import CURRENT, HEADER
from heliograph.lifecycle.response import Headers, ResponseInfo
from heliograph.lifecycle.signals import (
    OF_REQUESTS,
    OF_WEBSOCKETS,
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
    from heliograph.lifecycle.request import RequestInfo

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
        # By the kind of a scope: whether more is to be done than to let the application serve.
        self._asks: dict[str, Callable[[], bool]] = {}

    def leave(self) -> None:
        """Let the application serve alone from now on, where somebody holds on to this."""
        self._left = True
        self._asks = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the application does."""
        is_heard = self._asks.get(scope["type"])
        if is_heard is None or REQUEST in scope or is_heard():
            await self._serve(scope, receive, send)
            return
        # A request whose start nobody can hear tells nothing later either. What stands here, all
        # requests pay for, and under a server several times what it takes where it is repeated.
        before = CURRENT.get()
        request = scope[REQUEST] = ScopeRequest(scope)
        CURRENT.set(request)
        try:
            await self.app(scope, receive, send)
        finally:
            request.is_over = True
            # Contexts that were copied hold the request, those of a server's timers for seconds.
            request.scope = request.route_by = None
            CURRENT.set(None if before is None or before.is_over else before)
            # What frameworks and servers keep of a request holds the scope.
            scope.pop(REQUEST, None)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._left or scope["type"] not in _KINDS or request_in(scope) is not None:
            await self._let_pass(scope, receive, send)
            return
        if not self._started:
            await self._start(lazy=True)
        is_heard = self._asks.get(scope["type"])
        if is_heard is not None and not is_heard():
            scope.pop(REQUEST, None)  # That of an earlier request is over.
            await self(scope, receive, send)
            return
        request = scope[REQUEST] = ScopeRequest(scope)
        served = scope[SERVED] = _KINDS[scope["type"]](self, request, receive, send)
        self._open[served] = None
        request.enter()
        try:
            await served.run(scope)
        finally:
            del self._open[served]
            request.leave()
            # Servers' objects are in it, and hold the scope.
            scope.pop(SERVED, None)
            scope.pop(REQUEST, None)
            served.forget()

    def _ask(self) -> None:
        """Ask at each request from now on, as there is nothing else to do for one."""
        for kind, signals in _SIGNALS.items():
            sent = (it for it in signals if it not in self._native)
            self._asks[kind] = any_heard(*sent)

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
            if not (self.echoes or self._left):
                self._ask()

    async def stop(self) -> None:
        """End what is still open, and say that the application stops."""
        for still_open in list(self._open):
            await still_open.stop()
        self._started = False  # A server may start the same application once more.
        self._asks = {}
        if not self._left:  # The life span may have begun before.
            await self.tell(app_stopping)


# What a framework puts between its own layers costs as little as can be: functions that call what
# is inside, and wait for nothing themselves, unless somebody hears.


def probed(app: Application) -> Application:
    """Return what tells of exceptions before a framework makes responses of them.

    Args:
        app: What is inside: it belongs just inside of what handles all exceptions.
    """

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        serving = app(scope, receive, send)
        return serving if SERVED not in scope else _watch(serving, scope[SERVED].notice)

    return serve


def routed(app: Application, find: Callable[[Scope], str | None]) -> Application:
    """Return what lets the route of a request be found, by what a router notes in the scope.

    Args:
        app: The router, or what is just outside of it: layers in between may copy the scope.
        find: Returns the route template of a scope that has been routed, or None.
    """

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if REQUEST in scope:
            scope[REQUEST].route_by = find, scope
        serving = app(scope, receive, send)
        return serving if SERVED not in scope else _watch(serving, scope[SERVED].break_off)

    return serve


async def _watch(serving: Awaitable[None], tell_of: Callable[[Exception], Awaitable[None]]) -> None:
    try:
        await serving
    except Exception as error:
        await tell_of(error)
        raise


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
            self.error: BaseException | None = error
            await self.notice(error)
            await self.finish(reason_of(error), error)
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
        starts = kind == "http.response.start"
        if not starts:
            if self._is_last(kind, message):
                self._underway = message
        elif not self._over:
            message = await self._announced(message)
        try:
            await self._send(message)
        except BaseException as error:
            await self._unsent(error)
            raise
        if not starts:
            self._count(kind, message)
            if self._underway is not None and not self._ended:
                await self.finish(COMPLETE)

    async def _unsent(self, error: BaseException) -> None:
        if isinstance(error, OSError):
            # It is the server's word for a client that has left.
            self.is_news(error, departure=True)
            await self.finish(DISCONNECT, error)
        else:
            await self.finish(reason_of(error), error)

    async def _announced(self, message: Message) -> Message:
        self.status: int | None = message["status"]
        if self._owner.echoes:
            own = (_HEADER, self.request.id.encode())
            others = [it for it in message.get("headers", ()) if it[0].lower() != _HEADER]
            message = {**message, "headers": [*others, own]}
        self._start = message
        if is_heard(request_finished):
            response = ResponseInfo(message["status"], Headers(message.get("headers", ())))
            await self._owner.tell(request_finished, request=self.request, response=response)
        return message

    def _is_last(self, kind: str, message: Message) -> bool:
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        if message.get("more_body", False) or self._start.get("trailers", False):
            return False
        return kind in _BODY

    def _count(self, kind: str, message: Message) -> None:
        if kind in _BODY:
            self.bytes: int = self.bytes + self._size(kind, message)

    def _size(self, kind: str, message: Message) -> int:
        if kind == "http.response.body":
            return len(message.get("body", b""))
        known = message.get("count") or length_of(self._start)
        if known is None and kind == "http.response.pathsend":
            return Path(message["path"]).stat().st_size
        return known or 0


def length_of(message: Message) -> int | None:
    """Return the Content-Length that a response announces."""
    for name, value in message.get("headers", ()):
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None


_HEADER = HEADER.encode()

_BODY = {"http.response.body", "http.response.pathsend", "http.response.zerocopysend"}

_KINDS: dict[str, type[Response | Socket]] = {"http": Response, "websocket": Socket}

_SIGNALS = {"http": OF_REQUESTS, "websocket": OF_WEBSOCKETS}
