"""Silences: a right one, one that does not say why, and one that silences nothing."""

from __future__ import annotations

from .signals import order_taken

order_taken.connect(lambda it, **extra: 1)  # heliograph: ignore[weak-lambda] - it shows a silence
order_taken.connect(lambda it, **extra: 2)  # heliograph: ignore[weak-lambda]


@order_taken.connect
def read(sender: object, **extra: object) -> None:  # heliograph: ignore[no-extra] - it was so once
    """Read the order."""
