"""Which emissions a test means: by signal, by sender, and by parts of the payload."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import iscoroutinefunction, isroutine
from operator import eq
from typing import TYPE_CHECKING, Any

from heliograph import ANY, ArgumentError, Signal
from heliograph.describe import describe_error, full_repr, short_repr
from heliograph.testing.sent import connections_of, sent_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from heliograph.testing.sent import Sent

MISSING = object()
"""Stands for a value that a payload does not have."""


@dataclass(frozen=True)
class Difference:
    """One way in which an emission differs from the criteria.

    Attributes:
        name: A key of the payload, or ``sender``.
        found: The value in the emission, or `MISSING`.
        wanted: The wanted value, or a matcher.
    """

    name: str
    found: Any
    wanted: Any


@dataclass(frozen=True)
class Criteria:
    """The criteria that an emission has to meet.

    Attributes:
        signals: It is of one of these signals; empty for any signal.
        sender: It has this sender, or `ANY`.
        payload: It has these values, or values that these matchers accept; other keys of
            its payload do not matter.
    """

    signals: tuple[Any, ...] = ()
    sender: Any = ANY
    payload: Mapping[str, Any] = field(default_factory=dict)
    _is_sender: SameSender | None = None

    def __post_init__(self) -> None:
        if self.sender is not ANY:
            object.__setattr__(self, "_is_sender", SameSender(self.sender))

    def but(self, **changes: Any) -> Self:
        """Return a copy with some attributes changed."""
        return replace(self, _is_sender=None, **changes)

    def has(self, signal: Any) -> bool:
        """Tell whether a signal is one of the wanted ones."""
        ours = connections_of(signal)
        return not self.signals or any(ours is connections_of(it) for it in self.signals)

    def has_sent(self, sent: Sent) -> bool:
        """Tell whether an emission is of one of the wanted signals."""
        return not self.signals or any(map(sent.is_of, self.signals))

    def fits(self, sent: Sent) -> bool:
        """Tell whether an emission meets the criteria.

        Raises:
            ArgumentError: If a matcher raises.
        """
        return self.has_sent(sent) and next(self.differences(sent), None) is None

    def differences(self, sent: Sent) -> Iterator[Difference]:
        """Yield how an emission of the right signal differs from the criteria.

        Raises:
            ArgumentError: If a matcher raises.
        """
        if self._is_sender is not None and not self._is_sender(sent.sender):
            yield Difference("sender", sent.sender, self.sender)
        for name, wanted in self.payload.items():
            found = sent.payload.get(name, MISSING)
            if found is MISSING or not _matches(wanted, found, name, sent):
                yield Difference(name, found, wanted)


def by_key(
    values: Mapping[str, Any] | None, payload: Mapping[str, Any], of_sender: str = "sender={}"
) -> dict[str, Any]:
    """Join values and matchers that are given as a mapping and by keyword.

    Args:
        values: The mapping; or, by mistake, a sender.
        payload: The keywords.
        of_sender: How to pass a sender, for the message.

    Raises:
        ArgumentError: If *values* is not a mapping.
    """
    if values is not None and not hasattr(type(values), "keys"):
        msg = (
            f"{short_repr(values)} is not a mapping of payload values. If it is the sender, write "
            f"`{of_sender.format(short_repr(values))}`; pass values by keyword."
        )
        raise ArgumentError(msg)
    return {**(values or {}), **payload}


class SameSender:
    """Tells whether an object is the same sender, by asking the engine."""

    def __init__(self, sender: Any) -> None:
        self._probe = Signal()
        self._probe.connect(_do_nothing, sender)

    def __call__(self, sender: Any) -> bool:
        """Tell whether a receiver connected for the one sender would get what the other sends."""
        return self._probe.has_receivers_for(sender)


def _do_nothing(sender: Any, **payload: Any) -> None:
    """Do nothing: it is connected and never called."""


def _matches(wanted: Any, found: Any, name: str, sent: Sent) -> bool:
    try:
        return matches(wanted, found)
    except Exception as error:
        msg = (
            f"The matcher for {name!r}, {full_repr(wanted)}, raised {describe_error(error)}. "
            f"It was given {short_repr(found)}, which was sent at {sent_at(sent)}."
        )
        raise ArgumentError(msg) from error


def matches(wanted: Any, found: Any) -> bool:
    """Tell whether a value is the wanted one, or one that a matcher accepts.

    Matchers are `ANY`, regular expressions (searched for in strings), classes
    (which accept their instances), functions, methods and partials (which return
    whether they accept the value), and objects that compare equal to it, such as
    `pytest.approx` and `unittest.mock.ANY`. Other callables are values: an
    application is one.

    Raises:
        Exception: What a function raises. A value that cannot be compared in
            another way does not match.
    """
    if wanted is ANY or wanted is found or _is_comparable_and(eq, wanted, found):
        return True
    if type(wanted) is re.Pattern:
        kind = type(wanted.pattern)
        return _is_comparable_and(isinstance, found, kind) and bool(wanted.search(found))
    if issubclass(type(wanted), type):
        return _is_comparable_and(isinstance, found, wanted)
    return _is_function(wanted) and _accepts(wanted, found)


def _is_comparable_and(compare: Callable[[Any, Any], object], one: Any, other: Any) -> bool:
    """Tell whether two values compare so; values that cannot be compared do not."""
    try:
        answer = compare(one, other)
        # An array answers for each element; one of a single element would pass for a yes or no.
        return bool(answer) and not hasattr(type(answer), "__len__")
    except Exception:  # noqa: BLE001 - a user's object may raise anything.
        return False


def asks(wanted: Any) -> bool:
    """Tell whether an object is a matcher that looks at a value, and not a value itself."""
    return issubclass(type(wanted), (re.Pattern, type)) or _is_function(wanted)


def _is_function(value: Any) -> bool:
    try:
        function = isroutine(value) or isinstance(value, partial)
    except Exception:  # noqa: BLE001 - it reads attributes of the value: an unbound proxy fails.
        return False
    return function and callable(value) and not _is_mock(value)


def _accepts(wanted: Callable[[Any], object], found: Any) -> bool:
    if iscoroutinefunction(wanted):
        # It returns a coroutine, which is true for every value.
        msg = "it is a coroutine function, and nothing awaits it"
        raise TypeError(msg)
    return bool(wanted(found))


def _is_mock(value: Any) -> bool:
    # With a spec a mock passes for a function, and the mock that it returns is always true.
    mock = sys.modules.get("unittest.mock")
    return mock is not None and issubclass(type(value), mock.NonCallableMock)
