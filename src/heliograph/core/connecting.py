"""Connecting to a signal and disconnecting from it, for good or for a while."""

from __future__ import annotations

from functools import partial
from types import FunctionType

from heliograph.core.callables import is_plain
from heliograph.core.connected import Connected, P
from heliograph.core.connections import plain
from heliograph.core.connections.blocks import ConnectedFor, MutedFor
from heliograph.core.connections.connection import Connection
from heliograph.core.connections.options import (
    HOW,
    SCOPE,
    STRONGLY,
    WEAKLY,
    check_names,
    completed,
)
from heliograph.core.connections.receivers import refuse_receiver
from heliograph.core.describe import describe_callable, short_repr, title_of
from heliograph.core.errors import ArgumentError, SignalError
from heliograph.core.identity import ANY, canonical, unwrapped
from heliograph.core.mistakes import refuse_as_sender
from heliograph.core.observing.wishes import Watchers
from heliograph.core.source import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Unpack, overload

    from heliograph.core._types import Connecting, F, R, Receiver, T, Undeclared
    from heliograph.core.connections.keywords import ConnectOptions
    from heliograph.core.connections.options import Options
    from heliograph.core.connections.registry import Made
    from heliograph.core.connections.scopes import Scoped


_NOBODY: tuple[()] = ()


