"""What a signal tells about its connections: which exist, and when one is made or ended."""

from __future__ import annotations

from functools import cached_property
from types import GenericAlias

from heliograph.core.connections.connection import Connection
from heliograph.core.connections.live import Anyone, Kept, Receivers
from heliograph.core.connections.registry import Registry
from heliograph.core.connections.scopes import is_muted
from heliograph.core.copying import Copyable
from heliograph.core.describe import describe_callable
from heliograph.core.errors import ArgumentError
from heliograph.core.identity import forget_type
from heliograph.core.lock import under_lock
from heliograph.core.showing import in_its_words
from heliograph.core.source import pass_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Generic, Self

    from heliograph.core._types import P as P  # noqa: PLC0414 - `signal` has it from here.
    from heliograph.core.connections.dead import DeadReceiver
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.signal import Signal

else:

    class Generic:
        """Stands in for that of `typing`: a subscript is kept, and means nothing."""

        # No slots: signals of other classes become ours only if they have the same layout.
        __class_getitem__ = classmethod(GenericAlias)

    P = "P"


class Connected(Copyable, Generic[P]):
    """The part of a signal that knows its connections."""

    _not_copied = Copyable._not_copied | {
        "_registry",
        "receiver_connected",
        "receiver_disconnected",
        "receivers",
    }

    name: str | None = None
    _registry: Registry
    _registry_class = Registry
    _keeps_registry = True
    _tells = False
    """Whether the signal is told of its connections even if it has no meta-signal."""
    _anyone_class: type[Any] = Anyone
    _receivers_class: type[Any] = Receivers
    _forget_type = staticmethod(forget_type)
    _pass_over = staticmethod(pass_over)

    # Not in `__init__`, which some subclasses never call.
    def __new__(cls, *_: object, **__: object) -> Self:
        """Make a signal without receivers."""
        signal = object.__new__(cls)
        signal._registry = cls._registry_class()
        return signal

    @property
    def declaration(self) -> Declaration | None:
        """The declaration of the signal, made by `Namespace.declare` for example, or None."""
        return self._registry.declaration

    if TYPE_CHECKING:

        @property
        def receivers(self) -> Sequence[Callable[..., Any]]:
            """All live receivers, each once."""
            ...

    else:

        @Kept
        def receivers(self):
            """All live receivers, each once: a view, useful as ``if signal.receivers``.

            It changes with the connections, as the views of a dict do. It also has the
            receivers of a muted signal: use `has_receivers_for` or `receivers_for` to ask which
            receivers a send would call. Receivers that are connected only in other contexts,
            with ``local=True``, do not count.

            The view compares, shows, iterates and is indexed like a tuple of the receivers;
            ``tuple(signal.receivers)`` is a copy that does not change.
            """
            return self._new_view()

    @staticmethod
    def _revive(registry: Any, connection: Connection, receiver: Any) -> None:
        """Bring back a connection that has ended; see `revive`."""
        from heliograph.core.connections.reviving import revive

        revive(registry, connection, receiver)

    def _new_view(self) -> Any:
        return self._receivers_class(self._registry)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, except `receivers`: connect and disconnect receivers instead."""
        # A subclass may have a property of its own.
        if name == "receivers" and not hasattr(type(type(self).receivers), "__set__"):
            self._set_receivers(value)
        else:
            object.__setattr__(self, name, value)

    def _set_receivers(self, table: object) -> None:  # noqa: ARG002 - subclasses may accept it.
        msg = "receivers cannot be set: use connect() and disconnect()."
        raise AttributeError(msg, name="receivers", obj=self)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, by priority, then in the order in which they were made."""
        return tuple(self._registry.connections())

    @property
    def dead_receivers(self) -> tuple[DeadReceiver, ...]:
        """The last 16 weakly held receivers that were garbage-collected while connected."""
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
        """Whether a send in the current context reaches no receiver at all.

        It is False if a mute that counts here excepts receivers; those are called.
        """
        return is_muted(self._registry.mutes)

    @cached_property
    def receiver_connected(self) -> Signal:
        """Sent by this signal after a connection was made, with it as ``connection``.

        A receiver that raises undoes the connection, and `connect` raises the error.
        """
        return self._meta_signal("receiver_connected")

    @cached_property
    def receiver_disconnected(self) -> Signal:
        """Sent by this signal after a connection was ended on purpose, with it as ``connection``.

        It is not sent when a connection ends because its receiver or sender died.
        """
        return self._meta_signal("receiver_disconnected")

    def _tell_connected(
        self,
        receiver: Callable[..., Any],  # noqa: ARG002 - for subclasses that tell of it in other ways.
        sender: Any,  # noqa: ARG002 - for subclasses, too.
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
        receiver: Callable[..., Any],  # noqa: ARG002 - for subclasses that tell of it in other ways.
        sender: Any,  # noqa: ARG002 - for subclasses, too.
        ended: list[Connection],
    ) -> None:
        # Here somebody has looked at the meta-signal: it is asked before this is called.
        for connection in ended:
            self.receiver_disconnected.send(self, connection=connection)

    __repr__ = in_its_words

    def _described(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}{', muted' if self.is_muted else ''}>"

    # A copy of a signal has no receivers: connections belong to one signal, and many of
    # them hold objects that cannot be copied.
    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return state if self.declaration is None else {**state, "declaration": self.declaration}

    def __setstate__(self, state: dict[str, Any]) -> None:
        declaration = state.pop("declaration", None)
        self.__dict__.update(state)
        if declaration is not None:
            from heliograph.core.declared.admission import set_declaration

            under_lock(set_declaration, self._registry, declaration, {})

    if TYPE_CHECKING:

        def _meta_signal(self, name: str) -> Signal:
            """Return the meta-signal of that name, which is sent for connections to this signal."""
            ...
