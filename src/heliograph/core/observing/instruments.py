"""The seam for instruments: who they are, and how they are told of sends and connections."""

from __future__ import annotations

import sys
from _thread import get_ident

from heliograph.core.callables import is_async
from heliograph.core.describe import name_of
from heliograph.core.errors import ArgumentError
from heliograph.core.failures import log
from heliograph.core.identity import receiver_key
from heliograph.core.lock import under_lock
from heliograph.core.observing.wishes import Wish, add, chosen, everybody, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.namespace import Namespace
    from heliograph.core.observing.emission import Emission
    from heliograph.core.observing.wishes import Watchers
    from heliograph.core.patterns import Matching
    from heliograph.core.signal import Signal

    Instrument = Callable[[Emission], object]


def add_instrument(
    instrument: Instrument, signals: Iterable[Signal[...] | Namespace | Matching] | None = None
) -> None:
    """Let *instrument* see emissions from now on: every one, or those of some signals.

    It is called with the `Emission` when the send ends, whatever became of it,
    in the thread or task that sent. A send that is refused, because of an async
    receiver, is none. What it sends itself is delivered, but no instrument is told;
    what a thread or a task sends that it starts is watched like anything else.

    An instrument that raises breaks nothing. It is named once, with its traceback,
    on the logger ``heliograph``, and is removed: it sees nothing more. It may have
    these methods besides:

    - ``on_start(emission)`` is called before anybody is, while the payload still
      is what was sent;
    - ``on_connect(signal, connection, previous)`` after each `Signal.connect`, where
      *previous* is the connection in whose place it is, if that connected again what
      was connected before: *connection* itself where nothing has changed. Otherwise
      it is None. Temporary connections, which undo themselves, are not told of;
    - ``on_failure(instrument, error)`` when another instrument has failed and was
      removed, whichever signals that one wanted to see.

    Args:
        instrument: A callable. Adding it again adds nothing.
        signals: Signals, namespaces, and patterns such as ``shop.signals("order-*")``;
            signals that are made later in a namespace count too. A signal that nobody
            has named costs nothing more to send. Without it, every signal is meant.

    Raises:
        ArgumentError: If it is not callable, if it is a class, or if it or one of its
            methods is async: nobody would await that. If something of *signals* is no
            signal, or there is none. If the instrument is there already for other signals.
    """
    _check(instrument)
    # Asked here, as a change to connections must not run what is not ours.
    starts, connects, _ = (_has(instrument, name) for name in _METHODS)
    choices = None if signals is None else chosen(signals)
    wish = Wish(instrument, None if choices is None else frozenset(choices), starts, connects)
    found = under_lock(add, receiver_key(instrument), wish) or wish
    if found.wanted != wish.wanted:
        msg = (
            f"{instrument!r} is an instrument already, and has named other signals. Remove it "
            "with remove_instrument() first, or name the same ones."
        )
        raise ArgumentError(msg)
    for fulfil in choices.values() if choices is not None and found is wish else ():
        fulfil(wish)


def remove_instrument(instrument: Instrument) -> None:
    """Let *instrument* see no more emissions; one that was never added is no error."""
    under_lock(remove, receiver_key(instrument))


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


_METHODS = ("on_start", "on_connect", "on_failure")
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


TELLERS: dict[tuple[int, int, int], None] = {}
"""The threads, tasks and greenlets in which instruments are just being told of something."""


def is_telling() -> bool:
    """Tell whether an instrument is running: what it sends is delivered, but not watched.

    A thread or a task that it has started is not the instrument.
    """
    return bool(TELLERS) and whoever_runs() in TELLERS


def whoever_runs() -> tuple[int, int, int]:
    """Return what tells who is running apart: the thread, the task and the greenlet."""
    loop = (_RUNS.running_loop or _loaded("running_loop", "asyncio.events", "_get_running_loop"))()
    task = None if loop is None else sys.modules["asyncio.tasks"].current_task(loop)
    switched = (_RUNS.greenlet or _loaded("greenlet", "greenlet", "getcurrent"))()
    return get_ident(), id(task), id(switched)


class _Runs:
    """What tells who runs, once that is loaded: it is costly to import."""

    __slots__ = ("greenlet", "running_loop")

    greenlet: Callable[[], Any] | None
    running_loop: Callable[[], Any] | None


_RUNS = _Runs()
_RUNS.greenlet = _RUNS.running_loop = None


def _loaded(name: str, module: str, function: str) -> Callable[[], Any]:
    found: Callable[[], Any] | None = getattr(sys.modules.get(module), function, None)
    if found is None:  # It may just be being imported.
        return _nothing
    setattr(_RUNS, name, found)
    return found


def _nothing() -> None:
    """Be what runs where there are no tasks or no greenlets."""


def tell_start(watchers: Watchers, emission: Emission) -> None:
    """Show an emission that begins to the instruments that want to see it."""
    _tell(watchers.on_start, "on_start", emission.signal, emission)


def tell(watchers: Watchers, emission: Emission) -> None:
    """Show an emission that is over to all who watch it."""
    # No call in what cleans up: there may be no room on the stack.
    teller = whoever_runs()
    nested = teller in TELLERS  # A coroutine that sends is closed by an instrument, say.
    TELLERS[teller] = None
    try:
        for instrument in tuple(watchers):
            try:
                instrument(emission)
            except Exception as error:  # noqa: BLE001 - it must not break what it watches.
                switch_off(instrument, instrument, error, emission._signal)
    finally:
        if not nested:
            del TELLERS[teller]


def tell_connected(signal: Any, connection: Connection, previous: Connection | None) -> None:
    """Show a connection to the instruments that want to see it."""
    if not is_telling():
        watchers = signal._registry.watchers.on_connect
        _tell(watchers, "on_connect", signal, signal, connection, previous)


def _tell(instruments: Sequence[Any], method: str, signal: object, *what: object) -> None:
    teller = whoever_runs()
    TELLERS[teller] = None
    try:
        for instrument in tuple(instruments):
            call: Any = instrument
            try:
                call = getattr(instrument, method)
                call(*what)
            except Exception as error:  # noqa: BLE001 - as above.
                switch_off(instrument, call, error, signal)
    finally:
        del TELLERS[teller]


def switch_off(instrument: Instrument, called: object, error: Exception, signal: object) -> None:
    """Remove an instrument that has failed, and say so: to the log, and to those who watch that.

    Args:
        instrument: The instrument.
        called: What of it was called, or itself if that could not be looked up.
        error: What it raised.
        signal: The signal of which it was told.
    """
    remove_instrument(instrument)
    log(
        error,
        "The instrument %s failed on %r, and is switched off: it sees no more sends. "
        "Mend it, and add it again with add_instrument().",
        name_of(called),
        signal,
    )
    for watcher in everybody():
        _tell_of_failure(watcher, instrument, error, signal)


def _tell_of_failure(watcher: Any, failed: Instrument, error: Exception, signal: object) -> None:
    call: Any = watcher
    try:
        call = getattr(watcher, "on_failure", _not_watching)
        call(failed, error)
    except Exception as its_error:  # noqa: BLE001 - as any other failure.
        switch_off(watcher, call, its_error, signal)


def _not_watching(failed: Instrument, error: Exception) -> None:
    """Be the method of an instrument that has none."""