class Connectable(Connected[P]):
    """The part of a signal that connects and disconnects."""

    if TYPE_CHECKING:

        @overload
        def connect(
            self: Connectable[[Undeclared]],
            receiver: F,
            sender: Any = ...,
            weak: bool = ...,
            **options: Unpack[ConnectOptions],
        ) -> F: ...
        @overload
        def connect(
            self,
            receiver: Receiver[P, R, T],
            sender: Any = ...,
            weak: bool = ...,
            **options: Unpack[ConnectOptions],
        ) -> Callable[R, T]: ...
        @overload
        def connect(
            self, *, sender: Any = ..., weak: bool = ..., **options: Unpack[ConnectOptions]
        ) -> Connecting[P]: ...

    def connect(
        self,
        receiver: Any = ...,
        sender: Any = ANY,
        weak: bool = True,
        **options: Unpack[ConnectOptions],
    ) -> Any:
        """Call *receiver* whenever *sender* sends this signal. Also a decorator.

        A receiver that is connected again for the same sender is still called once per
        send. Its options become those of the last call, but a strong connection stays
        strong.

        Args:
            receiver: Called as ``receiver(sender, **payload)``. It may be a
                coroutine function, which `send_async` awaits. Without a receiver,
                a decorator is returned that connects with these options.
            sender: Only what this sender sends reaches the receiver. Strings are
                compared by value, integers by value and type, all other objects by
                identity. The connection ends when the sender dies. A proxy such as
                Flask's ``current_app`` stands for the object that it is bound to now.
            weak: Whether the receiver may be garbage-collected. Pass False for
                lambdas, partials and functions defined inside functions.
            options: Any of the following.

                ``priority``: receivers with a higher one are called earlier; 0 by default.

                ``on_error``: ``"raise"``, the default, or ``"log"`` for receivers that only
                observe: their errors are logged on the logger ``heliograph`` and counted.

                ``inline``: True for plain functions that never block: `send_async` calls
                them in place, even if it is given a ``_sync_wrapper``.

                ``when``: ``"after_commit"`` to be called only once the database transaction in
                which it was sent is committed, by `heliograph.transactions`. The returned list
                does not have such a receiver. None, the default, calls it at once.

        Returns:
            The receiver itself.

        Raises:
            ReceiverError: If the receiver cannot be called with a sender, or
                cannot be held weakly.
            ArgumentError: If there is no such option, or it cannot have that value.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> @order_paid.connect
            ... def thank(sender, *, total, **extra):
            ...     print(f"Thank you for {total}.")
            >>> @order_paid.connect(sender="shop", priority=1)
            ... def book(sender, *, total, **extra):
            ...     print(f"Booked: {total}.")
            >>> sent = order_paid.send("shop", total=12)
            Booked: 12.
            Thank you for 12.
            >>> sent = order_paid.send("kiosk", total=5)
            Thank you for 5.
        """
        if receiver is ...:
            return partial(self.connect, sender=sender, weak=weak, **options)
        real = sender if sender is ANY else unwrapped(sender)
        registry = self._registry
        made: Made | None
        try:
            if options:
                complete = completed(options, weak, Connectable.connect)
                made = plain.connect(registry, receiver, real, complete)
            else:
                how = WEAKLY if weak else STRONGLY
                known = id(receiver) in registry.receivers
                # Before the call site is looked up, which takes a third of connecting again.
                again = registry.found_again(receiver, real, how) if known else None
                if again is None:
                    made = plain.connect(registry, receiver, real, (how, None, call_site(1)))
                else:
                    made = again, again
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None
        tells = self._tells or "receiver_connected" in self.__dict__
        if made is not None and (tells or registry.watchers.on_connect):
            connection, previous = made
            if tells:
                self._tell_connected(receiver, real, connection, previous is None)
            if registry.watchers.on_connect:
                Watchers.watching.tell_connected(self, connection, previous)
        return receiver

    def connect_via(
        self, sender: Any, weak: bool = False, **options: Unpack[ConnectOptions]
    ) -> Connecting[P]:
        """Return a decorator that connects a receiver for *sender*, and returns the receiver.

        Unlike `connect`, it holds the receiver strongly by default, because the function
        below the decorator is often defined inside another function.

        Args:
            sender: Only what this sender sends reaches the receiver, as for `connect`.
            weak: Whether the receiver may be garbage-collected.
            options: As for `connect`.

        Raises:
            ArgumentError: If *sender* is a function, as in ``@signal.connect_via`` without a
                sender; or if there is no such option. The decorator raises it if an option
                cannot have that value.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> @order_paid.connect_via("shop", priority=1)
            ... def book(sender, *, total, **extra):
            ...     print(f"Booked: {total}.")
            >>> sent = order_paid.send("shop", total=12)
            Booked: 12.
        """
        if options:
            try:
                check_names(options, Connectable.connect_via)
            except SignalError as error:
                who = "A receiver"
                raise self._not_connected(who, error) from None
        if type(sender) is FunctionType:
            refuse_as_sender(sender, title_of(self), strict=self._registry.strict)

        def decorate(receiver: Callable[..., Any]) -> Any:
            # By position, as Blinker does, for subclasses that override `connect` its way.
            if options:
                self.connect(receiver, sender, weak, **options)
            else:  # Which takes half the time.
                self.connect(receiver, sender, weak)
            return receiver

        return decorate

    if TYPE_CHECKING:

        @overload
        def connected_to(
            self: Connectable[[Undeclared]],
            receiver: Callable[..., Any],
            sender: Any = ...,
            *,
            local: bool = ...,
            **options: Unpack[ConnectOptions],
        ) -> Scoped: ...
        @overload
        def connected_to(
            self,
            receiver: Callable[P, Any],
            sender: Any = ...,
            *,
            local: bool = ...,
            **options: Unpack[ConnectOptions],
        ) -> Scoped: ...

    def connected_to(
        self,
        receiver: Callable[..., Any],
        sender: Any = ANY,
        *,
        local: bool = False,
        **options: Unpack[ConnectOptions],
    ) -> Scoped:
        """Connect *receiver* for the length of a ``with`` block, or of a decorated function.

        Leaving the block ends only this connection. One that existed before stays, and
        so does one that is made inside.

        Args:
            receiver: As for `connect`. It is held strongly.
            sender: As for `connect`.
            local: Whether the connection counts only in the current context: the
                thread or task, and the tasks started from it.
            options: As for `connect`.

        Raises:
            ReceiverError: If the receiver cannot be called with a sender.
            ArgumentError: If there is no such option, or it cannot have that value.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> totals = []
            >>> def note(sender, *, total, **extra):
            ...     totals.append(total)
            >>> with order_paid.connected_to(note):
            ...     sent = order_paid.send("shop", total=12)
            >>> order_paid.send("shop", total=5), totals
            ([], [12])
        """
        real = sender if sender is ANY else unwrapped(sender)
        if options:
            try:
                complete = completed(options, False, Connectable.connected_to)
            except SignalError as error:
                raise self._not_connected(describe_callable(receiver), error) from None
        else:
            complete = STRONGLY, None, call_site(1)
        self._examine(receiver, inline=complete[HOW].inline)
        return ConnectedFor(self, receiver, real, complete, local)

    def muted(
        self, *, local: bool = False, except_for: Iterable[Callable[..., Any]] = ()
    ) -> Scoped:
        """Call no receivers for the length of a ``with`` block, or of a decorated function.

        A send inside returns an empty list, `has_receivers_for` is False and `receivers_for`
        yields nothing, but for the receivers of *except_for*; `receivers` lists all of them
        as ever. Blocks nest: receivers are called again when
        the last block is left.

        Args:
            local: Whether only sends in the current context are muted: in the
                thread or task, and in the tasks started from it.
            except_for: Receivers that are called even so, where they are connected.

        Raises:
            ArgumentError: If *except_for* is not an iterable of receivers.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> @order_paid.connect
            ... def thank(sender, *, total, **extra):
            ...     print(f"Thank you for {total}.")
            >>> with order_paid.muted():
            ...     order_paid.send("shop", total=12)
            []
        """
        spared = () if except_for is _NOBODY else _several(except_for)
        return MutedFor(self, spared, local, call_site(1))

    def disconnect(self, receiver: Callable[..., Any], sender: Any = ANY) -> None:
        """Stop calling *receiver* when *sender* sends, or when anybody does.

        A receiver that is not connected is no error. A send that is under way does not
        call the receiver any more either.

        Args:
            receiver: What was given to `connect`; or one of the `connections`, to end
                that one and no other.
            sender: Disconnect from this sender only; `ANY` means from all.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> def thank(sender, *, total, **extra):
            ...     return f"Thank you for {total}."
            >>> for sender in ["shop", "kiosk"]:
            ...     receiver = order_paid.connect(thank, sender)
            >>> order_paid.disconnect(thank, "kiosk")
            >>> order_paid.send("kiosk", total=5)
            []
            >>> order_paid.disconnect(thank)
            >>> order_paid.connections
            ()
        """
        it: Any = receiver  # Not a function, if it is a connection.
        if type(it) is Connection:
            self._disconnect_one(it)
            return
        real = sender if sender is ANY else unwrapped(sender)
        registry = self._registry
        ended = plain.disconnect(registry, receiver, real)
        if self._tells or "receiver_disconnected" in self.__dict__:
            self._tell_disconnected(receiver, real, ended)
        if ended and registry.watchers.on_disconnect:
            Watchers.watching.tell_disconnected(self, ended)

    def _examine(self, receiver: Callable[..., Any], *, inline: bool) -> None:
        """Refuse a receiver that cannot be connected. Nothing is connected."""
        registry = self._registry
        if registry.declaration is None and is_plain(receiver):
            return
        real = canonical(receiver)
        try:
            refuse_receiver(real, registry, inline=inline)
            if registry.declaration is not None:
                registry.declaration._omitted_for(real)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None

    def _not_connected(self, who: str, error: SignalError) -> SignalError:
        return type(error)(f"{who} cannot be connected to {title_of(self)}. {error}")

    def _disconnect_one(self, connection: Connection) -> bool:
        """End a connection, and tell whether it had not ended before."""
        registry = self._registry
        # Looked up before, as both may be gone then, and only for those who are told.
        tells = self._tells or "receiver_disconnected" in self.__dict__
        told = tells or registry.watchers.on_disconnect
        receiver, sender = (connection.receiver, connection.sender) if told else (None, None)
        ended = registry.end_one(connection)
        if ended and receiver is not None:
            if tells:
                self._tell_disconnected(receiver, sender, [connection])
            if registry.watchers.on_disconnect:
                Watchers.watching.tell_disconnected(self, [connection])
        return ended

    def _connect_with(
        self, receiver: Callable[..., Any], sender: Any, options: Options
    ) -> list[Connection]:
        made = plain.connect(self._registry, receiver, sender, options)
        if made is None:  # In a signal handler or a finalizer, where it has to wait.
            return []
        connection, previous = made
        if self._tells or "receiver_connected" in self.__dict__:
            self._tell_connected(receiver, sender, connection, previous is None)
        if options[SCOPE] is None and self._registry.watchers.on_connect:
            Watchers.watching.tell_connected(self, connection, previous)
        return [connection]

    def _listen(self, receiver: Any, sender: Any, options: Options) -> Connection | None:
        """Connect what the engine itself receives with, for good."""
        made = self._connect_with(receiver, sender, options)
        return made[0] if made else None


def _several(receivers: Any) -> tuple[Callable[..., Any], ...]:
    """Return receivers as a tuple.

    Raises:
        ArgumentError: If *receivers* is not an iterable of receivers: a single one, say.
    """
    several: tuple[Any, ...] = tuple(receivers) if hasattr(type(receivers), "__iter__") else (None,)
    if not all(map(callable, several)):
        msg = f"except_for={short_repr(receivers)} is not a list of receivers: use [receiver, ...]."
        raise ArgumentError(msg)
    return several
