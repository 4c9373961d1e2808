"""Delivery on commit for the sessions of SQLAlchemy, sync and async."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from heliograph import ArgumentError, StateError
from heliograph.describe import short_repr
from heliograph.transactions.ambient import add_backend, remove_backend
from heliograph.transactions.answered import watch_no_more, watch_responses
from heliograph.transactions.async_sessions import plain_session
from heliograph.transactions.endings import Ledger, check_choice
from heliograph.transactions.session_state import SessionState
from heliograph.transactions.sqlite import has_undone_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, ExceptionContext
    from sqlalchemy.orm import SessionTransaction

    from heliograph.transactions.ambient import Transaction
    from heliograph.transactions.endings import Health, Unknown, Without

_OPEN: ContextVar[tuple[SessionState, ...]] = ContextVar("heliograph_sessions", default=())


class SessionCommits:
    """Delivery on commit for a class of sessions; what `install` returns.

    A context manager: leaving it switches it off.
    """

    def __init__(
        self, no_transaction: Without, unknown: Unknown, *, several_databases: bool, ask_for: float
    ) -> None:
        self.no_transaction: Without = no_transaction
        self.unknown: Unknown = unknown
        self.several_databases: bool = several_databases
        self.ask_for: float = ask_for
        self.ledger: Ledger = Ledger()
        self._states: WeakKeyDictionary[Session, SessionState] = WeakKeyDictionary()
        self._connections: WeakKeyDictionary[Connection, SessionState] = WeakKeyDictionary()

    def health(self) -> Health:
        """Return what became of the deliveries so far."""
        return self.ledger.health()

    def uninstall(self) -> None:
        """Switch it off: receivers that wait are called no more. Doing so twice is no error."""
        remove_backend(self)
        watch_no_more()
        for watcher in _WATCHERS.values():
            watcher.leave(self)
        self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def open_here(self) -> list[Transaction]:
        """Return the sessions whose transaction has begun in this context and goes on."""
        return [it for it in _OPEN.get() if not it.over and it.commits is self]

    def chosen(self, it: object) -> Transaction | None:
        """Return the transaction of a session, in whichever context it has begun."""
        session = plain_session(it)
        return None if session is None else self._states.get(session)

    def state_of(self, session: Session) -> SessionState | None:
        """Return what waits for the transaction of a session, if it has begun since we watch."""
        return self._states.get(session)

    def user_of(self, connection: Connection) -> SessionState | None:
        """Return what waits for the transaction that a connection is in."""
        return self._connections.get(connection)

    def begun(self, session: Session) -> None:
        """Note that a transaction was begun: sends in this context belong to it."""
        self._states[session] = state = SessionState(self, session)
        _OPEN.set((*(it for it in _OPEN.get() if not it.over), state))

    def connected(self, state: SessionState, connection: Connection) -> None:
        """Note that a transaction uses a connection."""
        self._connections[connection] = state
        state.use(connection)

    def ended(self, session: Session) -> None:
        """Forget a transaction that has ended."""
        self._states.pop(session, None)

    def forked(self) -> None:
        """Forget what the parent waits for, in a process that was forked."""
        self._forget()
        self.ledger.start_over()

    def _forget(self) -> None:
        for state in [*self._states.values()]:
            state.forget()
        self._states.clear()


class _Watcher:
    """Hears the events of one class of sessions: registered once, and never removed.

    SQLAlchemy fails inside of commit() where who hears them changes, in another thread too.
    """

    def __init__(self, session_class: type[Session]) -> None:
        self.commits: SessionCommits | None = None
        event.listen(session_class, "after_transaction_create", self._begun)
        events: dict[str, Callable[..., None]] = {
            "after_begin": self._connected,
            "before_commit": self._committing,
            "after_commit": self._committed,
            "after_rollback": self._rolled_back,
            "after_transaction_end": self._ended,
        }
        for name, told in events.items():
            event.listen(session_class, name, self._with_state(told))
        event.listen(Engine, "commit", self._commit_sent)
        event.listen(Engine, "prepare_twophase", self._commit_sent)
        event.listen(Engine, "handle_error", self._failed)

    def leave(self, commits: SessionCommits) -> None:
        if self.commits is commits:
            self.commits = None

    def _with_state(self, told: Callable[..., None]) -> Callable[..., None]:
        def hear(session: Session, *more: object) -> None:
            state = None if self.commits is None else self.commits.state_of(session)
            if state is not None:
                told(state, session, *more)

        return hear

    def _begun(self, session: Session, transaction: SessionTransaction) -> None:
        if self.commits is None:
            return
        state = self.commits.state_of(session)
        if transaction.parent is None:
            self.commits.begun(session)
        elif transaction.nested and state is not None:
            state.levels.begin()

    def _connected(
        self, state: SessionState, _: Session, __: object, connection: Connection
    ) -> None:
        state.commits.connected(state, connection)

    def _committing(self, state: SessionState, session: Session) -> None:
        if not session.in_nested_transaction():
            state.check()

    def _committed(self, state: SessionState, session: Session) -> None:
        # The same event tells of a savepoint that was released.
        state.committed(released=session.in_nested_transaction())

    def _rolled_back(self, state: SessionState, _: Session) -> None:
        state.rolled_back = True

    def _ended(
        self, state: SessionState, session: Session, transaction: SessionTransaction
    ) -> None:
        if transaction.parent is None:
            state.commits.ended(session)
            state.end()
        elif transaction.nested:
            state.leave_savepoint()

    def _commit_sent(self, connection: Connection, *_: object) -> None:
        state = None if self.commits is None else self.commits.user_of(connection)
        if state is not None:
            state.commit_sent = True

    def _failed(self, context: ExceptionContext) -> None:
        connection = context.connection
        state = None
        if self.commits is not None and connection is not None:
            state = self.commits.user_of(connection)
        if state is None or connection is None:
            return
        driver = None if connection.invalidated else connection.connection.driver_connection
        if has_undone_all(driver, context.original_exception):
            # Nothing more is done on it until the program rolls back.
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
        state.failed(context.original_exception, cut=context.is_disconnect)


_WATCHERS: dict[type[Session], _Watcher] = {}


def install(
    session_class: type[Session] = Session,
    *,
    no_transaction: Without = "raise",
    unknown: Unknown = "drop",
    several_databases: bool = False,
    ask_for: float = 5.0,
) -> SessionCommits:
    """Deliver on commit for sessions, the async ones included. Call it once, at start.

    Args:
        session_class: The class of the sessions; those of its subclasses count too.
        no_transaction: What a send does where no transaction is open: ``"raise"``, before any
            receiver is called; ``"now"``, deliver at once; or ``"drop"``, which counts it.
        unknown: What is done where the answer to COMMIT never came: ``"drop"``, ``"deliver"``, or
            ``"ask"`` the server (PostgreSQL), and deliver if it has committed. It is told in the
            log, by `heliograph.transactions.commit_unknown` and in the counts in any case.
        several_databases: Whether to deliver though a session commits several databases, one
            after the other.
        ask_for: How many seconds to ask for, while the server is away or still at it.

    Returns:
        A handle that counts, and that switches it off.

    Raises:
        ArgumentError: If it is no class of sessions, or there is no such policy.
        StateError: If it is installed for that class, or for a base or a subclass of it.
    """
    given: Any = session_class
    if not (isinstance(given, type) and issubclass(given, Session)):
        msg = (
            f"{short_repr(given)} is not a class of sessions. Pass sqlalchemy.orm.Session, or the "
            "subclass that your sessionmaker makes: sessionmaker(class_=...)."
        )
        raise ArgumentError(msg)
    check_choice("no_transaction", no_transaction, ("raise", "now", "drop"))
    check_choice("unknown", unknown, ("drop", "deliver", "ask"))
    for other, watcher in _WATCHERS.items():
        related = issubclass(other, given) or issubclass(given, other)
        if related and watcher.commits is not None:
            msg = (
                f"Delivery on commit is installed for {other.__qualname__} already. Install it "
                "once, at start, and keep what install() returns to switch it off."
            )
            raise StateError(msg)
    commits = SessionCommits(
        no_transaction, unknown, several_databases=several_databases, ask_for=ask_for
    )
    if session_class not in _WATCHERS:
        _WATCHERS[session_class] = _Watcher(session_class)
    _WATCHERS[session_class].commits = commits
    add_backend(commits)
    watch_responses()
    return commits


def _forked() -> None:
    for watcher in _WATCHERS.values():
        if watcher.commits is not None:
            watcher.commits.forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(after_in_child=_forked)
