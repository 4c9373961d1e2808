"""Trail: what a program did, entry by entry, and that nobody has changed it."""

from __future__ import annotations

import atexit
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self
from weakref import WeakSet

from heliograph import ANY
from heliograph.audit.anchoring import publisher
from heliograph.audit.buffer import Buffer, Limits
from heliograph.audit.entry import Entry
from heliograph.audit.keeping import ERASED, PRUNED, erase, prune, ranges
from heliograph.audit.reading import Search, find, stats
from heliograph.audit.recording import Capture, Rule, actor_for, check_signal
from heliograph.audit.sealing import seal_all, verify
from heliograph.audit.sharing import Sharing
from heliograph.audit.spool import spool_for
from heliograph.audit.store import Store
from heliograph.audit.tally import Health, Tally, check_choice, check_key
from heliograph.audit.terminating import Termination
from heliograph.audit.writing import Receiver, ways
from heliograph.lifecycle import app_stopping
from heliograph.lifecycle.request import new_id
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from heliograph import Signal
    from heliograph.audit.reading import Found, Stats
    from heliograph.audit.recording import Source
    from heliograph.audit.seals import Anchor, Key, Seal, Verdict

Mode = Literal["transactional", "durable", "buffered"]
_MODES = ("transactional", "durable", "buffered")


