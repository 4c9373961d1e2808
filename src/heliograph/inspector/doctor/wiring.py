"""Checks of what is sent against who receives: unheard signals, names that differ by a slip."""

from __future__ import annotations

import inspect
from itertools import combinations
from typing import TYPE_CHECKING

from heliograph import ANY, default_namespace
from heliograph.describe import portable_location, title_of
from heliograph.inspector.doctor.checks import CHECKS
from heliograph.inspector.doctor.program import installed_sources
from heliograph.inspector.doctor.slips import differ_by_a_slip
from heliograph.inspector.doctor.wires import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph.inspector.doctor.findings import Finding
    from heliograph.inspector.doctor.program import Connected, Program
    from heliograph.inspector.doctor.uses import Send
    from heliograph.inspector.doctor.wires import Wire


def find(program: Program, sent: frozenset[int] = frozenset()) -> Iterator[Finding]:
    """Yield what is wrong between the places that send and the connections.

    Args:
        program: The program.
        sent: The signals that were sent while somebody watched, by their `id`.
    """
    for send in program.sends:
        yield from _of_send(program, send)
    wires = Wiring(program, sent).wires()
    slips = list(_slips(wires))
    yield from (finding for _, finding in slips)
    known = {id(it) for pair, _ in slips for it in pair}
    for wire in wires:
        if id(wire) not in known:
            yield from _alone(program, wire)
    yield from _namesakes(wires, known)


# --- one send, and its receivers -------------------------------------------------------


def _of_send(program: Program, send: Send) -> Iterator[Finding]:
    if not send.whole:
        return
    for it in program.connected:
        if it.signal is not send.signal or it.connection.sender is not ANY:
            continue
        name, title = it.connection.name, title_of(send.signal)
        if it.connection.is_async and not send.is_async and not send.wrapped:
            message = f"{name} is async, and {title} is sent here with send()."
            yield CHECKS["async-receiver"].finding(send.location, message)
        problem = None if send.signal.declaration else _misfit(it, send)
        if problem is not None:
            message = f"{name} cannot take what {title} is sent with here: {problem}."
            yield CHECKS["unfit-receiver"].finding(send.location, message)


def _misfit(connected: Connected, send: Send) -> str | None:
    receiver = connected.connection.receiver
    try:
        signature = inspect.signature(receiver)  # type: ignore[arg-type]  # Refused below, if dead.
    except Exception:  # noqa: BLE001 - it may be written in C, or be an unbound proxy.
        return None
    try:
        signature.bind(None, **dict.fromkeys(send.names))
    except TypeError as error:
        return str(error)
    return None


# --- one signal ------------------------------------------------------------------------


def _alone(program: Program, wire: Wire) -> Iterator[Finding]:
    if wire.is_only_heard and wire.signal is not None and not _is_known_elsewhere(wire):
        heard = [it for it in wire.heard if program.owns(it)]
        if heard:
            message = f"{wire.title} is heard, at {portable_location(heard[0])}, and never sent."
            # A package may have it for others to send.
            severity = "note" if program.app is None else ""
            yield CHECKS["never-sent"].finding(wire.place, message, severity=severity)
    elif wire.is_only_sent:
        message = f"{wire.title} is sent, at {portable_location(wire.sent[0])}, and never heard."
        yield CHECKS["never-heard"].finding(wire.place, message)


def _is_known_elsewhere(wire: Wire) -> bool:
    """Tell whether an installed package may send a signal that anybody gets by its name."""
    if id(default_namespace) not in wire.homes:
        return False
    words = f'"{wire.name}"', f"'{wire.name}'"
    return any(word in text for text in installed_sources() for word in words)


# --- two signals -----------------------------------------------------------------------


def _slips(wires: Sequence[Wire]) -> Iterator[tuple[tuple[Wire, Wire], Finding]]:
    sent = [it for it in wires if it.is_only_sent]
    heard = [it for it in wires if it.is_only_heard]
    for one in sent:
        for other in heard:
            if any(differ_by_a_slip(*names) for names in one.names_beside(other)):
                message = (
                    f"{one.title} is sent, and signal {other.name!r} is heard, at "
                    f"{portable_location(other.heard[0])}."
                )
                yield (
                    (one, other),
                    CHECKS["near-duplicate"].finding(one.sent[0] or one.place, message),
                )


def _namesakes(wires: Sequence[Wire], known: set[int]) -> Iterator[Finding]:
    check = CHECKS["same-name"]
    for one, other in combinations([it for it in wires if it.signal is not None], 2):
        if one.name != other.name or not one.name or {id(one), id(other)} & known:
            continue
        apart = (one.is_only_sent and other.is_only_heard) or (
            one.is_only_heard and other.is_only_sent
        )
        if apart or (one.homes and other.homes):
            message = f"There is another signal {one.name!r}, made at {_where(other)}."
            severity = "warning" if apart else check.severity
            yield check.finding(one.place, message, severity=severity)


def _where(wire: Wire) -> str:
    return "an unknown place" if wire.place is None else portable_location(wire.place)
