"""Lets threads that would wait for the disk one after the other wait for one commit together."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition, RLock, get_ident
from typing import TYPE_CHECKING

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

if TYPE_CHECKING:
    from heliograph.audit.entry import Entry
    from heliograph.audit.store import Store

# They say that the database is away, locked or full, whatever the entries are.
_OF_ALL = (OperationalError, InterfaceError)


@dataclass(eq=False, slots=True)
class _Place:
    """An entry, and what has become of it: left to its own thread if it is neither."""

    entry: Entry
    is_over: bool = False
    is_left: bool = False
    error: SQLAlchemyError | None = None


class Sharing:
    """Writes entries, each before `write` returns, in as few commits as can be.

    Who comes while nobody writes does so at once, and alone. Who comes meanwhile waits for that
    commit to end, and one of those who have waited writes for all of them.

    Args:
        store: Where they are written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forked()

    def forked(self) -> None:
        """Begin with nobody, in a process that was forked."""
        # Reentrant, as the handler of a POSIX signal may send in the midst of it.
        self._changed = Condition(RLock())
        self._waiting: list[_Place] = []
        self._writer: int | None = None

    def waiting(self) -> int:
        """Return how many entries wait for the commit of others."""
        return len(self._waiting)

    def write(self, entry: Entry) -> SQLAlchemyError | None:
        """Write an entry; it is committed when this returns.

        Returns:
            Why it could not be written, or None.
        """
        place = _Place(entry)
        # Otherwise a handler sends while its own thread writes, which would wait for itself.
        if self._writer != get_ident():
            self._write_with_others(place)
        if not place.is_over:
            self._write([place])
        return place.error

    def _write_with_others(self, place: _Place) -> None:
        several: list[_Place] = []
        try:
            with self._changed:
                self._waiting.append(place)
                self._changed.wait_for(
                    lambda: place.is_over or place.is_left or self._writer is None
                )
                if place.is_over or place.is_left:
                    return
                self._writer = get_ident()
                several, self._waiting = self._waiting, []
            self._write(several)
        finally:
            self._leave(several)

    def _leave(self, several: list[_Place]) -> None:
        """Let the next one write; those whose entries were not written now do so themselves."""
        with self._changed:
            if self._writer == get_ident():
                self._writer = None
                for it in several:
                    it.is_left = True
                self._changed.notify_all()

    def _write(self, several: list[_Place]) -> None:
        try:
            self._store.write([it.entry for it in several])
        except SQLAlchemyError as error:
            if len(several) > 1 and not isinstance(error, _OF_ALL):
                return  # One entry is refused, and the others are not to fail for it.
            for it in several:
                it.error = error
        for it in several:
            it.is_over = True
