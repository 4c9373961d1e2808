"""Which transaction a send belongs to: the only one that is open in its context."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from heliograph.describe import title_of
from heliograph.transactions.errors import NoTransactionError, SeveralTransactionsError
from heliograph.transactions.waiting import Enlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.postponing import Postponed
    from heliograph.transactions.endings import Ledger, Without
    from heliograph.transactions.waiting import Writer

_STRICTEST = ("raise", "drop", "now")


class Transaction(Protocol):
    """A transaction that is open."""

    def wait(self, postponed: Postponed) -> None:
        """Keep a delivery until the transaction ends."""
        ...

    def enlist(self, row: Enlisted) -> None:
        """Write a row just before the transaction is committed."""
        ...

    def described(self) -> str:
        """Return what messages call it."""
        ...

    def files(self) -> list[str]:
        """Return the files of SQLite that it may have locked."""
        ...


class Backend(Protocol):
    """One way to transactions: SQLAlchemy's, or Django's."""

    no_transaction: Without
    ledger: Ledger

    def open_here(self) -> list[Transaction]:
        """Return the transactions that are open in the current context."""
        ...

    def chosen(self, it: object) -> Transaction | None:
        """Return the open transaction of what a user has named, or None if it is not ours."""
        ...


_backends: list[Backend] = []
_CHOSEN: ContextVar[object] = ContextVar("heliograph_transaction", default=None)


def add_backend(backend: Backend) -> None:
    """Ask a backend from now on."""
    _backends.append(backend)


def remove_backend(backend: Backend) -> None:
    """Ask a backend no more."""
    if backend in _backends:
        _backends.remove(backend)


@contextmanager
def using(it: object) -> Iterator[None]:
    """Say to which transaction the sends of a block belong, where several are open.

    Args:
        it: A session of SQLAlchemy, sync or async; or the alias of a database of Django.
    """
    token = _CHOSEN.set(it)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def postpone(postponed: Postponed) -> bool:
    """Keep a delivery until the transaction around the send is committed.

    Returns:
        Whether it waits. If not, the policy for sends without a transaction says to deliver now.

    Raises:
        NoTransactionError: If there is none, unless another policy was chosen.
        SeveralTransactionsError: If there are several, and nobody has said which.
    """
    found = _found(title_of(postponed.signal))
    if found is None:
        return _without(postponed)
    found.wait(postponed)
    return True


def enlist(writer: Writer, row: Any, title: str) -> None:
    """Let *writer* write a row in the transaction around the send, just before its commit.

    It is committed with what the program has written, or not at all; if it cannot be written,
    the commit fails.

    Args:
        writer: Who writes.
        row: What it is given then; rows of one transaction are given together, in order.
        title: What messages call the signal.

    Raises:
        NoTransactionError: If there is none.
        SeveralTransactionsError: If there are several, and nobody has said which.
    """
    found = _found(title)
    if found is None:
        msg = (
            f"{title} was sent where no transaction is open, and what is recorded of it must be "
            "committed with one. Send it inside of a transaction whose library is installed "
            "(heliograph.transactions.sqlalchemy or .django), or name the session with "
            "heliograph.transactions.using()."
        )
        raise NoTransactionError(msg)
    found.enlist(Enlisted(writer, row))


def files_in_use() -> list[str]:
    """Return the files of SQLite that transactions of the current context may have locked."""
    return [file for it in _open_here() for file in it.files()]


def _found(title: str) -> Transaction | None:
    it = _CHOSEN.get()
    found = _open_here() if it is None else _named(it)
    if len(found) > 1:
        several = " and ".join(one.described() for one in found)
        msg = (
            f"{title} was sent where several transactions are open: {several}. Say which one it "
            "belongs to: `with heliograph.transactions.using(...):`. No receiver was called."
        )
        raise SeveralTransactionsError(msg)
    return found[0] if found else None


def _open_here() -> list[Transaction]:
    return [it for backend in _backends for it in backend.open_here()]


def _named(it: object) -> list[Transaction]:
    found = (backend.chosen(it) for backend in _backends)
    return [one for one in found if one is not None]


def _without(postponed: Postponed) -> bool:
    policies = [backend.no_transaction for backend in _backends] or ["raise"]
    # The strictest counts, if there are several.
    policy = min(policies, key=_STRICTEST.index)
    if policy == "raise":
        raise NoTransactionError(_refusal(postponed))
    _backends[policies.index(policy)].ledger.count("without")
    return policy == "drop"


def _refusal(postponed: Postponed) -> str:
    if _backends:
        why = (
            "no transaction is open here. Send it inside of one, name the session with "
            "heliograph.transactions.using(), or choose install(no_transaction='now')."
        )
    else:
        why = (
            "no database is installed. Call install() of heliograph.transactions.sqlalchemy or "
            ".django at start."
        )
    return (
        f"{title_of(postponed.signal)} was sent to {postponed.connection.name}, which is connected "
        f"with when='after_commit', but {why} No receiver was called."
    )
