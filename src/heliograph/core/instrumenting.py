"""Adds and removes instruments. It is loaded with the first one, and so is what calls them."""

from __future__ import annotations

from heliograph.core.accelerate import in_c
from heliograph.core.callables import is_async, is_generator
from heliograph.core.describe import describe_callable, short_repr
from heliograph.core.errors import ArgumentError
from heliograph.core.identity import receiver_key
from heliograph.core.lock import under_lock
from heliograph.core.observing.emission import PLACE, Delivery, Emission, outlive
from heliograph.core.observing.telling import (
    is_telling,
    switch_off,
    tell_connected,
    tell_disconnected,
    whoever_runs,
)
from heliograph.core.observing.watching import end_watching
from heliograph.core.observing.wishes import TELLERS, Watchers, Wish, add, remove
from heliograph.core.sending.watched import send_async_watched, send_watched
from heliograph.core.sending.watched_outcome import WatchedOutcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterable
    from typing import Any, TypeVar

    from heliograph.core.connections.connection import Connection
    from heliograph.core.namespace import Namespace
    from heliograph.core.observing.wishes import Choice, Instrument
    from heliograph.core.patterns import SignalPattern
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.watched import Results
    from heliograph.core.signal import Signal

    T = TypeVar("T")
    # Called with the signal, the sender, the payload, the snapshot, its version and the wrapper.
    Sends = staticmethod[[Any, Any, Any, Snapshot, int, Any], T]


def add_instrument(
    instrument: Instrument, signals: Iterable[Signal[...] | Namespace | SignalPattern] | None = None
) -> None:
    """Let *instrument* see emissions from now on: every one, or those of some signals.

    It is called with the `Emission` when the send ends, even by an error, in the thread
    or task that sent. A send that is refused because of an async receiver produces no
    emission. When the instrument itself sends, receivers are called but no instrument
    is; sends of a thread or a task that it starts are watched as usual.

    If an instrument raises, the send goes on. The logger ``heliograph`` gets the error
    once, with its traceback, and the instrument is removed, unless the stack was full, which
    is not its fault.

    An instrument may add and remove instruments, itself too. One that was added sees the
    next send; one that was removed may still be called with this emission.

    An instrument may have these methods too:

    - ``on_start(emission)`` is called before any receiver, while the payload is still
      as it was sent;
    - ``on_connect(signal, connection, previous)`` is called after each `Signal.connect`.
      If the receiver was connected before for the same sender, *previous* is the
      connection that this one replaces, or *connection* itself if nothing has changed;
      otherwise it is None. Temporary connections are not told;
    - ``on_disconnect(signal, connection)`` is called for each connection that
      `Signal.disconnect` has ended, and not if the receiver, the sender or a block ends it;
    - ``on_failure(instrument, error)`` is called when another instrument has failed and
      was removed, whichever signals it watched.

    Args:
        instrument: A callable. Adding it again changes nothing.
        signals: Signals, namespaces, and patterns such as ``shop.signals("order-*")``.
            Signals that are made later in such a namespace count too. By default the
            instrument sees every signal. Other signals cost no more to send than
            without the instrument.

    Raises:
        ArgumentError: If *instrument* is not callable, is a class, or it or one of its
            methods is async or a generator function, as none of its lines would run; if
            *signals* is empty, or contains something else; or if the instrument was added
            for other signals.

    Example:
        >>> from heliograph import Signal, add_instrument, remove_instrument
        >>> order_paid = Signal("order-paid")
        >>> def watch(emission):
        ...     print(emission.signal.name, dict(emission.payload), len(emission.deliveries))
        >>> add_instrument(watch, [order_paid])
        >>> order_paid.send("shop", total=12)
        order-paid {'total': 12} 0
        []
        >>> remove_instrument(watch)
    """
    _check(instrument)
    # Looked up before the lock is taken, as foreign code must not run under it.
    starts, connects, disconnects, _ = (_has(instrument, name) for name in _METHODS)
    choices = None if signals is None else chosen(signals)
    wanted = None if choices is None else frozenset(choices)
    wish = Wish(instrument, wanted, starts, connects, disconnects)
    found = under_lock(add, receiver_key(instrument), wish) or wish
    if found.wanted != wish.wanted:
        msg = (
            f"{describe_callable(instrument)} was added before, for other signals. Remove it with "
            "remove_instrument() first, or pass the same signals."
        )
        raise ArgumentError(msg)
    for fulfil in choices.values() if choices is not None and found is wish else ():
        fulfil(wish)


