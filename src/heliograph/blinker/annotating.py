"""Blinker's names that only annotations use, in a module of their own as they need `typing`.

`typing.get_type_hints(Signal.connect, localns=vars(annotating))` evaluates the engine's, too.
"""

# ruff: noqa: F403, F401, TC001 - programs that evaluate annotations look these names up here.

from __future__ import annotations

from typing import Protocol, TypeVar

from heliograph.annotating import *
from heliograph.annotating import F as F  # noqa: PLC0414 - `base` has it from here.
from heliograph.blinker.base import NamedSignal, Namespace, Signal

T = TypeVar("T")


class _PNamespaceSignal(Protocol):  # noqa: PYI046 - `base` has it too.
    def __call__(self, name: str, doc: str | None = None) -> NamedSignal: ...
