"""Makes entries of what is sent, by what was declared of a signal."""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from heliograph import ArgumentError, Signal
from heliograph.audit.encoding import Plain, encode, one_line
from heliograph.audit.entry import Entry
from heliograph.describe import calling_location, label_of, short_repr, title_of
from heliograph.lifecycle import current_job, current_request
from heliograph.lifecycle.request import new_id
from heliograph.postponing import current_arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from heliograph.redaction import Redaction

# The name of a key of the payload, or a function of the sender and the payload.
Source: TypeAlias = "str | Callable[[Any, Mapping[str, Any]], Any]"

# An id, a kind and a label.
_Told: TypeAlias = "tuple[str | None, str | None, str | None]"

_KIND_AND_SOURCE = 2

OUTCOMES = ("success", "failure", "denied", "unknown")
_HOST = one_line(socket.gethostname())


def check_signal(given: object) -> None:
    """Refuse what is not a signal.

    Raises:
        ArgumentError: If it is not.
    """
    if not isinstance(given, Signal):
        msg = f"{short_repr(given)} is not a signal: pass the signal itself, and not its name."
        raise ArgumentError(msg)


def actor_for(signal: Signal[...], actor: Source | None) -> Source | None:
    """Return the actor of a trail for a signal; None if its declaration has no such argument."""
    declaration = signal.declaration
    if isinstance(actor, str) and declaration is not None:
        there = [it.name for it in declaration.arguments]
        return actor if actor in there else None
    return actor


@dataclass(frozen=True)
class Who:
    """An actor, or a target.

    Attributes:
        id: Its id: a text, or something that has one.
        type: What kind of thing it is, such as ``"user"``.
        label: What people call it; it can be erased, as the id cannot.
    """

    id: Any
    type: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Rule:
    """What becomes of the emissions of one signal: each an entry.

    See `Trail.record` for the fields.
    """

    signal: Signal[...]
    action: str
    actor: Source | None = None
    on_behalf_of: Source | None = None
    target: tuple[str, Source] | Source | None = None
    outcome: str | Callable[[Any, Mapping[str, Any]], str] = "success"
    reason: Source | None = None
    tenant: Source | None = None
    data: Iterable[str] | None = None
    service: str | None = None

    def check(self) -> None:
        """Refuse names that no payload of the signal has, and outcomes that do not exist.

        Raises:
            ArgumentError: If there are some.
        """
        if isinstance(self.outcome, str) and self.outcome not in OUTCOMES:
            several = ", ".join(map(repr, OUTCOMES))
            msg = (
                f"outcome={short_repr(self.outcome)} of {title_of(self.signal)} is none. Use "
                f"{several}, or a function of the sender and the payload."
            )
            raise ArgumentError(msg)
        if isinstance(self.target, tuple) and len(self.target) != _KIND_AND_SOURCE:
            msg = (
                f"target={short_repr(self.target)} of {title_of(self.signal)} is no target. Use a "
                "kind and where its id is found, as in ('order', 'order_id')."
            )
            raise ArgumentError(msg)
        declaration = self.signal.declaration
        if declaration is None:
            return
        there = [it.name for it in declaration.arguments]
        missing = [it for it in self._named() if it not in there]
        if missing:
            msg = (
                f"The payload of {title_of(self.signal)} has no {missing[0]!r}. It has "
                f"{', '.join(there) or 'nothing'}."
            )
            raise ArgumentError(msg)

    def _named(self) -> list[str]:
        target = self.target[1] if isinstance(self.target, tuple) else self.target
        sources = (self.actor, self.on_behalf_of, target, self.reason, self.tenant)
        return [it for it in sources if isinstance(it, str)] + [*(self.data or ())]


