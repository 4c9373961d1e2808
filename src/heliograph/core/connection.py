"""One receiver, connected for one sender: the record, with its delivery options."""

from __future__ import annotations

import sys
from types import MethodType
from weakref import ref

from heliograph.core.callables import examined, name_of
from heliograph.core.errors import ArgumentError, ReceiverError, ReceiverWarning
from heliograph.core.identity import ANY, Held, held_weakly

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import CodeType
    from typing import Any, Final

    from heliograph.core.plan import Plan
    from heliograph.core.registry import Registry

    Place = tuple[CodeType, int]
    Terms = tuple[int, str, bool, bool, "Scope | None", Place]

_PACKAGE = __file__.rpartition("core")[0]
_AGE = (1 << 64) - 1
_HELD_WEAKLY = object()

# How a connection delivers is one tuple, which the equal ones of a receiver share.
PRIORITY: Final = 0
ON_ERROR: Final = 1
INLINE: Final = 2
WEAK: Final = 3
SCOPE: Final = 4
PLACE: Final = 5


class Scope:
    """One `with` block that connects or mutes: everywhere, or in its own context alone."""

    __slots__ = ("everywhere",)

    def __init__(self, *, everywhere: bool) -> None:
        self.everywhere = everywhere


def terms(
    priority: int, on_error: str, *, inline: bool, weak: bool, scope: Scope | None = None
) -> Terms:
    """Return how a connection delivers, checked.

    Raises:
        ArgumentError: If an option has a value that it cannot have.
    """
    if on_error not in ("raise", "log"):
        msg = f"on_error={on_error!r} is not a way to treat errors: use 'raise' or 'log'."
        raise ArgumentError(msg)
    if not isinstance(priority, int):
        msg = f"priority={priority!r} is not a number: use an int, higher is called earlier."
        raise ArgumentError(msg)
    return priority, on_error, inline, weak, scope, _caller()


def _caller() -> Place:
    # The code object and an offset into it, because finding the line number takes
    # longer than all the rest of connecting, and few ask for it.
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def line_of(place: Place) -> int:
    """Return the line number of a place in the source."""
    code, offset = place
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def where_is(place: Place) -> str:
    """Return a place in the source as ``file:line``."""
    return f"{place[0].co_filename}:{line_of(place)}"


def warn_at(place: Place, message: str) -> None:
    """Warn of a receiver that was connected at a place."""
    from warnings import warn_explicit  # Only those who are warned pay for it.

    warn_explicit(message, ReceiverWarning, place[0].co_filename, line_of(place))


class DeadReceiver:
    """What is left of a weakly held receiver that was garbage-collected."""

    __slots__ = ("_place", "name")

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self._place = place

    @property
    def where(self) -> str:
        """The ``file:line`` that connected it."""
        return where_is(self._place)

    def __repr__(self) -> str:
        return f"<DeadReceiver {self.name}, connected at {self.where}>"


class Record:
    """A receiver as one signal knows it, with the keys of the senders it is connected for."""

    __slots__ = (
        "anchor",
        "failures",
        "home",
        "is_async",
        "key",
        "links",
        "name",
        "resolve",
        "strong",
        "terms",
    )

    def __init__(
        self,
        receiver: Any,
        key: Hashable,
        how: Terms,
        home: Callable[[], Registry | None],
        died: Callable[[Any], object],
    ) -> None:
        self.is_async, generates = examined(receiver)
        # Weakly wherever it can be, so that no snapshot keeps a receiver alive; the
        # anchor is what strong connections hold on to.
        self.resolve: Callable[[], Any]
        try:
            self.resolve = held_weakly(receiver, died)
        except ReceiverError:
            if how[WEAK]:
                raise
            self.resolve = Held(receiver)
        self.anchor: Any = None
        self.strong = 0
        self.key = key
        self.links: dict[Hashable, int] = {}
        self.home = home
        self.name = name_of(receiver)
        self.terms = how
        self.failures = 0
        if generates:
            message = (
                f"{self.name} is a generator function: calling it runs none of its lines, so as "
                "a receiver it does nothing. Take the yield out."
            )
            warn_at(how[PLACE], message)

    def serves(self, how: Terms) -> bool:
        """Tell whether this record can carry a connection on such terms."""
        return self.resolve() is not None and not (how[WEAK] and isinstance(self.resolve, Held))

    def hold(self, receiver: Any) -> None:
        """Hold the receiver strongly, for one connection more."""
        self.strong += 1
        self.anchor = receiver
        if isinstance(self.resolve, Held):  # It may have been let go in between.
            self.resolve.receiver = receiver

    def let_go(self) -> object:
        """Hold the receiver strongly no more; returns what may now be dropped."""
        dropped = self.anchor
        self.anchor = None
        if isinstance(self.resolve, Held):
            dropped, self.resolve.receiver = self.resolve.receiver, None
        return dropped


