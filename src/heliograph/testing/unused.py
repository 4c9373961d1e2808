"""Blocks that warn when they are dropped and were never entered."""

from __future__ import annotations

import sys
from warnings import warn_explicit

from heliograph import ReceiverWarning
from heliograph.describe import calling_location


class Block:
    """A ``with`` block that warns when it is dropped and was never entered."""

    # Whether nothing is left to warn of: it was entered, its misuse has raised an error, or it is
    # half made.
    _used = True

    def __init__(self) -> None:
        self._made = calling_location()
        self._used = False

    def _called(self) -> str:
        """Return what messages call it."""
        return f"{type(self).__name__}()"

    def __del__(self) -> None:
        # Blocks that are still alive when the interpreter ends were not forgotten.
        if not self._used and not sys.is_finalizing():
            msg = (
                f"{self._called()} did nothing, as it was never entered. Use it in a `with` "
                "statement."
            )
            filename, _, line = (self._made or ":0").rpartition(":")
            warn_explicit(msg, ReceiverWarning, filename, int(line))
