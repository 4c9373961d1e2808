"""What is asked of a stream, and what its answers say."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliograph.relay.channels import safe
from heliograph.relay.errors import RelayError
from heliograph.relay.redis.connecting import pairs, text
from heliograph.relay.redis.positions import Stream, order

if TYPE_CHECKING:
    from heliograph.relay.redis.connecting import Command, Lines

MARK = "heliograph-mark"
"""The name of a group that marks a stream: it goes where the stream goes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a stream.

    Attributes:
        id: Its id.
        fields: Its fields; empty if the server has lost them.
    """

    id: str
    fields: dict[bytes, bytes]

    @property
    def data(self) -> bytes:
        """The envelope."""
        return self.fields.get(b"data", b"")

    @property
    def number(self) -> int | None:
        """Which one it is of all that were ever added, if it says so."""
        said = self.fields.get(b"n", b"")
        return int(said) if said.isdigit() else None


def key_of(name: str, *of_it: str) -> str:
    """Return a key of a channel; a cluster keeps all its keys in one place."""
    return ":".join([f"heliograph:{{{name}}}", *of_it])


def registry_of(app: str) -> str:
    """Return the key of the names of the channels that a program stores something in."""
    return f"heliograph:{{{safe(app)}}}:channels"


def entries_of(answer: Any) -> list[Entry]:
    """Return the entries in the answer to a read of one stream, in either of its shapes."""
    if isinstance(answer, dict):
        (found,) = answer.values() or ([],)
    else:
        found = answer[0][1] if answer else []
    return entries(found)


def entries(answer: Any) -> list[Entry]:
    """Return the entries in the answer to a question for a part of a stream."""
    return [Entry(text(entry), _fields(fields)) for entry, fields in answer or ()]


def _fields(given: Any) -> dict[bytes, bytes]:
    return dict(zip(given[::2], given[1::2], strict=True)) if given else {}


def asked(key: str) -> list[Command]:
    """Return what has to be asked to know a stream."""
    return [("XINFO STREAM", key), ("XINFO GROUPS", key)]


def told(stream: Any, groups: Any) -> Stream | None:
    """Return what a stream says of itself; None if it is not there.

    Raises:
        RelayError: If it cannot be asked.
    """
    for it in (stream, groups):
        if isinstance(it, RelayError):
            if "no such key" in str(it):
                return None
            raise it
    about = pairs(stream)
    marks = [it["last-delivered-id"] for it in map(pairs, groups) if it["name"] == MARK]
    first = about["first-entry"]
    return Stream(
        "".join(f"{part:016x}" for it in marks for part in order(it)),
        int(about["entries-added"]),
        int(about["length"]),
        text(first[0]) if first else "",
        about["last-generated-id"],
    )


async def known(lines: Lines, key: str) -> Stream | None:
    """Return what a stream says of itself; None if it is not there."""
    return told(*await lines.together(asked(key), atomic=True))


async def made(lines: Lines, key: str) -> Stream:
    """Make a stream, and mark it, unless it is there."""
    while True:
        found = await known(lines, key)
        if found is not None and found.birth:
            return found
        # Of two processes, one makes the mark; where the group begins is the mark itself.
        mark = f"{secrets.randbits(63)}-{secrets.randbits(63)}"
        await lines.tolerant(("XGROUP CREATE", key, MARK, mark, "MKSTREAM"), "BUSYGROUP")
