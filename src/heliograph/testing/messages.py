"""What failed expectations say: what was expected, what came near, and what happened instead."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from heliograph import ANY
from heliograph.testing.matching import MISSING, asks
from heliograph.testing.names import title
from heliograph.testing.sent import where
from heliograph.testing.shortening import apart, hung, short, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph import Connection, Delivery, Signal
    from heliograph.testing.matching import Difference, Wanted
    from heliograph.testing.sent import Meanwhile, Sent


# --- the words of a message ------------------------------------------------------------


def described(wanted: Wanted) -> str:
    """Return what is wanted, in words."""
    words = [" or ".join(map(title, wanted.signals)) or "a signal"]
    if wanted.sender is not ANY:
        words.append(f"from {short(wanted.sender)}")
    if wanted.payload:
        values = (f"{name}={short(value)}" for name, value in wanted.payload.items())
        words.append(f"with {', '.join(values)}")
    return " ".join(words)


def times(number: int) -> str:
    """Return how often something happened, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def placed(place: str) -> str:
    """Return a ``file:line`` as one would write it from here."""
    filename, _, line = place.rpartition(":")
    return where(filename, line)


def receiver_name(receiver: Any, connection: Connection | None) -> str:
    """Return how messages call a receiver."""
    return shown(receiver) if connection is None else connection.name


# --- emissions -------------------------------------------------------------------------


def listed(emissions: Iterable[Sent]) -> Iterator[str]:
    """Give a line or two for each emission: where, from whom, with what, and who received it."""
    for number, sent in enumerate(emissions, 1):
        payload = "".join(f", {name}={short(value)}" for name, value in sent.payload.items())
        yield f"  {number}. {title(sent.signal)} at {_origin(sent)}"
        yield hung("     ", f"from {short(sent.sender)}{payload}; {_received(sent)}")


def near(emissions: Sequence[Sent], wanted: Wanted) -> Iterator[str]:
    """Give what differs for each emission of the right signal, sender and payload key by key."""
    for number, sent in enumerate(emissions, 1):
        yield f"  {number}. at {_origin(sent)}; {_received(sent)}"
        for difference in wanted.differences(sent):
            yield from _difference(difference)


def _difference(difference: Difference) -> Iterator[str]:
    if difference.found is MISSING:
        lead = f"     {difference.name}: missing; expected "
        yield hung(lead, short(difference.wanted))
        return
    found, wanted = difference.found, difference.wanted
    # A matcher differs from any value in everything, and nothing of that is worth showing.
    texts = (short(found), short(wanted)) if asks(wanted) else apart(found, wanted)
    indent = " " * (len(difference.name) + 7)
    yield hung(f"     {difference.name}: found    ", texts[0])
    yield hung(f"{indent}expected ", texts[1])
    if shown(found) == shown(wanted):
        yield f"{indent}They look the same, and are not equal."


def _origin(sent: Sent) -> str:
    if sent.thread == "MainThread":
        return sent.location
    older = ", which was running before" if sent.older else ""
    return f"{sent.location} in thread {sent.thread}{older}"


def _received(sent: Sent) -> str:
    if sent.emission is None:
        return "sent by another engine"
    if sent.muted:
        return "muted"
    return f"received by {', '.join(map(_outcome, sent.deliveries)) or 'nobody'}"


def _outcome(delivery: Delivery) -> str:
    name = receiver_name(delivery.receiver, delivery.connection)
    return name if delivery.error is None else f"{name} (raised {type(delivery.error).__name__})"


# --- what else there was ---------------------------------------------------------------


def others(everything: Sequence[Sent], wanted: Wanted) -> Iterator[str]:
    """Give what else was sent meanwhile, and by whom it was received."""
    rest = [sent for sent in everything if not wanted.has(sent.signal)]
    if not rest:
        return
    yield "Also sent meanwhile:"
    # By identity: signals of other engines may compare in any way.
    signals = {id(sent.signal): sent.signal for sent in rest}
    often = Counter(id(sent.signal) for sent in rest)
    for key, signal in signals.items():
        receivers = dict.fromkeys(
            receiver_name(it.receiver, it.connection)
            for sent in rest
            if sent.signal is signal
            for it in sent.deliveries
        )
        names = ", ".join(receivers) or "nobody"
        yield f"  {title(signal)} {times(often[key])}, received by {names}"
        if _looks_like_one_of(signal, wanted):
            yield "    It has the same name, but is another signal than the expected one."


