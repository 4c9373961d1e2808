"""Messages of failed expectations: what was expected, what came near, what happened instead."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from heliograph import ANY
from heliograph.describe import full_repr, name_of, relative_location, short_repr
from heliograph.testing.formatting import indent_after, label, shorten_pair
from heliograph.testing.matching import MISSING, asks
from heliograph.testing.sent import sent_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heliograph import Delivery, Signal
    from heliograph.testing.matching import Criteria, Difference
    from heliograph.testing.sent import Captured, Sent


# --- the words of a message ------------------------------------------------------------


def describe_criteria(wanted: Criteria) -> str:
    """Return the criteria in words."""
    words = [" or ".join(map(label, wanted.signals)) or "a signal"]
    if wanted.sender is not ANY:
        words.append(f"from {short_repr(wanted.sender)}")
    if wanted.payload:
        values = (f"{name}={short_repr(value)}" for name, value in wanted.payload.items())
        words.append(f"with {', '.join(values)}")
    return " ".join(words)


def times(number: int) -> str:
    """Return how often something happened, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


# --- emissions -------------------------------------------------------------------------


def emission_lines(emissions: Iterable[Sent]) -> Iterator[str]:
    """Yield two lines for each emission: signal and location, then sender, payload, receivers."""
    for number, sent in enumerate(emissions, 1):
        payload = "".join(f", {name}={short_repr(value)}" for name, value in sent.payload.items())
        yield f"  {number}. {label(sent.signal)} at {_origin(sent)}"
        yield indent_after("     ", f"from {short_repr(sent.sender)}{payload}; {_received(sent)}")


def difference_lines(emissions: Sequence[Sent], wanted: Criteria) -> Iterator[str]:
    """Yield how each emission of the right signal differs: sender, then payload key by key."""
    for number, sent in enumerate(emissions, 1):
        yield f"  {number}. at {_origin(sent)}; {_received(sent)}"
        for difference in wanted.differences(sent):
            yield from _difference(difference)


def _difference(difference: Difference) -> Iterator[str]:
    if difference.found is MISSING:
        lead = f"     {difference.name}: missing; expected "
        yield indent_after(lead, short_repr(difference.wanted))
        return
    found, wanted = difference.found, difference.wanted
    # A value and a matcher have nothing in common that could be left out.
    texts = (short_repr(found), short_repr(wanted)) if asks(wanted) else shorten_pair(found, wanted)
    indent = " " * (len(difference.name) + 7)
    yield indent_after(f"     {difference.name}: found    ", texts[0])
    yield indent_after(f"{indent}expected ", texts[1])
    if full_repr(found) == full_repr(wanted):
        yield f"{indent}They look the same, but are not equal."


def _origin(sent: Sent) -> str:
    if sent.thread == "MainThread":
        return sent_at(sent)
    older = ", which was running before" if sent.older else ""
    return f"{sent_at(sent)} in thread {sent.thread}{older}"


def _received(sent: Sent) -> str:
    if sent.emission is None:
        return "sent by another engine"
    if sent.muted:
        return "muted"
    return f"received by {', '.join(map(_outcome, sent.deliveries)) or 'nobody'}"


def _outcome(delivery: Delivery) -> str:
    name = name_of(delivery.receiver)
    return name if delivery.error is None else f"{name} (raised {type(delivery.error).__name__})"


# --- what else there was ---------------------------------------------------------------


def other_signals(everything: Sequence[Sent], wanted: Criteria) -> Iterator[str]:
    """Yield which other signals were sent, and who received them."""
    rest = [sent for sent in everything if not wanted.has_sent(sent)]
    if not rest:
        return
    yield "Also sent:"
    # By identity: signals of other engines may compare in any way.
    signals = {id(sent.signal): sent.signal for sent in rest}
    often = Counter(id(sent.signal) for sent in rest)
    for key, signal in signals.items():
        receivers = dict.fromkeys(
            name_of(it.receiver) for sent in rest if sent.signal is signal for it in sent.deliveries
        )
        names = ", ".join(receivers) or "nobody"
        yield f"  {label(signal)} {times(often[key])}, received by {names}"
        if _looks_like_one_of(signal, wanted):
            yield "    It is another signal with the same name."


