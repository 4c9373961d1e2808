"""Names rows of a session in payloads: after the commit, each of them is one to be loaded again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState

from heliograph.describe import title_of

if TYPE_CHECKING:
    from heliograph import Signal
    from heliograph.postponing import Postponed

_LOG = logging.getLogger("heliograph")
_WARNED: WeakSet[Signal[...]] = WeakSet()


def warn_of_rows(postponed: Postponed) -> None:
    """Warn, once for each signal, of a payload that holds rows of a session."""
    signal = postponed.signal
    names = [name for name, value in postponed.payload.items() if _is_of_a_session(value)]
    if names and signal not in _WARNED:
        _WARNED.add(signal)
        _LOG.warning(
            "%s was sent with %s, a row of a session, to %s, which waits for the commit: by then "
            "it has expired, and reading it fails, or begins a transaction that nobody ends. "
            "Send its key and the values that are needed.",
            title_of(signal),
            " and ".join(map(repr, names)),
            postponed.connection.name,
        )


def _is_of_a_session(value: object) -> bool:
    state = inspect(value, raiseerr=False)
    return isinstance(state, InstanceState) and state.session is not None
