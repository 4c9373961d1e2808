"""Calls instruments: when a send starts and ends, when receivers come and go, when one fails."""

from __future__ import annotations

import sys
from _thread import get_ident

from heliograph.core.describe import name_of
from heliograph.core.failures import is_for_lack_of_room, log
from heliograph.core.identity import receiver_key
from heliograph.core.lock import under_lock
from heliograph.core.observing.wishes import TELLERS, everybody, remove_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.observing.emission import Emission
    from heliograph.core.observing.wishes import Instrument, Watchers


def is_telling() -> bool:
    """Tell whether an instrument is running here: its own sends are not watched.

    A thread or a task that it has started counts as another place.
    """
    return bool(TELLERS) and whoever_runs() in TELLERS


def whoever_runs() -> int | tuple[int, int]:
    """Return an id of the task, the greenlet or the thread that is running.

    It is one number where no task runs: each watched send needs it, and a tuple is hashed again
    each time.
    """
    loop = switched = None
    find_loop = _RUNS.running_loop
    if find_loop is None and "asyncio.events" in sys.modules:
        find_loop = _loaded("running_loop", "asyncio.events", "_get_running_loop")
    if find_loop is not None:
        loop = find_loop()
    if "greenlet" in sys.modules:
        switched = (_RUNS.greenlet or _loaded("greenlet", "greenlet", "getcurrent"))()
    task = None if loop is None else sys.modules["asyncio.tasks"].current_task(loop)
    if task is not None:
        return id(task), id(switched)
    # Each is in one thread alone; and no thread has a number below zero.
    return get_ident() if switched is None else -id(switched)


class _Runs:
    """The functions that tell which task and greenlet run, once their modules are loaded."""

    __slots__ = ("greenlet", "running_loop")

    greenlet: Callable[[], Any] | None
    running_loop: Callable[[], Any] | None


_RUNS = _Runs()
_RUNS.greenlet = _RUNS.running_loop = None


def _loaded(name: str, module: str, function: str) -> Callable[[], Any]:
    found: Callable[[], Any] | None = getattr(sys.modules.get(module), function, None)
    if found is None:  # The module is not loaded, or is being imported right now.
        return _nothing
    setattr(_RUNS, name, found)
    return found


def _nothing() -> None:
    """Stand in where there are no tasks or no greenlets."""


def tell_start(watchers: Watchers, emission: Emission) -> Any:
    """Call ``on_start`` of the instruments that have it; return who has told them."""
    # As `_tell` would, in half the time: captures and traces want every start.
    teller = whoever_runs()
    TELLERS[teller] = None
    failed = False
    try:
        for instrument in watchers.on_start:  # A change of instruments makes another list.
            watching: Any = instrument
            if failed and not _is_added(instrument):
                continue
            try:
                watching.on_start(emission)
            except Exception as error:  # noqa: BLE001 - it must not break the send.
                failed = True
                called = getattr(instrument, "on_start", instrument)
                switch_off(instrument, called, error, emission._signal)
    finally:
        del TELLERS[teller]
    return teller


def tell(watchers: Watchers, emission: Emission, teller: Any = None) -> None:
    """Call the instruments with an emission that has ended.

    Args:
        watchers: The instruments.
        emission: The emission.
        teller: Who runs here, if that is known.
    """
    # The `finally` calls nothing, as there may be no room left on the stack.
    if teller is None:
        teller = whoever_runs()
    nested = teller in TELLERS  # An instrument may close a coroutine that sends, say.
    TELLERS[teller] = None
    failed = False  # Only then an instrument may have gone that has to fail no second time.
    try:
        for instrument in watchers.told:
            if failed and not _is_added(instrument):
                continue
            try:
                instrument(emission)
            except Exception as error:  # noqa: BLE001 - it must not break what it watches.
                failed = True
                switch_off(instrument, instrument, error, emission._signal)
    finally:
        if not nested:
            del TELLERS[teller]


def tell_connected(signal: Any, connection: Connection, previous: Connection | None) -> None:
    """Call ``on_connect`` of the instruments that have it."""
    if not is_telling():
        watchers = signal._registry.watchers.on_connect
        _tell(watchers, "on_connect", signal, signal, connection, previous)


def tell_disconnected(signal: Any, ended: Iterable[Connection]) -> None:
    """Call ``on_disconnect`` of the instruments that have it, for each connection."""
    if not is_telling():
        for connection in ended:
            watchers = signal._registry.watchers.on_disconnect
            _tell(watchers, "on_disconnect", signal, signal, connection)


def _tell(instruments: Sequence[Any], method: str, signal: object, *what: object) -> None:
    teller = whoever_runs()
    TELLERS[teller] = None
    failed = False
    try:
        for instrument in tuple(instruments):
            call: Any = instrument
            if failed and not _is_added(instrument):
                continue
            try:
                call = getattr(instrument, method)
                call(*what)
            except Exception as error:  # noqa: BLE001 - it must not break the send.
                failed = True
                switch_off(instrument, call, error, signal)
    finally:
        del TELLERS[teller]


def switch_off(instrument: Instrument, called: object, error: Exception, signal: object) -> None:
    """Remove an instrument that has failed; log that, and call ``on_failure`` of the others.

    An error for lack of room says nothing about the instrument, and the log has no room either.

    Args:
        instrument: The instrument.
        called: The method that failed, or the instrument if looking up the method failed.
        error: The error.
        signal: The signal that it was watching.
    """
    if is_for_lack_of_room(error):
        return
    first = under_lock(remove_failed, receiver_key(instrument))
    if first is False:  # It has failed in several threads at once.
        return
    log(
        error,
        "The instrument %s failed on %r and is switched off: it sees no more sends. "
        "Fix it, and add it again with add_instrument().",
        name_of(called),
        signal,
    )
    for watcher in filter(_is_added, everybody()):
        _tell_of_failure(watcher, instrument, error, signal)


def _tell_of_failure(watcher: Any, failed: Instrument, error: Exception, signal: object) -> None:
    call: Any = watcher
    try:
        call = getattr(watcher, "on_failure", _not_watching)
        call(failed, error)
    except Exception as its_error:  # noqa: BLE001 - as any other failure.
        switch_off(watcher, call, its_error, signal)


def _is_added(instrument: object) -> bool:
    """Tell whether an instrument is there: it may have failed on the failure of another one."""
    return any(it is instrument for it in everybody())


def _not_watching(failed: Instrument, error: Exception) -> None:
    """Stand in for the method of an instrument that has none."""
