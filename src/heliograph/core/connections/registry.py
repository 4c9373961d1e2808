"""Who is connected for whom: adds and ends connections in constant time."""

from __future__ import annotations

from collections import deque
from functools import partial
from sys import is_finalizing
from weakref import ref

from heliograph.core.callables import check_receiver
from heliograph.core.connections.connection import Connection, make_connection, order_of
from heliograph.core.connections.dead import LOST, DeadReceiver, is_told_of
from heliograph.core.connections.group import Group, in_order, listed
from heliograph.core.connections.options import derived
from heliograph.core.connections.receivers import NOTHING, ReceiverRef, make_receiver_ref
from heliograph.core.connections.repair import recount
from heliograph.core.connections.scopes import is_local
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

    from heliograph.core.connections.options import Options
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


def sender_died(connection: Connection, ending: Callable[[], bool] = is_finalizing) -> None:
    """End a connection whose sender has died: the callback of a weak reference."""
    # What modules are made of may be gone when the interpreter ends.
    registry = None if ending() else connection._receiver_ref.registry_ref()
    if registry is not None:
        run_deferred(partial(registry.remove_dead_sender, connection))


def _lives(receiver_ref: ReceiverRef) -> bool:
    # Others may let the receiver go just now: it must not die in a change for having been seen.
    living = receiver_ref.living()
    keep_until_unlocked(living)
    return living is not None


def fit(receiver_ref: ReceiverRef, receiver: Any, declaration: Declaration) -> None:
    """Note what a receiver is spared of a declared payload.

    Raises:
        ReceiverError: If it cannot take what is declared.
    """
    from heliograph.core.declared.compatibility import omitted_for, warn_of_deprecation

    receiver_ref.omitted = omitted_for(receiver, declaration)
    warn_of_deprecation(receiver, declaration, receiver_ref.options.place)


