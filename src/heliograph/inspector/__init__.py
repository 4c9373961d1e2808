"""Shows what is there: the signals of a program, their payloads, their receivers, their sends."""

from __future__ import annotations

from heliograph.inspector.facts import (
    Catalogue,
    KnownArgument,
    KnownNamespace,
    KnownReceiver,
    KnownSend,
    KnownSignal,
)
from heliograph.inspector.finding import Found, as_namespace, found_in, loaded, never_loaded
from heliograph.inspector.pages import as_json, as_markdown
from heliograph.inspector.reading import read

__all__ = [
    "Catalogue",
    "Found",
    "KnownArgument",
    "KnownNamespace",
    "KnownReceiver",
    "KnownSend",
    "KnownSignal",
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
