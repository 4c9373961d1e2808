"""Who is connected for whom: adds and ends connections in constant time."""

from __future__ import annotations

from collections import deque
from functools import partial
from sys import is_finalizing
from weakref import ref

from heliograph.core.callables import examined
from heliograph.core.connections.connection import Connection, age_of, connected
from heliograph.core.connections.dead import LOST, DeadReceiver, is_told_of
from heliograph.core.connections.group import Group, in_order, listed
from heliograph.core.connections.options import INLINE, PLACE, SCOPE, WEAK
from heliograph.core.connections.receivers import NOTHING, Record, recorded
from heliograph.core.connections.repair import recount
from heliograph.core.connections.tables import shrunk
from heliograph.core.errors import ReceiverError
from heliograph.core.identity import (
    ANY,
    identified,
    same_partial,
    sender_key,
)
from heliograph.core.lock import keep_until_unlocked, run_deferred, under_lock
from heliograph.core.mistakes import refuse_inline, without_object
from heliograph.core.observing.wishes import EVERYWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from typing import Any, Literal

    from heliograph.core.connections.options import Terms
    from heliograph.core.connections.scopes import Mutes, Scope
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.observing.wishes import Watchers
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.source import Place

    # The connection, and the one in whose place it is: itself, if that says all already.
    Made = tuple[Connection, Connection | None]

_SOMEONE = (True,)

_NO_SNAPSHOT: Any = (-1, type, None)  # There is no version -1.

_REMEMBERED = 16
"""Dead receivers of a signal: a few are enough to find out what went wrong."""

# Rule of this file: whatever changes a registry runs in `under_lock`. Reading takes no
# lock: a reader copies a dict in one step, and what it builds of the copy carries the
# versions that it read before, by which anybody can tell that it is out of date.


def _sender_died(connection: Connection, ending: Callable[[], bool] = is_finalizing) -> None:
    # What modules are made of may be gone when the interpreter ends.
    registry = None if ending() else connection._record.home()
    if registry is not None:
        run_deferred(partial(registry._orphan, connection))


def _lives(record: Record) -> bool:
    # Others may let the receiver go just now: it must not die in a change for having been seen.
    living = record.living()
    keep_until_unlocked(living)
    return living is not None


def fit(record: Record, receiver: Any, declaration: Declaration) -> None:
    """Note what a receiver is spared of a declared payload.

    Raises:
        ReceiverError: If it cannot take what is declared.
    """
    from heliograph.core.declared.compatibility import left_out_for, warn_of_deprecation

    record.left_out = left_out_for(receiver, declaration)
    warn_of_deprecation(receiver, declaration, record.terms[PLACE])


