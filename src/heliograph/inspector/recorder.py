"""The instrument that writes down what is sent, as values that keep nothing of the program."""

from __future__ import annotations

import os
import threading
from asyncio import _get_running_loop, current_task
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from heliograph import ArgumentError, add_instrument, remove_instrument
from heliograph.describe import (
    calling_location,
    describe_error,
    describe_sender,
    location_of,
    relative_location,
)
from heliograph.inspector.naming import Names, portable
from heliograph.inspector.notes import (
    REQUEST_SIZE,
    Begun,
    DeliveryNote,
    Note,
    row_of,
    size_of,
    value_of,
)
from heliograph.inspector.numbering import Numbers
from heliograph.inspector.process import process_name
from heliograph.inspector.requests import RequestWatcher
from heliograph.inspector.ring import Ring
from heliograph.inspector.seen import News, SeenEmission, SeenRequest, as_row
from heliograph.lifecycle import current_request
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from heliograph import Delivery, Emission, Namespace, Signal
    from heliograph.inspector.filters import Only

_new: Any = tuple.__new__  # Half the time that the `__new__` of a named tuple takes.

_MOST_UNENDED = 10_000
"""Sends that never end are given up: a generator that nobody goes on with, for instance."""

_LONGEST_ID = 200
"""How many letters of an origin, or of the id of an envelope, are kept."""


