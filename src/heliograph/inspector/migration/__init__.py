"""The way to declared signals: what a program's signals are, read and written as declarations."""

from __future__ import annotations

from heliograph.inspector.migration.reading import Found, FoundSend, FoundSignal, signals_in
from heliograph.inspector.migration.watching import Watched
from heliograph.inspector.migration.writing import declarations

__all__ = ["Found", "FoundSend", "FoundSignal", "Watched", "declarations", "signals_in"]
