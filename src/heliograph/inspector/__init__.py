"""Shows the signals of a program: what there is of them, and what is sent."""

from __future__ import annotations

from heliograph.inspector.catalogue import read
from heliograph.inspector.chrome import chrome_trace
from heliograph.inspector.disconnections import DisconnectionInfo, Disconnections
from heliograph.inspector.explaining import Explanation, OmittedInfo, Reason, explain
from heliograph.inspector.facts import (
    ArgumentInfo,
    Catalogue,
    DeadInfo,
    NamespaceInfo,
    ReceiverInfo,
    SendInfo,
    SignalInfo,
)
from heliograph.inspector.finding import SignalGroup, as_namespace, found_in, loaded, never_loaded
from heliograph.inspector.health import InspectorHealth
from heliograph.inspector.inspector import Inspector
from heliograph.inspector.ownership import held_by_objects, own_modules, whole_program
from heliograph.inspector.pages import as_json, as_markdown
from heliograph.inspector.parts import Part
from heliograph.inspector.selecting import matches_any, select
from heliograph.inspector.totals import ORDERS, Total, Totals, of_counts
from heliograph.inspector.tracing import MOST_LETTERS, Trace, trace
from heliograph.inspector.trees import Branch, Piece, draw
from heliograph.inspector.unloaded import UnloadedInfo, unloaded
from heliograph.inspector.viewing import SLOW, View, failures_of, tree_of

__all__ = [
    "MOST_LETTERS",
    "ORDERS",
    "SLOW",
    "ArgumentInfo",
    "Branch",
    "Catalogue",
    "DeadInfo",
    "DisconnectionInfo",
    "Disconnections",
    "Explanation",
    "Inspector",
    "InspectorHealth",
    "NamespaceInfo",
    "OmittedInfo",
    "Part",
    "Piece",
    "Reason",
    "ReceiverInfo",
    "SendInfo",
    "SignalGroup",
    "SignalInfo",
    "Total",
    "Totals",
    "Trace",
    "UnloadedInfo",
    "View",
    "as_json",
    "as_markdown",
    "as_namespace",
    "chrome_trace",
    "draw",
    "explain",
    "failures_of",
    "found_in",
    "held_by_objects",
    "loaded",
    "matches_any",
    "never_loaded",
    "of_counts",
    "own_modules",
    "read",
    "select",
    "trace",
    "tree_of",
    "unloaded",
    "whole_program",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
