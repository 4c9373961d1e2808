"""Replaces `Signal.send` by its C version, if the C part was compiled."""

from __future__ import annotations

import os
from functools import update_wrapper

from heliograph.core.connected import Connected
from heliograph.core.connections.connection import Connection
from heliograph.core.connections.group import Group
from heliograph.core.connections.live import Here, ReceiverSequence
from heliograph.core.connections.receivers import MethodRef, ReceiverRef
from heliograph.core.connections.registry import Registry
from heliograph.core.connections.scopes import INNERMOST, Scope
from heliograph.core.connections.state import SendState
from heliograph.core.failures import AT_ONCE
from heliograph.core.lock import pending_changes
from heliograph.core.observing.emission import PLACE, Delivery, Emission, outlive
from heliograph.core.observing.instruments import TELLERS, switch_off, whoever_runs
from heliograph.core.observing.nesting import Place
from heliograph.core.observing.watching import end_watching
from heliograph.core.observing.wishes import Watchers
from heliograph.core.sending.lookup import due
from heliograph.core.sending.snapshot import Snapshot
from heliograph.core.sending.unfinished import Unfinished, finish
from heliograph.core.signal import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.core.sending._dispatch import Send


def _put_in_place() -> str:
    if os.environ.get("HELIOGRAPH_PURE", "0") not in ("", "0"):
        return "python"
    try:
        from heliograph.core.sending import _dispatch
    except ImportError:  # pragma: no cover - runs if the C part was not compiled.
        return "python"
    send = _send_in_c(_dispatch.Send)
    _ask_in_c(send)
    # Type checkers still see the Python methods.
    Signal.send = update_wrapper(send, Signal.send)  # type: ignore[assignment, method-assign]  # In C.
    Emission.deliveries = property(  # type: ignore[assignment]  # As above.
        send.deliveries_of, doc=Emission.deliveries.__doc__
    )
    SendState.runs_in_c = True
    return "c"


def _send_in_c(new: Callable[..., Send]) -> Send:
    """Return the C version of `Signal.send`, which gets all that it uses of the engine."""
    return new(
        in_python=Signal.send,
        finish=finish,
        pending_changes=pending_changes,
        at_once=AT_ONCE,
        registry=Registry,
        group=Group,
        connection=Connection,
        snapshot=Snapshot,
        receiver_ref=ReceiverRef,
        method_ref=MethodRef,
        tellers=TELLERS,
        inside=PLACE,
        end_watching=end_watching,
        outlive=outlive,
        whoever_runs=whoever_runs,
        switch_off=switch_off,
        watchers=Watchers,
        place=Place,
        emission=Emission,
        delivery=Delivery,
        innermost_block=INNERMOST,
        scope=Scope,
        unfinished=Unfinished,
        deliveries=Emission.deliveries.fget,  # type: ignore[attr-defined]  # A property.
    )


def _ask_in_c(send: Send) -> None:
    """Let the questions before a send use the look-up of the C version."""
    from heliograph.core.sending import _dispatch

    class AnyoneInC(_dispatch.Anyone, Here):
        __slots__ = ()
        reads_as = (send,)

    class ReceiversInC(AnyoneInC, ReceiverSequence):
        __slots__ = ()

    Connected._anyone_class = AnyoneInC
    Connected._receivers_class = ReceiversInC
    has_any = _dispatch.Question(send, Signal.has_receivers_for)
    which = _dispatch.Question(send, Signal.receivers_for, due)
    # Type checkers still see the Python methods.
    Signal.has_receivers_for = update_wrapper(has_any, Signal.has_receivers_for)  # type: ignore[assignment, method-assign]  # In C.
    Signal.receivers_for = update_wrapper(which, Signal.receivers_for)  # type: ignore[assignment, method-assign]  # In C.


implementation: str = _put_in_place()
"""What sends: ``"c"``, or ``"python"`` without a compiler or with ``HELIOGRAPH_PURE=1``."""
