"""Finds signals of Blinker that have the name of a signal of Heliograph."""

from __future__ import annotations

import sys

from heliograph import Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def namesake_in_blinker(name: str) -> str | None:
    """Return what is wrong with a name, if Blinker has another signal of that name.

    After `heliograph.blinker.install`, the two libraries share one signal.
    """
    known: Any = getattr(sys.modules["blinker"], "default_namespace", None)
    if isinstance(known, Namespace) or not isinstance(known, dict) or name not in known:
        return None
    return (
        f"Blinker has another signal {name!r}: receivers connected to that one do not get "
        "what this one sends, nor the other way round. Call heliograph.blinker.install() "
        "before anything else, or start the program with `heliograph run`."
    )
