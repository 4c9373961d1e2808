"""What is printed of envelopes: a line for people, values for programs; secrets are hidden."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heliograph.relay import EnvelopeError
from heliograph.relay.envelopes import readable
from heliograph.relay.looking import opened
from heliograph.relay.transports import Gap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.redaction import Redaction
    from heliograph.relay.channels import Channel
    from heliograph.relay.envelopes import Envelope
    from heliograph.relay.looking import Letter
    from heliograph.relay.transports import Arrived


class CrossingLines:
    """Makes lines and values of what crosses.

    Args:
        redaction: What is hidden.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def values(self, channel: Channel, it: Arrived | Gap) -> dict[str, Any] | None:
        """Return what there is to tell of something that has come; None if there is nothing."""
        of_it = {"signal": channel.signal, "mode": channel.mode}
        if isinstance(it, Gap):
            return {"kind": "gap", **of_it, "reason": self._text(it.reason), "lost": it.lost}
        try:
            envelope = opened(it.data)
        except EnvelopeError as error:
            reason = self._text(str(error))
            return {"kind": "unreadable", **of_it, "bytes": len(it.data), "reason": reason}
        if envelope.notice:
            return None
        return {"kind": "envelope", **of_it, **self.of_envelope(envelope)}

    def of_envelope(self, envelope: Envelope) -> dict[str, Any]:
        """Return what is in an envelope."""
        return {
            "id": self._text(envelope.id),
            "time": moment(envelope.time),
            "sender": None if envelope.sender is None else self._text(envelope.sender),
            "origin": self._text(envelope.origin),
            "hops": envelope.hops,
            "traceparent": envelope.traceparent and self._text(envelope.traceparent),
            "payload": self._payload(readable(envelope)["payload"]),
        }

    def of_letter(self, it: Letter) -> dict[str, Any]:
        """Return what there is to tell of a dead letter."""
        envelope = it.envelope
        return {
            "key": self._text(it.name),
            "signal": it.channel.signal,
            "group": self._text(it.letter.group),
            "at": moment(it.letter.at),
            "reason": self._text(it.letter.reason),
            "envelope": None if envelope is None else self.of_envelope(envelope),
        }

    def _payload(self, payload: object) -> dict[str, str]:
        # Anybody who can write to the broker may have written it.
        given = payload if isinstance(payload, dict) else {"payload": payload}
        return {
            self._text(name): self._redaction.redacted(name, value) for name, value in given.items()
        }

    def _text(self, text: str) -> str:
        return printable(self._redaction.without_secrets(text))

    def line(self, values: dict[str, Any]) -> str:
        """Return a line for people."""
        return "  ".join(it for it in self._parts(values) if it)

    def _parts(self, values: dict[str, Any]) -> Iterator[str]:
        signal = values["signal"]
        if values["kind"] == "gap":
            lost = "" if values["lost"] is None else f" ({values['lost']})"
            yield f"-- {signal}: something may be missing{lost}, as {values['reason']}"
        elif values["kind"] == "unreadable":
            yield f"-- {signal}: {values['bytes']} bytes are no envelope. {values['reason']}"
        else:
            yield clock(values["time"])
            yield signal
            yield shown_payload(values["payload"])
            yield f"from {'nobody' if values['sender'] is None else values['sender']}"
            yield f"at {values['origin']}"


def shown_payload(payload: dict[str, str]) -> str:
    """Return a payload as it is written in a call."""
    return f"({', '.join(f'{name}={text}' for name, text in payload.items())})" if payload else ""


def printable(text: str) -> str:
    """Return a text that cannot steer a terminal."""
    return "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in text)


def moment(seconds: float) -> str:
    """Return a time for programs, whatever a stranger has written."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return moment(0.0)


def clock(text: str) -> str:
    """Return the time of the reader's clock."""
    return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S.%f")[:-3]
