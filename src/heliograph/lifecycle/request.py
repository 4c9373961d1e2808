"""RequestInfo: what is known of a request, the same in every framework."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from time import perf_counter, time, time_ns
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "x-request-id"
"""The header that carries the id of a request, in lower case."""

# Letters, digits and the signs that common kinds of ids are made of: nothing that ends a line of
# a log or a header, and nothing that a page or a shell would read as more than text.
_VALID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

_CURRENT: ContextVar[RequestInfo | None] = ContextVar("heliograph_request", default=None)


class RequestInfo:
    """One request, or one websocket, as every receiver of a life-cycle signal gets it.

    It is one object from the first signal to the last, and what becomes known later is filled in.

    Attributes:
        kind: ``"http"`` or ``"websocket"``.
        method: Such as ``"GET"``, in upper case.
        path: The path as it was requested, without the query; unquoted, as ASGI and WSGI hand
            it to the application. The prefix under which a server mounts the application is
            part of it.
        client: The address of whoever connected: an IP address mostly. None if the server does
            not tell.
        started: Seconds since the epoch.
        native: The framework's own request, where its `install` tells; otherwise the ASGI scope
            or the WSGI environ.
    """

    by_asgi = False
    """Whether a layer for ASGI has made it: one for WSGI may be inside of that, by an adapter."""

    __slots__ = (
        "__weakref__",
        "_before",
        "_clock",
        "_find_route",
        "_id",
        "_offered_id",
        "_over",
        "_route",
        "client",
        "kind",
        "method",
        "native",
        "path",
        "started",
    )

    def __init__(
        self,
        kind: str,
        method: str,
        path: str,
        client: str | None,
        native: Any,
        offered_id: str | None = None,
    ) -> None:
        self.kind: str = kind
        self.method: str = method
        self.path: str = path
        self._route: str | None = None
        self._find_route: Callable[[], str | None] | None = None
        self.client: str | None = client
        self.native: Any = native
        self.started: float = time()
        self._clock = perf_counter()
        self._id: str | None = None
        self._offered_id = offered_id
        self._before: ref[RequestInfo] | None = None
        self._over = False

    @property
    def id(self) -> str:
        """The id that came with the request in ``X-Request-ID``, or a new one.

        An id is kept if it has 1 to 128 letters, digits and ``._:+/=@-``; anything else is left
        out, as logs and headers could not carry it safely. A new one is a UUID of version 7
        (RFC 9562): ids that are made later sort later.
        """
        if self._id is None:
            offered = self._offered()
            usable = offered is not None and _VALID.fullmatch(offered) is not None
            self._id = offered if usable else new_id()
        return self._id  # type: ignore[return-value]  # It was set just now.

    def _offered(self) -> str | None:
        return self._offered_id

    @property
    def route(self) -> str | None:
        """The template that matched, such as ``"/orders/{id}"``, with the prefixes of routers.

        It is None before routing, where nothing matched, and where nobody can tell: never the path
        itself. An application without a framework may set it.
        """
        if self._route is None and self._find_route is not None:
            self._route = self._find_route()
        return self._route

    @route.setter
    def route(self, template: str | None) -> None:
        self._route = template

    def find_route(self, find: Callable[[], str | None]) -> None:
        """Ask *find* for the route once somebody wants to know it, until it returns one."""
        self._find_route = find

    def enter(self) -> None:
        """Make this the request that the current context works on."""
        before = _CURRENT.get()
        # Weakly: one that nobody ends is of no use, and may hold on to its own body.
        self._before = None if before is None else ref(before)
        _CURRENT.set(self)

    def leave(self) -> None:
        """Give the context back to the request around this one, if that still goes on.

        Requests may be left in any order, and in other contexts: a body that nobody has closed is
        left when it is collected, when the thread works on another request perhaps.
        """
        self._over = True
        if _CURRENT.get() is self:
            before = None if self._before is None else self._before()
            ended = before is None or before._over  # noqa: SLF001 - it is one of these.
            _CURRENT.set(None if ended else before)

    @property
    def is_over(self) -> bool:
        """Whether the application is done with it; contexts that were copied may still have it."""
        return self._over

    @property
    def duration(self) -> float:
        """Seconds since the request began."""
        return perf_counter() - self._clock

    def __repr__(self) -> str:
        return f"<RequestInfo {self.method} {self.route or 'without a route'}: {self.id}>"


def current_request() -> RequestInfo | None:
    """Return the request that the current context works on, or None outside of requests."""
    return _CURRENT.get()


def new_id() -> str:
    """Return a new UUID of version 7: milliseconds since the epoch, then chance (RFC 9562)."""
    stamp = (time_ns() // 1_000_000) & 0xFFFF_FFFF_FFFF
    rest = secrets.randbits(74)
    number = stamp << 80 | 7 << 76 | (rest >> 62) << 64 | 2 << 62 | rest & (1 << 62) - 1
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
