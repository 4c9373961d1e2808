"""Connecting to a signal and disconnecting from it, for good or for a while."""

from __future__ import annotations

from functools import cached_property, partial
from types import GenericAlias

from heliograph.core.connections.connection import Connection
from heliograph.core.connections.options import PLACE, SCOPE, refuse_misspelt, terms
from heliograph.core.connections.registry import Registry
from heliograph.core.connections.reviving import revive
from heliograph.core.connections.scopes import Scoped, counted_here, is_muted
from heliograph.core.copying import Copyable
from heliograph.core.describe import describe_callable, title_of
from heliograph.core.errors import ArgumentError, SignalError
from heliograph.core.identity import ANY, canonical, forget_type, identified, unwrapped
from heliograph.core.mistakes import refuse_as_sender
from heliograph.core.observing.instruments import tell_connected
from heliograph.core.showing import in_its_words
from heliograph.core.source import pass_over, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Generic, Literal, Never, Self, TypedDict, Unpack, overload

    from heliograph.core._types import Connecting, F, R, Receiver, T, Undeclared
    from heliograph.core._types import P as P  # noqa: PLC0414 - `signal` has it from here.
    from heliograph.core.connections.dead import DeadReceiver
    from heliograph.core.connections.options import Terms
    from heliograph.core.connections.scopes import Scope
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.signal import Signal

    OnError = Literal["raise", "log"]

    class Options(TypedDict, total=False):
        """How a connection delivers."""

        priority: int
        on_error: OnError
        inline: bool

    class LocalOptions(Options, total=False):
        """How a temporary connection delivers, and where it counts."""

        local: bool

else:

    class Generic:
        """Stands in for that of `typing`: a subscript is kept, and means nothing."""

        # No slots: signals of other classes become ours only if they have the same layout.
        __class_getitem__ = classmethod(GenericAlias)

    P = "P"

_NOT_COPIED = {
    "_path",
    "_registry",
    "_muted_by_hand",
    "_replaced",
    "_taken_out",
    "receiver_connected",
    "receiver_disconnected",
    "receivers_for",
}
_DEFAULTS = {"priority": 0, "on_error": "raise", "inline": False}


