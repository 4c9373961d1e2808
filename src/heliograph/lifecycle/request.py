"""RequestInfo: what is known of a request, the same in every framework."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from copy import copy
from os import urandom
from time import perf_counter, time, time_ns
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "x-request-id"
"""The header that carries the id of a request, in lower case."""

# Letters, digits and the signs that common kinds of ids are made of: nothing that ends a line of
# a log or a header, and nothing that a page or a shell would read as more than text.
_VALID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

CURRENT: ContextVar[RequestInfo | None] = ContextVar("heliograph_request", default=None)
"""The request that a context works on."""

# The two upper bits of this digit of a UUID are 1 and 0; the lower ones are chance.
_VARIANTS = {digit: "89ab"[at % 4] for at, digit in enumerate("0123456789abcdef")}

_UNKNOWN = ("_id", "_offered_id", "_route", "route_by")


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
        begun: Whether a framework with signals of its own has sent the first one of it, as far
            as anybody receives that.
        is_over: Whether the application is done with it; contexts that were copied may still
            have it.
        route_by: What returns the route, and its argument: it is called once somebody wants to
            know the route, until it returns one. None where nobody can tell.
    """

    by_asgi = False
    """Whether a layer for ASGI has made it: one for WSGI may be inside of that, by an adapter."""

    __slots__ = (
        "__weakref__",
        "_before",
        "_clock",
        "_id",
        "_offered_id",
        "_route",
        "begun",
        "client",
        "is_over",
        "kind",
        "method",
        "native",
        "path",
        "route_by",
        "started",
    )

    kind: str
    method: str
    path: str
    client: str | None
    started: float
    native: Any
    begun: bool
    is_over: bool
    route_by: tuple[Callable[[Any], str | None], Any] | None

    _before: ref[RequestInfo] | None
    _clock: float
    _id: str | None
    _offered_id: str | None
    _route: str | None

    def __init__(
        self,
        kind: str,
        method: str,
        path: str,
        client: str | None,
        native: Any,
        offered_id: str | None = None,
    ) -> None:
        self.kind = kind
        self.method = method
        self.path = path
        self.client = client
        self.native = native
        self._offered_id = offered_id
        self.is_over = False
        self._clock = perf_counter()

    if not TYPE_CHECKING:
        # Most requests are seen by nobody: what only few ask for is found out when they do.
        def __getattr__(self, name: str) -> Any:
            value = self._found(name)
            setattr(self, name, value)
            return value

    def _found(self, name: str) -> Any:
        """Return what an attribute is that nobody has asked for yet."""
        if name == "started":
            return time() - self.duration
        if name in _UNKNOWN:
            return None
        if name == "begun":
            return False
        msg = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(msg)

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
        if self._route is None and self.route_by is not None:
            find, given = self.route_by
            self._route = find(given)
        return self._route

    @route.setter
    def route(self, template: str | None) -> None:
        self._route = template

    def enter(self) -> None:
        """Make this the request that the current context works on."""
        before = CURRENT.get()
        # Weakly: one that nobody ends is of no use, and may hold on to its own body.
        self._before = None if before is None else ref(before)
        CURRENT.set(self)

    def leave(self) -> None:
        """Give the context back to the request around this one, if that still goes on.

        Requests may be left in any order, and in other contexts: a body that nobody has closed is
        left when it is collected, when the thread works on another request perhaps.
        """
        self.is_over = True
        if CURRENT.get() is self:
            before = None if self._before is None else self._before()
            CURRENT.set(None if before is None or before.is_over else before)

    @property
    def duration(self) -> float:
        """Seconds since the request began."""
        return perf_counter() - self._clock

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return what is known now; `native` is the same one, as it may hold the connection."""
        known = self.id, self.route
        twin = copy(self)
        twin._id, twin._route = known  # noqa: SLF001 - it is one of these.
        twin.route_by = None
        return twin

    def __repr__(self) -> str:
        return f"<RequestInfo {self.method} {self.route or 'without a route'}: {self.id}>"


def current_request() -> RequestInfo | None:
    """Return the request that the current context works on, or None outside of requests."""
    return CURRENT.get()


# Asking the system each time would let go of the interpreter's lock, which a thread that only
# sends may wait for longer than for all the rest.
_chances: list[str] = []
_CHANCE, _AT_ONCE = 20, 256


def _take_chances() -> str:
    taken = urandom(_CHANCE // 2 * _AT_ONCE).hex()
    found = [taken[at : at + _CHANCE] for at in range(0, len(taken), _CHANCE)]
    _chances.extend(found[1:])
    return found[0]


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    # Both processes would make the same ids.
    os.register_at_fork(after_in_child=_chances.clear)


def new_id() -> str:
    """Return a new UUID of version 7: milliseconds since the epoch, then chance (RFC 9562)."""
    stamp = f"{(time_ns() // 1_000_000) & 0xFFFF_FFFF_FFFF:012x}"
    try:
        chance = _chances.pop()
    except IndexError:
        chance = _take_chances()
    variant = _VARIANTS[chance[3]]
    return f"{stamp[:8]}-{stamp[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"