class Registry:
    """The connections of one signal."""

    __slots__ = (
        "__weakref__",
        "any",
        "anyone",
        "checked",
        "dead",
        "declaration",
        "idle",
        "last_order",
        "last_snapshot",
        "local_mutes",
        "mutes",
        "names_sender",
        "needs_slow_path",
        "overridden",
        "receivers",
        "self_ref",
        "senders",
        "silent",
        "strict",
        "version",
        "watchers",
    )

    keeps_snapshots = True
    """Whether sends look for the last snapshot here; they do not where C looks for it."""

    def __init__(self) -> None:
        self.senders: dict[Hashable, Group | Connection] = {}
        self.receivers: dict[Hashable, ReceiverRef] = {}
        # Weakly held receivers that live on, but whose last sender has died.
        self.idle: dict[Hashable, ReceiverRef] = {}
        self.any: Group = Group()
        self.self_ref: ref[Registry] = ref(self)
        # All blocks that mute, those of them that do so in some contexts alone, and whether one
        # mutes every receiver in every context.
        self.mutes: Mutes = {}
        self.local_mutes: Mutes = {}
        self.silent: bool = False
        self.dead: deque[DeadReceiver] | None = None
        self.last_order: int = 0
        self.overridden: bool = False
        # Whether what can be written and never meant is refused, or only warned of.
        self.strict: bool = True
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
        for receiver_ref in (*self.receivers.values(), *self.idle.values()):
            receiver_ref.shared_snapshot = None

    def connect(self, receiver: Any, sender: Any, options: Options) -> Made | None:
        """Connect; returns None if it has to wait."""
        receiver, key = identified(receiver)
        made: Made | Literal[False] | None = False
        while made is False:
            declaration = self.declaration
            receiver_ref = self.receivers.get(key)
            if receiver_ref is None or not receiver_ref.accepts(receiver, options):
                receiver_ref = make_receiver_ref(receiver, key, options, self.self_ref)
                if declaration is not None:
                    fit(receiver_ref, receiver, declaration)
            if receiver_ref.is_async:
                refuse_inline(options.inline, is_async=True)
            made = under_lock(self._connect, declaration, receiver_ref, receiver, sender, options)
        return made

    def disconnect(self, receiver: Any, sender: Any) -> list[Connection]:
        """End the connections of a receiver, for one sender or for all; returns them."""
        receiver, key = identified(receiver)
        if issubclass(type(receiver), partial) and key not in self.receivers:
            # Each is another object, but one that makes the same call is what is meant.
            receiver_refs = list(self.receivers.values())
            key = next((it.key for it in receiver_refs if same_partial(it(), receiver)), key)
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
        under_lock(self._forget, {(it.name, it._options.place) for it in connections})

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection has not ended yet."""
        return connection in self._of(connection._receiver_ref, connection._key)

    def count_failure(self, connection: Connection) -> None:
        """Count an error of a receiver that was logged."""
        under_lock(self._count_failure, connection._receiver_ref)

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
        is_async, _ = check_receiver(receiver)
        refuse_inline(inline, is_async=is_async)
        problem = without_object(receiver, self)
        if problem is not None and self.strict:
            raise ReceiverError(problem)
        if self.declaration is not None:
            from heliograph.core.declared.compatibility import (
                omitted_for,
            )

            omitted_for(receiver, self.declaration)

    def agree(
        self, declaration: Declaration | None, spared: Mapping[ReceiverRef, frozenset[str]]
    ) -> None:
        """Be declared so, and spare receivers what they do not take. Must run under the lock.

        Whoever calls this has found out that every receiver takes what is declared.
        """
        self.declaration = declaration
        for receiver_ref in self.receivers.values():
            receiver_ref.omitted = spared.get(receiver_ref, NOTHING)
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
        """Return all connections, by priority and order of connecting."""
        found = self._all()
        # Where the callback of a weak reference could not even begin, as it would have been a
        # call too deep, or a signal handler raised first.
        forgotten = [partial(self.remove_dead_sender, it) for it in found if it() is None]
        receiver_refs = [*self.receivers.values(), *self.idle.values()]
        forgotten += [
            partial(self.remove_dead_receiver, it.key)
            for it in receiver_refs
            if it.living() is None
        ]
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
        receiver_ref: ReceiverRef,
        receiver: Any,
        sender: Any,
        options: Options,
    ) -> Made | Literal[False]:
        """Connect, unless the receiver is new and was held against another declaration."""
        # What it takes is found out before, as looking at a signature may run anybody's code.
        if declaration is not self.declaration and receiver_ref.key not in self.receivers:
            return False
        known = self.receivers.setdefault(receiver_ref.key, receiver_ref)
        if known is not receiver_ref:
            known.join(receiver_ref)
            self._outdate_snapshots()
            receiver_ref = known
        key: Hashable = ANY if sender is ANY else sender_key(sender)
        if receiver_ref.sender_counts and options.scope is None:
            previous = self.lasting(receiver_ref, key)
            if previous is not None:
                return self._reconnect(previous, receiver, sender, options)
            if options == receiver_ref.options:
                options = (
                    receiver_ref.options
                )  # Shared: a tuple each would double the size of a connection.
        self.last_order = order = self.last_order + 1
        connection = make_connection(receiver_ref, key, order, options, sender, sender_died)
        self.link(connection, receiver_ref, key, None)
        if not options.weak:
            receiver_ref.hold(receiver)
        return connection, None

    def _reconnect(
        self, previous: Connection, receiver: Any, sender: Any, options: Options
    ) -> Made:
        # Strong stays strong, as somebody relies on it; and the first place is the place.
        weak = options.weak and previous.weak
        options = derived(options, weak=weak, scope=None, place=previous._options.place)
        if options == previous._options:
            return previous, previous
        receiver_ref, key = previous._receiver_ref, previous._key
        if options == receiver_ref.options:
            options = receiver_ref.options
        connection = make_connection(
            receiver_ref, key, order_of(previous), options, sender, sender_died
        )
        self.link(connection, receiver_ref, key, previous)
        if not weak:
            receiver_ref.hold(receiver)
        # Only now, as a send at any moment must find one of the two.
        self._unlink(previous)
        return connection, previous

    def link(
        self,
        connection: Connection,
        receiver_ref: ReceiverRef,
        key: Hashable,
        previous: Connection | None,
    ) -> None:
        """Let a connection count, in the place of *previous* if there is one. Has to run locked."""
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
        links = receiver_ref.sender_counts
        links[key] = links[key] + 1 if key in links else 1
        self._no_longer_idle(receiver_ref.key)
        self.version += 1
        if not self.silent:
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
        receiver_ref, key = connection._receiver_ref, connection._key
        links = receiver_ref.sender_counts
        links[key] -= 1
        if not links[key]:
            del links[key]
            receiver_ref.sender_counts = shrunk(links)
        if not connection._options.weak:
            receiver_ref.strong_count -= 1
            if not receiver_ref.strong_count:
                keep_until_unlocked(receiver_ref.release())
        if not links:
            receiver_ref.shared_snapshot = None
            del self.receivers[receiver_ref.key]
            self.receivers = shrunk(self.receivers)
        self._changed()

    def _remove_sender(self, key: Hashable) -> None:
        del self.senders[key]
        self.senders = shrunk(self.senders)

    def _end_scope(self, scope: Scope) -> list[Connection]:
        return [c for c in self._all() if c._options.scope is scope and self._end(c)]

    def lasting(self, receiver_ref: ReceiverRef, key: Hashable) -> Connection | None:
        """Return the connection of a receiver for a sender that is no temporary one."""
        group = self.any if key is ANY else self.senders.get(key)
        if isinstance(group, Group):
            return group.connections.get(receiver_ref)
        if (
            group is not None
            and group._receiver_ref is receiver_ref
            and group._options.scope is None
        ):
            return group
        return None

    def _disconnect(self, key: Hashable, sender: Any) -> list[Connection]:
        self._no_longer_idle(key)
        receiver_ref = self.receivers.get(key)
        if receiver_ref is None:
            return []
        places = tuple(receiver_ref.sender_counts) if sender is ANY else (sender_key(sender),)
        ended: list[Connection] = []
        for place in places:
            ended += filter(self._end, self._of(receiver_ref, place))
        return ended

    def _of(self, receiver_ref: ReceiverRef, key: Hashable) -> list[Connection]:
        """Return the connections of a receiver for one sender: the temporary ones too."""
        lasting = self.lasting(receiver_ref, key)
        if receiver_ref.sender_counts.get(key, 0) == int(lasting is not None):
            return [] if lasting is None else [lasting]
        group = self.any if key is ANY else self.senders.get(key)
        found = [] if group is None else listed(group)  # None if it is just being ended.
        return [connection for connection in found if connection._receiver_ref is receiver_ref]

    def remove_dead_sender(self, connection: Connection) -> None:
        """End a connection whose sender is dead. Must run under the lock."""
        receiver_ref = connection._receiver_ref
        self._end(connection)
        if not receiver_ref.sender_counts and _lives(receiver_ref):
            self.idle[receiver_ref.key] = receiver_ref

    def _no_longer_idle(self, key: Hashable) -> None:
        if self.idle and self.idle.pop(key, None) is not None:
            self.idle = shrunk(self.idle)

    def remove_dead_receiver(self, key: Hashable) -> None:
        """End the connections of a receiver, if it is dead. Must run under the lock."""
        self._no_longer_idle(key)
        receiver_ref = self.receivers.get(key)
        if receiver_ref is None or _lives(receiver_ref):
            return
        if self.dead is None:
            self.dead = deque(maxlen=_REMEMBERED)
        place = receiver_ref.options.place
        lost = receiver_ref.fate == LOST and not is_told_of(place, self.dead)
        self.dead.append(DeadReceiver(receiver_ref.name, place, lost=lost))
        self.checked |= lost  # The next send asks whether to warn of it.
        for sender in list(receiver_ref.sender_counts):
            for connection in self._of(receiver_ref, sender):
                self._end(connection)

    def repair(self) -> None:
        """Put right what an interrupted change has left. Must run under the lock."""
        for connection in recount(self, self._all()):
            self._end(connection)
        self.any._snapshot = None
        self._sort_mutes()
        self._outdate_snapshots()

    def _forget(self, known: set[tuple[str, Place]]) -> None:
        # A new one, as others may be reading.
        left = [it for it in self.dead or () if (it.name, it._place) not in known]
        self.dead = deque(left, maxlen=_REMEMBERED) if left else None

    def _mute(self, scope: Scope, spared: frozenset[Hashable] | None) -> None:
        others = {other: it for other, it in self.mutes.items() if other is not scope}
        self.mutes = others if spared is None else {**others, scope: spared}
        self._sort_mutes()
        self._changed()

    def _sort_mutes(self) -> None:
        mutes = self.mutes.items()
        self.local_mutes = {scope: it for scope, it in mutes if is_local(scope)}
        self.silent = any(not it for scope, it in mutes if not is_local(scope))

    def _count_failure(self, receiver_ref: ReceiverRef) -> None:
        receiver_ref.failures += 1

    def _outdate_snapshots(self) -> None:
        self.any._version += 1
        self._changed()

    def _changed(self) -> None:
        asked = self.overridden or self.checked
        self.needs_slow_path = asked or len(self.mutes) > len(self.local_mutes)
        # Whoever finds this empty, as nobody receives or watches, has nothing to do.
        heard = self.receivers and not self.silent
        self.anyone = _SOMEONE if heard or asked else self.watchers
        # Last, or a send in between would keep a snapshot as good for what has not come yet.
        self.version += 1
