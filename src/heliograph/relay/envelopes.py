"""Envelope: what travels between processes, and how it is written and read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from heliograph.relay.errors import EnvelopeError

if TYPE_CHECKING:
    from heliograph.relay.limits import Limits

VERSION = 1
"""The version of the envelope. A reader takes older ones, and refuses newer ones."""

_AROUND = 2048
"""How many bytes an envelope may have besides its payload."""

# The last quote may be missing: to look for it again from each one before it takes minutes.
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One emission on its way, or the notice of a sender.

    The fields have the names of CloudEvents where it has one. Fields that are unknown here are
    ignored, so that a newer version may add some.

    Attributes:
        v: The version.
        id: A UUID of version 7. It stays the same in every try.
        signal: The name of the signal.
        origin: The process that has sent it.
        sender: The name of the sender; None if there was none.
        time: Seconds since the epoch.
        seq: Which one of its origin and signal it is, from 1 on: a hole shows what was lost. Of a
            notice, the number of the last one that was sent. None where brokers count themselves.
        hops: How many processes have passed on what led to it.
        traceparent: The span in which it was sent, as W3C's Trace Context writes it.
        tracestate: What belongs to that.
        dropped: How many of those before it the sender itself has dropped lately.
        notice: Whether it only tells *seq* and *dropped*.
        payload: The payload, as JSON.
    """

    v: int = 0  # Always written, as no version is 0.
    id: str
    signal: str
    origin: str
    sender: str | None = None
    time: float
    seq: _Count | None = None
    hops: _Count = 0
    traceparent: str | None = None
    tracestate: str | None = None
    dropped: _Count = 0
    notice: bool = False
    payload: msgspec.Raw = msgspec.Raw(b"{}")


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def write(envelope: Envelope) -> bytes:
    """Return an envelope as the bytes that travel."""
    return _encoder.encode(envelope)


def read(data: bytes, limits: Limits) -> Envelope:
    """Return the envelope in some bytes, whoever may have written them.

    Nothing in it is imported, called or looked up. The payload is not read yet.

    Raises:
        EnvelopeError: If there is none, or it is beyond the limits.
    """
    if not data:
        msg = "The broker has lost it."
        raise EnvelopeError(msg, "lost by the broker")
    if len(data) > limits.message_bytes + _AROUND:
        msg = f"It has {len(data):,} bytes, and {limits.message_bytes:,} are allowed."
        raise EnvelopeError(msg, "too large")
    if is_deeper(data, limits.depth + 1):
        msg = f"It is nested deeper than {limits.depth} levels."
        raise EnvelopeError(msg, "too deep")
    try:
        envelope = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"It is no envelope: {error}."
        raise EnvelopeError(msg, "malformed") from None
    if not 1 <= envelope.v <= VERSION:
        msg = f"It is of version {envelope.v}, and this process reads up to {VERSION}: upgrade it."
        raise EnvelopeError(msg, "version")
    if envelope.hops > limits.hops:
        msg = f"{envelope.hops} processes have passed it on, and {limits.hops} may: it is a loop."
        raise EnvelopeError(msg, "hops")
    return envelope


def is_deeper(data: bytes, most: int) -> bool:
    """Tell whether the lists and objects of a JSON text are nested deeper than *most*."""
    if data.count(b"[") + data.count(b"{") <= most:  # As nearly always: it costs much less.
        return False
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_TEXT.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > most


def readable(envelope: Envelope) -> dict[str, Any]:
    """Return an envelope as plain values, for people and programs that only look at it."""
    found: dict[str, Any] = msgspec.structs.asdict(envelope)
    try:
        found["payload"] = msgspec.json.decode(envelope.payload)
    except (msgspec.DecodeError, RecursionError):
        found["payload"] = None
    return found
