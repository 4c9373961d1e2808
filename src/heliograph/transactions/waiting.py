"""What waits for the end of one transaction, savepoint by savepoint."""

from __future__ import annotations

from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph.postponing import Postponed


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery, and the context in which it was sent: the request, the span, the user.

    The context in which the commit happens may be another one, in another thread perhaps.
    """

    postponed: Postponed
    context: Context = field(default_factory=copy_context)


class Writer(Protocol):
    """Writes rows in the transaction of the program, just before its commit."""

    def write_by_sqlalchemy(self, connection: Any, rows: Sequence[Any]) -> None:
        """Write rows on a `sqlalchemy.engine.Connection`."""
        ...

    def write_by_django(self, connection: Any, rows: Sequence[Any]) -> None:
        """Write rows on a connection of Django."""
        ...


@dataclass(frozen=True, slots=True)
class Enlisted:
    """One row that is committed with the transaction, or not at all."""

    writer: Writer
    row: Any


class Levels:
    """What waits, by savepoint: what was sent within one that is rolled back is dropped with it."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[list[Waiting | Enlisted]] = [[]]

    def __len__(self) -> int:
        return sum(map(len, self._levels))

    def add(self, it: Waiting | Enlisted) -> None:
        """Add something to the innermost savepoint."""
        self._levels[-1].append(it)

    def begin(self) -> None:
        """Enter a savepoint."""
        self._levels.append([])

    def release(self) -> None:
        """Leave a savepoint: what was sent there belongs to what is around it."""
        released = self._levels.pop()
        self._levels[-1] += released

    def roll_back(self) -> int:
        """Leave a savepoint; return how many deliveries are dropped with it."""
        return len(deliveries(self._levels.pop()))

    def rows(self) -> dict[Writer, list[Any]]:
        """Return the rows that are not written yet, by who writes them."""
        return by_writer(it for level in self._levels for it in level)

    def written(self, writer: Writer) -> None:
        """Forget the rows of one that has written them."""
        self._levels = [
            [it for it in level if not (isinstance(it, Enlisted) and it.writer is writer)]
            for level in self._levels
        ]

    def take(self) -> list[Waiting]:
        """Take out everything; return the deliveries, in the order of sending."""
        taken = deliveries(it for level in self._levels for it in level)
        self._levels = [[]]
        return taken


def deliveries(several: Iterable[Waiting | Enlisted]) -> list[Waiting]:
    """Return the deliveries among what waits."""
    return [it for it in several if isinstance(it, Waiting)]


def by_writer(several: Iterable[Waiting | Enlisted]) -> dict[Writer, list[Any]]:
    """Return the rows among what waits, by who writes them, in order."""
    found: dict[Writer, list[Any]] = {}
    for it in several:
        if isinstance(it, Enlisted):
            found.setdefault(it.writer, []).append(it.row)
    return found
