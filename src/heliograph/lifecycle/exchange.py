"""How a request and its response end: decided once, by whatever comes first."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.lifecycle.request import RequestInfo

REQUEST = "heliograph.request"
"""Where the scope or the environ of a request has its `RequestInfo`."""

SERVED = "heliograph.served"
"""Where it has its `Exchange` or `Socket`, if anybody hears of the request."""

COMPLETE = "complete"
DISCONNECT = "disconnect"
ERROR = "error"
INCOMPLETE = "incomplete"
CANCELLED = "cancelled"
SHUTDOWN = "shutdown"
LOST = "lost"


class Exchange:
    """One request and what was handed over of its response.

    Attributes:
        request: The request.
        status: The status code that the application announced, or None.
        bytes: How much of a body it handed over.
        error: What it raised, as far as it is known.
    """

    __slots__ = ("__weakref__", "_ended", "_over", "_told", "bytes", "error", "request", "status")

    def __init__(self, request: RequestInfo) -> None:
        self.request: RequestInfo = request
        self.status: int | None = None
        self.bytes: int = 0
        self.error: BaseException | None = None
        self._ended: bool = False
        self._over: bool = False
        self._told: BaseException | None = None

    def forget(self) -> None:
        """Hold on to nothing, as the request is over: or it would be garbage in a circle.

        Frameworks' requests hold what they were served with, and the request here holds them.
        """
        self._over = True
        del self.request
        self.error = self._told = None

    def let_exception_go(self) -> None:
        """Hold no exception that was handled: its traceback leads to the frame of the server.

        That frame holds the body, which would not be found to be lost if the server fails.
        """
        self._told = None

    def end(self, reason: str, exc: BaseException | None = None) -> dict[str, Any] | None:
        """End the response, unless it has ended.

        Returns:
            The payload of `response_sent`, or None if that was sent already.
        """
        if self._ended:
            return None
        self._ended = True
        return {
            "request": self.request,
            "status": self.status,
            "bytes": self.bytes,
            "duration": self.request.duration,
            "aborted": reason != COMPLETE,
            "exc": exc,
            "reason": reason,
        }

    def told_of(self, exc: BaseException) -> dict[str, Any]:
        """Return the payload of `got_request_exception`."""
        return {
            "request": self.request,
            "exception": exc,
            "response_started": self.status is not None,
        }

    def is_news(self, exc: BaseException, *, departure: bool = False) -> bool:
        """Tell whether an exception is one of the program, and was not told before.

        A client that leaves, and a server that stops, are no exceptions of the program; nothing
        is told of a request that is over, though a thread may still work on it.

        Args:
            exc: The exception.
            departure: Whether it is known to say that the client has left.
        """
        if self._over or self._told is exc:
            return False
        self._told = exc
        return not (departure or is_departure(exc))


def request_in(found: Mapping[str, Any]) -> RequestInfo | None:
    """Return the request of a scope or an environ, until it is over."""
    request: RequestInfo | None = found.get(REQUEST)
    return None if request is None or request.is_over else request


# What frameworks raise where a client has left, and what is no OSError.
_DEPARTURES = {"ClientDisconnect", "ClientDisconnected", "RequestAborted"}


def is_departure(exc: BaseException) -> bool:
    """Tell whether an exception says that the client has left, or that work is called off."""
    if isinstance(exc, CancelledError | GeneratorExit | ConnectionError):
        return True
    return type(exc).__name__ in _DEPARTURES


def reason_of(exc: BaseException) -> str:
    """Return the reason of an end that came with an exception."""
    if isinstance(exc, CancelledError):
        return CANCELLED
    return DISCONNECT if is_departure(exc) else ERROR
