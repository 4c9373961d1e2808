"""Crossing: a signal that crosses, with its payload, and who receives what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliograph import Connection, Signal
    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.outgoing import Outgoing
    from heliograph.relay.payloads import Payload


@dataclass(frozen=True, slots=True)
class EachReceiver:
    """A receiver that every process calls.

    Attributes:
        connection: How it is connected to the signal.
        forward: Whether what it sends may cross again.
    """

    connection: Connection
    forward: bool


@dataclass(frozen=True, slots=True)
class GroupReceiver:
    """The receiver of a group.

    Attributes:
        connection: How it is connected to the signal.
        group: The group.
        time_limit: Seconds after which an async receiver is cancelled.
    """

    connection: Connection
    group: Group
    time_limit: float | None


@dataclass(slots=True)
class Crossing:
    """A signal that crosses.

    Attributes:
        signal: The signal.
        channel: How brokers know it.
        payload: How its payload crosses.
        outgoing: What waits for the broker.
        from_now: Whether a process of a replay channel begins with what comes.
        each: The receivers that every process calls, in the order of connecting.
        groups: The receivers of groups, by the name of the group.
        position: Up to where this process has heard a replay channel; None if it has not.
    """

    signal: Signal[...]
    channel: Channel
    payload: Payload
    outgoing: Outgoing
    from_now: bool = True
    each: list[EachReceiver] = field(default_factory=list)
    groups: dict[str, GroupReceiver] = field(default_factory=dict)
    position: str | None = None
