"""What a change did to the wiring of a program: the differences of two snapshots, in sentences."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph.inspector.graph.wiring import WiredReceiver, WiredSignal, Wiring


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        sign: ``"+"`` for what is new, ``"-"`` for what is gone, ``"~"`` for what is different.
        signal: The name of the signal.
        what: What is new, gone or different, in words.
    """

    sign: str
    signal: str
    what: str

    def __str__(self) -> str:
        return f"{self.sign} {self.signal}: {self.what}"


def changes(before: Wiring, after: Wiring) -> list[Change]:
    """Return what is different, signal by signal, sorted by name."""
    old, new = _by_name(before), _by_name(after)
    return [
        change
        for name in sorted({*old, *new})
        for one, other in zip_longest(old.get(name, ()), new.get(name, ()))
        for change in _of_signal(name, one, other)
    ]


def _by_name(wiring: Wiring) -> dict[str, list[WiredSignal]]:
    # Two signals may have one name.
    found: dict[str, list[WiredSignal]] = {}
    for it in wiring.signals:
        found.setdefault(it.name, []).append(it)
    return found


def _of_signal(
    name: str, before: WiredSignal | None, after: WiredSignal | None
) -> Iterator[Change]:
    if before is None or after is None:
        yield Change("+" if before is None else "-", name, "signal")
    old_sends = () if before is None else before.sends
    new_sends = () if after is None else after.sends
    yield from (Change("-", name, f"sent by {it}") for it in old_sends if it not in new_sends)
    yield from (Change("+", name, f"sent by {it}") for it in new_sends if it not in old_sends)
    if before is not None and after is not None:
        yield from _of_payload(before, after)
    old = () if before is None else before.receivers
    new = () if after is None else after.receivers
    yield from _of_receivers(name, old, new)


def _of_payload(before: WiredSignal, after: WiredSignal) -> Iterator[Change]:
    if before.payload != after.payload:
        what = f"payload {_payload(before)} is now {_payload(after)}"
        yield Change("~", after.name, what)


def _payload(signal: WiredSignal) -> str:
    return "not declared" if signal.payload is None else f"({', '.join(signal.payload)})"


def _of_receivers(
    name: str, before: Sequence[WiredReceiver], after: Sequence[WiredReceiver]
) -> Iterator[Change]:
    old, new = _keyed(before), _keyed(after)
    yield from (Change("-", name, _receiver(it)) for key, it in old.items() if key not in new)
    yield from (Change("+", name, _receiver(it)) for key, it in new.items() if key not in old)
    for key, it in new.items():
        if key in old and it != old[key]:
            yield Change("~", name, f"{_receiver(it)}: {_options(old[key], it)}")
    if [it for it in old if it in new] != [it for it in new if it in old]:
        order = ", ".join(it.name for it in after)
        yield Change("~", name, f"receivers are called in another order: {order}")


def _keyed(receivers: Sequence[WiredReceiver]) -> dict[tuple[str, str, int], WiredReceiver]:
    # Two lambdas of one function have one name.
    found: dict[tuple[str, str, int], WiredReceiver] = {}
    for it in receivers:
        number = sum((it.name, it.sender) == (name, sender) for name, sender, _ in found)
        found[it.name, it.sender, number] = it
    return found


def _receiver(it: WiredReceiver) -> str:
    return f"receiver {it.name}" + ("" if it.sender == "ANY" else f" from {it.sender}")


def _options(before: WiredReceiver, after: WiredReceiver) -> str:
    pairs = ((it.name, getattr(before, it.name), getattr(after, it.name)) for it in fields(after))
    return ", ".join(f"{name} {old!r} is now {new!r}" for name, old, new in pairs if old != new)