class Connection(ref[object]):
    """One receiver, connected for one sender. Read-only.

    It is what `Signal.connections` lists and what the meta-signals carry. It is
    also the weak reference to its sender, and ends when the sender dies.
    """

    # A million connections of one receiver to a million senders cost 250 bytes each
    # because this is the one object that each of them needs.
    __slots__ = ("_key", "_order", "_record", "_sender", "_terms", "plan")

    stamp = 0

    if TYPE_CHECKING:
        _key: Hashable
        _order: int
        _record: Record
        _sender: Any
        _terms: Terms
        plan: Plan | None

    # A reference would compare by what it refers to, which may have no hash.
    if not TYPE_CHECKING:  # pragma: no branch - what type checkers would object to.
        __eq__ = object.__eq__
        __ne__ = object.__ne__
        __hash__ = object.__hash__

    @property
    def receiver(self) -> Callable[..., Any] | None:
        """The receiver, or None once it is dead."""
        return self._record.resolve()  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The receiver's qualified name, with its module."""
        return self._record.name

    @property
    def sender(self) -> Any:
        """The only sender that is heard, or `ANY`; None once it is dead."""
        return self() if self._sender is _HELD_WEAKLY else self._sender

    @property
    def priority(self) -> int:
        """Receivers with a higher one are called earlier; those with the same, in order of age."""
        return self._terms[PRIORITY]

    @property
    def on_error(self) -> str:
        """What becomes of the receiver's errors: ``"raise"`` or ``"log"``."""
        return self._terms[ON_ERROR]

    @property
    def inline(self) -> bool:
        """Whether `Signal.send_async` calls the receiver in place, whatever wrapper it is given."""
        return self._terms[INLINE]

    @property
    def weak(self) -> bool:
        """Whether the receiver may be garbage-collected as far as this connection goes."""
        return self._terms[WEAK]

    @property
    def is_async(self) -> bool:
        """Whether the receiver has to be awaited."""
        return self._record.is_async

    @property
    def where(self) -> str:
        """The ``file:line`` that connected the receiver."""
        return where_is(self._terms[PLACE])

    @property
    def failures(self) -> int:
        """How many errors of this receiver were logged instead of raised, over all its senders."""
        return self._record.failures

    @property
    def connected(self) -> bool:
        """Whether it still is."""
        registry = self._record.home()
        return registry is not None and registry.holds(self)

    def __repr__(self) -> str:
        sender = "ANY" if self.sender is ANY else f"a {type(self.sender).__qualname__}"
        return f"<Connection of {self.name} for {sender}, at {self.where}>"


def connected(
    record: Record,
    key: Hashable,
    order: int,
    how: Terms,
    sender: Any,
    died: Callable[[Connection], object],
) -> Connection:
    """Make a connection; *died* is called with it when its sender dies."""
    held = sender
    # A bound method is made anew by each look at it, so a weak one would be gone at once.
    if sender is not ANY and not isinstance(sender, (str, int, MethodType)):
        try:
            made = ref.__new__(Connection, sender, died)
            held = _HELD_WEAKLY
        except TypeError:
            # Held strongly, or another object could get its id and be taken for it.
            made = ref.__new__(Connection, ANY)
    else:
        made = ref.__new__(Connection, ANY)
    made._sender = held
    made._record = record
    made._key = key
    made._order = order
    made._terms = how
    made.plan = None
    return made


def age_of(connection: Connection) -> int:
    """Return the number of the connection in the order in which they were made."""
    return connection._order & _AGE


def order_of(age: int, priority: int) -> int:
    """Return one number that sorts by priority, the highest first, then by age."""
    return age - (priority << 64)