class Trail:
    """A trail, kept in SQLite or PostgreSQL. Make it once, and own it.

    A context manager, sync and async: it is open inside.

    Args:
        url: Where it is kept, as SQLAlchemy takes it.
        mode: How entries are written unless `record` says otherwise: ``"durable"``, committed
            before `send` returns; ``"transactional"``, committed with the transaction of the
            program; ``"buffered"``, written by a thread in batches.
        service: What the entries say of the program.
        actor: Who did it, unless `record` says otherwise.
        key: What signs seals.
        redact: Further names of values that are hidden, besides those that look like secrets.
        spool: A file for entries while the database is away; by default beside the file of
            SQLite, and none for PostgreSQL.
        on_failure: What a durable entry does that cannot be written: ``"raise"``, which fails the
            send, or ``"spool"``.
        anchors: Where seals are published: ``"log"``, a path, or the address of a webhook.
        limits: How much the buffered mode keeps.
        create: Whether missing tables are made when it is opened.
        flush_on: POSIX signals such as ``"SIGTERM"`` on which what waits is written, before what
            else is done on them. Servers tell of their end themselves, by the life cycle.

    Raises:
        ArgumentError: If the place, or one of the choices, does not exist.
    """

    def __init__(
        self,
        url: str,
        *,
        mode: Mode = "durable",
        service: str | None = None,
        actor: Source | None = None,
        key: Key | None = None,
        redact: Iterable[str] = (),
        spool: str | None = None,
        on_failure: Literal["raise", "spool"] = "raise",
        anchors: Iterable[str] = (),
        limits: Limits | None = None,
        create: bool = True,
        flush_on: Iterable[str] = (),
    ) -> None:
        check_choice("mode", mode, _MODES)
        check_choice("on_failure", on_failure, ("raise", "spool"))
        check_key(key)
        self._store = Store(url)
        self._mode: Mode = mode
        self._service = service
        self._actor = actor
        self._key = key
        self._redaction = Redaction(redact)
        self._publish = [publisher(it) for it in anchors]
        self._create = create
        kept = spool_for(spool, self._store.file, on_failure)
        self._tally = Tally()
        self._buffer = Buffer(self._store, kept, limits or Limits(), service, self._tally)
        self._sharing = Sharing(self._store)
        several = (self._store, self._sharing, self._buffer, kept, self._tally)
        self._writing = ways(*several, on_failure)
        self._connected: list[tuple[Signal[...], Receiver, Any]] = []
        self._lent: list[Receiver] = []  # Whoever connects them may hold them weakly.
        self._running = False
        self._termination = Termination(flush_on, self.flush)
        _TRAILS.add(self)

    def record(
        self,
        signal: Signal[...],
        *,
        action: str | None = None,
        actor: Source | None = None,
        on_behalf_of: Source | None = None,
        target: tuple[str, Source] | Source | None = None,
        outcome: str | Callable[[Any, Mapping[str, Any]], str] = "success",
        reason: Source | None = None,
        tenant: Source | None = None,
        data: Iterable[str] | None = None,
        redact: Iterable[str] = (),
        mode: Mode | None = None,
        sender: Any = ANY,
        connect: Callable[[Receiver], object] | None = None,
    ) -> None:
        """Make an entry of everything that a signal sends.

        Where a value is asked for, a text is the name of a key of the payload, and a function is
        called with the sender and the payload.

        Args:
            signal: The signal.
            action: What it is called in the trail; by default the name of the signal.
            actor: Who did it: an id, an object with an ``id``, or a `Who`.
            on_behalf_of: For whom, if for somebody else.
            target: What it was done to: likewise, or a kind and where its id is found.
            outcome: ``"success"``, ``"failure"``, ``"denied"`` or ``"unknown"``, or a function.
            reason: Why.
            tenant: Whose data it was.
            data: Which keys of the payload are kept; by default all of them.
            redact: Names whose values are hidden, besides those of the trail.
            mode: How it is written; by default as the trail says.
            sender: Only what this sender sends.
            connect: What connects it, instead of the signal: ``relay.connect(signal, group="log")``
                lets one process make the entries of what all of them send.

        Raises:
            ArgumentError: If it is not a signal, the payload of a declared signal has no such key,
                or there is no such choice.
        """
        check_signal(signal)
        check_choice("mode", mode or self._mode, _MODES)
        rule = Rule(
            signal=signal,
            action=action or str(signal.name or "unnamed"),
            actor=actor if actor is not None else actor_for(signal, self._actor),
            on_behalf_of=on_behalf_of,
            target=target,
            outcome=outcome,
            reason=reason,
            tenant=tenant,
            data=None if data is None else tuple(data),
            service=self._service,
        )
        rule.check()
        receiver = self._receiver(rule, tuple(redact), mode or self._mode)
        if connect is not None:
            self._lent.append(receiver)
            connect(receiver)
            return
        self._connected.append((signal, receiver, sender))
        if self._running:
            self._connect(signal, receiver, sender)

    def _receiver(self, rule: Rule, redact: tuple[str, ...], mode: Mode) -> Receiver:
        redaction = self._redaction.with_keys(redact) if redact else self._redaction
        return Receiver(self._writing[mode], Capture(rule, redaction), rule.signal)

    def _connect(self, signal: Signal[...], receiver: Receiver, sender: Any) -> None:
        signal.connect(receiver, sender=sender, weak=False, priority=_FIRST)

    def start(self) -> Self:
        """Open the trail, and record from now on.

        Raises:
            TrailError: If its database cannot be opened, or is of another version.
        """
        if not self._running:
            self._store.open(make=self._create)
            self._termination.watch()
            self._running = True
            self._buffer.try_to_replay()
            for signal, receiver, sender in self._connected:
                self._connect(signal, receiver, sender)
            app_stopping.connect(self._flush_now)
            atexit.register(self._flush_now)
        return self

    def stop(self, timeout: float = 5.0) -> bool:
        """Write what waits, for at most *timeout* seconds, and close; tell whether all is there."""
        if not self._running:
            return True
        self._running = False
        for signal, receiver, sender in self._connected:
            signal.disconnect(receiver, sender)
        app_stopping.disconnect(self._flush_now)
        atexit.unregister(self._flush_now)
        self._termination.watch_no_more()
        done = self._buffer.stop(timeout)
        self._store.close()
        return done

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything that was sent is written or spooled; tell whether it is."""
        return self._buffer.flush(timeout)

    def _flush_now(self, *_: object, **__: object) -> None:
        self.flush()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def health(self) -> Health:
        """Return how it does, in this process."""
        counts, buffer = self._tally.counts(), self._buffer
        return Health(
            running=self._running,
            sent=counts["sent"] + buffer.sent,
            stored=counts["stored"],
            spooled=counts["spooled"],
            waiting=buffer.waiting() + self._sharing.waiting(),
            lost=buffer.lost,
            failed=counts["failed"],
        )

    # What follows reads and keeps the trail.

    def find(self, search: Search | None = None, /, **wanted: Any) -> list[Found]:
        """Return entries.

        Args:
            search: Which ones.
            wanted: Fields of `Search` instead, such as ``actor="7"``.
        """
        with self._reading() as connection:
            return [*find(connection, search or Search(**wanted))]

    def entry(self, which: int | str, /) -> Found | None:
        """Return one entry by its number or its id, or None."""
        search = Search(number=which) if isinstance(which, int) else Search(id=which)
        return next(iter(self.find(search)), None)

    def timeline(self, request: str) -> list[Found]:
        """Return everything that was done within one request, in order."""
        return self.find(request=request, newest_first=False, limit=10_000)

    def upgrade(self) -> int:
        """Bring the tables of a trail that is not open to this version, or make them.

        Returns:
            The version that they had; 0 if there were none.

        Raises:
            TrailError: If they are of a newer version.
        """
        return self._store.upgrade()

    def stats(self) -> Stats:
        """Count what is in the trail."""
        with self._reading() as connection:
            return stats(connection)

    def seal(
        self, most: int = 1000, *, progress: Callable[[int], object] = lambda _: None
    ) -> list[Seal]:
        """Seal all entries that no seal covers yet, and publish the seals.

        Args:
            most: The most entries that one seal covers.
            progress: Called after each seal, with the number of entries so far.
        """
        return seal_all(self._store, most, self._key, self._publish, progress)

    def verify(
        self,
        *,
        keys: Iterable[Key] = (),
        anchors: Iterable[Anchor] = (),
        progress: Callable[[int], object] = lambda _: None,
    ) -> Verdict:
        """Look for what was changed, deleted or cut.

        Args:
            keys: The keys that have signed seals, besides that of the trail.
            anchors: What was published of seals.
            progress: Called now and then, with the number of entries so far.
        """
        own = () if self._key is None else (self._key,)
        return verify(self._store, (*own, *keys), anchors, progress)

    def erase(self, subject: str, *, reason: str) -> int:
        """Take out what entries tell of *subject*, as actor or target; return how many had it.

        The seals still hold, and an entry tells that it was done.
        """
        with self._store.engine.begin() as connection:
            found = erase(connection, subject)
            told = {"entries": len(found), "numbers": ranges(found)}
            self._note(connection, ERASED, reason, told)
        return len(found)

    def prune(self, before: int, *, reason: str = "retention") -> int:
        """Remove the oldest sealed batches; return how many entries that were.

        The seals stay, and an entry tells that it was done.

        Args:
            before: Microseconds since the epoch: batches whose entries are all older.
            reason: Why.
        """
        with self._store.engine.begin() as connection:
            last, batches, several = prune(connection, before)
            told = {"seals": batches, "up_to": last, "entries": several, "before": before}
            self._note(connection, PRUNED, reason, told)
        return several

    def _note(self, connection: Any, action: str, reason: str, told: dict[str, Any]) -> None:
        entry = Entry(
            id=new_id(),
            occurred_at=time.time_ns() // 1000,
            signal=action,
            action=action,
            reason=reason,
            service=self._service,
            pid=os.getpid(),
            data={"payload": told},
        )
        self._store.insert(connection, [entry])

    def wsgi(self, app: Any = None, *, path: str = "/_trail", token: str | None = None) -> Any:
        """Return a WSGI application that shows the trail below *path*, and else serves *app*.

        It is there in development, on this machine, and for whoever has the token; otherwise the
        application answers. Nothing can be changed there.

        Args:
            app: The application; None for the page alone, to be mounted.
            path: Where the page is.
            token: A secret that opens it: ``?token=…`` once, or a bearer token.

        Raises:
            ArgumentError: If *path* is no path.
        """
        from heliograph.audit.page.serving import over_wsgi

        return over_wsgi(self, app, path, token)

    def asgi(self, app: Any = None, *, path: str = "/_trail", token: str | None = None) -> Any:
        """Return an ASGI application that shows the trail; see `wsgi`."""
        from heliograph.audit.page.serving import over_asgi

        return over_asgi(self, app, path, token)

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._store.reading() as connection, connection.begin():
            yield connection

    def forked(self) -> None:
        """Begin with an empty queue and connections of its own, in a process that was forked."""
        self._tally.forked()
        self._buffer.forked()
        self._sharing.forked()
        self._store.forget()


_FIRST = 1 << 30
"""Before receivers that may raise."""

_TRAILS: WeakSet[Trail] = WeakSet()


def _forked() -> None:
    for trail in [*_TRAILS]:
        trail.forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(after_in_child=_forked)
