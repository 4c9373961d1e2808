"""Who is connected for whom: adds and ends connections in constant time."""

# The rule of this room: every change runs under the lock, in `change_under_lock` or `under_lock`,
# and nobody else's code runs there, as it could wait for a lock whose owner waits for this one. So
# receivers are looked at before a change, and what a change drops dies after it
# (`keep_until_unlocked`).
#
# Reading takes no lock. A reader copies a dict in one step, and keeps the versions that it read
# before with what it makes of the copy, so that it can be told later whether that is out of date.
#
# Assigned without the lock are only these, as it does not matter who assigns last: the snapshots
# that sends make, in groups, receivers and registries; the fate of a receiver, which a send or its
# death decides; what a receiver omits, before it is connected; and `strict` and `names_sender`,
# when a signal is made.

from __future__ import annotations

from functools import partial
from sys import is_finalizing
from types import FunctionType
from weakref import ref

from heliograph.core.connections.connection import Connection, make_connection, order_of, sort_key
from heliograph.core.connections.dead import remember, without
from heliograph.core.connections.finding import Findable
from heliograph.core.connections.group import Group
from heliograph.core.connections.options import HOW, SCOPE, SITE, WEAKLY, changes_nothing, held
from heliograph.core.connections.receivers import ReceiverRef, make_receiver_ref
from heliograph.core.connections.repair import recount
from heliograph.core.connections.repeated import warn_of_copies
from heliograph.core.connections.shrinking import shrunk
from heliograph.core.connections.state import SOMEONE
from heliograph.core.identity import ANY, identified, same_partial, sender_key
from heliograph.core.lock import change_under_lock, keep_until_unlocked, run_deferred, under_lock
from heliograph.core.mistakes import refuse_inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import Any, Literal

    from heliograph.core.connections.dead import DeadReceiver
    from heliograph.core.connections.options import Options
    from heliograph.core.connections.scopes import Scope
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.source import CallSite

    # The connection, and the one that it replaces: itself, if it was there already.
    Made = tuple[Connection, Connection | None]
    # For whom a receiver is connected, and how often; a tuple if that is one connection, as a dict
    # would take four times the room.
    SenderCounts = tuple[Hashable, ...] | dict[Hashable, int]


def sender_died(connection: Connection, ending: Callable[[], bool] = is_finalizing) -> None:
    """End a connection whose sender has died: the callback of a weak reference."""
    # Modules may be empty already when the interpreter exits.
    registry = None if ending() else connection._receiver_ref.registry_ref()
    if registry is not None:
        run_deferred(partial(registry.remove_dead_sender, connection))


def _lives(receiver_ref: ReceiverRef) -> bool:
    # If its owner drops the receiver just now, it must not die inside the change.
    living = receiver_ref.living()
    keep_until_unlocked(living)
    return living is not None


def _replaces(connection: Connection, previous: Connection) -> bool:
    """Let a connection take the place of one in the order, unless it changes nothing about it."""
    before, how = previous._options, connection._options[HOW]
    if changes_nothing(how, before[HOW]):
        return False
    how = how if before[HOW].weak else held(how, False)
    connection._options = options = how, None, before[SITE]
    connection._sort_key = sort_key(order_of(previous), options)
    return True


