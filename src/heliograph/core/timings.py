"""The times other than now at which a receiver can be called, and who waits for each."""

from __future__ import annotations

from heliograph.core.describe import short_repr
from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.core.sending.postponed import Postponed

    # It keeps what it is given until the time has come, or says by False that this is now. It
    # raises if that can never be.
    Timing = Callable[[Postponed], bool]

_loaders: dict[str, Callable[[], Timing]] = {}
_timings: dict[str, Timing] = {}


def load_timing(name: str, load: Callable[[], Timing]) -> None:
    """Offer ``when=name``; *load* is called when something is sent to such a receiver."""
    _loaders[name] = load


def timing(name: str) -> Timing:
    """Return who waits for a time."""
    found = _timings.get(name)
    if found is None:
        found = _timings[name] = _loaders[name]()
    return found


def check_timing(when: object) -> None:
    """Refuse a time that nobody waits for.

    Raises:
        ArgumentError: If it is one.
    """
    if when is not None and when not in _loaders:
        several = " or ".join(map(repr, _loaders))
        msg = f"when={short_repr(when)} is not a time to call a receiver at. Use {several}."
        raise ArgumentError(msg)
