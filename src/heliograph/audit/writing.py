"""The three ways in which an entry gets into the trail, each with its guarantee."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from heliograph import StateError
from heliograph.audit.errors import TrailError
from heliograph.audit.store import inserting, rows_of
from heliograph.describe import describe_error, title_of
from heliograph.postponing import current_arrival
from heliograph.transactions import enlist, files_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heliograph import Signal
    from heliograph.audit.buffer import Buffer
    from heliograph.audit.entry import Entry
    from heliograph.audit.recording import Capture
    from heliograph.audit.sharing import Sharing
    from heliograph.audit.spool import Spool
    from heliograph.audit.store import Store
    from heliograph.audit.tally import Tally

_LOG = logging.getLogger("heliograph")

_STAMP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7")


class Transactional:
    """Entries that are committed with the business write, on its connection, or not at all."""

    def __init__(self, store: Store, tally: Tally) -> None:
        self._store = store
        self._tally = tally

    def write(self, signal: Signal[...], capture: Capture, sender: Any, payload: Any) -> None:
        """Keep an entry for the commit.

        Raises:
            NoTransactionError: If there is no transaction.
        """
        entry = capture.entry(sender, payload)
        enlist(self, entry, title_of(signal))
        self._tally.count("sent")

    def write_by_sqlalchemy(self, connection: Any, rows: Sequence[Entry]) -> None:
        """Write entries just before a commit of SQLAlchemy."""
        try:
            self._store.insert(connection, rows)
        except SQLAlchemyError as error:
            raise _refused(error) from error
        self._tally.count("stored", len(rows))

    def write_by_django(self, connection: Any, rows: Sequence[Entry]) -> None:
        """Write entries just before a commit of Django."""
        try:
            with connection.cursor() as cursor:
                # Django's cursors take these placeholders for every database.
                cursor.executemany(inserting("%s"), rows_of(rows))
        except Exception as error:
            raise _refused(error) from error
        self._tally.count("stored", len(rows))


def _refused(error: Exception) -> TrailError:
    msg = (
        "The entries of this transaction cannot be written, so it is not committed: "
        f"{describe_error(getattr(error, 'orig', None) or error)}. In the transactional mode, the "
        "tables of the trail are in the database of the program: run `heliograph audit init`."
    )
    return TrailError(msg)


class Durable:
    """Entries that are committed on a connection of their own before `send` returns."""

    def __init__(
        self,
        store: Store,
        sharing: Sharing,
        spool: Spool | None,
        tally: Tally,
        replay: Callable[[], None],
    ) -> None:
        self._store = store
        self._sharing = sharing
        self._spool = spool
        self._tally = tally
        self._replay = replay

    def write(self, signal: Signal[...], capture: Capture, sender: Any, payload: Any) -> None:
        """Write an entry.

        Raises:
            StateError: If the transaction around has locked the file of the trail.
            TrailError: If it cannot be written, unless it is spooled.
        """
        self._refuse_deadlock(signal)
        entry = capture.entry(sender, payload)
        self._tally.count("sent")
        error = self._write(entry, _envelope_of(capture))
        if error is not None:
            self._failed(signal, entry, error)
            return
        self._tally.count("stored")
        if self._spool is not None and self._spool.waits():
            self._replay()

    def _write(self, entry: Entry, envelope: str | None) -> SQLAlchemyError | None:
        """Write an entry; return why it could not be written, or None."""
        if envelope is None:
            return self._sharing.write(entry)
        # A relay calls again if it cannot know that the entry is there.
        entry.id = _id_of_arrival(envelope, entry)
        try:
            self._store.write_missing([entry])
        except SQLAlchemyError as error:
            return error
        return None

    def _failed(self, signal: Signal[...], entry: Entry, error: SQLAlchemyError) -> None:
        why = describe_error(getattr(error, "orig", None) or error)
        if self._spool is None:
            self._tally.count("failed")
            msg = f"The entry of {title_of(signal)} is not in the trail: {why}."
            raise TrailError(msg) from error
        try:
            self._spool.keep([entry])
        except OSError as failure:
            self._tally.count("failed")
            msg = (
                f"The entry of {title_of(signal)} is neither in the trail ({why}) nor in its "
                f"spool ({describe_error(failure)})."
            )
            raise TrailError(msg) from failure
        self._tally.count("spooled")
        _LOG.warning("The trail cannot be written (%s); entries go to %s.", why, self._spool.path)

    def _refuse_deadlock(self, signal: Signal[...]) -> None:
        file = self._store.file
        if file is not None and any(os.path.realpath(it) == file for it in files_in_use()):
            msg = (
                f"{title_of(signal)} was sent inside of a transaction on {file}, which is also the "
                "file of the trail: a durable entry would wait for that transaction for ever. Use "
                "mode='transactional', or a file of its own for the trail."
            )
            raise StateError(msg)


class Buffered:
    """Entries that a thread writes in batches; a sender never waits long, and never fails."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def write(self, signal: Signal[...], capture: Capture, sender: Any, payload: Any) -> None:
        """Put an entry into the queue."""
        try:
            entry = capture.entry(sender, payload)
        except Exception as error:  # noqa: BLE001 - no request fails for its entry.
            _LOG.error("An entry of %r is kept in short.", signal.name, exc_info=error)
            entry = capture.in_short(error)
        self._buffer.put(entry)


Writing = Transactional | Durable | Buffered


def ways(
    store: Store,
    sharing: Sharing,
    buffer: Buffer,
    spool: Spool | None,
    tally: Tally,
    on_failure: str,
) -> dict[str, Writing]:
    """Return the three ways, by the names of their modes."""
    kept = spool if on_failure == "spool" else None
    return {
        "transactional": Transactional(store, tally),
        "durable": Durable(store, sharing, kept, tally, buffer.try_to_replay),
        "buffered": Buffered(buffer),
    }


class Receiver:
    """What is connected to a signal, and writes an entry of each send.

    Attributes:
        capture: What makes the entries.
    """

    def __init__(self, writing: Writing, capture: Capture, signal: Signal[...]) -> None:
        self._write: Callable[[Signal[...], Capture, Any, Mapping[str, Any]], None] = writing.write
        self.capture: Capture = capture
        self._signal = signal

    def __call__(self, sender: Any, /, **payload: Any) -> None:
        """Write an entry."""
        self._write(self._signal, self.capture, sender, payload)


def _envelope_of(capture: Capture) -> str | None:
    """Return the envelope that an entry is made of: itself, and not what was done because of it."""
    arrival = current_arrival()
    if arrival is None or not isinstance(arrival.receiver, Receiver):
        return None
    return arrival.envelope if arrival.receiver.capture is capture else None


def _id_of_arrival(envelope: str, entry: Entry) -> str:
    """Return an id that is the same in every try, and sorts by the time of sending."""
    made_of = f"{envelope}\0{entry.signal}\0{entry.action}"
    found = hashlib.sha256(made_of.encode()).hexdigest()
    stamp = envelope[:13] if _STAMP.match(envelope) else "00000000-0000"
    return f"{stamp}-7{found[:3]}-8{found[3:6]}-{found[6:18]}"
