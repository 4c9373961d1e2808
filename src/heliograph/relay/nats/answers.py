"""Answers: what the errors of the NATS client and its server mean for a relay."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nats.errors import Error, MaxPayloadError, NoRespondersError
from nats.js.errors import APIError, ServiceUnavailableError

from heliograph.relay.errors import FullError, RefusedError, RelayError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_JETSTREAM = "The NATS server stores nothing: run it with JetStream (-js)."

STREAM_FULL = 10077
"""Error of JetStream: the limit of a stream."""

_NO_ROOM = {10023, 10028, 10047, STREAM_FULL}
"""Errors of JetStream: no resources, no memory, no storage, and the limit of a stream."""

_LATER = {10008, 10009}
"""Errors of JetStream that pass: the cluster has no leader, a server is offline."""


@contextmanager
def answers() -> Iterator[None]:
    """Tell the client library's errors as ours.

    Raises:
        UnavailableError: Another try may succeed.
        FullError: There is no room.
        RefusedError: Another try will not succeed.
    """
    try:
        yield
    except (Error, OSError) as error:
        raise translated(error) from None


def translated(error: Exception) -> RelayError:
    """Return what an error of the client library is for us."""
    if isinstance(error, APIError):
        return _of_jetstream(error)
    if isinstance(error, NoRespondersError):
        return RefusedError(_NO_JETSTREAM)
    if isinstance(error, MaxPayloadError):
        return RefusedError(f"The NATS server refuses it: {error}.")
    return UnavailableError(f"The NATS server does not answer: {error}.")


def _of_jetstream(error: APIError) -> RelayError:
    if error.err_code in _NO_ROOM:
        return FullError(f"There is no room at the NATS server: {error.description}.")
    if error.err_code in _LATER:
        return UnavailableError(f"JetStream of the NATS server is away: {error.description}.")
    if isinstance(error, ServiceUnavailableError):
        return RefusedError(_NO_JETSTREAM)
    return RefusedError(f"The NATS server refuses it: {error.description}.")
