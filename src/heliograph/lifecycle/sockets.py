"""A websocket on its way through an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.lifecycle.exchange import SHUTDOWN, is_departure
from heliograph.lifecycle.signals import (
    got_websocket_exception,
    websocket_finished,
    websocket_received,
    websocket_sent,
    websocket_started,
    websocket_tearing_down,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from heliograph.lifecycle.asgi import Middleware
    from heliograph.lifecycle.request import RequestInfo

    Message = MutableMapping[str, Any]

APPLICATION = "application"
CLIENT = "client"


class Socket:
    """One websocket, on its way through the application."""

    __slots__ = (
        "_ended",
        "_over",
        "_owner",
        "_receive",
        "_send",
        "_told",
        "error",
        "request",
    )

    def __init__(
        self,
        owner: Middleware,
        request: RequestInfo,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self.request: RequestInfo = request
        self.error: BaseException | None = None
        self._owner = owner
        self._receive = receive
        self._send = send
        self._ended = False
        self._over = False
        self._told: BaseException | None = None

    async def run(self, scope: MutableMapping[str, Any]) -> None:
        """Let the application serve the websocket."""
        await self._owner.tell(websocket_started, request=self.request)
        try:
            await self._owner.app(scope, self._received, self._sent)
        except BaseException as error:
            await self._failed(error)
            raise
        else:
            await self._finish(None, APPLICATION)
        finally:
            await self._owner.tell(websocket_tearing_down, request=self.request, exc=self.error)

    def forget(self) -> None:
        """Hold on to nothing, as with any `Exchange` that is over."""
        self._over = True
        del self.request
        self.error = self._told = None

    async def stop(self) -> None:
        """End the websocket, as the application is being stopped."""
        await self._finish(None, SHUTDOWN)

    async def _failed(self, error: BaseException) -> None:
        self.error = error
        await self.notice(error)
        await self._finish(None, CLIENT if self._says_gone(error) else APPLICATION, error)

    async def notice(self, error: BaseException) -> None:
        """Tell of an exception that nobody has handled, unless it was told of before."""
        if self._over or self._told is error or self._says_gone(error):
            return
        self._told = error
        await self._owner.tell(got_websocket_exception, request=self.request, exception=error)

    async def break_off(self, error: BaseException) -> None:
        """Do nothing yet: a websocket ends where the application has let it end."""

    def _says_gone(self, error: BaseException) -> bool:
        return is_departure(error) or (isinstance(error, OSError) and self._ended)

    async def _finish(self, code: int | None, who: str, exc: BaseException | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        duration = self.request.duration
        await self._owner.tell(
            websocket_finished,
            request=self.request,
            code=code,
            who=who,
            duration=duration,
            exc=exc,
        )

    async def _received(self) -> Message:
        message = await self._receive()
        if self._over:
            return message
        if message["type"] == "websocket.receive":
            await self._owner.tell(
                websocket_received, request=self.request, message=content(message)
            )
        elif message["type"] == "websocket.disconnect":
            await self._finish(message.get("code"), CLIENT)
        return message

    async def _sent(self, message: Message) -> None:
        await self._send(message)
        if self._over:
            return
        match message["type"]:
            case "websocket.send":
                await self._owner.tell(
                    websocket_sent, request=self.request, message=content(message)
                )
            case "websocket.close":
                await self._finish(message.get("code", 1000), APPLICATION)
            case "websocket.http.response.body" if not message.get("more_body", False):
                await self._finish(None, APPLICATION)


def content(message: Message) -> str | bytes:
    """Return what a message carries: text, or bytes."""
    text: str | None = message.get("text")
    return message.get("bytes") or b"" if text is None else text
