"""Signals by name."""

from __future__ import annotations

from heliograph.core.errors import ArgumentError
from heliograph.core.signal import Signal

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Iterator


class Namespace:
    """Signals by name: asking for the same name again gives the same signal.

    It reads like a mapping from names to signals, and keeps its signals alive.

    Args:
        name: What messages and tools call the namespace.

    Example:
        >>> shop = Namespace("shop")
        >>> shop.signal("order-paid") is shop["order-paid"]
        True
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self._signals: dict[str, Signal[...]] = {}

    def signal(self, name: str, doc: str | None = None) -> Signal[...]:
        """Return the signal of that name, which is made if there is none yet.

        Args:
            name: Any string; ``verb-noun`` in the past tense reads well.
            doc: The signal's docstring. The first one that is given stays.

        Raises:
            ArgumentError: If the name is not a string.
        """
        if not isinstance(name, str):
            msg = f"{name!r} is not a name for a signal of {self!r}: use a string."
            raise ArgumentError(msg)
        found = self._signals.get(name)
        if found is None:
            # One step, so that two threads cannot each get a signal of their own.
            found = self._signals.setdefault(name, Signal(name))
        if doc and "__doc__" not in found.__dict__:
            found.__doc__ = doc
        return found

    def __getitem__(self, name: str) -> Signal:
        return self._signals[name]

    def __contains__(self, name: object) -> bool:
        return name in self._signals

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._signals))

    def __len__(self) -> int:
        return len(self._signals)

    def __repr__(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<Namespace {name}: {', '.join(self) or 'no signals'}>"


default_namespace: Namespace = Namespace("default")
"""Where `signal` keeps its signals."""


def signal(name: str, doc: str | None = None) -> Signal[...]:
    """Return the signal of that name in the default namespace: see `Namespace.signal`."""
    return default_namespace.signal(name, doc)
