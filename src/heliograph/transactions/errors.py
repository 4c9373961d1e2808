"""What can stand against a delivery on commit."""

from __future__ import annotations

from heliograph import StateError


class NoTransactionError(StateError):
    """Something was sent for after a commit, and no commit will come: no receiver was called."""


class SeveralTransactionsError(StateError):
    """It cannot be told which of several transactions a send belongs to, or which ends it."""


class SwallowedError(StateError):
    """The server will answer COMMIT with a rollback, as an earlier error was caught.

    PostgreSQL does so after any statement that has failed outside of a savepoint. The error that
    the program has swallowed is the `__cause__`.
    """
