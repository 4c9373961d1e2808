"""Heliograph: signals for Python web applications."""

from __future__ import annotations

import heliograph.core.fast  # noqa: F401 - puts the C path in place, where there is one.
from heliograph.core.connection import Connection
from heliograph.core.emission import Delivery, Emission, add_instrument, remove_instrument
from heliograph.core.errors import (
    ArgumentError,
    AsyncReceiverError,
    ReceiverError,
    ReceiverWarning,
    SignalError,
)
from heliograph.core.identity import ANY
from heliograph.core.namespace import Namespace, default_namespace, signal
from heliograph.core.signal import Signal

__all__ = [
    "ANY",
    "ArgumentError",
    "AsyncReceiverError",
    "Connection",
    "Delivery",
    "Emission",
    "Namespace",
    "ReceiverError",
    "ReceiverWarning",
    "Signal",
    "SignalError",
    "add_instrument",
    "default_namespace",
    "remove_instrument",
    "signal",
]
