"""What SQLite undoes by itself: out of room, it ends the whole transaction, savepoints and all."""

from __future__ import annotations

# No memory, interrupted, the disk has failed, or is full.
_UNDOING = (7, 9, 10, 13)


def has_undone_all(driver: object, error: BaseException | None) -> bool:
    """Tell whether an error of SQLite has ended the transaction.

    What follows on that connection would be committed alone, half of what belongs together.

    Args:
        driver: The connection of the driver.
        error: What the driver has raised.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _UNDOING and not getattr(driver, "in_transaction", True)
