"""The wiring of a program as a snapshot: what leads where, without the places that edits move."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.inspector.graph.edges import full_name

if TYPE_CHECKING:
    from heliograph.inspector.facts import ArgumentInfo, Catalogue, ReceiverInfo, SignalInfo

FORMAT = "heliograph-wiring"
VERSION = 1


@dataclass(frozen=True)
class WiredReceiver:
    """One receiver, connected for one sender.

    Attributes:
        name: Its qualified name, with its module.
        sender: The only sender that it is connected for, or ``ANY``.
        priority: Receivers with a higher priority are called earlier.
        on_error: What happens to its errors: ``"raise"`` or ``"log"``.
        weak: Whether the connection lets it be garbage-collected.
        is_async: Whether it has to be awaited.
        inline: Whether `send_async` calls it in place, even if given a wrapper.
        when: ``"after_commit"`` if it waits for the transaction, ``"relayed"`` if a relay calls
            it, or None.
    """

    name: str
    sender: str
    priority: int
    on_error: str
    weak: bool
    is_async: bool
    inline: bool
    when: str | None = None


@dataclass(frozen=True)
class WiredSignal:
    """One signal, with what leads to it and from it.

    Attributes:
        name: Its name, with that of its namespace.
        payload: The arguments as they are written in the source, or None if it is not declared.
        sends: The functions that send it, sorted.
        receivers: Its receivers, in the order in which they are called.
    """

    name: str
    payload: tuple[str, ...] | None
    sends: tuple[str, ...]
    receivers: tuple[WiredReceiver, ...]


@dataclass(frozen=True)
class Wiring:
    """All signals of a program, sorted by name.

    Attributes:
        signals: The signals.
    """

    signals: tuple[WiredSignal, ...]


class SnapshotError(ArgumentError):
    """A text is no snapshot of a wiring, or one that this version cannot read."""


def wiring_of(catalogue: Catalogue) -> Wiring:
    """Return the wiring of all signals of a catalogue."""
    found = [
        _signal(full_name(namespace, signal), signal)
        for namespace in catalogue.namespaces
        for signal in namespace.signals
    ]
    return Wiring(tuple(sorted(found, key=lambda it: it.name)))


def _signal(name: str, it: SignalInfo) -> WiredSignal:
    return WiredSignal(
        name,
        tuple(map(argument, it.payload)) if it.declared else None,
        tuple(sorted({send.name for send in it.sends})),
        tuple(map(_receiver, it.receivers)),
    )


def _receiver(it: ReceiverInfo) -> WiredReceiver:
    return WiredReceiver(**{field.name: getattr(it, field.name) for field in fields(WiredReceiver)})


def argument(it: ArgumentInfo) -> str:
    """Return an argument as it is written in the source."""
    typed = f"{it.name}: {it.type}" if it.type else it.name
    if it.default is None:
        return typed
    return f"{typed} = {it.default}" if it.type else f"{typed}={it.default}"


def as_snapshot(wiring: Wiring) -> str:
    """Return a text to be kept in a file, in ASCII."""
    content = {"format": FORMAT, "version": VERSION, **asdict(wiring)}
    return json.dumps(content, indent=1) + "\n"


def from_snapshot(text: str) -> Wiring:
    """Return the wiring that a snapshot has.

    Raises:
        SnapshotError: If the text is no snapshot, or one of a later version of Heliograph.
    """
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        msg = f"It is no JSON ({error}). Write it again with `heliograph graph --snapshot FILE`."
        raise SnapshotError(msg) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        msg = (
            f"It is JSON, but no snapshot: {FORMAT!r} is not its format. Write one with "
            "`heliograph graph --snapshot FILE`."
        )
        raise SnapshotError(msg)
    if content.get("version") != VERSION:
        msg = (
            f"It is a snapshot of version {content.get('version')!r}, and this Heliograph reads "
            f"version {VERSION}. Use the Heliograph that has written it, or write it again."
        )
        raise SnapshotError(msg)
    try:
        return Wiring(tuple(map(_read_signal, content["signals"])))
    except (KeyError, TypeError, ValueError) as error:
        msg = (
            f"It is a snapshot, but a damaged one ({type(error).__name__}: {error}). Write it "
            "again with `heliograph graph --snapshot FILE`."
        )
        raise SnapshotError(msg) from None


def _read_signal(found: dict[str, Any]) -> WiredSignal:
    payload = found["payload"]
    return WiredSignal(
        _text(found["name"]),
        None if payload is None else tuple(map(_text, payload)),
        tuple(map(_text, found["sends"])),
        tuple(WiredReceiver(**it) for it in found["receivers"]),
    )


def _text(found: object) -> str:
    if not isinstance(found, str):
        msg = f"{found!r} is no text"
        raise TypeError(msg)
    return found
