"""Lists the signals of a program, with their payloads, their receivers and their sends."""

from __future__ import annotations

from heliograph.inspector.catalogue import read
from heliograph.inspector.facts import (
    ArgumentInfo,
    Catalogue,
    NamespaceInfo,
    ReceiverInfo,
    SendInfo,
    SignalInfo,
)
from heliograph.inspector.finding import SignalGroup, as_namespace, found_in, loaded, never_loaded
from heliograph.inspector.pages import as_json, as_markdown

__all__ = [
    "ArgumentInfo",
    "Catalogue",
    "NamespaceInfo",
    "ReceiverInfo",
    "SendInfo",
    "SignalGroup",
    "SignalInfo",
    "as_json",
    "as_markdown",
    "as_namespace",
    "found_in",
    "loaded",
    "never_loaded",
    "read",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
