"""Declared: which signals of a relay cross, and who receives them, as the program says it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heliograph import ANY, ArgumentError, Signal
from heliograph.describe import describe_callable, short_repr, title_of
from heliograph.relay.channels import Group
from heliograph.relay.crossing import Crossing, EachReceiver, GroupReceiver
from heliograph.relay.gate import RELAYED, Gate
from heliograph.relay.payloads import Payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Connection
    from heliograph.relay.channels import Channel
    from heliograph.relay.outbox import Outbox
    from heliograph.relay.running import Running

_EACH = ("forward", "priority", "on_error")
_GROUP = ("tries", "backoff", "patience", "concurrency", "time_limit")


class Declared:
    """What a program has declared of a relay.

    Args:
        running: What runs it.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._gates: dict[Signal[...], Gate] = {}

    def let_cross(
        self,
        signal: Signal[...],
        channel: Channel,
        outbox: Outbox | None,
        *,
        after_commit: bool,
        from_now: bool = True,
    ) -> None:
        """Let a signal cross by a channel, which is given its name.

        Raises:
            ArgumentError: If it cannot.
        """
        running = self._running
        self._check(signal, outbox, after_commit=after_commit)
        _check_storing(channel, outbox)
        payload = Payload(signal, running.limits)
        channel = replace(channel, signal=str(signal.name))
        crossing = Crossing(signal, channel, payload, running.outgoing(channel), from_now)
        gate = Gate(
            crossing,
            lambda: running.origin,
            running.names,
            running.limits,
            running.tally,
            outbox,
            after_commit=after_commit,
        )
        running.add(crossing, outbox)
        self._gates[signal] = gate
        signal.connect(gate, weak=False, when=RELAYED)

    def _check(self, signal: object, outbox: Outbox | None, *, after_commit: bool) -> None:
        if not isinstance(signal, Signal):
            msg = f"{short_repr(signal)} is not a signal: pass the signal itself."
            raise ArgumentError(msg)
        if self._running.crossing(signal) is not None:
            msg = f"{title_of(signal)} crosses already: say once how."
            raise ArgumentError(msg)
        others = [it.signal.name for it in self._running.crossings]
        if signal.name in others:
            msg = f"Another signal crosses as {signal.name!r} already: names tell them apart."
            raise ArgumentError(msg)
        if outbox is not None and after_commit:
            msg = "outbox= waits for the commit already: leave after_commit=True out."
            raise ArgumentError(msg)

    def gate(self, signal: Signal[...]) -> Gate:
        """Return what lets a signal cross, if what it sends is stored.

        Raises:
            ArgumentError: If it is not.
        """
        found = self._gates.get(signal)
        if found is None or found.mode == "broadcast":
            msg = f"Nobody stores {title_of(signal)}: use relay.replay or relay.durable for it."
            raise ArgumentError(msg)
        return found

    def connect(
        self,
        signal: Signal[...],
        receiver: Callable[..., Any],
        sender: Any,
        scope: str | None,
        group: str | None,
        options: dict[str, Any],
    ) -> None:
        """Connect a receiver with what crosses.

        Raises:
            ArgumentError: If the signal does not cross, or not so, or there is no such option.
        """
        crossing = self._running.crossing(signal)
        if crossing is None:
            msg = (
                f"{title_of(signal)} does not cross: say relay.broadcast(...), relay.replay(...) "
                "or relay.durable(...) first."
            )
            raise ArgumentError(msg)
        _check_choice(crossing, receiver, scope, group)
        _check_options(options, _EACH if group is None else _GROUP)
        if group is None:
            self._connect_each(crossing, receiver, sender, options)
        else:
            self._connect_group(crossing, receiver, sender, group, options)

    def _connect_each(
        self, crossing: Crossing, receiver: Any, sender: Any, options: dict[str, Any]
    ) -> None:
        forward = options.pop("forward", False)
        crossing.signal.connect(receiver, sender, weak=False, **options)
        connection = _connection_of(crossing.signal, receiver, sender)
        others = [it for it in crossing.each if it.connection is not connection]
        # Another list, as a thread may be reading that one. Equal priorities keep their order.
        crossing.each = sorted(
            [*(it for it in others if it.connection.connected), EachReceiver(connection, forward)],
            key=lambda it: -it.connection.priority,
        )
        self._running.look_again()

    def _connect_group(
        self, crossing: Crossing, receiver: Any, sender: Any, name: str, options: dict[str, Any]
    ) -> None:
        if name in crossing.groups and crossing.groups[name].connection.connected:
            other = crossing.groups[name].connection.name
            msg = (
                f"The group {name!r} has a receiver of {title_of(crossing.signal)} already, "
                f"{other}: give this one a group of its own, so that each is tried on its own."
            )
            raise ArgumentError(msg)
        if any(it.receiver == receiver for it in crossing.signal.connections):
            msg = (
                f"{describe_callable(receiver)} is connected to {title_of(crossing.signal)} "
                "already: a receiver is connected once."
            )
            raise ArgumentError(msg)
        time_limit = options.pop("time_limit", None)
        _check_time_limit(receiver, time_limit)
        group = Group(name, **options)
        crossing.signal.connect(receiver, sender, weak=False, when=RELAYED)
        connection = _connection_of(crossing.signal, receiver, sender)
        if time_limit is not None and not connection.is_async:
            crossing.signal.disconnect(connection)
            who = describe_callable(receiver)
            msg = f"time_limit={time_limit} cannot end {who}, which is not async: leave it out."
            raise ArgumentError(msg)
        crossing.groups[name] = GroupReceiver(connection, group, time_limit)
        self._running.look_again()


