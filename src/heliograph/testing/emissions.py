"""Emissions in the order in which they were sent: look at them, choose some, insist on some."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, overload

from heliograph import ANY, ArgumentError
from heliograph.describe import short_repr
from heliograph.testing import messages
from heliograph.testing.engines import how_to_install, only_a_name, other_engine
from heliograph.testing.errors import ExpectationError
from heliograph.testing.formatting import label
from heliograph.testing.matching import Criteria, by_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heliograph.testing.sent import Captured, Sent

_SHOWN = 3
"""How many emissions a representation shows."""

Order = Literal["subsequence", "exact", "any"]


class Emissions(Sequence["Sent"]):
    """Emissions in the order in which they were sent.

    A choice of them is such a sequence again. The methods that choose or insist
    take payload values as keyword arguments; for keys that are not identifiers, or
    that name another argument, pass a mapping as the last positional argument.
    Other keys of a payload do not matter. Instead of a value you can pass a matcher:
    a regular expression, a class, a function that tells whether it accepts the
    value, `heliograph.ANY`, or an object that compares equal, such as
    `pytest.approx`.
    """

    def __init__(self, found: list[Sent], captured: Captured, wanted: Criteria) -> None:
        self._found = found
        self._captured = captured
        self._wanted = wanted

    def _list(self) -> list[Sent]:
        """Return the emissions."""
        return self._found

    # --- to look at

    @overload
    def __getitem__(self, index: int) -> Sent: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sent]: ...

    def __getitem__(self, index: int | slice) -> Sent | list[Sent]:
        """Return an emission, or some of them, by position.

        Raises:
            IndexError: If there are fewer; the message lists them.
        """
        try:
            return self._list()[index]
        except IndexError:
            there = messages.not_as_often(self._wanted, None, self._list(), self._captured)
            msg = f"There is no emission [{index}]. {there}"
            raise IndexError(msg) from None

    def __iter__(self) -> Iterator[Sent]:
        return iter(self._list())

    def __len__(self) -> int:
        return len(self._list())

    def __repr__(self) -> str:
        what = messages.describe_criteria(self._wanted) if self._wanted.signals else "everything"
        return f"<{type(self).__name__} of {what}: {self._some()}>"

    def _some(self) -> str:
        try:
            found = self._list()
        except Exception:  # noqa: BLE001 - a matcher raises, and a repr must not.
            return f"{len(self._captured.sent)} emissions, and a matcher that raises"
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return f"[{', '.join([*map(repr, found[:_SHOWN]), *more])}]"

    def one(self) -> Sent:
        """Return the only emission.

        Raises:
            ExpectationError: If there are none, or several.
        """
        __tracebackhide__ = True
        found = self._list()
        if len(found) != 1:
            raise ExpectationError(messages.not_one(self._wanted, found, self._captured))
        return found[0]

    @property
    def first(self) -> Sent:
        """The first emission; an `ExpectationError` if there is none."""
        __tracebackhide__ = True
        self._insist(self._wanted, self._list(), None)
        return self[0]

    @property
    def last(self) -> Sent:
        """The last emission; an `ExpectationError` if there is none."""
        __tracebackhide__ = True
        self._insist(self._wanted, self._list(), None)
        return self[-1]

    # --- to choose from

    def of(self, *signals: Any) -> Emissions:
        """Return the emissions of these signals.

        Raises:
            ArgumentError: If one of them is not a signal, or is not captured here.
        """
        for signal in signals:
            self._check_watched(signal)
        return self._chosen(self._wanted.but(signals=signals))

    def sent_by(self, sender: Any) -> Emissions:
        """Return the emissions of one sender."""
        return self._chosen(self._wanted.but(sender=sender))

    def where(self, values: Mapping[str, Any] | None = None, /, **payload: Any) -> Emissions:
        """Return the emissions with these values in their payloads.

        Raises:
            ArgumentError: If a matcher raises.
        """
        more = by_key(values, payload, "sent_by({})")
        return self._chosen(self._wanted.but(payload={**self._wanted.payload, **more}))

    def _chosen(self, wanted: Criteria) -> Emissions:
        found = [sent for sent in self._list() if wanted.fits(sent)]
        return Emissions(found, self._captured, wanted)

    # --- to insist on

    def assert_sent(
        self,
        signal: Any,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        sender: Any = ANY,
        times: int | None = None,
        **payload: Any,
    ) -> Emissions:
        """Insist that a signal was sent; returns the emissions that match.

        Args:
            signal: The signal.
            values: Payload by key, for keys that cannot be keyword arguments here.
            sender: Count only what this sender sent.
            times: How often, exactly; by default, at least once.
            payload: Values or matchers.

        Raises:
            ExpectationError: If it was not.
            ArgumentError: If *signal* is not captured here, or if a matcher raises.
        """
        __tracebackhide__ = True
        wanted = self._narrowed(signal, sender, by_key(values, payload))
        found = self._chosen(wanted)
        self._insist(wanted, found, checked(times))
        return found

    def assert_not_sent(
        self,
        signal: Any,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        sender: Any = ANY,
        **payload: Any,
    ) -> None:
        """Insist that a signal was not sent; see `assert_sent`.

        Raises:
            ExpectationError: If it was.
            ArgumentError: If *signal* is not captured here, or if a matcher raises.
        """
        __tracebackhide__ = True
        wanted = self._narrowed(signal, sender, by_key(values, payload))
        found = self._chosen(wanted)
        if found:
            raise ExpectationError(messages.sent_after_all(wanted, found))

    def assert_order(self, *signals: Any, how: Order = "subsequence") -> None:
        """Insist that signals were sent in an order.

        Args:
            signals: The signals, each as often as it is expected.
            how: ``"subsequence"``: in this order, with others in between or without;
                ``"exact"``: in this order, and no others; ``"any"``: all of these, in
                any order, with others or without.

        Raises:
            ExpectationError: If they were not.
            ArgumentError: If a signal is not captured here, or *how* is not one of these.
        """
        __tracebackhide__ = True
        for signal in signals:
            self._check_watched(signal)
        if how not in tuple(_ORDERS):  # What has no hash is refused, too.
            msg = f"how={short_repr(how)} is not an order. Use {', '.join(map(repr, _ORDERS))}."
            raise ArgumentError(msg)
        reason = _ORDERS[how](signals, [_as_one_of(signals, sent) for sent in self._list()])
        if reason is not None:
            raise ExpectationError(messages.not_in_order(signals, self._list(), how, reason))

    def _narrowed(self, signal: Any, sender: Any, payload: dict[str, Any]) -> Criteria:
        self._check_watched(signal)
        chosen = self._wanted
        sender = chosen.sender if sender is ANY else sender
        return Criteria((signal,), sender, {**chosen.payload, **payload})

    def _insist(self, wanted: Criteria, found: Sequence[Sent], expected: int | None) -> None:
        __tracebackhide__ = True
        if len(found) != expected if expected is not None else not found:
            raise ExpectationError(messages.not_as_often(wanted, expected, found, self._captured))

    def _check_watched(self, signal: Any) -> None:
        if isinstance(signal, str):
            msg = f"{signal!r} is not a signal. "
            raise ArgumentError(msg + only_a_name(signal, self._seen()))
        engine, watched = other_engine(signal), self._wanted.signals
        if self._wanted.has(signal) if watched else engine is None:
            return
        seen = ", ".join(map(label, watched)) or "Heliograph's signals"
        whose = "" if watched or engine is None else f", and it is a signal of {engine}"
        msg = (
            f"{label(signal)} is not captured here, only {seen}{whose}. Capture it with capture() "
            "or with the fixture capture_signals."
            f"{how_to_install(engine) if whose and engine else ''}"
        )
        raise ArgumentError(msg)

    def _seen(self) -> list[Any]:
        return list({id(it.signal): it.signal for it in tuple(self._captured.sent)}.values())


def checked(times: Any) -> int | None:
    """Return how often a signal is expected.

    Raises:
        ArgumentError: If *times* is neither None nor 0 or more.
    """
    if times is not None and not (isinstance(times, int) and times >= 0):
        msg = f"times={short_repr(times)} is not a number of sends: use 0, 1, 2, ..."
        raise ArgumentError(msg)
    return times


def _as_one_of(signals: Sequence[Any], sent: Sent) -> Any:
    return next((it for it in signals if sent.is_of(it)), sent.signal)


# Each returns why the signals that were sent are not in the expected order, or None if they are.


def _subsequence(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    position = 0
    for number, signal in enumerate(expected):
        places = [at for at, it in enumerate(sent) if it is signal]
        later = next((at for at in places if at >= position), None)
        if later is not None:
            position = later + 1
        elif places:
            before = label(expected[number - 1])
            return f"{label(signal)} was not sent after {before} (number {position})."
        else:
            return f"{label(signal)} was not sent."
    return None


def _exact(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    for number, pair in enumerate(zip_longest(sent, expected), 1):
        if pair[0] is not pair[1]:
            found, wanted = ("nothing" if it is None else label(it) for it in pair)
            return f"Number {number} was {found}, and {wanted} was expected there."
    return None


def _any(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    for signal in expected:
        wanted, found = (sum(it is signal for it in several) for several in (expected, sent))
        if not found:
            return f"{label(signal)} was not sent."
        if found < wanted:
            often = f"{messages.times(wanted)}, and was sent {messages.times(found)}"
            return f"{label(signal)} was expected {often}."
    return None


_ORDERS = {"subsequence": _subsequence, "exact": _exact, "any": _any}
