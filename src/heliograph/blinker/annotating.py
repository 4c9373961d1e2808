"""The names of Blinker's that serve annotations, apart because they need `typing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from heliograph.blinker.base import NamedSignal

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class _PNamespaceSignal(Protocol):  # noqa: PYI046 - `base` has it too.
    def __call__(self, name: str, doc: str | None = None) -> NamedSignal: ...
