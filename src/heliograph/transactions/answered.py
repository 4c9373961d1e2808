"""Which requests have had their whole response: a commit that comes then may be too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from heliograph.development import in_development
from heliograph.lifecycle import current_request, response_sent

if TYPE_CHECKING:
    from heliograph.lifecycle import RequestInfo

_ANSWERED: WeakSet[RequestInfo] = WeakSet()


def watch_responses() -> None:
    """Note from now on which requests have their response; in development only."""
    if in_development():
        response_sent.connect(_note, weak=False)


def watch_no_more() -> None:
    """Note nothing any more. Doing so twice is no error."""
    response_sent.disconnect(_note)


def is_answered() -> bool:
    """Tell whether the request of this context has had its whole response."""
    request = current_request()
    return request is not None and request in _ANSWERED


def _note(_: Any, *, request: RequestInfo, **__: object) -> None:
    _ANSWERED.add(request)