def _looks_like_one_of(signal: Any, wanted: Criteria) -> bool:
    name = getattr(signal, "name", None)
    return name is not None and any(getattr(it, "name", None) == name for it in wanted.signals)


def left_out(captured: Captured, wanted: Criteria) -> Iterator[str]:
    """Yield matching emissions of other tests or contexts."""
    found = [sent for sent in captured.left_out if wanted.fits(sent)]
    if found:
        yield "Sent by another test or context, so not counted:"
    yield from emission_lines(found)


def dead_receivers_of(signals: Iterable[Any]) -> Iterator[str]:
    """Yield the receivers that were garbage-collected, and so were not called."""
    for signal in signals:
        dead = getattr(signal, "dead_receivers", ())
        if dead:
            yield f"Receivers of {label(signal)} that were garbage-collected:"
        for it in dead:
            yield f"  {it.name}, connected at {relative_location(it.location)}"


# --- whole messages --------------------------------------------------------------------


def not_as_often(
    wanted: Criteria, expected: int | None, found: Sequence[Sent], captured: Captured
) -> str:
    """Return the message for a signal that was not sent as often as expected."""
    same_signal = [sent for sent in captured.sent if wanted.has_sent(sent)]
    other = [sent for sent in same_signal if any(wanted.differences(sent))]
    often = "" if expected is None else f" {times(expected)}"
    lines = [indent_after("Expected ", f"{describe_criteria(wanted)}{often}.")]
    if found:
        lines += [f"It was sent {times(len(found))}:", *emission_lines(found)]
    elif not other:
        lines.append("It was not sent." if captured.sent else "No signal was sent at all.")
    if other:
        lines.append(f"It was sent {times(len(other))} with a difference:")
        lines += difference_lines(other, wanted)
    lines += [*other_signals(captured.sent, wanted), *left_out(captured, wanted)]
    return "\n".join([*lines, *dead_receivers_of(wanted.signals)])


def sent_after_all(wanted: Criteria, found: Sequence[Sent]) -> str:
    """Return the message for a signal that should not have been sent."""
    summary = f"{describe_criteria(wanted)}, but it was sent {times(len(found))}:"
    return "\n".join([indent_after("Expected no ", summary), *emission_lines(found)])


def not_one(wanted: Criteria, found: Sequence[Sent], captured: Captured) -> str:
    """Return the message for more or less than one emission."""
    if not found:
        return not_as_often(wanted, 1, found, captured)
    summary = f"{describe_criteria(wanted)} once, but it was sent {times(len(found))}:"
    return "\n".join([indent_after("Expected ", summary), *emission_lines(found)])


def not_in_order(expected: Sequence[Any], found: Sequence[Sent], how: str, reason: str) -> str:
    """Return the message for emissions that are not in the expected order."""
    words = {"subsequence": "in this order", "exact": "exactly", "any": "in any order"}
    lines = [f"Expected {words[how]}: {', '.join(map(label, expected)) or 'nothing'}.", reason]
    sent = ["These were sent:", *emission_lines(found)] if found else ["No signal was sent at all."]
    lines += sent
    return "\n".join([*lines, *dead_receivers_of(dict.fromkeys(expected))])


def not_connected(signal: Signal, receiver: Any, sender: Any) -> str:
    """Return the message for a receiver that is not connected, with those that are."""
    to_whom = "" if sender is ANY else f" for {short_repr(sender)}"
    summary = f"{full_repr(receiver)} to be connected to {label(signal)}{to_whom}."
    lines = [indent_after("Expected ", summary)]
    connections = signal.connections
    lines.append("These are connected:" if connections else "No receiver is connected.")
    for it in connections:
        whose = "all senders" if it.sender is ANY else short_repr(it.sender)
        lines.append(
            indent_after(
                f"  {it.name}, for ", f"{whose}, connected at {relative_location(it.location)}"
            )
        )
    return "\n".join([*lines, *dead_receivers_of([signal])])
