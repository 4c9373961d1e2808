"""The engine: connections, sending, namespaces. Everything else in Heliograph stands on it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heliograph.core.accelerate import implementation as implementation


def __getattr__(name: str) -> str:
    if name == "implementation":
        # Not imported here: the file stands above all others, and this one below.
        from heliograph.core.accelerate import implementation

        return implementation
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
