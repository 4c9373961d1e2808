"""The signals that a relay sends itself, in this process alone."""

from __future__ import annotations

from typing import Any

from heliograph import Namespace

relay_signals: Namespace = Namespace("relay")
"""The signals of relays."""


@relay_signals.declare
def resynced(sender: Any, *, signal: Any, reason: str, lost: int | None) -> None:
    """Something of *signal* may have been missed: forget what was made of it before.

    The sender is the relay. It is sent before what came after the gap, in the same thread.
    *lost* is how many envelopes are missing, if anybody knows.
    """


@relay_signals.declare
def dead_lettered(
    sender: Any, *, signal: Any, group: str, envelope_id: str, tries: int, reason: str
) -> None:
    """The receiver of *group* has failed with an envelope for the last time: it is put aside.

    The sender is the relay. ``heliograph relay dead-letters`` shows it, and can revive it.
    """
