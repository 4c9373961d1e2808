"""What all sends of a signal say together: one payload, with types."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heliograph.inspector.migration.annotations import TypeText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph.inspector.migration.reading import FoundSend, FoundSignal


@dataclass(frozen=True)
class Argument:
    """One argument of a payload.

    Attributes:
        name: Its name.
        type: Its type; None if a send does not tell.
        left_out: Whether some sends leave it out.
    """

    name: str
    type: TypeText | None
    left_out: bool


def sender_of(signal: FoundSignal) -> TypeText | None:
    """Return the type of the senders of a signal, or None if one of them is not known."""
    return _together(it.sender for it in signal.sends)


def arguments_of(signal: FoundSignal) -> list[Argument]:
    """Return the payload of a signal, in the order in which the sends name its arguments."""
    # Of the others it is not known what they leave out.
    whole = [it for it in signal.sends if not it.unread]
    names = dict.fromkeys(name for it in signal.sends for name in it.payload)
    return [
        Argument(
            name,
            _together(it.payload[name] for it in signal.sends if name in it.payload),
            left_out=any(name not in it.payload for it in whole),
        )
        for name in names
    ]


def with_run(signal: FoundSignal, seen: Sequence[FoundSend]) -> FoundSignal:
    """Return a signal with what a run has shown: the payloads and types that it adds."""
    sends = [_completed(it, [one for one in seen if it.covers(one.place)]) for it in signal.sends]
    return replace(signal, sends=[*sends, *seen])


def _completed(send: FoundSend, seen: Sequence[FoundSend]) -> FoundSend:
    if not seen:
        return send
    payload = {
        name: kind or _together(it.payload[name] for it in seen if name in it.payload)
        for name, kind in send.payload.items()
    }
    sender = send.sender or _together(it.sender for it in seen)
    return replace(send, payload=payload, sender=sender, seen=True)


def _together(kinds: Iterable[TypeText | None]) -> TypeText | None:
    """Return the union of types, or None if one of them is not known, or if there are none."""
    found = dict.fromkeys(kinds)
    if not found or None in found:
        return None
    known = [it for it in found if it is not None]
    imports: dict[str, str] = {}
    for module, name in (one for it in known for one in sorted(it.imports)):
        # A package shows its classes in several modules: `flask.Flask` is `flask.app.Flask`.
        if _top(imports.setdefault(name, module)) != _top(module):
            return None
    parts = dict.fromkeys(part for it in known for part in _parts(_parsed(it)))
    # `None` comes last, as one writes it.
    text = " | ".join(sorted(parts, key="None".__eq__))
    return TypeText(text, frozenset((module, name) for name, module in imports.items()))


def _parsed(kind: TypeText) -> ast.expr:
    return ast.parse(kind.text, mode="eval").body


def _top(module: str) -> str:
    return module.partition(".")[0]


def _parts(node: ast.expr) -> list[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_parts(left), *_parts(right)]
        case _:
            return [ast.unparse(node)]
