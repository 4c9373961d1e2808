"""Which emissions are meant: by signal, by sender, and by parts of the payload."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import iscoroutinefunction, isroutine
from operator import eq
from typing import TYPE_CHECKING, Any

from heliograph import ANY, ArgumentError, Signal
from heliograph.testing.shortening import said, short, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from heliograph.testing.sent import Sent

MISSING = object()
"""Stands for a value that a payload has not."""


@dataclass(frozen=True)
class Difference:
    """One thing about an emission that is not as wanted.

    Attributes:
        name: A key of the payload, or ``sender``.
        found: What it is, or `MISSING`.
        wanted: What was wanted, or a matcher.
    """

    name: str
    found: Any
    wanted: Any


@dataclass(frozen=True)
class Wanted:
    """What emissions have to be like.

    Attributes:
        signals: One of these; none for any signal.
        sender: The only sender, or `ANY`.
        payload: Values or matchers by key: what else a payload has does not matter.
    """

    signals: tuple[Any, ...] = ()
    sender: Any = ANY
    payload: Mapping[str, Any] = field(default_factory=dict)
    _is_sender: SameSender | None = None

    def __post_init__(self) -> None:
        if self.sender is not ANY:
            object.__setattr__(self, "_is_sender", SameSender(self.sender))

    def but(self, **changes: Any) -> Self:
        """Return the same with some other attributes."""
        return replace(self, _is_sender=None, **changes)

    def has(self, signal: Any) -> bool:
        """Tell whether a signal is one of those that are wanted."""
        return not self.signals or any(signal is it for it in self.signals)

    def fits(self, sent: Sent) -> bool:
        """Tell whether an emission is as wanted.

        Raises:
            ArgumentError: If a matcher raises.
        """
        return self.has(sent.signal) and next(self.differences(sent), None) is None

    def differences(self, sent: Sent) -> Iterator[Difference]:
        """Give what is not as wanted, of an emission of the right signal.

        Raises:
            ArgumentError: If a matcher raises.
        """
        if self._is_sender is not None and not self._is_sender(sent.sender):
            yield Difference("sender", sent.sender, self.sender)
        for name, wanted in self.payload.items():
            found = sent.payload.get(name, MISSING)
            if found is MISSING or not _agree(wanted, found, name, sent):
                yield Difference(name, found, wanted)


def by_key(
    values: Mapping[str, Any] | None, payload: Mapping[str, Any], of_sender: str = "sender={}"
) -> dict[str, Any]:
    """Return what is wanted of a payload, given as a mapping and by keyword.

    Args:
        values: The mapping; or a sender, by mistake.
        payload: Those by keyword.
        of_sender: How a sender is given.

    Raises:
        ArgumentError: If it is no mapping.
    """
    if values is not None and not hasattr(type(values), "keys"):
        msg = (
            f"{short(values)} is no mapping of values of the payload. If it is who sends, write "
            f"`{of_sender.format(short(values))}`; give values by keyword."
        )
        raise ArgumentError(msg)
    return {**(values or {}), **payload}


class SameSender:
    """Tells whether somebody is a sender, as the engine does, by asking it."""

    def __init__(self, sender: Any) -> None:
        self._probe = Signal()
        self._probe.connect(_nobody, sender)

    def __call__(self, sender: Any) -> bool:
        """Tell whether a receiver that is connected for the one would hear the other."""
        return self._probe.has_receivers_for(sender)


def _nobody(sender: Any, **payload: Any) -> None:
    """Receive nothing: it is only connected."""


def _agree(wanted: Any, found: Any, name: str, sent: Sent) -> bool:
    try:
        return matches(wanted, found)
    except Exception as error:
        msg = (
            f"The matcher for {name!r}, {shown(wanted)}, raised {said(error)}. "
            f"It was given {short(found)}, which was sent at {sent.location}."
        )
        raise ArgumentError(msg) from error


def matches(wanted: Any, found: Any) -> bool:
    """Tell whether a value is the one that is wanted, or what a matcher looks for.

    Matchers are `ANY`, regular expressions (searched for in strings), classes
    (of which the value has to be an instance), functions, methods and partials
    (which return whether it is the one), and what compares equal, as
    `pytest.approx` and `unittest.mock.ANY` do. Other objects that can be called
    are values: an application is one.

    Raises:
        Exception: What a function raises. Anything else that cannot be compared
            is not the one.
    """
    if wanted is ANY or wanted is found or _is_comparable_and(eq, wanted, found):
        return True
    if type(wanted) is re.Pattern:
        kind = type(wanted.pattern)
        return _is_comparable_and(isinstance, found, kind) and bool(wanted.search(found))
    if issubclass(type(wanted), type):
        return _is_comparable_and(isinstance, found, wanted)
    return _is_function(wanted) and _says_so(wanted, found)


def _is_comparable_and(compare: Callable[[Any, Any], object], one: Any, other: Any) -> bool:
    """Tell whether two values compare so; what cannot be compared is not what is wanted."""
    try:
        answer = compare(one, other)
        # Arrays answer for each element, and one of them might pass for a yes or a no.
        return bool(answer) and not hasattr(type(answer), "__len__")
    except Exception:  # noqa: BLE001 - whatever keeps strangers' objects from being compared.
        return False


def asks(wanted: Any) -> bool:
    """Tell whether something is a matcher that looks at a value, rather than a value itself."""
    return issubclass(type(wanted), (re.Pattern, type)) or _is_function(wanted)


def _is_function(value: Any) -> bool:
    try:
        function = isroutine(value) or isinstance(value, partial)
    except Exception:  # noqa: BLE001 - it asks values what they are: unbound proxies fail.
        return False
    return function and callable(value) and not _is_mock(value)


def _says_so(wanted: Callable[[Any], object], found: Any) -> bool:
    if iscoroutinefunction(wanted):
        # What it returns is true, whatever it is given.
        msg = "it is a coroutine function, and nobody awaits it"
        raise TypeError(msg)
    return bool(wanted(found))


def _is_mock(value: Any) -> bool:
    # With a spec it passes for a function, and what it returns is true for every value.
    mock = sys.modules.get("unittest.mock")
    return mock is not None and issubclass(type(value), mock.NonCallableMock)
