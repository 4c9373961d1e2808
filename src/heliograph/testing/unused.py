"""Blocks that do nothing unless they are entered: whoever drops one unused is told of it."""

from __future__ import annotations

import sys
from warnings import warn_explicit

from heliograph import ReceiverWarning
from heliograph.testing.sent import sending_place


class Block:
    """A ``with`` block that warns when it is dropped and nobody has used it."""

    # Whether it has done its work, or whoever made it knows already that it has not: of one
    # that is half made, too.
    _used = True

    def __init__(self) -> None:
        self._made = sending_place()
        self._used = False

    def _called(self) -> str:
        """Return how messages call it."""
        return f"{type(self).__name__}()"

    def __del__(self) -> None:
        # What is left when the interpreter ends was not forgotten.
        if not self._used and not sys.is_finalizing():
            msg = (
                f"{self._called()} did nothing, as it was never entered. Use it in a `with` "
                "statement."
            )
            warn_explicit(msg, ReceiverWarning, *self._made)
