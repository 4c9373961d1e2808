"""What decides about the sends of a signal besides its connections: mutes, checks, instruments."""

from __future__ import annotations

from heliograph.core.connections.scopes import BY_HAND
from heliograph.core.lock import change_under_lock, under_lock
from heliograph.core.observing.wishes import EVERYWHERE, watch_likewise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.group import Group
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.scopes import Mutes, Scope
    from heliograph.core.declared.compatibility import Fitted
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.observing.wishes import Watchers
    from heliograph.core.sending.snapshot import Snapshot

    # The classes of each argument, by name; the names that every send carries; and the classes of
    # the sender. It is `object` where anything is let pass.
    Classes = type | tuple[type, ...]
    Expected = tuple[dict[str, Classes], frozenset[str], Classes]

SOMEONE = (True,)
"""What `anyone` is if somebody receives."""

_NO_SNAPSHOT: Any = (-1, type, None)  # There is no version -1.
_NO_OWN: Any = (-1, lambda: None, None)


class SendState:
    """What a send asks of a signal before it calls anybody."""

    __slots__ = (
        "anyone",
        "checked",
        "declaration",
        "expected",
        "fitted",
        "last_awaited",
        "last_own",
        "last_snapshot",
        "local_mutes",
        "mutes",
        "names_sender",
        "needs_slow_path",
        "overridden",
        "silence_changes",
        "silent",
        "strict",
        "version",
        "watchers",
    )

    runs_in_c = False
    """Whether sends run in C, where none reads `last_snapshot`."""

    if TYPE_CHECKING:
        any: Group
        receivers: dict[Hashable, ReceiverRef]

    def __init__(self) -> None:
        # All blocks that mute, those of them that do so only in some contexts, and whether one
        # mutes every receiver in every context; and how often that began or ended, as a send
        # that is muted so leaves no other trace.
        self.mutes: Mutes = {}
        self.local_mutes: Mutes = {}
        self.silent: bool = False
        self.silence_changes: int = 0
        # Whether every send asks the signal itself whom to call.
        self.overridden: bool = False
        # Whether what can be written but never meant is refused, or only warned of.
        self.strict: bool = True
        # Whether the payload has a key `sender`, besides the sender itself.
        self.names_sender: bool = False
        # What is known of every payload, and whether every send looks for mistakes.
        self.declaration: Declaration | None = None
        # Which functions are known to accept it, by the ids of their code; C asks this alone.
        self.fitted: dict[int, Fitted] = {}
        self.checked: bool = False
        # What a send compares its payload with at once, while programs are being developed; None
        # if it has to ask first.
        self.expected: Expected | None = None
        # What sends read first: the instruments; whether anyone receives or watches at all;
        # whether a snapshot is not all that there is to know; the last snapshot, if it is for all
        # senders of a type; and a number that every change changes.
        self.watchers: Watchers = EVERYWHERE
        self.anyone: Sequence[object] = EVERYWHERE
        self.needs_slow_path: bool = False
        self.last_snapshot: tuple[int, type, Snapshot] = _NO_SNAPSHOT
        # The same for `send_async`, and `send` with a wrapper, which can do what `send` cannot.
        self.last_awaited: tuple[int, type, Snapshot] = _NO_SNAPSHOT
        # The same for one sender, with a weak reference to it: a connection.
        self.last_own: tuple[int, Connection, Snapshot] = _NO_OWN
        self.version: int = 0

    def override(self, *, on: bool) -> None:
        """Let every send ask the signal itself whom to call, or stop that."""
        under_lock(self._override, on)

    def check(self, *, on: bool) -> None:
        """Let every send look for mistakes in what is sent, or stop that."""
        under_lock(self._check, on)

    def expect(self, declaration: Declaration, expected: Expected) -> None:
        """Let sends compare their payloads with what is expected by this declaration."""
        under_lock(self._expect, declaration, expected)

    def mute(self, scope: Scope, spared: frozenset[Hashable] | None) -> None:
        """Call only the spared receivers, by their keys, inside a scope; None ends the mute."""
        change_under_lock(SendState._mute, self, scope, spared)

    def mute_by_hand(self, *, on: bool) -> None:
        """Call no receivers until that is taken back: not a block, which the context would hold."""
        under_lock(self._mute, BY_HAND, frozenset() if on else None)

    def succeed(self, before: SendState) -> None:
        """Take the place of another one: be muted, declared, checked and watched as that is."""
        under_lock(self._succeed, before)

    def be_watched_by(self, watchers: Watchers) -> None:
        """Let these instruments watch, and no others. Must run under the lock."""
        self.watchers = watchers
        if self.anyone is not SOMEONE:
            self.anyone = watchers

    def outdate_snapshots(self) -> None:
        """Let sends make all snapshots again. Must run under the lock."""
        self.any._version += 1
        self.changed()

    def changed(self) -> None:
        """Let sends see that something is different. Must run under the lock."""
        asked = self.overridden or (self.checked and self.expected is None)
        muted = len(self.mutes) > len(self.local_mutes)
        self.needs_slow_path = asked or muted
        # Falsy means: no receivers and no instruments, so a send can return at once.
        heard = self.receivers and not self.silent
        self.anyone = SOMEONE if heard or asked or self.checked else self.watchers
        # Last, or a send in between would take a snapshot for newer than it is.
        self.version += 1

    def sort_mutes(self) -> None:
        """Find out which mutes count in which contexts. Must run under the lock."""
        local: Mutes = {}
        silent = False
        for scope, spared in self.mutes.items():
            if scope.everywhere:
                silent = silent or not spared
            else:
                local[scope] = spared
        self.silence_changes += silent is not self.silent
        self.local_mutes, self.silent = local, silent

    def _succeed(self, before: Any) -> None:
        self.mutes = before.mutes
        self.declaration = before.declaration
        self.fitted = before.fitted
        self.expected = None
        self.checked = self.checked or before.checked
        self.overridden = before.overridden
        self.sort_mutes()
        watch_likewise(self, before)
        self.outdate_snapshots()

    def _override(self, on: bool) -> None:
        self.overridden = on
        self.changed()

    def _check(self, on: bool) -> None:
        self.checked = on
        self.expected = None
        self.outdate_snapshots()

    def _expect(self, declaration: Declaration, expected: Expected) -> None:
        if self.checked and self.declaration is declaration:
            self.expected = expected
            self.outdate_snapshots()

    def _mute(self, scope: Scope, spared: frozenset[Hashable] | None) -> None:
        mutes = self.mutes.copy()  # As others may be reading.
        if spared is None:
            mutes.pop(scope, None)
        else:
            mutes[scope] = spared
        self.mutes = mutes
        if mutes or self.local_mutes:
            self.sort_mutes()
        elif self.silent:
            self.silent = False
            self.silence_changes += 1
        self.changed()
