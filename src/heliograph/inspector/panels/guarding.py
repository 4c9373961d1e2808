"""Keeps a panel's own faults inside of the panel."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from heliograph.describe import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger("heliograph")


class Guarded(Protocol):
    """A panel that can say what went wrong in it."""

    problem: str | None


T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound=Guarded)


def guarded(
    instead: T,
) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T]]:
    """Return a decorator for a panel's methods, as toolbars make an error page of their errors.

    Args:
        instead: What a method returns that has failed.
    """

    def decorate(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
        @wraps(method)
        def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the page goes on.
                # The first one is shown: others come of it.
                self.problem = self.problem or describe_error(error)
                _LOG.warning("The panel of signals has failed.", exc_info=error)
                return instead

        return call

    return decorate