class Registry(Findable):
    """The connections of one signal."""

    __slots__ = (
        "__weakref__", "any", "dead", "idle", "lines", "local_connections",
        "receivers", "self_ref", "senders",
    )  # fmt: skip

    if TYPE_CHECKING:
        # Also assigned below; said here because type checkers may not infer them twice.
        anyone: Sequence[object]
        checked: bool
        version: int

    def __init__(self) -> None:
        super().__init__()
        self.senders: dict[Hashable, Group | Connection] = {}
        self.receivers: dict[Hashable, ReceiverRef] = {}
        # Weakly held receivers that are alive, but whose last sender has died.
        self.idle: dict[Hashable, ReceiverRef] = {}
        self.any: Group = Group()
        # How many connections count in some contexts alone.
        self.local_connections: int = 0
        self.dead: deque[DeadReceiver] | None = None
        # How often lines have connected functions that are defined inside of functions: lists of
        # one number, as C has to look once alone then.
        self.lines: dict[int, list[int]] = {}
        self.self_ref: ref[Registry] = ref(self)

    def __del__(self) -> None:
        # A lone connection and its snapshot refer to each other; everything else is freed at once.
        for group in self.senders.values():
            group._snapshot = None
        for receiver_ref in (*self.receivers.values(), *self.idle.values()):
            receiver_ref.shared_snapshot = None

    # What others ask for ---------------------------------------------------------------

    def connect(self, receiver: Any, sender: Any, options: Options) -> Made | None:
        """Connect; returns None if that has to wait for another change of this thread."""
        if type(receiver) is FunctionType:  # As `identified` does; a call is a tenth of it all.
            key: Hashable = id(receiver)
        else:
            receiver, key = identified(receiver)
        if key in self.receivers and options[SCOPE] is None:
            found = self.found_again(receiver, sender, options[HOW])
            if found is not None:
                return found, found
        place: Hashable = ANY if sender is ANY else sender_key(sender)
        made: Made | Literal[False] | None = False
        while made is False:
            declaration = self.declaration
            receiver_ref = self.receivers.get(key)
            if receiver_ref is None or not receiver_ref.accepts(receiver, options):
                receiver_ref = make_receiver_ref(receiver, key, options, self)
                if not options[HOW].weak:
                    warn_of_copies(self, receiver, sender, options)
                if declaration is not None:
                    declaration._fit(receiver_ref, receiver)
            elif receiver_ref.is_async:
                refuse_inline(options[HOW].inline, is_async=True)
            connection = make_connection(receiver_ref, place, options, sender, sender_died)
            made = change_under_lock(Registry.link, self, connection, (receiver, declaration))
        return made

    def disconnect(self, receiver: Any, sender: Any) -> list[Connection]:
        """End the connections of a receiver, for one sender or for all; returns them."""
        if type(receiver) is FunctionType:  # As in `connect`.
            key: Hashable = id(receiver)
        else:
            receiver, key = identified(receiver)
        if key not in self.receivers and issubclass(type(receiver), partial):
            # Each `partial(f, 1)` is another object; the one that makes the same call is meant.
            receiver_refs = list(self.receivers.values())
            key = next((it.key for it in receiver_refs if same_partial(it(), receiver)), key)
        return change_under_lock(Registry._disconnect, self, key, sender) or []

    def end(self, connections: Iterable[Connection]) -> list[Connection]:
        """End these connections; returns those that had not ended before."""
        return [it for it in connections if change_under_lock(Registry._end, self, it, None)]

    def end_one(self, connection: Connection) -> bool:
        """End a connection; tells whether it had not ended before."""
        return bool(change_under_lock(Registry._end, self, connection, None))

    def end_scope(self, scope: Scope, made: list[Connection] | None) -> list[Connection]:
        """End what a temporary block connected; returns what had not ended before."""
        if not made:
            # A signal handler opened the block, or ran while it was opened.
            return under_lock(self._end_scope, scope) or []
        ended = self.end(made)
        return ended if len(ended) == len(made) else ended + self._end_elsewhere(scope, made)

    def _end_elsewhere(self, scope: Scope, made: list[Connection]) -> list[Connection]:
        """End what a block connected before its signal took, or gave back, another registry."""
        theirs = [it for it in made if it._receiver_ref.registry_ref() is not self]
        homes = [(it._receiver_ref.registry_ref(), it) for it in theirs]
        ended = [it for home, it in homes if home is not None and home.end_one(it)]
        return ended + (under_lock(self._end_scope, scope) or [] if theirs else [])

    def forget(self, connections: Iterable[Connection]) -> None:
        """Remove from the dead receivers those that the same lines have connected."""
        under_lock(self._forget, {(it.name, it._options[SITE]) for it in connections})

    def connections(self) -> list[Connection]:
        """Return all connections, by priority and order of connecting."""
        found = self._all()
        # A weak reference's callback may never have begun: it would have been a call too deep, or
        # a signal handler raised first. Then its work is done here.
        overdue = [partial(self.remove_dead_sender, it) for it in found if it() is None]
        receiver_refs = (*self.receivers.values(), *self.idle.values())
        dead = [it.key for it in receiver_refs if it.living() is None]
        overdue += [partial(self.remove_dead_receiver, key) for key in dead]
        for change in overdue:
            run_deferred(change)
        return self._all() if overdue else found

    # Changes: all below must run under the lock ----------------------------------------

    def link(
        self, connection: Connection, checked: tuple[Any, Declaration | None]
    ) -> Made | Literal[False]:
        """Connect, unless the receiver is new and was checked against another declaration."""
        receiver, declaration = checked
        receiver_ref, options = connection._receiver_ref, connection._options
        known = self.receivers.get(receiver_ref.key)
        if known is None:
            return self._add(connection, receiver, declaration)
        if connection._sort_key and self.holds(connection):
            return connection, None  # As in `_add`.
        if known is not receiver_ref:
            known.join(receiver_ref)
            self.outdate_snapshots()
            connection._receiver_ref = receiver_ref = known
        previous = None
        if options[SCOPE] is None:
            previous = self.lasting(receiver_ref, connection._key)
            if previous is not None:
                if not _replaces(connection, previous):
                    return previous, previous
                options = connection._options
            if options == receiver_ref.options:
                # Shared: with a tuple of its own, a connection would be twice as large.
                connection._options = receiver_ref.options
        self._add(connection, receiver, declaration, previous)
        if not options[HOW].weak:
            receiver_ref.hold(receiver)
        if previous is not None:
            # Only now, as a send must find one of the two at any moment.
            self._unlink(previous, receiver_ref, previous._key)
        return connection, previous

    def _add(
        self,
        connection: Connection,
        receiver: Any,
        declaration: Declaration | None = None,
        previous: Connection | None = None,
    ) -> Made | Literal[False]:
        """Put a connection into the tables, in the place of *previous* if there is one.

        Nothing is done if the receiver is new, and was checked against another declaration.
        """
        receiver_ref, key, options = connection._receiver_ref, connection._key, connection._options
        receivers, receiver_key, scope = self.receivers, receiver_ref.key, options[SCOPE]
        known = receivers.get(receiver_key)
        if known is not receiver_ref:
            if known is not None or declaration is not self.declaration:
                # It was not new any more, or was checked against another declaration.
                return False if known is None else self.link(connection, (receiver, declaration))
            receivers[receiver_key] = receiver_ref
            # A repair may have let it go, where this is made again after an interruption.
            if options[HOW] is not WEAKLY and not (options[HOW].weak or receiver_ref.strong_count):
                receiver_ref.hold(receiver)
        elif connection._sort_key and self.holds(connection):
            return connection, None  # A pending change is made again, if it was interrupted.
        order = self.version + 1  # The version that has it, as versions only grow.
        connection._sort_key = connection._sort_key or (
            order if options[HOW] is WEAKLY else sort_key(order, options)
        )
        if scope is not None and not scope.everywhere:
            self.local_connections += 1
        group = self.any if key is ANY else self.senders.get(key)
        if type(group) is Group:
            # As `Group.add` does, whose call would take as long again.
            group.connections[receiver_ref if scope is None else connection] = connection
            group._version += 1
            group._snapshot = None
        elif type(group) is Connection and group is not previous:
            self.senders[key] = Group(group, connection)
        else:
            self.senders[key] = connection
        counts = receiver_ref.sender_counts
        receiver_ref.sender_counts = _counted(counts, key) if counts else (key,)
        if self.idle:
            self._no_longer_idle(receiver_key)
        self.version += 1
        self.anyone = self.anyone if self.silent else SOMEONE
        return connection, None

    def _disconnect(self, key: Hashable, sender: Any) -> list[Connection]:
        if self.idle:
            self._no_longer_idle(key)
        receiver_ref = self.receivers.get(key)
        if receiver_ref is None:
            return []
        here = receiver_ref.sender_counts
        keys = tuple(here) if sender is ANY else (sender_key(sender),)
        return [it for each in keys for it in self._of(receiver_ref, each) if self._end(it)]

    def _end_scope(self, scope: Scope) -> list[Connection]:
        return [it for it in self._all() if it._options[SCOPE] is scope and self._end(it)]

    def _end(self, connection: Connection, _: None = None) -> bool:
        """Take a connection out of the tables; whoever calls this keeps it until it is unlocked."""
        receiver_ref, key = connection._receiver_ref, connection._key
        group = self.any if key is ANY else self.senders.get(key)
        if type(group) is Group:
            connections = group.connections
            place = receiver_ref if connection._options[SCOPE] is None else connection
            if connections.get(place) is not connection:
                return False
            del connections[place]
            left = len(connections)
            if not left & (left - 1):
                group.connections = shrunk(connections)
            group._version += 1
            group._snapshot = None
            if not left and key is not ANY:
                self._remove_sender(key)
        elif group is connection:
            self._remove_sender(key)
        else:
            return False
        self._unlink(connection, receiver_ref, key)
        return True

    def _unlink(self, connection: Connection, receiver_ref: ReceiverRef, key: Hashable) -> None:
        """Count one connection less."""
        connection._snapshot = None  # They refer to each other.
        how, scope, _ = connection._options
        if how is not WEAKLY and not how.weak:
            receiver_ref.strong_count -= 1
            if not receiver_ref.strong_count:
                keep_until_unlocked(receiver_ref.release())
        if scope is not None and not scope.everywhere:
            self.local_connections -= 1
        counts = receiver_ref.sender_counts
        if type(counts) is dict and counts[key] > 1:
            counts[key] -= 1
        elif type(counts) is dict and len(counts) > 1:
            del counts[key]
            receiver_ref.sender_counts = shrunk(counts)
        else:
            receiver_ref.sender_counts = ()
            receiver_ref.shared_snapshot = None
            receivers = self.receivers
            del receivers[receiver_ref.key]
            left = len(receivers)
            if not left:
                self.receivers = {}
                self.changed()
                return
            if not left & (left - 1):
                self.receivers = shrunk(receivers)
        self.version += 1

    def _remove_sender(self, key: Hashable) -> None:
        del self.senders[key]
        self.senders = shrunk(self.senders)

    def remove_dead_sender(self, connection: Connection) -> None:
        """End a connection whose sender is dead."""
        receiver_ref = connection._receiver_ref
        self._end(connection)
        if not receiver_ref.sender_counts and _lives(receiver_ref):
            self.idle[receiver_ref.key] = receiver_ref

    def remove_dead_receiver(self, key: Hashable) -> None:
        """End the connections of a receiver, if it is dead."""
        self._no_longer_idle(key)
        receiver_ref = self.receivers.get(key)
        if receiver_ref is None or _lives(receiver_ref):
            return
        self.dead, lost = remember(self.dead, receiver_ref)
        if lost:  # The next send asks whether to warn of it.
            self._check(True)
        for sender in list(receiver_ref.sender_counts):
            for connection in self._of(receiver_ref, sender):
                keep_until_unlocked(connection)
                self._end(connection)

    def _no_longer_idle(self, key: Hashable) -> None:
        if self.idle.pop(key, None) is not None:
            self.idle = shrunk(self.idle)

    def _forget(self, known: set[tuple[str, CallSite]]) -> None:
        self.dead = without(known, self.dead)

    def repair(self) -> None:
        """Repair what an interrupted change left half made."""
        # It may have changed a group and not yet this: no group has a newer version.
        self.version += 1
        for connection in recount(self, self._all()):
            keep_until_unlocked(connection)
            self._end(connection)
        self.any._snapshot = None
        self.sort_mutes()
        self.outdate_snapshots()


def _counted(counts: SenderCounts, key: Hashable) -> SenderCounts:
    """Count one more connection of a receiver that has others."""
    if not isinstance(counts, dict):
        counts = dict.fromkeys(counts, 1)
    counts[key] = counts[key] + 1 if key in counts else 1
    return counts