class Connectable(Copyable, Generic[P]):
    """The half of a signal that knows who is connected."""

    name: str | None = None
    _registry: Registry
    _registry_class = Registry
    _forget_type = staticmethod(forget_type)
    _pass_over = staticmethod(pass_over)
    _revive = staticmethod(revive)

    # Made here, and not in __init__, as there are subclasses that never call that.
    def __new__(cls, *_: object, **__: object) -> Self:
        """Make a signal to which nobody is connected."""
        signal = object.__new__(cls)
        signal._registry = cls._registry_class()
        return signal

    if TYPE_CHECKING:

        @overload
        def connect(
            self: Connectable[[Undeclared]],
            receiver: F,
            sender: Any = ...,
            weak: bool = ...,
            **options: Unpack[Options],
        ) -> F: ...
        @overload
        def connect(
            self,
            receiver: Receiver[P, R, T],
            sender: Any = ...,
            weak: bool = ...,
            **options: Unpack[Options],
        ) -> Callable[R, T]: ...
        @overload
        def connect(
            self, *, sender: Any = ..., weak: bool = ..., **options: Unpack[Options]
        ) -> Connecting[P]: ...

    def connect(
        self,
        receiver: Any = ...,
        sender: Any = ANY,
        weak: bool = True,
        *,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
        **misspelt: Never,
    ) -> Any:
        """Call *receiver* whenever *sender* sends this signal. Also a decorator.

        Connecting the same receiver for the same sender again connects nothing
        more; its options become those of the last call, except that a strong
        connection stays strong.

        Args:
            receiver: Called as ``receiver(sender, **payload)``. It may be a
                coroutine function, which `send_async` awaits. Without one,
                a decorator is returned that connects with these options.
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
        if receiver is ...:
            options = {"priority": priority, "on_error": on_error, "inline": inline, **misspelt}
            return partial(self.connect, sender=sender, weak=weak, **options)
        real = sender if sender is ANY else unwrapped(sender)
        try:
            if misspelt:
                refuse_misspelt(misspelt, Connectable.connect)
            how = terms(priority, on_error, inline, weak)
            made = self._registry.connect(receiver, real, how)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None
        if made is not None:
            connection, previous = made
            self._tell_connected(receiver, real, connection, previous is None)
            if self._registry.watchers.on_connect:
                tell_connected(self, connection, previous)
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
    ) -> Connecting[P]:
        """Return a decorator that connects for *sender*, strongly unless told otherwise.

        See `connect` for the arguments.
        """
        try:
            if misspelt:
                refuse_misspelt(misspelt, Connectable.connect_via)
        except SignalError as error:
            who = "A receiver"
            raise self._not_connected(who, error) from None
        refuse_as_sender(sender, title_of(self), strict=self._registry.strict)
        options: dict[str, Any] = {
            "priority": priority,
            "on_error": on_error,
            "inline": inline,
        }
        unusual = {name: value for name, value in options.items() if value != _DEFAULTS[name]}

        def decorate(receiver: Callable[..., Any]) -> Any:
            # Without options as Blinker does, for subclasses that override `connect` its way.
            self.connect(receiver, sender, weak, **unusual)
            return receiver

        return decorate

    if TYPE_CHECKING:

        @overload
        def connected_to(
            self: Connectable[[Undeclared]],
            receiver: Callable[..., Any],
            sender: Any = ...,
            **options: Unpack[LocalOptions],
        ) -> Scoped: ...
        @overload
        def connected_to(
            self,
            receiver: Callable[P, Any],
            sender: Any = ...,
            **options: Unpack[LocalOptions],
        ) -> Scoped: ...

    def connected_to(
        self,
        receiver: Callable[..., Any],
        sender: Any = ANY,
        *,
        local: bool = False,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
        **misspelt: Never,
    ) -> Scoped:
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
        real = sender if sender is ANY else unwrapped(sender)
        try:
            if misspelt:
                refuse_misspelt(misspelt, Connectable.connected_to)
            how = terms(priority, on_error, inline, False)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None
        self._examine(receiver, inline=inline)

        def begin(scope: Scope) -> list[Connection]:
            scoped = (*how[:SCOPE], scope, *how[PLACE:])
            return self._connect_on_terms(receiver, real, scoped)

        def end(scope: Scope, made: list[Connection] | None) -> list[Connection]:
            return self._registry.end_scope(scope, made)

        def tell(ended: list[Connection]) -> None:
            self._tell_disconnected(receiver, real, ended)

        def call() -> str:
            return f"connected_to({describe_callable(receiver)}) of {title_of(self)}"

        return Scoped(begin, end, tell, local=local, called=call, made=how[PLACE])

    def muted(
        self, *, local: bool = False, except_for: Iterable[Callable[..., Any]] = ()
    ) -> Scoped:
        """Swallow what is sent for the length of a ``with`` block, or of a decorated function.

        Blocks nest: the signal is heard again when the last one is left.

        Args:
            local: Whether only what is sent in the current context is
                swallowed: the thread or task and the tasks started from it.
            except_for: Receivers that are called nevertheless, where they are connected.

        Raises:
            ArgumentError: If *except_for* is not an iterable of receivers.
        """
        registry = self._registry
        spared = _several(except_for)
        keys = frozenset(identified(it)[1] for it in spared)

        def begin(scope: Scope) -> tuple[Callable[..., Any], ...]:
            registry.mute(scope, keys)
            return spared  # Held, or another receiver could get its address and be taken for it.

        def end(scope: Scope, _: object) -> None:
            registry.mute(scope, None)

        def call() -> str:
            return f"muted() of {title_of(self)}"

        return Scoped(begin, end, local=local, called=call, made=place())

    def disconnect(self, receiver: Callable[..., Any], sender: Any = ANY) -> None:
        """Call *receiver* no more when *sender* sends, or when anybody does.

        A receiver that is not connected is no error. A send that is under way
        does not call it any more either.

        Args:
            receiver: What was given to `connect`; or one of the `connections`, to end
                that one and no other.
            sender: Disconnect from this sender alone; `ANY` is for all.
        """
        it: Any = receiver  # It may be one that is no function.
        if type(it) is Connection:
            self._disconnect_one(it)
            return
        real = sender if sender is ANY else unwrapped(sender)
        ended = self._registry.disconnect(receiver, real)
        self._tell_disconnected(receiver, real, ended)

    @property
    def declaration(self) -> Declaration | None:
        """What the signal is declared to be, as by `Namespace.declare`, or None."""
        return self._registry.declaration

    @property
    def receivers(self) -> tuple[Callable[..., Any], ...]:
        """All live receivers, each once: useful as ``if signal.receivers``."""
        registry = self._registry
        if not registry.receivers:
            return ()
        here = {c._receiver_ref: c.receiver for c in counted_here(registry.connections())}
        return tuple(receiver for receiver in here.values() if receiver is not None)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, by priority, then in the order in which they were made."""
        return tuple(self._registry.connections())

    @property
    def dead_receivers(self) -> tuple[DeadReceiver, ...]:
        """The last few weakly held receivers that were garbage-collected while connected."""
        return tuple(self._registry.dead or ())

    def forget_dead(self, *connections: Connection) -> None:
        """Remove from `dead_receivers` what these connections, or others on the same line, lost.

        Raises:
            ArgumentError: If something is not a connection.
        """
        for it in connections:
            if not isinstance(it, Connection):
                msg = (
                    f"forget_dead() takes connections, one by one, and not {describe_callable(it)}."
                )
                raise ArgumentError(msg)
        self._registry.forget(connections)

    @property
    def is_muted(self) -> bool:
        """Whether what is sent in the current context is swallowed."""
        return is_muted(self._registry.mutes)

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

    def _examine(self, receiver: Callable[..., Any], *, inline: bool) -> None:
        """Refuse a receiver that cannot be connected, without connecting it."""
        try:
            self._registry.examine(canonical(receiver), inline=inline)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None

    def _not_connected(self, who: str, error: SignalError) -> SignalError:
        return type(error)(f"{who} cannot be connected to {title_of(self)}. {error}")

    def _disconnect_one(self, connection: Connection) -> None:
        receiver, sender = connection.receiver, connection.sender
        ended = self._registry.end([connection])
        if ended and receiver is not None:
            self._tell_disconnected(receiver, sender, ended)

    def _connect_on_terms(
        self, receiver: Callable[..., Any], sender: Any, how: Terms
    ) -> list[Connection]:
        made = self._registry.connect(receiver, sender, how)
        if made is None:  # In a finalizer, where it has to wait.
            return []
        connection, previous = made
        self._tell_connected(receiver, sender, connection, previous is None)
        if how[SCOPE] is None and self._registry.watchers.on_connect:
            tell_connected(self, connection, previous)
        return [connection]

    def _tell_connected(
        self,
        receiver: Callable[..., Any],  # noqa: ARG002 - for those who tell of it otherwise.
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
        receiver: Callable[..., Any],  # noqa: ARG002 - for those who tell of it otherwise.
        sender: Any,  # noqa: ARG002 - likewise.
        ended: list[Connection],
    ) -> None:
        if "receiver_disconnected" in self.__dict__:
            for connection in ended:
                self.receiver_disconnected.send(self, connection=connection)

    __repr__ = in_its_words

    def _described(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}{', muted' if self.is_muted else ''}>"

    # A copy is a signal like this one, to which nobody is connected: connections are to this
    # very signal, and many of them hold things that cannot be copied.
    def __getstate__(self) -> dict[str, Any]:
        state = {name: it for name, it in self.__dict__.items() if name not in _NOT_COPIED}
        return state if self.declaration is None else {**state, "declaration": self.declaration}

    def __setstate__(self, state: dict[str, Any]) -> None:
        declaration = state.pop("declaration", None)
        self.__dict__.update(state)
        if declaration is not None:
            self._registry.agree(declaration, {})

    if TYPE_CHECKING:

        def _meta_signal(self, name: str) -> Signal:
            """Return the signal of that name that tells of connections to this one."""
            ...


def _several(receivers: Any) -> tuple[Callable[..., Any], ...]:
    """Return the receivers as a tuple.

    Raises:
        ArgumentError: If it is something else, such as a receiver alone.
    """
    several: tuple[Any, ...] = tuple(receivers) if hasattr(type(receivers), "__iter__") else (None,)
    if not all(map(callable, several)):
        msg = f"except_for={receivers!r} is not a list of receivers: use [receiver, ...]."
        raise ArgumentError(msg)
    return several