class Capture:
    """Makes an entry of one send: all that its payload says is copied now."""

    def __init__(self, rule: Rule, redaction: Redaction) -> None:
        self._rule = rule
        self._redaction = redaction
        self._signal = label_of(rule.signal)
        self._data = None if rule.data is None else frozenset(rule.data)

    def entry(self, sender: Any, payload: Mapping[str, Any]) -> Entry:
        """Return the entry of a send.

        Raises:
            Exception: What a function of the rule raises, or a payload that has no encoding.
        """
        rule = self._rule
        made = self._begun()
        self._tell_of_context(made)
        made.actor_id, made.actor_type, actor = _who(rule.actor, sender, payload)
        made.target_id, made.target_type, target = self._target(sender, payload)
        # Most rules have none of these, and there are many sends.
        if rule.on_behalf_of is not None:
            made.on_behalf_of = _text(_found(rule.on_behalf_of, sender, payload))
        if rule.reason is not None:
            made.reason = self._reason(rule.reason, sender, payload)
        if rule.tenant is not None:
            made.tenant = _text(_found(rule.tenant, sender, payload))
        made.outcome = self._outcome(sender, payload)
        self._fill(made, payload, {"actor": actor, "target": target})
        _tell_of_arrival(made)
        return made

    def in_short(self, error: Exception) -> Entry:
        """Return an entry that tells only that something was sent: the rest cannot be had."""
        made = self._begun()
        made.outcome = "unknown"
        made.notes = f"left out: {type(error).__name__}"
        _tell_of_arrival(made)
        return made

    def _begun(self) -> Entry:
        return Entry(
            id=new_id(),
            occurred_at=time.time_ns() // 1000,
            signal=self._signal,
            action=self._rule.action,
            service=self._rule.service,
            host=_HOST,
            pid=os.getpid(),
            source=calling_location(),
        )

    def _tell_of_context(self, made: Entry) -> None:
        request, job = current_request(), current_job()
        if request is not None:
            made.request_id, made.method, made.route = request.id, request.method, request.route
        if job is not None:
            made.job = one_line(job.name)
            made.request_id = made.request_id or job.requested_by
        made.trace_id, made.span_id = _trace()

    def _target(self, sender: Any, payload: Mapping[str, Any]) -> _Told:
        target = self._rule.target
        if isinstance(target, tuple):
            return _text(_found(target[1], sender, payload)), target[0], None
        return _who(target, sender, payload)

    def _reason(self, source: Source, sender: Any, payload: Mapping[str, Any]) -> str | None:
        found = _found(source, sender, payload)
        shown = self._redaction.without_secrets(found) if isinstance(found, str) else found
        return _text(shown)

    def _outcome(self, sender: Any, payload: Mapping[str, Any]) -> str:
        outcome = self._rule.outcome
        found = outcome if isinstance(outcome, str) else outcome(sender, payload)
        return found if found in OUTCOMES else "unknown"

    def _fill(self, made: Entry, payload: Mapping[str, Any], labels: dict[str, str | None]) -> None:
        plain = Plain(self._redaction)
        chosen = self._data
        data = {
            "payload": plain.payload(
                it for it in payload.items() if chosen is None or it[0] in chosen
            )
        }
        if any(labels.values()):
            told = {name: it for name, it in labels.items() if it is not None}
            data["labels"] = plain.value(told, "labels")
        made.data = _bounded(data, plain)
        if plain.notes:
            made.notes = "; ".join(map(one_line, plain.notes))


def _tell_of_arrival(made: Entry) -> None:
    arrival = current_arrival()
    if arrival is not None:
        told = {"by": arrival.origin, "envelope": arrival.envelope or ""}
        # A broker has handed it over: anybody may have written it.
        made.data["relayed"] = {name: one_line(it) for name, it in told.items()}


_MOST_BYTES = 64_000
_LONGEST_LETTER = 6  # \u0001


def _bounded(data: dict[str, Any], plain: Plain) -> dict[str, Any]:
    if plain.letters * _LONGEST_LETTER <= _MOST_BYTES:
        return data
    size = len(encode(data))
    if size <= _MOST_BYTES:
        return data
    plain.notes[:] = [f"payload: left out, {size} bytes"]
    return {"payload": {}}


def _who(source: Source | None, sender: Any, payload: Mapping[str, Any]) -> _Told:
    found = _found(source, sender, payload)
    if isinstance(found, Who):
        return _text(found.id), found.type, found.label
    return _text(found), None, None


def _found(source: Source | None, sender: Any, payload: Mapping[str, Any]) -> Any:
    if source is None:
        return None
    return payload.get(source) if isinstance(source, str) else source(sender, payload)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str | int):
        return one_line(str(value))
    found = getattr(value, "id", None)
    if isinstance(found, str | int):
        return one_line(str(found))
    return one_line(short_repr(value))


def _trace() -> tuple[str | None, str | None]:
    """Return the trace and the span of OpenTelemetry, if the program has loaded it."""
    telemetry: Any = sys.modules.get("opentelemetry.trace")
    if telemetry is None:
        return None, None
    context = telemetry.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"
