"""What was seen, as values that hold nothing of the program, and travel as JSON."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from operator import attrgetter
from typing import Any, NamedTuple, Self

from heliograph import ArgumentError


class _Portable:
    """A value that is made of texts and numbers, and can be written as JSON."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Return its attributes, made of what JSON has."""
        return {it.name: getattr(self, it.name) for it in fields(self)}  # type: ignore[arg-type]  # Each is a dataclass.

    @classmethod
    def from_dict(cls, given: Any) -> Self:
        """Make it again. What other versions of Heliograph have added is left out.

        Raises:
            ArgumentError: If something is missing.
        """
        wanted = fields(cls)  # type: ignore[arg-type]  # As above.
        try:
            # What has a default came later.
            known = [it.name for it in wanted if it.default is MISSING or it.name in given]
            return cls(**{name: given[name] for name in known})
        except (KeyError, TypeError) as error:
            msg = f"That is no {cls.__name__}: {type(error).__name__} of {error}."
            raise ArgumentError(msg) from None


@dataclass(frozen=True, slots=True)
class SeenDelivery(_Portable):
    """One receiver that was called.

    Attributes:
        receiver: Its name, with its module.
        location: The ``file:line`` that defines it, or None.
        connected: The ``file:line`` that connected it, or None.
        duration: How long the call took, in seconds.
        error: The type and the message of what it raised, or None.
        error_location: The ``file:line`` that raised, or None.
        is_async: Whether it had to be awaited.
        hop: Whether a wrapper called it: a plain receiver in a thread mostly, or an async one
            from code that is not async.
        logged: Whether the error was only logged, as the receiver was connected like that.
        narrow: Whether the signal is declared, and the receiver takes no ``**extra``: it breaks as
            soon as the declaration grows.
    """

    receiver: str
    location: str | None
    connected: str | None
    duration: float
    error: str | None
    error_location: str | None
    is_async: bool
    hop: bool
    logged: bool = False
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class SeenEmission(_Portable):
    """One send that has ended.

    Attributes:
        process: The process that sent, by its number and its start.
        id: Its position among the sends of that process: in the order in which they began, but
            for those that overlap, in tasks and threads, which a recorder may see at their end.
        parent: The `id` of the send inside of which it was sent, or None.
        turn: The index of the parent's receiver that was running.
        signal: What a list calls the signal.
        namespace: The name of the signal's namespace, or None.
        sender: What kind of object the sender is.
        payload: The names of what was sent, with short texts of the values; or with None, as
            values are kept only if that was asked for.
        started: Seconds since the epoch.
        duration: Seconds.
        thread: The name of the thread that sent.
        task: The name of the asyncio task that sent, or None.
        location: The ``file:line`` that sent, or None.
        request: The id of the request that was worked on, or None.
        muted: Whether the signal was muted.
        unheard: Why no receiver was called, or None if one was.
        problem: What the payload breaks of its declaration, or None.
        deliveries: The receivers that were called, in order.
        errors: The errors in the payload, each with the ``file:line`` that raised it, or None.
        under_way: Whether it had not ended yet.
        declared: Whether the signal's payload is declared.
        origin: The process that sent it, as its relay calls itself; None if it was this one.
        envelopes: The ids of the envelopes in which it goes to other processes, or has come from
            one: by them, what arrives is found where it was sent.
    """

    process: str
    id: int
    parent: int | None
    turn: int
    signal: str
    namespace: str | None
    sender: str
    payload: dict[str, str | None]
    started: float
    duration: float
    thread: str
    task: str | None
    location: str | None
    request: str | None
    muted: bool
    unheard: str | None
    problem: str | None
    deliveries: tuple[SeenDelivery, ...]
    errors: tuple[tuple[str, str | None], ...] = ()
    under_way: bool = False
    declared: bool = False
    origin: str | None = None
    envelopes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return its attributes, made of what JSON has."""
        found = _Portable.as_dict(self)
        found["deliveries"] = [it.as_dict() for it in self.deliveries]
        found["errors"] = [[*it] for it in self.errors]
        found["envelopes"] = [*self.envelopes]
        return found

    @classmethod
    def from_dict(cls, given: Any) -> Self:
        """Make it again, as `_Portable.from_dict` does."""
        try:
            inner = tuple(map(SeenDelivery.from_dict, given["deliveries"]))
            errors = tuple((text, place) for text, place in given.get("errors", ()))
            envelopes = tuple(map(str, given.get("envelopes", ())))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"That is no SeenEmission: {type(error).__name__} of {error}."
            raise ArgumentError(msg) from None
        made: Self = super(SeenEmission, cls).from_dict(
            {**given, "deliveries": inner, "errors": errors, "envelopes": envelopes}
        )
        return made

    @property
    def failed(self) -> bool:
        """Whether a receiver raised."""
        return any(it.error is not None for it in self.deliveries)

    @property
    def crossing(self) -> str:
        """What is said of it where it goes to other processes, or comes from one; or "".

        Example:
            ``relayed``, ``relayed by shop@web-1:4711``
        """
        if self.origin is None:
            return "relayed" if self.envelopes else ""
        # The last part is there to make it unique.
        return f"relayed by {self.origin.rpartition(':')[0] or self.origin}"


@dataclass(frozen=True, slots=True)
class SeenRequest(_Portable):
    """One request, or one websocket. It comes when it begins, and again when it has ended.

    Attributes:
        process: The process that works on it, by its number and its start.
        id: Its id.
        position: Its position among the requests of that process, in the order of their start.
        kind: ``"http"`` or ``"websocket"``.
        method: Such as ``"GET"``.
        path: The path, without the query.
        route: The template that matched, or None.
        status: The status of the response, or the close code of a websocket; or None.
        started: Seconds since the epoch.
        duration: Seconds, or None while it is going on.
        aborted: Whether the client certainly did not get the whole response; None if unknown.
        reason: Why it ended, as `heliograph.lifecycle` tells; or None.
        error: The type and the message of an error that nobody handled, or None.
    """

    process: str
    id: str
    position: int
    kind: str
    method: str
    path: str
    route: str | None
    status: int | None
    started: float
    duration: float | None
    aborted: bool | None
    reason: str | None
    error: str | None


class News(NamedTuple):
    """What was seen since a position.

    Attributes:
        seen: Emissions and requests, in the order in which they ended; a request comes at its
            start as well.
        position: Where to ask from next time.
        lost: How many were given up before anybody asked, as room is bounded.
    """

    seen: list[SeenEmission | SeenRequest]
    position: int
    lost: int


# --- many of them ----------------------------------------------------------------------

Seen = SeenEmission | SeenRequest

_DELIVERY = [it.name for it in fields(SeenDelivery)]
_EMISSION = [it.name for it in fields(SeenEmission)]
_REQUEST = [it.name for it in fields(SeenRequest)]
_delivery = attrgetter(*_DELIVERY)
_emission = attrgetter(*_EMISSION)
_request = attrgetter(*_REQUEST)

COLUMNS: dict[str, list[str]] = {
    "delivery": _DELIVERY,
    "emission": _EMISSION,
    "request": _REQUEST,
}
"""What the rows of `as_row` have, in order: who reads them may be of another version."""


def as_row(seen: Seen) -> tuple[Any, ...]:
    """Return a value without the names of its attributes, which takes a third of the time."""
    if isinstance(seen, SeenRequest):
        return ("request", *_request(seen))
    values = [*_emission(seen)]
    values[_EMISSION.index("deliveries")] = tuple(map(_delivery, seen.deliveries))
    return ("emission", *values)


def from_rows(rows: Any, columns: Any) -> list[Seen]:
    """Make values of rows again.

    Args:
        rows: What `as_row` has returned, as it comes out of JSON.
        columns: The `COLUMNS` of whoever made the rows.

    Raises:
        ArgumentError: If that is something else.
    """
    try:
        return [_from_row(it, columns) for it in rows]
    except (KeyError, TypeError, ValueError) as error:
        msg = f"That is nothing that was seen: {type(error).__name__} of {error}."
        raise ArgumentError(msg) from None


def _from_row(row: Any, columns: Any) -> Seen:
    kind, *values = row
    named = dict(zip(columns[kind], values, strict=True))
    if kind == "request":
        return SeenRequest.from_dict(named)
    inner = columns["delivery"]
    named["deliveries"] = [dict(zip(inner, it, strict=True)) for it in named["deliveries"]]
    return SeenEmission.from_dict(named)
