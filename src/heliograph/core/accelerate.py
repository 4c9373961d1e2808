"""Replaces `Signal.send` by its C version, if the C part was compiled."""

from __future__ import annotations

import os
from functools import partial, update_wrapper

from heliograph.core.callables import OWN_RECEIVERS, coroutine_function
from heliograph.core.connected import Connected
from heliograph.core.connecting import Connectable
from heliograph.core.connections.blocks import ConnectedFor, MutedFor
from heliograph.core.connections.connection import HELD_WEAKLY, Connection
from heliograph.core.connections.dead import MAKING, OPEN, SENT
from heliograph.core.connections.group import Group
from heliograph.core.connections.live import Here, ReceiverSequence
from heliograph.core.connections.options import LISTENING, STRONGLY, WEAKLY
from heliograph.core.connections.receivers import (
    NOTHING,
    MethodRef,
    ReceiverRef,
    function_died,
    receiver_died,
)
from heliograph.core.connections.registry import Registry, sender_died
from heliograph.core.connections.repeated import MOST_LINES
from heliograph.core.connections.scopes import INNERMOST, Scope, Scoped
from heliograph.core.connections.shrinking import PER_ENTRY, SMALL
from heliograph.core.connections.state import SOMEONE, SendState
from heliograph.core.development import KNOWN
from heliograph.core.failures import AT_ONCE
from heliograph.core.identity import ANY
from heliograph.core.lock import lock_state, pending_changes
from heliograph.core.mistakes import OBJECT_NAMES, explain_async_wrapper
from heliograph.core.observing.nesting import Place
from heliograph.core.observing.wishes import Watchers
from heliograph.core.sending.awaiting import rest_of, send_async
from heliograph.core.sending.lookup import due, find
from heliograph.core.sending.outcome import is_raised
from heliograph.core.sending.snapshot import Snapshot
from heliograph.core.sending.unfinished import Unfinished, finish
from heliograph.core.signal import Signal
from heliograph.core.source import ENGINES, Callers, is_of_an_engine, is_of_asyncio, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.sending._dispatch import Send


def _put_in_place() -> Send | None:
    if os.environ.get("HELIOGRAPH_PURE", "0") not in ("", "0"):
        return None
    try:
        from heliograph.core.sending import _dispatch
    except ImportError:  # pragma: no cover - runs if the C part was not compiled.
        return None
    send = _send_in_c(_dispatch.Send)
    _ask_in_c(send)
    _await_in_c(send)
    _connect_in_c(send)
    # Type checkers still see the Python methods.
    Signal.send = update_wrapper(send, Signal.send)  # type: ignore[assignment, method-assign]  # In C.
    in_c = _dispatch.Caller(Callers.location, is_of_an_engine, is_of_asyncio, places)
    Callers.location = staticmethod(update_wrapper(in_c, Callers.location))
    SendState.runs_in_c = True
    return send


def _send_in_c(new: Callable[..., Send]) -> Send:
    """Return the C version of `Signal.send`, which gets all that it uses of the engine."""
    return new(
        in_python=Signal.send,
        finish=finish,
        is_raised=is_raised,
        dress=coroutine_function,
        explain=explain_async_wrapper,
        pending_changes=pending_changes,
        at_once=AT_ONCE,
        registry=Registry,
        group=Group,
        connection=Connection,
        snapshot=Snapshot,
        receiver_ref=ReceiverRef,
        method_ref=MethodRef,
        watchers=Watchers,
        place=Place,
        innermost_block=INNERMOST,
        scope=Scope,
        unfinished=Unfinished,
        known=KNOWN,
        os_names=vars(os),
        lock_state=type(lock_state),
        connected_block=ConnectedFor,
        muted_block=MutedFor,
    )


def _await_in_c(send: Send) -> None:
    """Let async sends use it as well."""
    from heliograph.core.sending import _dispatch

    in_python: Any = Signal.send_async
    made: Any = _dispatch.AsyncSend(send, in_python, send_async, find, rest_of)
    # With these, `inspect` sees that it is a coroutine function.
    for name in ("__code__", "__defaults__", "__kwdefaults__"):
        setattr(made, name, getattr(in_python, name))
    Signal.send_async = update_wrapper(made, in_python)  # type: ignore[method-assign]  # In C.


def _connect_in_c(send: Send) -> None:
    """Let signals connect and disconnect in C what is plain."""
    from heliograph.core.sending import _dispatch

    tables = _dispatch.Tables(
        engine=send,
        state=lock_state,
        any=ANY,
        died=receiver_died,
        sender_died=sender_died,
        function_died=function_died,
        held_weakly=HELD_WEAKLY,
        nothing=NOTHING,
        someone=SOMEONE,
        weakly=WEAKLY,
        strongly=STRONGLY,
        objects=OBJECT_NAMES,
        making=MAKING,
        is_of_an_engine=is_of_an_engine,
        engines=ENGINES,
        open_fate=OPEN,
        sent_fate=SENT,
        partial=partial,
        size_of=dict.__sizeof__,
        small_table=SMALL,
        per_entry=PER_ENTRY,
        most_lines=MOST_LINES,
        connect_with=Connectable._connect_with,
        own_receivers=OWN_RECEIVERS,
        listening=LISTENING,
    )
    lasting = ("connect", "connect_via", "disconnect", "_listen", "_disconnect_one")
    changing = (*lasting, "connected_to", "muted")
    of_blocks = ("__enter__", "__exit__", "__del__")
    verbs = [*((Connectable, it) for it in changing), *((Scoped, it) for it in of_blocks)]
    for owner, name in verbs:
        in_python = getattr(owner, name)
        setattr(owner, name, update_wrapper(_dispatch.Verb(tables, name, in_python), in_python))


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


in_c: Send | None = _put_in_place()
"""What sends in C, if anything does."""

implementation: str = "python" if in_c is None else "c"
"""What sends: ``"c"``, or ``"python"`` without a compiler or with ``HELIOGRAPH_PURE=1``."""
