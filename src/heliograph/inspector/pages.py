"""Writes what is known of signals as a page: in Markdown for people, in JSON for programs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph.inspector.facts import (
        Catalogue,
        KnownArgument,
        KnownNamespace,
        KnownReceiver,
        KnownSignal,
    )


def as_json(catalogue: Catalogue) -> str:
    """Return all that is known, by the names of the values' attributes."""
    # In ASCII, so that it is the same JSON wherever it is printed.
    return json.dumps(asdict(catalogue), indent=2) + "\n"


def as_markdown(catalogue: Catalogue) -> str:
    """Return a page with a section for each signal."""
    blocks = [
        f"# Signals of {_code(catalogue.target)}",
        "Made by `heliograph signals`: what is wrong here is mended in the declarations.",
    ]
    for namespace in catalogue.namespaces:
        blocks += _namespace(namespace)
    return "\n\n".join(blocks) + "\n"


def _namespace(namespace: KnownNamespace) -> Iterator[str]:
    yield "## In no namespace" if namespace.name is None else f"## {_code(namespace.name)}"
    if namespace.variable not in ("", namespace.name):
        yield f"It is imported as {_code(namespace.variable)}."
    for signal in namespace.signals:
        yield from _signal(signal)


def _signal(signal: KnownSignal) -> Iterator[str]:
    yield f"### {_code(signal.name)}"
    if signal.deprecated:
        yield f"**Deprecated**: {_line(signal.deprecated).rstrip('.')}."
    if signal.doc:
        yield signal.doc
    yield "\n".join(_origin(signal))
    if signal.payload:
        yield _table(("payload", "type", "default", "remarks"), map(_argument, signal.payload))
    if signal.receivers:
        yield _table(
            ("receiver", "hears", "remarks", "connected at"), map(_receiver, signal.receivers)
        )
    else:
        yield "Nobody is connected."
    if signal.sends:
        rows = ((_code(it.name), _code(it.location)) for it in signal.sends)
        yield _table(("sent by", "at"), rows)
    else:
        yield "No place is known that sends it."


def _origin(signal: KnownSignal) -> Iterator[str]:
    if signal.variable:
        yield f"It is imported as {_code(signal.variable)}."
    if signal.location is None:
        yield "It is not declared, and may carry anything."
        return
    yield f"It is declared at {_code(signal.location)}."
    if signal.sender:
        yield f"Its senders are of type {_code(signal.sender)}."
    if not signal.payload:
        yield "It carries nothing."


def _argument(it: KnownArgument) -> tuple[str, ...]:
    default = "required" if it.default is None else _code(it.default)
    deprecated = f"deprecated: {_line(it.deprecated)}" if it.deprecated else ""
    return _code(it.name), _code(it.type) if it.type else "", default, deprecated


def _receiver(it: KnownReceiver) -> tuple[str, ...]:
    remarks = {
        f"priority {it.priority}": it.priority != 0,
        "errors logged": it.on_error == "log",
        "async": it.is_async,
        "without `**extra`": not it.takes_extra,
    }
    said = ", ".join(remark for remark, holds in remarks.items() if holds)
    return _code(it.name), _code(it.sender), said, _code(it.location)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_escaped, it))} |" for it in lines)


def _escaped(cell: str) -> str:
    # Also between backticks.
    return cell.replace("|", r"\|")


def _code(text: str) -> str:
    """Return text that is shown as it is, whatever is in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{_line(text)}{space}{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())
