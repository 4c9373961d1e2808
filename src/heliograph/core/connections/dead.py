"""Receivers that die while they are connected: what is remembered, and when to warn."""

from __future__ import annotations

import os
import sys
from collections import deque
from time import time

from heliograph.core.showing import shown
from heliograph.core.source import file_and_line, line_of, warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any, Final

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry
    from heliograph.core.source import CallSite

OPEN: Final = 0
SENT: Final = 1
LOST: Final = 2
AT_ONCE: Final = 3
"""The fate of a receiver: not decided; a send has reached it; it died by mistake before any send
did; or in the very statement that connected it."""

MAKING = ("__init__", "__post_init__")
"""The methods that run while an object is made."""

_REMEMBERED = 16
"""Dead receivers of a signal: a few are enough to find out what went wrong."""

_ONE_STATEMENT = 32
"""The most bytes of bytecode between a call and the end of its statement, in any Python."""


class DeadReceiver:
    """What is left of a weakly held receiver that was garbage-collected."""

    __slots__ = ("_call_site", "_lost_in", "lost", "name", "time")

    def __init__(self, name: str, site: CallSite, *, lost: bool = False, told: bool = True) -> None:
        self.name: str = name
        #: Whether it died by mistake, before any send could reach it.
        self.lost: bool = lost
        self._call_site = site
        #: When it died, in seconds since the epoch.
        self.time: float = time()
        # The test in which it was lost, unless it was told of. Other tests are not warned of it.
        self._lost_in: str | None = None if told else this_test()

    @property
    def location(self) -> str:
        """The ``file:line`` that connected it."""
        return file_and_line(self._call_site)

    @shown
    def __repr__(self) -> str:
        return f"<DeadReceiver {self.name}, connected at {self.location}>"


def remember(
    dead: deque[DeadReceiver] | None, receiver_ref: ReceiverRef
) -> tuple[deque[DeadReceiver], bool]:
    """Add a receiver that has died; returns all that are remembered, and whether to warn of it."""
    dead = deque(maxlen=_REMEMBERED) if dead is None else dead
    site = receiver_ref.call_site
    warn = receiver_ref.fate == LOST and not is_told_of(site, dead)
    lost = receiver_ref.fate in (LOST, AT_ONCE)
    dead.append(DeadReceiver(receiver_ref.name, site, lost=lost, told=not warn))
    return dead, warn


def without(
    known: set[tuple[str, CallSite]], dead: deque[DeadReceiver] | None
) -> deque[DeadReceiver] | None:
    """Return what is left without those of these names that were connected at these call sites."""
    # A new one, as other threads may be reading.
    left = [it for it in dead or () if (it.name, it._call_site) not in known]
    return deque(left, maxlen=_REMEMBERED) if left else None


def was_muted(receiver_ref: ReceiverRef, registry: Registry) -> bool:
    """Tell whether a mute may have kept sends from a receiver."""
    return registry.silent or registry.silence_changes != receiver_ref.silence_seen


def is_lost(receiver_ref: ReceiverRef, frame: Any) -> bool:
    """Tell whether a receiver that no send has reached dies by mistake, as nobody kept it.

    A function inside a function dies by mistake if the outer one, which connected it, has
    returned. While that still runs, it has dropped the function on purpose, or drops it in the
    statement that connects it: `warn_if_at_once` warns of that. An object that connects itself
    or its methods while it is made dies by mistake if the statement that makes it drops it.
    All other objects may come and go.
    """
    if receiver_ref.fate != OPEN:
        return False
    if receiver_ref.maker is not None:
        return _is_dropped(receiver_ref.maker, frame)
    code = receiver_ref.call_site[0]
    if not receiver_ref.named[1].startswith(f"{code.co_qualname}.<locals>."):
        return False
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is None


def maker_of(code: CodeType) -> CallSite | None:
    """Return the call site that makes an object, given one of the methods that make it."""
    frame: Any = sys._getframe(1)
    # There is none if the object was connected to a pattern before this signal was made.
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_name in MAKING:
        frame = frame.f_back
    return frame and (frame.f_code, frame.f_lasti)


def _is_dropped(made: CallSite, frame: Any) -> bool:
    """Tell whether a frame drops the object that a call returned."""
    if not is_at_once(made, frame):
        return False
    from opcode import opmap

    return bool(frame.f_code.co_code[frame.f_lasti] == opmap["POP_TOP"])


def is_told_of(site: CallSite, dead: Iterable[DeadReceiver]) -> bool:
    """Tell whether a send has warned, or will, of receivers that a call site connected."""
    return any(it._call_site == site and it._lost_in in (None, this_test()) for it in dead)


def lost_now(dead: Iterable[DeadReceiver]) -> list[DeadReceiver]:
    """Return the lost receivers that no warning has named yet."""
    return [it for it in list(dead) if it._lost_in == this_test()]


def warn_of_lost(dead: DeadReceiver, title: str) -> None:
    """Warn of a lost receiver, once."""
    dead._lost_in = None
    message = (
        f"{dead.name} was never called: after {dead._call_site[0].co_qualname}, which connected it "
        f"to {title}, had returned, nothing held it, and it was garbage-collected. Connect it "
        "with weak=False, or keep it, or the object whose method it is, as long as it is wanted."
    )
    warn_at(dead._call_site, message)


def warn_if_at_once(receiver_ref: ReceiverRef) -> None:
    """Warn of a receiver that dies in the very statement that connected it."""
    if receiver_ref.fate == AT_ONCE:
        message = (
            f"{receiver_ref.name} was garbage-collected in the very statement that connected it, "
            "because nothing else holds it: it will never be called. Connect it with "
            "weak=False, or keep it in a variable."
        )
        warn_at(receiver_ref.call_site, message)


def is_at_once(site: CallSite, frame: Any) -> bool:
    """Tell whether a frame is right after a call, and still on the same line."""
    code, called = site
    # There is no frame when the interpreter exits.
    if frame is None or frame.f_code is not code:
        return False
    if not 0 <= frame.f_lasti - called <= _ONE_STATEMENT:
        return False
    return line_of((code, frame.f_lasti)) == line_of(site)


def this_test() -> str:
    """Return the test that pytest runs, or nothing."""
    # Without the phase of the test, which may be another one by then.
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
