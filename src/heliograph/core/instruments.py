"""The seam for instruments: who they are, and how they are told of sends and connections."""

from __future__ import annotations

import sys
from _thread import get_ident
from contextvars import ContextVar
from time import perf_counter

from heliograph.core.callables import is_async, name_of
from heliograph.core.errors import ArgumentError
from heliograph.core.failing import log
from heliograph.core.identity import receiver_key
from heliograph.core.writer import drop_later, exclusively

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any

    from heliograph.core.connection import Connection
    from heliograph.core.emission import Emission

    Instrument = Callable[[Emission], object]

INSTRUMENTS: list[Instrument] = []
"""Those who watch. Empty is what every send asks for first, so it must stay this very list."""

ON_START: list[Instrument] = []
"""Those of the instruments that want to be told of emissions before anybody is called."""

ON_CONNECT: list[Instrument] = []
"""Those of the instruments that want to be told of connections."""

_added: dict[Hashable, tuple[Instrument, bool, bool]] = {}
"""The instruments by their keys, and whether each is in the other two lists."""


def add_instrument(instrument: Instrument) -> None:
    """Let *instrument* see every emission of every signal from now on.

    It is called with the `Emission` when the send ends, whatever became of it,
    in the thread or task that sent. A send that is refused, because of an async
    receiver, is none. An instrument that raises is logged by name
    on the logger ``heliograph`` and breaks nothing. What it sends itself is
    delivered, but no instrument is told; what a thread or a task sends that it
    starts is watched like anything else. Adding it twice adds it once.

    It may have two methods besides:

    - ``on_start(emission)`` is called before anybody is, while the payload still
      is what was sent;
    - ``on_connect(signal, connection, previous)`` after each `Signal.connect`, where
      *previous* is the connection in whose place it is, if that connected again what
      was connected before: *connection* itself where nothing has changed. Otherwise
      it is None. Temporary connections, which undo themselves, are not told of.

    Raises:
        ArgumentError: If it is not callable, if it is a class, or if it or one of its methods
            is async: nobody would await that.
    """
    _check(instrument)
    # Asked here, as a change to connections must not run what is not ours.
    wants = _has(instrument, "on_start"), _has(instrument, "on_connect")
    exclusively(_add, receiver_key(instrument), (instrument, *wants))


def remove_instrument(instrument: Instrument) -> None:
    """Let *instrument* see no more emissions; one that was never added is no error."""
    exclusively(_remove, receiver_key(instrument))


def _check(instrument: Any) -> None:
    if issubclass(type(instrument), type):
        why = "it is a class: pass an object of it."
    elif not callable(instrument):
        why = "it must be callable with an Emission."
    elif is_async(instrument):
        why = f"it is async, and nobody would await it. {_INSTEAD}"
    else:
        return
    msg = f"{instrument!r} cannot be an instrument: {why}"
    raise ArgumentError(msg)


_INSTEAD = "Pass a plain function; it may start a task."


def _has(instrument: Any, name: str) -> bool:
    try:
        method = getattr(instrument, name, None)
    except Exception:  # noqa: BLE001 - it is logged whenever the instrument is to be told.
        return True
    if method is not None and is_async(method):
        msg = (
            f"{instrument!r} cannot be an instrument: its {name} is async, and nobody would "
            f"await it. {_INSTEAD}"
        )
        raise ArgumentError(msg)
    return method is not None


def _add(key: Hashable, instrument: tuple[Instrument, bool, bool]) -> None:
    _added.setdefault(key, instrument)
    _publish()


def _remove(key: Hashable) -> None:
    drop_later(_added.pop(key, None))
    _publish()


def _publish() -> None:
    # All that were added, each time: a change that was interrupted is made good by the next one.
    ON_CONNECT[:] = [it for it, _, connects in _added.values() if connects]
    ON_START[:] = [it for it, starts, _ in _added.values() if starts]
    INSTRUMENTS[:] = [it for it, _, _ in _added.values()]


TELLING: ContextVar[list[object] | None] = ContextVar("heliograph_telling", default=None)
"""The call of instruments that this context was inside of, or was copied from inside of.

It is a list of the thread and the task that it is made in, which is empty once it is over.
"""


def is_telling() -> bool:
    """Tell whether an instrument is running: what it sends is delivered, but not watched.

    A thread or a task that it has started is not the instrument, even if it has its context.
    """
    telling = TELLING.get()
    return bool(telling) and telling == [get_ident(), _task()]


def _task() -> object:
    # Costly to import, and here already if it is used; maybe just being imported.
    asyncio: Any = sys.modules.get("asyncio.tasks")
    if asyncio is None or not hasattr(asyncio, "current_task"):
        return None
    loop = asyncio.events._get_running_loop()
    return None if loop is None else asyncio.current_task(loop)


def tell_start(emission: Emission) -> None:
    """Show an emission that begins to the instruments that want to see it."""
    _tell(ON_START, "on_start", emission.signal, emission)


def tell(emission: Emission) -> None:
    """Finish an emission and show it to every instrument."""
    object.__setattr__(emission, "duration", perf_counter() - emission._clock)
    _tell(INSTRUMENTS, None, emission.signal, emission)


def tell_connected(signal: object, connection: Connection, previous: Connection | None) -> None:
    """Show a connection to the instruments that want to see it."""
    if not is_telling():
        _tell(ON_CONNECT, "on_connect", signal, signal, connection, previous)


def _tell(instruments: Sequence[Any], method: str | None, signal: object, *what: object) -> None:
    telling = [get_ident(), _task()]
    token = TELLING.set(telling)
    try:
        for instrument in tuple(instruments):
            call = instrument
            try:
                if method is not None:
                    call = getattr(instrument, method)
                call(*what)
            except Exception as error:  # noqa: BLE001 - it must not break what it watches.
                log(error, "The instrument %s failed on %r.", name_of(call), signal)
    finally:
        # For all who have inherited the context, and at once.
        del telling[:]
        TELLING.reset(token)