class Recorder:
    """Keeps the latest emissions and requests, for whoever asks for what is new.

    It is an instrument, and nothing else: it costs nothing until it is started. What it keeps is
    text and numbers, so no sender, request or payload lives longer because of it. A process that
    is forked begins with nothing.

    Args:
        max_bytes: The most that it keeps; the oldest are given up first.
        max_emissions: The most emissions and requests that it keeps.
        values: Whether to keep short texts of the payloads' values, as they are when the send
            begins.
        redaction: Which values are hidden.
        signals: Signals, namespaces and patterns to record, as for `add_instrument`; all of them
            by default. Requests are recorded anyway.
        early: Whether to look at emissions when they begin, so that `under_way` tells of those
            that have not ended. It takes a third longer, and is so anyway for values.

    Raises:
        ArgumentError: If a limit is not above 0.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with Recorder() as recorder:
        ...     _ = order_paid.send("shop", total=12)
        >>> [emission] = recorder.after(0).seen
        >>> emission.signal, emission.payload, emission.unheard
        ('order-paid', {'total': None}, 'no receivers')
    """

    def __init__(
        self,
        *,
        max_bytes: int = 4_000_000,
        max_emissions: int = 10_000,
        values: bool = False,
        redaction: Redaction | None = None,
        signals: Iterable[Signal[...] | Namespace] | None = None,
        early: bool = False,
    ) -> None:
        for name, limit in (("max_bytes", max_bytes), ("max_emissions", max_emissions)):
            if limit <= 0:
                msg = f"{name}={limit} leaves no room for anything: pass a number above 0."
                raise ArgumentError(msg)
        self._limits = max_bytes, max_emissions
        self._values = values
        self._early = early or values
        self._redaction = Redaction() if redaction is None else redaction
        self._signals = None if signals is None else tuple(signals)
        self._requests = RequestWatcher(self._keep_request, self._redaction.text)
        self._running = False
        self._until = inf
        self._begin_again()

    def _begin_again(self) -> None:
        self._pid = os.getpid()
        self._process = process_name()
        self._numbers = Numbers()
        self._names = Names()
        self._open: dict[int, Begun] = {}
        self._requests.begin_again()
        self._ring: Ring[Note | SeenRequest] = Ring(*self._limits)

    def start(self, seconds: float = inf) -> None:
        """Begin to record. What was recorded before stays.

        Args:
            seconds: How long to record, for one who may forget to stop it: the first emission
                after that stops it. Starting it again begins to count again.
        """
        self._until = monotonic() + seconds
        if not self._running:
            self._running = True
            add_instrument(self._instrument, self._signals)
            self._requests.start()

    def stop(self) -> None:
        """Record no more. What was recorded stays."""
        self._running = False
        remove_instrument(self._instrument)
        self._requests.stop()
        self._open.clear()

    @property
    def running(self) -> bool:
        """Whether it is recording."""
        return self._running

    @property
    def bytes(self) -> int:
        """About how many bytes what is kept needs."""
        return self._here().bytes

    @property
    def position(self) -> int:
        """The position of the next thing: `after` this, there is nothing yet."""
        return self._here().position

    def after(self, position: int = 0, most: int | None = None) -> News:
        """Return what was seen since a position: 0 is the beginning.

        Args:
            position: Where to begin.
            most: Return no more than this, and the rest next time.
        """
        kept, here, lost = self._here().after(position, most)
        return News([self._told(it) for it in kept], here, lost)

    def _here(self) -> Ring[Note | SeenRequest]:
        if os.getpid() != self._pid:
            self._begin_again()
        return self._ring

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def rows_after(
        self, position: int, most: int | None, only: Only, *, requests: bool
    ) -> tuple[list[tuple[Any, ...]], int, int]:
        """Return the same as rows, as `seen.as_row` makes them, in a third of the time.

        Args:
            position: Where to begin.
            most: Look at no more than this, and at the rest next time.
            only: Which emissions are wanted.
            requests: Whether requests are wanted.

        Returns:
            The rows, the position to ask from next time, and how many were lost.
        """
        kept, here, lost = self._here().after(position, most)
        rows = []
        for it in kept:
            if isinstance(it, SeenRequest):
                rows += [as_row(it)] if requests else []
            elif only.is_cheap:
                rows += [row_of(it, self._process)] if it.deliveries or not only.heard else []
            elif only.fits(value_of(it, self._process)):
                rows.append(row_of(it, self._process))
        return rows, here, lost

    # --- what the engine calls --------------------------------------------------------

    @property
    def _instrument(self) -> Callable[[Emission], object]:
        # Only what has an `on_start` is told of starts.
        return self if self._early else self._ended

    def on_start(self, emission: Emission) -> None:
        """Note where an emission comes from. The engine calls this."""
        if monotonic() > self._until:
            self.stop()
            return
        self._here()
        unended = self._open
        if len(unended) >= _MOST_UNENDED:
            unended.clear()
        unended[id(emission)] = self._begun(emission, emission.payload)

    def _ended(self, emission: Emission) -> None:
        if monotonic() > self._until:
            self.stop()
        else:
            self(emission)

    def _begun(self, emission: Emission, payload: Mapping[str, object]) -> Begun:
        numbers, envelopes, origin = self._numbers, emission.envelopes, emission.origin
        parent, request = emission.parent, current_request()
        # What has come from another process was sent at no line of this one.
        place = calling_location() if origin is None else None
        task = current_task() if _get_running_loop() is not None else None
        # Nothing is called that need not be: at a thousand emissions in a second, each call finds
        # the processor's caches cold.
        begun: Begun = _new(
            Begun,
            (
                numbers.of(emission),
                None if parent is None else numbers.of(parent),
                emission.turn,
                self._names.of_signal(emission.signal),
                describe_sender(emission.sender),
                self._texts(payload) if self._values else tuple(payload),
                threading.current_thread().name,
                None if task is None else task.get_name(),
                None if place is None else portable(place),
                None if request is None else request.id,
                emission.started,
                None if origin is None else _in_one_line(origin),
                tuple(map(_in_one_line, envelopes)) if envelopes else (),
            ),
        )
        return begun

    def __call__(self, emission: Emission) -> None:
        """Keep an emission that has ended. The engine calls this."""
        ring, payload = self._here(), emission.payload
        begun = self._open.pop(id(emission), None) if self._open else None
        if begun is None:
            begun = self._begun(emission, payload)
        declared = emission.signal.declaration is not None
        deliveries = tuple([self._delivery(it, declared) for it in emission.deliveries])
        errors = [it for it in payload.values() if issubclass(type(it), BaseException)]
        note: Note = _new(
            Note,
            (
                begun,
                begun.began,
                emission.duration,
                emission.muted,
                None if deliveries or emission.muted else why_unheard(emission),
                deliveries,
                tuple(map(self._error, errors)) if errors else (),
                declared,
                _problem(emission) if declared else None,
                False,
            ),
        )
        ring.add(note, size_of(note))

    def under_way(self) -> list[SeenEmission]:
        """Return the sends that have not ended: of threads and tasks that are still at it.

        There are none unless it looks at emissions early.
        """
        self._here()
        begun = tuple(self._open.values())
        return [
            value_of(Note(it, it.began, 0.0, False, None, (), (), False, None, True), self._process)
            for it in begun
        ]

    def _keep_request(self, request: SeenRequest) -> None:
        texts = (request.path, request.id, request.error or "")
        self._here().add(request, REQUEST_SIZE + 4 * sum(map(len, texts)))

    def _texts(self, payload: Mapping[str, object]) -> dict[str, str]:
        redacted = self._redaction.redacted
        return {name: redacted(name, value) for name, value in payload.items()}

    def _delivery(self, delivery: Delivery, declared: bool) -> DeliveryNote:
        receiver = self._names.of_receiver(delivery.receiver)
        connection, error = delivery.connection, delivery.error
        connected, is_async, narrow, logged = None, False, False, False
        if connection is not None:
            connected, is_async = portable(connection.location), connection.is_async
            narrow = declared and not receiver.takes_extra(connection)
            logged = error is not None and connection.on_error == "log"
        text, raised_at = (None, None) if error is None else self._error(error)
        return (
            *(receiver.name, receiver.location, connected, delivery.duration, text, raised_at),
            *(is_async, delivery.wrapped, logged, narrow),
        )

    def _error(self, error: BaseException) -> tuple[str, str | None]:
        place = location_of(error)
        text = self._redaction.text(describe_error(error))
        return text, None if place is None else portable(place)

    # --- what is told ------------------------------------------------------------------

    def _told(self, kept: Note | SeenRequest) -> SeenEmission | SeenRequest:
        return kept if isinstance(kept, SeenRequest) else value_of(kept, self._process)


def _problem(emission: Emission) -> str | None:
    """Tell what a payload breaks of its declaration. In development, it would not be sent."""
    declaration: Any = emission.signal.declaration  # It is one that is declared.
    found = declaration.mismatches(emission.sender, emission.payload)
    return f"not as declared: {', and '.join(found)}" if found else None


def _in_one_line(text: str) -> str:
    # It has come from a broker: anybody may have written it.
    return "".join(it if it.isprintable() else "\ufffd" for it in text[:_LONGEST_ID])


def why_unheard(emission: Emission) -> str | None:
    """Tell why a send has reached no receiver; None if it went to other processes."""
    if emission.envelopes:
        return None
    signal = emission.signal
    if signal.connections:
        return "no receivers for this sender"
    gone = [f"{it.name} of {relative_location(it.location)}" for it in signal.dead_receivers]
    return f"no receivers left; garbage-collected: {', '.join(gone)}" if gone else "no receivers"
