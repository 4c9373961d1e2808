"""One receiver, connected for one sender: with its delivery options."""

from __future__ import annotations

from weakref import ref

from heliograph.core.connections.options import HOW, SCOPE, SITE
from heliograph.core.describe import describe_sender
from heliograph.core.identity import ANY, sender_key, unwrapped
from heliograph.core.showing import shown
from heliograph.core.source import file_and_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, NoReturn

    from heliograph.core.connections.options import Options
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.sending.snapshot import Snapshot

_ORDER = (1 << 64) - 1
HELD_WEAKLY = object()


class Connection(ref[object]):
    """One receiver, connected for one sender. Read-only.

    `Signal.connections` lists them, and the meta-signals carry them. A connection is
    itself the weak reference to its sender, and ends when the sender dies.
    """

    # A million connections of one receiver to a million senders cost 276 bytes each, because
    # each needs only this object.
    __slots__ = ("_key", "_options", "_receiver_ref", "_sender", "_snapshot", "_sort_key")

    _version = 0

    if TYPE_CHECKING:
        _key: Hashable
        _receiver_ref: ReceiverRef
        _sender: Any
        _sort_key: int  # 0 until it is in the tables.
        _options: Options
        _snapshot: Snapshot | None

    # A weak reference compares and hashes like its object, which may have no hash.
    if not TYPE_CHECKING:  # pragma: no branch - what type checkers would object to.
        __eq__ = object.__eq__
        __ne__ = object.__ne__
        __hash__ = object.__hash__

    @property
    def receiver(self) -> Callable[..., Any] | None:
        """The receiver, or None once it is dead."""
        return self._receiver_ref()  # type: ignore[no-any-return]  # Any callable.

    @property
    def name(self) -> str:
        """The receiver's qualified name, with its module."""
        return self._receiver_ref.name

    @property
    def sender(self) -> Any:
        """The sender that the receiver is connected for, or `ANY`; None once it is dead."""
        return self() if self._sender is HELD_WEAKLY else self._sender

    @property
    def priority(self) -> int:
        """Receivers with a higher one are called earlier; equal ones in order of connecting."""
        return self._options[HOW].priority

    @property
    def on_error(self) -> str:
        """What happens to errors of the receiver: ``"raise"`` or ``"log"``."""
        return self._options[HOW].on_error

    @property
    def inline(self) -> bool:
        """Whether `Signal.send_async` calls the receiver in place, even if given a wrapper."""
        return self._options[HOW].inline

    @property
    def when(self) -> str | None:
        """``"after_commit"`` for a receiver that waits for the transaction, or None."""
        return self._options[HOW].when

    @property
    def weak(self) -> bool:
        """Whether this connection lets the receiver be garbage-collected."""
        return self._options[HOW].weak

    @property
    def local(self) -> bool:
        """Whether it counts only in the contexts inside the block that made it."""
        scope = self._options[SCOPE]
        return scope is not None and not scope.everywhere

    @property
    def is_async(self) -> bool:
        """Whether the receiver has to be awaited."""
        return self._receiver_ref.is_async

    @property
    def takes_extra(self) -> bool:
        """Whether the receiver takes arguments that it does not name, as ``**extra``.

        A receiver that does not will fail when a send has more arguments, unless those are
        declared with a default.
        """
        from heliograph.core.declared.signatures import (
            takes_extra,
        )

        receiver = self.receiver
        return receiver is not None and takes_extra(receiver)

    @property
    def location(self) -> str:
        """The ``file:line`` that connected the receiver."""
        return file_and_line(self._options[SITE])

    @property
    def receiver_failures(self) -> int:
        """How many errors of the receiver were logged instead of raised, for all its senders."""
        return self._receiver_ref.failures

    @property
    def connected(self) -> bool:
        """Whether the connection still exists."""
        registry = self._receiver_ref.registry_ref()
        return registry is not None and registry.holds(self)

    def hears(self, sender: Any) -> bool:
        """Tell whether it is for all senders, or for this one.

        A receiver that hears a sender may not be called nevertheless: it may be muted, or count in
        other contexts alone. `Signal.receivers_for` tells who would be called.

        Raises:
            RuntimeError: Or any other error that an unbound proxy raises, unchanged.
        """
        if self._key is ANY:
            return True
        # A dead sender's id may be that of another object by now.
        return self() is not None and self._key == sender_key(unwrapped(sender))

    @shown
    def __repr__(self) -> str:
        options = [f"priority={self.priority}"] if self.priority else []
        options += ["on_error='log'"] if self.on_error == "log" else []
        options += ["inline=True"] if self.inline else []
        options += [f"when={self.when!r}"] if self.when else []
        options += [] if self.weak else ["weak=False"]
        sender = describe_sender(self.sender)
        how = f" with {', '.join(options)}" if options else ""
        ended = "" if self.connected else ", ended"
        return f"<Connection of {self.name} for {sender}{how}, at {self.location}{ended}>"

    if not TYPE_CHECKING:
        # Not in `__getattr__`: with that, each look at an attribute that exists takes four times as
        # long, and a change takes ten of them.
        @property
        def disconnect(self) -> NoReturn:
            """Tell who ends a connection: it has no such method."""
            msg = (
                f"{type(self).__name__!r} object has no attribute 'disconnect'. A connection is "
                "ended by its signal: use `signal.disconnect(connection)`."
            )
            raise AttributeError(msg, name="disconnect", obj=self)


def make_connection(
    receiver_ref: ReceiverRef,
    key: Hashable,
    options: Options,
    sender: Any,
    died: Callable[[Connection], object] | None,
) -> Connection:
    """Make a connection without a place in the order; *died* is called when its sender dies."""
    if type(key) is not int:  # It is compared by value, so an equal object is the same sender.
        made = Connection(ANY)
        made._sender = sender
    else:
        try:
            made = Connection(sender, died)
            made._sender = HELD_WEAKLY
        except TypeError:
            # Held strongly: otherwise another object could get its id and be taken for it.
            made = Connection(ANY)
            made._sender = sender
    made._receiver_ref = receiver_ref
    made._key = key
    made._sort_key = 0
    made._options = options
    made._snapshot = None
    return made


def sort_key(order: int, options: Options) -> int:
    """Return one number that sorts by priority, the highest first, then by order."""
    return order - (options[HOW].priority << 64)


def holds_object(connection: Connection) -> bool:
    """Tell whether a connection holds its sender, which has no weak references and is no value."""
    return type(connection._key) is int and connection._sender is not HELD_WEAKLY


def order_of(connection: Connection) -> int:
    """Return the number of the connection in the order in which they were made."""
    return connection._sort_key & _ORDER