def remove_instrument(instrument: Instrument) -> None:
    """Remove *instrument*, so that it sees no more sends. One that was never added is no error."""
    under_lock(remove, receiver_key(instrument))


def _check(instrument: Any) -> None:
    if issubclass(type(instrument), type):
        why = "it is a class: pass an object of it."
    elif not callable(instrument):
        why = "it must be callable with an Emission."
    else:
        _check_call(instrument, "it", instrument)
        return
    msg = f"{describe_callable(instrument)} cannot be an instrument: {why}"
    raise ArgumentError(msg)


_METHODS = ("on_start", "on_connect", "on_disconnect", "on_failure")


def _check_call(instrument: object, which: str, call: Any) -> None:
    if is_async(call):
        why = "async, and nothing would await it. Pass a plain function; it may start a task."
    elif is_generator(call):
        why = "a generator function: calling it runs none of its lines. Take the yield out."
    else:
        return
    msg = f"{describe_callable(instrument)} cannot be an instrument: {which} is {why}"
    raise ArgumentError(msg)


def _has(instrument: Any, name: str) -> bool:
    try:
        method = getattr(instrument, name, None)
    except Exception:  # noqa: BLE001 - it is logged when the method is called.
        return True
    if method is not None:
        _check_call(instrument, f"its {name}", method)
    return method is not None


def chosen(signals: Any) -> dict[Hashable, Callable[[Wish], object]]:
    """Return the functions that grant an instrument the signals that it names, by key.

    Raises:
        ArgumentError: If nothing is named, or something that is no signal, namespace or pattern.
    """
    if isinstance(signals, str) or _choose(signals) is not None:
        shown = short_repr(signals)
        msg = f"signals={shown} is one thing: pass a list, as in signals=[order_paid]."
        raise ArgumentError(msg)
    try:
        named = list(signals)
    except TypeError:
        msg = f"signals={short_repr(signals)} is not a list of signals."
        raise ArgumentError(msg) from None
    if not named:
        msg = f"signals={short_repr(signals)} names no signal. Leave it out to see every signal."
        raise ArgumentError(msg)
    return dict(map(_choice_of, named))


def _choice_of(named: Any) -> Choice:
    choose = _choose(named)
    if choose is None:
        shown = short_repr(named)
        msg = (
            f"{shown} is nothing that an instrument can watch: pass signals, namespaces, or "
            'patterns such as namespace.signals("order-*").'
        )
        raise ArgumentError(msg)
    choice: Choice = choose(named)
    return choice


def _choose(named: Any) -> Callable[[Any], Choice] | None:
    # On the type, as proxies and mocks have any attribute.
    return getattr(type(named), "_choice", None)


def _put_in_place() -> None:
    """Let C watch the sends that run in C."""
    if in_c is not None:
        in_c.watch_with(
            tellers=TELLERS,
            inside=PLACE,
            end_watching=end_watching,
            outlive=outlive,
            whoever_runs=whoever_runs,
            switch_off=switch_off,
            emission=Emission,
            delivery=Delivery,
            deliveries=Emission.deliveries.fget,  # type: ignore[attr-defined]  # A property.
        )
        Emission.deliveries = property(  # type: ignore[assignment]  # Type checkers see Python's.
            in_c.deliveries_of, doc=Emission.deliveries.__doc__
        )


class Watching:
    """What is needed only where an instrument watches: there the engine finds it at the watchers.

    So no send and no change of connections has to load it, whenever they come: in a finalizer,
    in a fork, while the interpreter exits.
    """

    is_telling: staticmethod[[], bool] = staticmethod(is_telling)
    outcome: type[WatchedOutcome] = WatchedOutcome
    send: Sends[Results] = staticmethod(send_watched)
    send_async: Sends[Coroutine[Any, Any, Results]] = staticmethod(send_async_watched)
    tell_connected: staticmethod[[Any, Connection, Connection | None], None] = staticmethod(
        tell_connected
    )
    tell_disconnected: staticmethod[[Any, Iterable[Connection]], None] = staticmethod(
        tell_disconnected
    )


Watchers.watching = Watching
_put_in_place()
