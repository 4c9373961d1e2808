"""Delivery on commit: receivers that are called once the transaction of a send is committed.

`connect(receiver, when="after_commit")` asks for it, and `install` of
`heliograph.transactions.sqlalchemy` or `heliograph.transactions.django` makes it happen. What has
to arrive even if this process dies right after the commit needs a row in the same transaction.
"""

from __future__ import annotations

from heliograph.transactions.ambient import enlist, files_in_use, postpone, using
from heliograph.transactions.endings import Health, commit_unknown, transactions
from heliograph.transactions.errors import (
    NoTransactionError,
    SeveralTransactionsError,
    SwallowedError,
)

__all__ = [
    "Health",
    "NoTransactionError",
    "SeveralTransactionsError",
    "SwallowedError",
    "commit_unknown",
    "enlist",
    "files_in_use",
    "postpone",
    "transactions",
    "using",
]
