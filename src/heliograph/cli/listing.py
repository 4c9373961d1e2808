"""Prints signals for people, each with its receivers in calling order, and who is not called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from heliograph.inspector import (
        ArgumentInfo,
        Catalogue,
        Explanation,
        NamespaceInfo,
        OmittedInfo,
        ReceiverInfo,
        SignalInfo,
    )

# Columns of names, senders and places do not fit below this.
_WIDE = 110
_GAP = "  "


def print_catalogue(catalogue: Catalogue, out: Console, *, fold: bool) -> None:
    """Print the signals of a catalogue.

    Args:
        catalogue: The signals.
        out: Where to print. In less than 110 columns, each receiver takes two lines.
        fold: Whether to name in one line those signals of packages that nobody hears.
    """
    receivers = [
        it
        for namespace in catalogue.namespaces
        for signal in namespace.signals
        for it in signal.receivers
    ]
    rows = _Rows(receivers, wide=out.width >= _WIDE)
    for namespace in catalogue.namespaces:
        out.print(_title(namespace))
        folded = [it for it in namespace.signals if fold and _is_folded(namespace, it)]
        for signal in namespace.signals:
            if signal not in folded:
                for depth, line in _signal(signal, rows):
                    _print(out, depth, line)
        if folded:
            names = ", ".join(it.name for it in folded)
            _print(out, 2, Text(f"no receivers: {names}", "dim"))
        out.print()
    out.print(_summary(catalogue))


def print_explanation(found: Explanation, out: Console) -> None:
    """Print whom a send would call, then the others with the reasons."""
    out.print(Text.assemble((found.signal, "cyan"), f"{_GAP}sent by {found.sender}"))
    rows = _Rows(found.called, wide=out.width >= _WIDE)
    _print(out, 2, Text("called, in this order:" if found.called else "nobody is called", "bold"))
    for number, it in enumerate(found.called, 1):
        for depth, line in rows.lines(number, it):
            _print(out, depth, line)
    if found.omitted or found.unknown:
        _print(out, 2, Text("not called:", "bold"))
    for other in found.omitted:
        _print(out, 4, Text.assemble(("- ", "yellow"), other.name, (f": {other.why}", "yellow")))
        _print(out, 6, Text(_where(other), "dim"))
    for name in found.unknown:
        _print(out, 4, _unknown(name))


def _where(it: OmittedInfo) -> str:
    if it.location in (None, it.connected):
        return f"connected at {it.connected}"
    return f"{it.location}, connected at {it.connected}"


def _unknown(module: str) -> Text:
    return Text(f"? {module} is not imported and connects to it: --import {module}", "yellow")


def _print(out: Console, depth: int, line: Text) -> None:
    """Print a line with its indentation, and a little more before the rest of a long one."""
    indent = depth
    for part in line.wrap(out, max(out.width - depth - 2, 20)):
        part.rstrip()
        out.print(Text(" " * indent).append_text(part), soft_wrap=True)
        indent = depth + 2


def _is_folded(namespace: NamespaceInfo, signal: SignalInfo) -> bool:
    return not (namespace.own or signal.receivers or signal.dead or signal.unknown)


def _title(namespace: NamespaceInfo) -> Text:
    name = "in no namespace" if namespace.name is None else namespace.name
    where = namespace.variable if namespace.variable != name else ""
    return Text.assemble((name, "bold"), (f"{_GAP}{where}" if where else "", "dim"))


def _signal(signal: SignalInfo, rows: _Rows) -> Iterator[tuple[int, Text]]:
    yield (
        2,
        Text.assemble(
            (signal.name, "cyan"),
            _payload(signal),
            (f"{_GAP}{signal.location}" if signal.location else "", "dim"),
        ),
    )
    if signal.deprecated:
        yield 4, Text(f"deprecated: {' '.join(signal.deprecated.split())}", "yellow")
    if signal.doc:
        yield 4, Text(signal.doc.partition("\n")[0], "dim italic")
    for number, it in enumerate(signal.receivers, 1):
        yield from rows.lines(number, it)
    for dead in signal.dead:
        yield (
            4,
            Text.assemble(
                (f"x {dead.name}", "red"), f"{_GAP}died; it was connected at {dead.connected}"
            ),
        )
    for name in signal.unknown:
        yield 4, _unknown(name)
    if not (signal.receivers or signal.dead or signal.unknown):
        yield 4, Text("no receivers", "yellow")


def _payload(signal: SignalInfo) -> Text:
    if not signal.declared:
        return Text(f"{_GAP}payload not declared", "dim")
    return Text(f" ({', '.join(map(_argument, signal.payload))})")


def _argument(it: ArgumentInfo) -> str:
    typed = f"{it.name}: {it.type}" if it.type else it.name
    if it.default is None:
        return typed
    return f"{typed} = {it.default}" if it.type else f"{typed}={it.default}"


class _Rows:
    """The lines of receivers, in columns if these fit."""

    def __init__(self, receivers: Sequence[ReceiverInfo], *, wide: bool) -> None:
        self._wide = wide
        self._name = max((len(it.name) for it in receivers), default=0)
        self._sender = max((len(_sender(it)) for it in receivers), default=0)
        self._how = max((len(_how(it)) for it in receivers), default=0)

    def lines(self, number: int, it: ReceiverInfo) -> Iterator[tuple[int, Text]]:
        """Give the lines of one receiver, each with its indentation."""
        if self._wide:
            parts = (
                f"{number} {it.name.ljust(self._name)}",
                _sender(it).ljust(self._sender),
                _how(it).ljust(self._how),
                ", ".join(_places(it)),
            )
            yield 4, Text(_GAP.join(parts))
            return
        yield 4, Text(f"{number} {it.name}")
        first, *more = _places(it)
        yield 6, Text(f"{_sender(it)}, {_how(it)}{_GAP}{first}")
        yield from ((6, Text(place)) for place in more)


def _sender(it: ReceiverInfo) -> str:
    return "any sender" if it.sender == "ANY" else f"from {it.sender}"


def _how(it: ReceiverInfo) -> str:
    remarks = {
        "weak": it.weak,
        "strong": not it.weak,
        "async": it.is_async,
        "inline": it.inline,
        it.time: it.when is not None,
        f"priority {it.priority}": it.priority != 0,
        "errors logged": it.on_error == "log",
        "without **extra": not it.takes_extra,
    }
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _places(it: ReceiverInfo) -> list[str]:
    place = it.location or "built in"
    return [place] if place == it.connected else [place, f"connected at {it.connected}"]


def _summary(catalogue: Catalogue) -> Text:
    signals = [signal for it in catalogue.namespaces for signal in it.signals]
    numbers = (
        (len(signals), "signal", "signals"),
        (sum(len(it.receivers) for it in signals), "receiver", "receivers"),
        (sum(not it.receivers for it in signals), "signal unheard", "signals unheard"),
        (sum(len(it.dead) for it in signals), "receiver died", "receivers died"),
    )
    first, second, *others = (f"{many} {one if many == 1 else more}" for many, one, more in numbers)
    more = [text for text in others if not text.startswith("0 ")]
    return Text(", ".join([first, second, *more]) + ".", "bold")
