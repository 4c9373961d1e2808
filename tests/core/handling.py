"""What comes of a call that is made while an error of somebody else's is being handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def call_while_handling(call: Callable[[], object]) -> None:
    """Call while a `ZeroDivisionError` is being handled."""
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        call()


def chain(error: BaseException | None) -> list[str]:
    """Return the types of an error and of those that were being handled, the last one first."""
    found = list[str]()
    while error is not None:
        found.append(type(error).__name__)
        error = error.__context__
    return found
