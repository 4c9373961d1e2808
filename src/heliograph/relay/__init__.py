"""Relay: signals that cross to other processes and machines, by way of a broker.

`Relay` says which signals cross, and how; and who receives them in other processes.
"""

from __future__ import annotations

from heliograph.relay.confirming import Confirmation
from heliograph.relay.current import Delivered, current
from heliograph.relay.errors import (
    EnvelopeError,
    FullError,
    RefusedError,
    RelayError,
    UnavailableError,
    UnconfirmedError,
)
from heliograph.relay.limits import Limits
from heliograph.relay.relay import Relay
from heliograph.relay.signals import dead_lettered, relay_signals, resynced
from heliograph.relay.tally import Health
from heliograph.relay.transports import Receipt

__all__ = [
    "Confirmation",
    "Delivered",
    "EnvelopeError",
    "FullError",
    "Health",
    "Limits",
    "Receipt",
    "RefusedError",
    "Relay",
    "RelayError",
    "UnavailableError",
    "UnconfirmedError",
    "current",
    "dead_lettered",
    "relay_signals",
    "resynced",
]