def _check_storing(channel: Channel, outbox: object) -> None:
    keep: object = channel.keep
    keep_bytes: object = channel.keep_bytes
    is_time = isinstance(keep, int | float) and 0 < keep < float("inf")
    if not (is_time and type(keep_bytes) is int and keep_bytes >= 1):
        msg = (
            f"keep={short_repr(keep)} and keep_bytes={short_repr(keep_bytes)} are not what a "
            "broker can keep: use seconds above 0, and a whole number of bytes."
        )
        raise ArgumentError(msg)
    if outbox is not None and not hasattr(outbox, "forward"):  # To import it needs SQLAlchemy.
        msg = f"outbox={short_repr(outbox)} is no outbox: pass a heliograph.relay.outbox.Outbox."
        raise ArgumentError(msg)


def _check_choice(crossing: Crossing, receiver: Any, scope: object, group: object) -> None:
    who, title, mode = describe_callable(receiver), title_of(crossing.signal), crossing.channel.mode
    if (scope is None) == (group is None) or scope not in {None, "each"}:
        msg = f"Connect {who} with scope='each', for every process, or with group='…', for one."
        raise ArgumentError(msg)
    if group is not None and (not isinstance(group, str) or not group):
        msg = f"group={short_repr(group)} is not the name of a group: use a text."
        raise ArgumentError(msg)
    if (group is not None) != (mode == "durable"):
        instead = "group='…'" if mode == "durable" else "scope='each'"
        msg = f"{title} crosses by relay.{mode}(...): connect {who} with {instead}."
        raise ArgumentError(msg)


def _check_options(options: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(options.keys() - set(known))
    if unknown:
        msg = f"There is no option {unknown[0]!r} here. There are {', '.join(known)}."
        raise ArgumentError(msg)


def _check_time_limit(receiver: Any, time_limit: object) -> None:
    fits = time_limit is None or (isinstance(time_limit, int | float) and time_limit > 0)
    if not fits:
        who = describe_callable(receiver)
        msg = f"time_limit={short_repr(time_limit)} is not a number of seconds, for {who}."
        raise ArgumentError(msg)


def _connection_of(signal: Signal[...], receiver: Any, sender: Any) -> Connection:
    for_any = sender is ANY
    return next(
        it
        for it in reversed(signal.connections)
        if it.receiver == receiver and (it.sender is ANY) is for_any and it.hears(sender)
    )
