"""What the errors of redis-py mean to a relay."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from redis import exceptions

from heliograph.relay.errors import FullError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from heliograph.relay.errors import RelayError

NO_SCRIPT = "The broker does not know the script, as it was started again."
"""What a server says that has forgotten a script."""

_AWAY = ("CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "READONLY", "TRYAGAIN", "UNBLOCKED")
_FULL = ("MISCONF", "OOM")


def meaning(error: Exception, text: str) -> tuple[type[RelayError], str]:
    """Return the kind of error to raise, and what to say.

    Args:
        error: What redis-py has raised.
        text: Its text, without secrets.
    """
    if isinstance(error, exceptions.NoScriptError):
        return RefusedError, NO_SCRIPT
    if _is_refusal(error):
        return RefusedError, f"The broker refuses us: {text}"
    if isinstance(error, exceptions.InvalidResponse):
        return RefusedError, f"What answers there is neither Redis nor Valkey: {text}"
    if isinstance(error, exceptions.OutOfMemoryError) or text.startswith(_FULL):
        return FullError, f"The broker has no room: {text}"
    if _is_away(error) or text.startswith(_AWAY):
        return UnavailableError, f"The broker is away: {text}"
    return RefusedError, f"The broker refuses it ({type(error).__name__}): {text}"


def _is_refusal(error: Exception) -> bool:
    refusals = (
        exceptions.AuthenticationError, exceptions.AuthorizationError,
        exceptions.NoPermissionError, exceptions.AuthenticationWrongNumberOfArgsError,
    )  # fmt: skip
    causes = (error, error.__cause__, error.__context__)
    return isinstance(error, refusals) or any(isinstance(it, ssl.SSLError) for it in causes)


def _is_away(error: Exception) -> bool:
    kinds = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ReadOnlyError, OSError)
    return isinstance(error, kinds)
