"""Blinker's names over Heliograph's engine, and `install` to stand in for Blinker everywhere."""

from __future__ import annotations

from heliograph.blinker.adoption import install as install
from heliograph.blinker.base import (
    ANY,
    NamedSignal,
    Namespace,
    Signal,
    default_namespace,
    signal,
)

# Blinker's own six: what `from blinker import *` gave must not grow.
__all__ = [
    "ANY",
    "NamedSignal",
    "Namespace",
    "Signal",
    "default_namespace",
    "signal",
]


def __dir__() -> list[str]:
    return [*__all__, "install", *(name for name in globals() if name.startswith("__"))]