def _looks_like_one_of(signal: Any, wanted: Wanted) -> bool:
    name = getattr(signal, "name", None)
    return name is not None and any(getattr(it, "name", None) == name for it in wanted.signals)


def left_out(meanwhile: Meanwhile, wanted: Wanted) -> Iterator[str]:
    """Give what would have been meant, had it belonged to the test or to the context."""
    found = [sent for sent in meanwhile.left_out if wanted.fits(sent)]
    if found:
        yield "Sent by another test or context, and so not counted:"
    yield from listed(found)


def gone(signals: Iterable[Any]) -> Iterator[str]:
    """Give the receivers that were garbage-collected, and so heard nothing."""
    for signal in signals:
        dead = getattr(signal, "dead_receivers", ())
        if dead:
            yield f"Receivers of {title(signal)} that were garbage-collected:"
        for it in dead:
            yield f"  {it.name}, connected at {placed(it.location)}"


# --- whole messages --------------------------------------------------------------------


def not_as_often(
    wanted: Wanted, expected: int | None, found: Sequence[Sent], meanwhile: Meanwhile
) -> str:
    """Say that something was not sent, or not as often as expected."""
    same_signal = [sent for sent in meanwhile.sent if wanted.has(sent.signal)]
    other = [sent for sent in same_signal if any(wanted.differences(sent))]
    often = "" if expected is None else f" {times(expected)}"
    lines = [hung("Expected ", f"{described(wanted)}{often}.")]
    if found:
        lines += [f"It was sent {times(len(found))}:", *listed(found)]
    elif not other:
        lines.append("It was not sent." if meanwhile.sent else "No signal was sent at all.")
    if other:
        lines.append(f"It was sent {times(len(other))} with a difference:")
        lines += near(other, wanted)
    lines += [*others(meanwhile.sent, wanted), *left_out(meanwhile, wanted)]
    return "\n".join([*lines, *gone(wanted.signals)])


def sent_after_all(wanted: Wanted, found: Sequence[Sent]) -> str:
    """Say that something was sent that should not have been."""
    summary = f"{described(wanted)}, but it was sent {times(len(found))}:"
    return "\n".join([hung("Expected no ", summary), *listed(found)])


def not_one(wanted: Wanted, found: Sequence[Sent], meanwhile: Meanwhile) -> str:
    """Say that there was not exactly one emission."""
    if not found:
        return not_as_often(wanted, 1, found, meanwhile)
    summary = f"{described(wanted)} once, but it was sent {times(len(found))}:"
    return "\n".join([hung("Expected ", summary), *listed(found)])


def not_in_order(expected: Sequence[Any], found: Sequence[Sent], how: str, reason: str) -> str:
    """Say what keeps emissions from being in the expected order."""
    words = {"simple": "in this order", "strict": "exactly", "unordered": "in any order"}
    lines = [f"Expected {words[how]}: {', '.join(map(title, expected)) or 'nothing'}.", reason]
    lines += ["Sent were:", *listed(found)] if found else ["No signal was sent at all."]
    return "\n".join([*lines, *gone(dict.fromkeys(expected))])


def not_connected(signal: Signal, receiver: Any, sender: Any) -> str:
    """Say who is connected to a signal instead of a receiver."""
    to_whom = "" if sender is ANY else f" for {short(sender)}"
    summary = f"{shown(receiver)} to be connected to {title(signal)}{to_whom}."
    lines = [hung("Expected ", summary)]
    connections = signal.connections
    lines.append("These are connected:" if connections else "Nobody is connected.")
    for it in connections:
        hears = "everybody" if it.sender is ANY else short(it.sender)
        lines.append(hung(f"  {it.name}, hearing ", f"{hears}, connected at {placed(it.location)}"))
    return "\n".join([*lines, *gone([signal])])
