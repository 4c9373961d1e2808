"""Signal: connect, disconnect, send and send_async."""

from __future__ import annotations

from functools import cached_property, partial

from heliograph.core.callables import examined, name_of, title_of
from heliograph.core.dispatch import Sending, deliver, deliver_async
from heliograph.core.emission import INSTRUMENTS
from heliograph.core.errors import ArgumentError, SignalError
from heliograph.core.identity import ANY, canonical, forget_type, receiver_key, unwrapped
from heliograph.core.registry import Registry, counted_here
from heliograph.core.temporary import ForAWhile
from heliograph.core.terms import PLACE, SCOPE, refuse_misspelt, terms

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterator
    from typing import Any, Literal, Never, Self, TypeVar

    from heliograph.core.connection import Connection
    from heliograph.core.dispatch import Step
    from heliograph.core.plan import Plan
    from heliograph.core.record import DeadReceiver
    from heliograph.core.terms import Scope, Terms

    Receiver = Callable[..., Any]
    F = TypeVar("F", bound=Receiver)
    OnError = Literal["raise", "log"]


class Signal:
    """A point where a program says "this happened": whoever is connected to it is called.

    Args:
        name: What messages and tools call it.
        doc: Its docstring: when it is sent, by whom, with what payload.

    Raises:
        ArgumentError: If the name is not a string.

    Example:
        >>> order_paid = Signal("order-paid")
        >>> @order_paid.connect
        ... def thank(sender, *, total, **extra):
        ...     return f"Thank you for {total}."
        >>> order_paid.send("shop", total=12)
        [(<function thank at ...>, 'Thank you for 12.')]
    """

    name: str | None = None
    _registry: Registry
    _registry_class = Registry
    _forget_type = staticmethod(forget_type)

    # Made here, and not in __init__, as there are subclasses that never call that.
    def __new__(cls, *_: object, **__: object) -> Self:
        """Make a signal to which nobody is connected."""
        signal = object.__new__(cls)
        signal._registry = cls._registry_class()
        return signal

    def __init__(self, name: str | None = None, doc: str | None = None) -> None:
        if not (name is None or isinstance(name, str)):
            msg = f"{name!r} is not a name for a signal: use a string, or none at all."
            raise ArgumentError(msg)
        self.name = name
        if doc:
            self.__doc__ = doc

    def connect(
        self,
        receiver: F,
        sender: Any = ANY,
        weak: bool = True,
        *,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
        **misspelt: Never,
    ) -> F:
        """Call *receiver* whenever *sender* sends this signal. Also a decorator.

        Connecting the same receiver for the same sender again connects nothing
        more; its options become those of the last call, except that a strong
        connection stays strong.

        Args:
            receiver: Called as ``receiver(sender, **payload)``. It may be a
                coroutine function, which `send_async` awaits.
            sender: Hear this sender alone. Strings are compared by value,
                integers by value and type, all other objects by identity. The
                connection ends when the sender dies. A proxy such as Flask's
                ``current_app`` stands for what it is bound to now.
            weak: Whether the receiver may be garbage-collected. Pass False for
                lambdas, partials and functions defined inside functions.
            priority: Receivers with a higher one are called earlier.
            on_error: ``"raise"``, or ``"log"`` for observers, whose errors are
                logged on the logger ``heliograph`` and counted.
            inline: For plain functions that never block: `send_async` calls
                them in place, whatever ``_sync_wrapper`` it is given.
            misspelt: Any other option is an error.

        Returns:
            The receiver itself.

        Raises:
            ReceiverError: If the receiver cannot be called with a sender, or
                cannot be held weakly.
            ArgumentError: If there is no such option, or it cannot have that value.
        """
        real = unwrapped(sender)
        try:
            if misspelt:
                refuse_misspelt(misspelt, Signal.connect)
            how = terms(priority, on_error, inline, weak)
            made = self._registry.connect(receiver, real, how)
        except SignalError as error:
            raise self._not_connected(_called(receiver), error) from None
        if made is not None:
            self._tell_connected(receiver, real, *made)
        return receiver

    def connect_via(
        self,
        sender: Any,
        weak: bool = False,
        *,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
        **misspelt: Never,
    ) -> Callable[[F], F]:
        """Return a decorator that connects for *sender*, strongly unless told otherwise.

        See `connect` for the arguments.
        """
        try:
            if misspelt:
                refuse_misspelt(misspelt, Signal.connect_via)
        except SignalError as error:
            who = "A receiver"
            raise self._not_connected(who, error) from None
        options: dict[str, Any] = {
            "priority": priority,
            "on_error": on_error,
            "inline": inline,
        }
        unusual = {name: value for name, value in options.items() if value != _DEFAULTS[name]}

        def decorate(receiver: F) -> F:
            # Without options as Blinker does, for subclasses that override `connect` its way.
            self.connect(receiver, sender, weak, **unusual)
            return receiver

        return decorate

    def connected_to(
        self,
        receiver: Receiver,
        sender: Any = ANY,
        *,
        local: bool = False,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
        **misspelt: Never,
    ) -> ForAWhile:
        """Connect *receiver* for the length of a ``with`` block, or of a decorated function.

        Leaving undoes just this connection: one that was there before stays, as
        does one that is made inside.

        Args:
            receiver: As for `connect`. It is held strongly.
            sender: As for `connect`.
            local: Whether the connection counts only in the current context: the
                thread or task and the tasks started from it.
            priority: As for `connect`.
            on_error: As for `connect`.
            inline: As for `connect`.
            misspelt: As for `connect`.

        Raises:
            ReceiverError: If the receiver cannot be called with a sender.
            ArgumentError: If there is no such option, or it cannot have that value.
        """
        real = unwrapped(sender)
        try:
            if misspelt:
                refuse_misspelt(misspelt, Signal.connected_to)
            how = terms(priority, on_error, inline, False)
            examined(canonical(receiver))
        except SignalError as error:
            raise self._not_connected(_called(receiver), error) from None

        def begin(scope: Scope) -> list[Connection]:
            scoped = (*how[:SCOPE], scope, *how[PLACE:])
            return self._connect_for_a_while(receiver, real, scoped)

        def end(scope: Scope, made: list[Connection]) -> None:
            ended = self._registry.end_scope(scope, made)
            self._tell_disconnected(receiver, real, ended)

        return ForAWhile(begin, end, local=local)

    def muted(self, *, local: bool = False) -> ForAWhile:
        """Swallow what is sent for the length of a ``with`` block, or of a decorated function.

        Blocks nest: the signal is heard again when the last one is left.

        Args:
            local: Whether only what is sent in the current context is
                swallowed: the thread or task and the tasks started from it.
        """
        registry = self._registry
        return ForAWhile(
            partial(registry.mute, on=True),
            lambda scope, _: registry.mute(scope, on=False),
            local=local,
        )

    def disconnect(self, receiver: Receiver, sender: Any = ANY) -> None:
        """Call *receiver* no more when *sender* sends, or when anybody does.

        A receiver that is not connected is no error. A send that is under way
        does not call it any more either.

        Args:
            receiver: What was given to `connect`.
            sender: Disconnect from this sender alone; `ANY` is for all.
        """
        real = unwrapped(sender)
        ended = self._registry.disconnect(receiver, real)
        self._tell_disconnected(receiver, real, ended)

    def send(
        self,
        sender: Any = None,
        /,
        *,
        _async_wrapper: Callable[[Receiver], Receiver] | None = None,
        **payload: Any,
    ) -> list[tuple[Receiver, Any]]:
        """Call everybody who is connected for *sender*, by priority, then in order of connecting.

        Receivers that are connected while this runs are called from the next
        send on; those that are disconnected are not called any more.

        Args:
            sender: Whoever sends, often ``self``. Receivers get it first.
            _async_wrapper: Makes a plain function of a coroutine function, as
                Flask's ``app.ensure_sync`` does. Used for async receivers only.
            payload: Handed to the receivers as keyword arguments.

        Returns:
            Pairs of receiver and returned value, in the order of calling.

        Raises:
            AsyncReceiverError: If a receiver is async and there is no
                ``_async_wrapper``. Nobody has been called then.
            Exception: What a receiver raised, after all have been called, with
                a note that names signal and receiver.
            ExceptionGroup: If several raised.
        """
        registry = self._registry
        if not registry.busy:
            return []
        stamp, kind, plan = registry.fast
        # A stamp that is still the same number is the same object, and `is` is faster.
        if (
            stamp is not registry.stamp
            or type(sender) is not kind
            or INSTRUMENTS
            or (registry.senders and id(sender) in registry.senders)
        ):
            stamp = registry.stamp
            sender, plan = registry.find(sender)
            if not plan.plain or registry.unusual or INSTRUMENTS:
                return deliver(self._sending(sender, payload, plan, stamp), _async_wrapper)
            registry.keep(stamp, sender, plan)
        results: list[tuple[Receiver, Any]] = []
        one = plan.one
        try:
            if one is not None:  # The usual case, and a tenth of its time.
                receiver = one()
                return [(receiver, receiver(sender, **payload))]
            for ref in plan.refs:
                receiver = ref()
                results.append((receiver, receiver(sender, **payload)))
                if registry.stamp is not stamp:
                    failure = None
                    break
            else:
                return results
        except Exception as error:  # noqa: BLE001 - raised again when all have been called.
            failure = error
        # It is bound: looking one up never fails, only calling it does.
        called = receiver  # pyright: ignore[reportPossiblyUnboundVariable]
        try:
            return self._finish(
                sender, payload, plan, len(results), results, stamp, failure, called, _async_wrapper
            )
        finally:
            failure = None  # An error must not refer to itself through its traceback's frames.

    def _finish(
        self,
        sender: Any,
        payload: dict[str, Any],
        plan: Plan,
        position: int,
        results: list[tuple[Receiver, Any]],
        stamp: int,
        failure: Exception | None,
        receiver: Receiver | None,
        async_wrapper: Callable[[Receiver], Receiver] | None,
    ) -> list[tuple[Receiver, Any]]:
        """Do the rest of a send that was plain until an error or a change came."""
        sending = self._rest(sender, payload, plan, position, stamp)
        sending.resume(results, failure, receiver)
        failure = None  # An error must not refer to itself through its traceback's frames.
        return deliver(sending, async_wrapper)

    async def send_async(
        self,
        sender: Any = None,
        /,
        *,
        _sync_wrapper: Callable[[Receiver], Callable[..., Coroutine[Any, Any, Any]]] | None = None,
        **payload: Any,
    ) -> list[tuple[Receiver, Any]]:
        """Await async receivers and call plain ones in place, one after the other, as `send` does.

        An awaitable that a plain function returns is awaited too.

        Args:
            sender: As for `send`.
            _sync_wrapper: Makes a coroutine function of a plain one, as Quart's
                ``app.ensure_async`` does. Used for all plain receivers, except
                those connected with ``inline=True``.
            payload: As for `send`.

        Returns:
            As `send`.

        Raises:
            Exception: As `send`. Cancellation leaves at once.
        """
        registry = self._registry
        if not registry.busy:
            return []
        # Read before the plan is: what is disconnected from here on is not called.
        stamp = registry.stamp
        sender, plan = registry.find(sender)
        if plan.scoped or registry.unusual or INSTRUMENTS:
            return await deliver_async(self._sending(sender, payload, plan, stamp), _sync_wrapper)
        results: list[tuple[Receiver, Any]] = []
        try:
            for ref, in_place in plan.turns:
                receiver = ref()
                if in_place or _sync_wrapper is None:
                    value = receiver(sender, **payload)
                else:
                    value = await _sync_wrapper(receiver)(sender, **payload)
                # Also what a plain function returned, in place or through the wrapper.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
                results.append((receiver, value))
                if registry.stamp is not stamp:
                    failure = None
                    break
            else:
                return results
        except Exception as error:  # noqa: BLE001 - raised again when all have been called.
            failure = error
        sending = self._rest(sender, payload, plan, len(results), stamp)
        # It is bound: looking one up never fails, only calling it does.
        sending.resume(results, failure, receiver)  # pyright: ignore[reportPossiblyUnboundVariable]
        failure = None  # An error must not refer to itself through its traceback's frames.
        return await deliver_async(sending, _sync_wrapper)

    def _rest(
        self, sender: Any, payload: dict[str, Any], plan: Plan, position: int, stamp: int
    ) -> Sending:
        steps: list[Step] = [(left, None) for left in plan.connections[position:]]
        registry, newest = self._registry, plan.newest
        return Sending(self, registry, sender, payload, steps, stamp=stamp, newest=newest)

    def receivers_for(self, sender: Any) -> Iterator[Receiver]:
        """Give each receiver that a send from *sender* would call now, in order."""
        registry = self._registry
        stamp = registry.stamp
        real, plan = registry.find(sender)
        steps: list[Step] = [] if registry.is_muted() else self._steps(plan)
        newest = plan.newest
        sending = Sending(self, registry, real, {}, steps, stamp=stamp, newest=newest)
        return (receiver for _, receiver in sending.due())

    def has_receivers_for(self, sender: Any) -> bool:
        """Tell whether a send from *sender* would call anybody now.

        Useful to leave out the work of computing a payload that nobody will hear.
        """
        registry = self._registry
        plan = registry.find(sender)[1]
        if plan.scoped or registry.unusual:
            return next(iter(self.receivers_for(sender)), None) is not None
        return any(ref() is not None for ref in plan.refs)

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """All live receivers, each once: useful as ``if signal.receivers``."""
        registry = self._registry
        if not registry.receivers:
            return ()
        here = {c._record: c.receiver for c in counted_here(registry.connections())}
        return tuple(receiver for receiver in here.values() if receiver is not None)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, by priority, then in the order in which they were made."""
        return tuple(self._registry.connections())

    @property
    def dead_receivers(self) -> tuple[DeadReceiver, ...]:
        """The last few weakly held receivers that were garbage-collected while connected."""
        return tuple(self._registry.dead or ())

    @property
    def is_muted(self) -> bool:
        """Whether what is sent in the current context is swallowed."""
        return self._registry.is_muted()

    @cached_property
    def receiver_connected(self) -> Signal:
        """Sent by this signal after a connection was made, with it as ``connection``.

        A receiver that raises undoes the connection, and `connect` raises the error.
        """
        return self._meta_signal("receiver_connected")

    @cached_property
    def receiver_disconnected(self) -> Signal:
        """Sent by this signal for each connection that was ended on purpose, as ``connection``.

        It is not sent when a connection ends because its receiver or sender died.
        """
        return self._meta_signal("receiver_disconnected")

    def _meta_signal(self, name: str) -> Signal:
        made = Signal(f"{name} of {self.name}")
        # Two threads that ask at once must get the same one.
        found: Signal = self.__dict__.setdefault(name, made)
        return found

    def _not_connected(self, who: str, error: SignalError) -> SignalError:
        return type(error)(f"{who} cannot be connected to {title_of(self)}. {error}")

    def _connect_for_a_while(self, receiver: Receiver, sender: Any, how: Terms) -> list[Connection]:
        made = self._registry.connect(receiver, sender, how)
        if made is None:  # In a finalizer, where it has to wait.
            return []
        self._tell_connected(receiver, sender, *made)
        return [made[0]]

    def _tell_connected(
        self,
        receiver: Receiver,  # noqa: ARG002 - for those who tell of it otherwise.
        sender: Any,  # noqa: ARG002 - likewise.
        connection: Connection,
        new: bool,
    ) -> None:
        if new and "receiver_connected" in self.__dict__:
            try:
                self.receiver_connected.send(self, connection=connection)
            except BaseException:
                self._registry.end([connection])
                raise

    def _tell_disconnected(
        self,
        receiver: Receiver,  # noqa: ARG002 - for those who tell of it otherwise.
        sender: Any,  # noqa: ARG002 - likewise.
        ended: list[Connection],
    ) -> None:
        if "receiver_disconnected" in self.__dict__:
            for connection in ended:
                self.receiver_disconnected.send(self, connection=connection)

    def _sending(self, sender: Any, payload: dict[str, Any], plan: Plan, stamp: int) -> Sending:
        registry = self._registry
        muted = registry.is_muted()
        steps: list[Step] = []
        if not muted:
            overridden = registry.overridden
            steps = self._overriding_steps(sender, plan) if overridden else self._steps(plan)
        newest = plan.newest
        return Sending(
            self, registry, sender, payload, steps, stamp=stamp, newest=newest, muted=muted
        )

    def _steps(self, plan: Plan) -> list[Step]:
        return [(connection, None) for connection in self._registry.counted(plan)]

    def _overriding_steps(self, sender: Any, plan: Plan) -> list[Step]:
        known = {c._record.key: c for c in self._registry.counted(plan)}
        return [(_known(receiver, known), receiver) for receiver in self.receivers_for(sender)]

    def __repr__(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}>"

    # A copy is a signal like this one, to which nobody is connected: connections are to this
    # very signal, and many of them hold things that cannot be copied.
    def __getstate__(self) -> dict[str, Any]:
        return {name: it for name, it in self.__dict__.items() if name not in _NOT_COPIED}


def _called(receiver: object) -> str:
    return name_of(receiver) if callable(receiver) else repr(receiver)


def _known(receiver: Any, connections: dict[Hashable, Connection]) -> Connection | None:
    """Return the connection of a receiver that was given out, or of one that it wraps."""
    found = connections.get(receiver_key(canonical(receiver)))
    # Tracing libraries wrap receivers, and say so as functools.wraps does.
    while found is None and hasattr(receiver, "__wrapped__"):
        receiver = receiver.__wrapped__
        found = connections.get(receiver_key(canonical(receiver)))
    return found


_NOT_COPIED = {
    "_registry",
    "_muted_by_hand",
    "_replaced",
    "receiver_connected",
    "receiver_disconnected",
    "receivers_for",
}
_DEFAULTS = {"priority": 0, "on_error": "raise", "inline": False}
