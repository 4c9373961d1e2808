"""What an application and its watcher say to each other: one line of JSON each."""

from __future__ import annotations

import hmac
import json
from typing import Any

from heliograph import SignalError

PROTOCOL = 1

MOST_ASKED = 65_536
"""Bytes of a question: whoever sends more is no watcher."""

Message = dict[str, Any]

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class AttachError(SignalError, ConnectionError):
    """A process cannot be attached to, or answers something else than a process of ours does."""


class AmbiguousError(AttachError):
    """There are several applications, and none was named."""


def line_of(message: Message) -> bytes:
    """Write a message."""
    return _encode(message).encode("ascii") + b"\n"


def message_in(line: bytes | bytearray) -> Message:
    """Read a message.

    Raises:
        AttachError: If the line is none.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if type(found) is not dict:
        msg = "What came is no message of Heliograph's: something else answers there."
        raise AttachError(msg)
    return found


def greeting(token: str | None) -> Message:
    """Return what a watcher says first."""
    return {"heliograph": PROTOCOL, "token": token}


def why_refused(said: Message, token: str | None) -> str | None:
    """Tell why a watcher is sent away, or return None.

    Args:
        said: What it has said first.
        token: What it has to know, if anything.
    """
    if said.get("heliograph") != PROTOCOL:
        return f"this process speaks version {PROTOCOL} of the protocol, and the watcher another"
    if token is None:
        return None
    # As bytes, as letters beyond ASCII raise otherwise.
    given = str(said.get("token")).encode("utf-8", "replace")
    right = hmac.compare_digest(given, token.encode())
    return None if right else "the token is wrong"