class Registry:
    """The connections of one signal."""

    __slots__ = (
        "__weakref__",
        "any",
        "anyone",
        "checked",
        "clock",
        "dead",
        "declaration",
        "home",
        "idle",
        "last_snapshot",
        "lenient",
        "mutes",
        "names_sender",
        "needs_slow_path",
        "overridden",
        "receivers",
        "senders",
        "version",
        "watchers",
    )

    keeps_snapshots = True
    """Whether sends look for the last snapshot here; they do not where C looks for it."""

    def __init__(self) -> None:
        self.senders: dict[Hashable, Group | Connection] = {}
        self.receivers: dict[Hashable, Record] = {}
        # Weakly held receivers that live on, but whose last sender has died.
        self.idle: dict[Hashable, Record] = {}
        self.any: Group = Group()
        self.home: ref[Registry] = ref(self)
        self.mutes: Mutes = {}
        self.dead: deque[DeadReceiver] | None = None
        self.clock: int = 0
        self.overridden: bool = False
        # Whether what Blinker lets pass, and cannot be meant, is warned of instead of refused.
        self.lenient: bool = False
        # Whether what is sent has a key `sender`, besides the one who sends.
        self.names_sender: bool = False
        # What is known of every payload, and whether each send is still held against it.
        self.declaration: Declaration | None = None
        self.checked: bool = False
        # What a send reads: who watches; whether anyone receives or watches at all; whether a
        # snapshot does not say all; the last snapshot, where it is for all senders of a type; and
        # what every change changes.
        self.watchers: Watchers = EVERYWHERE
        self.anyone: Sequence[object] = EVERYWHERE
        self.needs_slow_path: bool = False
        self.last_snapshot: tuple[int, type, Snapshot] = _NO_SNAPSHOT
        self.version: int = 0

    def __del__(self) -> None:
        # Only a lone connection and its snapshot refer to each other: all else is freed at once.
        for group in self.senders.values():
            group._snapshot = None
        for record in (*self.receivers.values(), *self.idle.values()):
            record.shared_snapshot = None

    def connect(self, receiver: Any, sender: Any, how: Terms) -> Made | None:
        """Connect; returns None if it has to wait."""
        receiver, key = identified(receiver)
        made: Made | Literal[False] | None = False
        while made is False:
            declaration = self.declaration
            record = self.receivers.get(key)
            if record is None or not record.serves(receiver, how):
                record = recorded(receiver, key, how, self.home)
                if declaration is not None:
                    fit(record, receiver, declaration)
            if record.is_async:
                refuse_inline(how[INLINE], is_async=True)
            made = under_lock(self._connect, declaration, record, receiver, sender, how)
        return made

    def disconnect(self, receiver: Any, sender: Any) -> list[Connection]:
        """End the connections of a receiver, for one sender or for all; returns them."""
        receiver, key = identified(receiver)
        if issubclass(type(receiver), partial) and key not in self.receivers:
            # Each is another object, but one that makes the same call is what is meant.
            records = list(self.receivers.values())
            key = next((it.key for it in records if same_partial(it(), receiver)), key)
        return under_lock(self._disconnect, key, sender) or []

    def end(self, connections: Iterable[Connection]) -> list[Connection]:
        """End just these connections; returns those that had not ended already."""
        return [connection for connection in connections if under_lock(self._end, connection)]

    def end_scope(self, scope: Scope, made: list[Connection] | None) -> list[Connection]:
        """End what a temporary block connected; returns what was still there."""
        if not made:
            # A signal handler opened the block, or came while it was opened.
            return under_lock(self._end_scope, scope) or []
        return self.end(made)

    def forget(self, connections: Iterable[Connection]) -> None:
        """Remove from the dead receivers those that the same lines have connected."""
        under_lock(self._forget, {(it.name, it._terms[PLACE]) for it in connections})

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection has not ended yet."""
        return connection in self._of(connection._record, connection._key)

    def count_failure(self, connection: Connection) -> None:
        """Count an error of a receiver that was logged."""
        under_lock(self._count_failure, connection._record)

    def override(self, *, on: bool) -> None:
        """Let every send ask the signal itself who is to be called, or none any more."""
        self.overridden = on
        under_lock(self._changed)

    def examine(self, receiver: Any, *, inline: bool) -> None:
        """Look at a receiver as `connect` does, without connecting it.

        Raises:
            ReceiverError: If it cannot be a receiver of this signal.
            ArgumentError: If it cannot be connected inline.
        """
        is_async, _ = examined(receiver)
        refuse_inline(inline, is_async=is_async)
        problem = without_object(receiver, self)
        if problem is not None and not self.lenient:
            raise ReceiverError(problem)
        if self.declaration is not None:
            from heliograph.core.declared.compatibility import (
                left_out_for,
            )

            left_out_for(receiver, self.declaration)

    def agree(
        self, declaration: Declaration | None, spared: Mapping[Record, frozenset[str]]
    ) -> None:
        """Be declared so, and spare receivers what they do not take. Must run under the lock.

        Whoever calls this has found out that every receiver takes what is declared.
        """
        self.declaration = declaration
        for record in self.receivers.values():
            record.left_out = spared.get(record, NOTHING)
        self.checked |= declaration is not None
        self._outdate_snapshots()

    def check(self, *, on: bool) -> None:
        """Let every send ask whether it is to be held against the declaration, or none any more."""
        self.checked = on
        under_lock(self._outdate_snapshots)

    def mute(self, scope: Scope, spared: frozenset[Hashable] | None) -> None:
        """Call only the spared receivers, by their keys, inside of a scope; None ends the mute."""
        under_lock(self._mute, scope, spared)

    def be_watched_by(self, watchers: Watchers) -> None:
        """Let these instruments watch, and no others. Must run under the lock."""
        self.watchers = watchers
        if self.anyone is not _SOMEONE:
            self.anyone = watchers

    def connections(self) -> list[Connection]:
        """Return all connections, by priority and age."""
        found = self._all()
        # Where the callback of a weak reference could not even begin, as it would have been a
        # call too deep, or a signal handler raised first.
        forgotten = [partial(self._orphan, it) for it in found if it() is None]
        records = [*self.receivers.values(), *self.idle.values()]
        forgotten += [partial(self.bury, it.key) for it in records if it.living() is None]
        for each in forgotten:
            run_deferred(each)
        return self._all() if forgotten else found

    def _all(self) -> list[Connection]:
        found = listed(self.any)
        for group in list(self.senders.values()):
            found += listed(group)
        found.sort(key=in_order)
        return found

    def _connect(
        self,
        declaration: Declaration | None,
        record: Record,
        receiver: Any,
        sender: Any,
        how: Terms,
    ) -> Made | Literal[False]:
        """Connect, unless the receiver is new and was held against another declaration."""
        # What it takes is found out before, as looking at a signature may run anybody's code.
        if declaration is not self.declaration and record.key not in self.receivers:
            return False
        known = self.receivers.setdefault(record.key, record)
        if known is not record:
            known.join(record)
            self._outdate_snapshots()
            record = known
        key: Hashable = ANY if sender is ANY else sender_key(sender)
        if record.links and how[SCOPE] is None:
            previous = self._lasting(record, key)
            if previous is not None:
                return self._reconnect(previous, receiver, sender, how)
            if how == record.terms:
                how = record.terms  # Shared: a tuple each would double the size of a connection.
        self.clock = age = self.clock + 1
        connection = connected(record, key, age, how, sender, _sender_died)
        self._link(connection, record, key, None)
        if not how[WEAK]:
            record.hold(receiver)
        return connection, None

    def _reconnect(self, previous: Connection, receiver: Any, sender: Any, how: Terms) -> Made:
        # Strong stays strong, as somebody relies on it; and the first place is the place.
        weak = how[WEAK] and previous.weak
        how = (*how[:WEAK], weak, None, previous._terms[PLACE])
        if how == previous._terms:
            return previous, previous
        record, key = previous._record, previous._key
        if how == record.terms:
            how = record.terms
        connection = connected(record, key, age_of(previous), how, sender, _sender_died)
        self._link(connection, record, key, previous)
        if not weak:
            record.hold(receiver)
        # Only now, as a send at any moment must find one of the two.
        self._unlink(previous)
        return connection, previous

    def _link(
        self, connection: Connection, record: Record, key: Hashable, previous: Connection | None
    ) -> None:
        if key is ANY:
            self.any.add(connection)
        else:
            group = self.senders.get(key)
            if group is None or group is previous:
                self.senders[key] = connection
            else:
                if isinstance(group, Connection):
                    group = self.senders[key] = Group(group)
                group.add(connection)
        links = record.links
        links[key] = links[key] + 1 if key in links else 1
        self._no_longer_idle(record.key)
        self.version += 1
        self.anyone = _SOMEONE

    def _end(self, connection: Connection) -> bool:
        key = connection._key
        group = self.any if key is ANY else self.senders.get(key)
        if isinstance(group, Group):
            if not group.remove(connection):
                return False
            if not group.connections and key is not ANY:
                self._remove_sender(key)
        elif group is connection:
            self._remove_sender(key)
        else:
            return False
        self._unlink(connection)
        return True

    def _unlink(self, connection: Connection) -> None:
        keep_until_unlocked(connection)
        connection._snapshot = None  # They refer to each other.
        record, key = connection._record, connection._key
        links = record.links
        links[key] -= 1
        if not links[key]:
            del links[key]
            record.links = shrunk(links)
        if not connection._terms[WEAK]:
            record.strong -= 1
            if not record.strong:
                keep_until_unlocked(record.let_go())
        if not links:
            record.shared_snapshot = None
            del self.receivers[record.key]
            self.receivers = shrunk(self.receivers)
        self._changed()

    def _remove_sender(self, key: Hashable) -> None:
        del self.senders[key]
        self.senders = shrunk(self.senders)

    def _end_scope(self, scope: Scope) -> list[Connection]:
        return [c for c in self._all() if c._terms[SCOPE] is scope and self._end(c)]

    def _lasting(self, record: Record, key: Hashable) -> Connection | None:
        group = self.any if key is ANY else self.senders.get(key)
        if isinstance(group, Group):
            return group.connections.get(record)
        if group is not None and group._record is record and group._terms[SCOPE] is None:
            return group
        return None

    def _disconnect(self, key: Hashable, sender: Any) -> list[Connection]:
        self._no_longer_idle(key)
        record = self.receivers.get(key)
        if record is None:
            return []
        places = tuple(record.links) if sender is ANY else (sender_key(sender),)
        ended: list[Connection] = []
        for place in places:
            ended += filter(self._end, self._of(record, place))
        return ended

    def _of(self, record: Record, key: Hashable) -> list[Connection]:
        """Return the connections of a receiver for one sender: the temporary ones too."""
        lasting = self._lasting(record, key)
        if record.links.get(key, 0) == int(lasting is not None):
            return [] if lasting is None else [lasting]
        group = self.any if key is ANY else self.senders.get(key)
        found = [] if group is None else listed(group)  # None if it is just being ended.
        return [connection for connection in found if connection._record is record]

    def _orphan(self, connection: Connection) -> None:
        record = connection._record
        self._end(connection)
        if not record.links and _lives(record):
            self.idle[record.key] = record

    def _no_longer_idle(self, key: Hashable) -> None:
        if self.idle and self.idle.pop(key, None) is not None:
            self.idle = shrunk(self.idle)

    def bury(self, key: Hashable) -> None:
        """End the connections of a receiver, if it is dead. Must run under the lock."""
        self._no_longer_idle(key)
        record = self.receivers.get(key)
        if record is None or _lives(record):
            return
        if self.dead is None:
            self.dead = deque(maxlen=_REMEMBERED)
        place = record.terms[PLACE]
        lost = record.fate == LOST and not is_told_of(place, self.dead)
        self.dead.append(DeadReceiver(record.name, place, lost=lost))
        self.checked |= lost  # The next send asks whether to warn of it.
        for sender in list(record.links):
            for connection in self._of(record, sender):
                self._end(connection)

    def repair(self) -> None:
        """Put right what an interrupted change has left. Must run under the lock."""
        for connection in recount(self, self._all()):
            self._end(connection)
        self.any._snapshot = None
        self._outdate_snapshots()

    def _forget(self, known: set[tuple[str, Place]]) -> None:
        # A new one, as others may be reading.
        left = [it for it in self.dead or () if (it.name, it._place) not in known]
        self.dead = deque(left, maxlen=_REMEMBERED) if left else None

    def _mute(self, scope: Scope, spared: frozenset[Hashable] | None) -> None:
        others = {other: it for other, it in self.mutes.items() if other is not scope}
        self.mutes = others if spared is None else {**others, scope: spared}
        self._changed()

    def _count_failure(self, record: Record) -> None:
        record.failures += 1

    def _outdate_snapshots(self) -> None:
        self.any._version += 1
        self._changed()

    def _changed(self) -> None:
        asked = self.overridden or self.checked
        self.needs_slow_path = asked or bool(self.mutes)
        # Whoever finds this empty, as nobody receives or watches, has nothing to do.
        self.anyone = _SOMEONE if self.receivers or asked else self.watchers
        # Last, or a send in between would keep a snapshot as good for what has not come yet.
        self.version += 1
