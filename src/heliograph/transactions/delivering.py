"""Calls the receivers that have waited for a commit; no error of theirs reaches the commit."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from heliograph.describe import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.transactions.endings import Ledger
    from heliograph.transactions.waiting import Waiting

_LOG = logging.getLogger("heliograph")


def deliver_all(several: Iterable[Waiting], ledger: Ledger) -> None:
    """Call receivers in the order of sending, each in the context of its send."""
    for it in several:
        try:
            it.context.run(it.postponed.deliver)
        except Exception as error:  # noqa: BLE001 - the transaction is committed all the same.
            _failed(it, error, ledger)
        ledger.count("delivered")


async def deliver_all_async(several: Iterable[Waiting], ledger: Ledger) -> None:
    """Call receivers as `deliver_all` does, and await those that are async."""
    for it in several:
        # A task of its own, as nothing else awaits in a context that was chosen.
        task = asyncio.get_running_loop().create_task(
            it.postponed.deliver_async(), context=it.context
        )
        try:
            await task
        except Exception as error:  # noqa: BLE001 - the transaction is committed all the same.
            _failed(it, error, ledger)
        ledger.count("delivered")


def _failed(waiting: Waiting, error: Exception, ledger: Ledger) -> None:
    ledger.count("failed")
    _LOG.error(
        "%s failed when %s was delivered to it after the commit. It was connected at %s. The "
        "transaction is committed, so the error is not raised.",
        waiting.postponed.connection.name,
        title_of(waiting.postponed.signal),
        waiting.postponed.connection.location,
        exc_info=error,
    )
