"""Emissions in the order in which they were sent: to look at, to choose from, to insist on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, overload

from heliograph import ANY, ArgumentError
from heliograph.testing import messages
from heliograph.testing.engines import how_to_install, only_a_name, other_engine
from heliograph.testing.errors import ExpectationError
from heliograph.testing.matching import Wanted, by_key
from heliograph.testing.names import title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heliograph.testing.sent import Meanwhile, Sent

_SHOWN = 3
"""So many emissions are in a representation."""

Order = Literal["simple", "strict", "unordered"]


class Emissions(Sequence["Sent"]):
    """Emissions in the order in which they were sent.

    What is chosen from them is again such a sequence. Choosing and insisting
    take values of the payload as keyword arguments; a mapping as the last
    positional argument does the same for keys that are no identifiers, or that
    are taken. What else a payload has does not matter. In the place of a value
    there may be a matcher: a regular expression, a class, a function that tells
    whether it is the one, `heliograph.ANY`, or what compares equal as
    `pytest.approx` does.
    """

    def __init__(self, found: list[Sent], meanwhile: Meanwhile, wanted: Wanted) -> None:
        self._found = found
        self._meanwhile = meanwhile
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
            IndexError: If there are not so many; the message says what there is.
        """
        try:
            return self._list()[index]
        except IndexError:
            there = messages.not_as_often(self._wanted, None, self._list(), self._meanwhile)
            msg = f"There is no emission [{index}]. {there}"
            raise IndexError(msg) from None

    def __iter__(self) -> Iterator[Sent]:
        return iter(self._list())

    def __len__(self) -> int:
        return len(self._list())

    def __repr__(self) -> str:
        what = messages.described(self._wanted) if self._wanted.signals else "everything"
        return f"<{type(self).__name__} of {what}: {self._some()}>"

    def _some(self) -> str:
        try:
            found = self._list()
        except Exception:  # noqa: BLE001 - a matcher raises, and whoever looks has not asked it.
            return f"{len(self._meanwhile.sent)} emissions, and a matcher that raises"
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return f"[{', '.join([*map(repr, found[:_SHOWN]), *more])}]"

    def one(self) -> Sent:
        """Return the only emission.

        Raises:
            ExpectationError: If there is none, or more than one.
        """
        __tracebackhide__ = True
        found = self._list()
        if len(found) != 1:
            raise ExpectationError(messages.not_one(self._wanted, found, self._meanwhile))
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
            ArgumentError: If one of them is no signal, or none that is watched.
        """
        for signal in signals:
            self._check_watched(signal)
        return self._chosen(self._wanted.but(signals=signals))

    def sent_by(self, sender: Any) -> Emissions:
        """Return the emissions of one sender."""
        return self._chosen(self._wanted.but(sender=sender))

    def where(self, values: Mapping[str, Any] | None = None, /, **payload: Any) -> Emissions:
        """Return the emissions with such values in their payloads.

        Raises:
            ArgumentError: If a matcher raises.
        """
        more = by_key(values, payload, "sent_by({})")
        return self._chosen(self._wanted.but(payload={**self._wanted.payload, **more}))

    def _chosen(self, wanted: Wanted) -> Emissions:
        found = [sent for sent in self._list() if wanted.fits(sent)]
        return Emissions(found, self._meanwhile, wanted)

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
        """Insist that a signal was sent; returns the emissions that are meant.

        Args:
            signal: The signal.
            values: Payload by key, for keys that cannot be keyword arguments here.
            sender: Only what was sent by it counts.
            times: How often, exactly; otherwise at least once.
            payload: Values or matchers.

        Raises:
            ExpectationError: If it was not.
            ArgumentError: If it is no signal that is watched, or if a matcher raises.
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
            ArgumentError: If it is no signal that is watched, or if a matcher raises.
        """
        __tracebackhide__ = True
        wanted = self._narrowed(signal, sender, by_key(values, payload))
        found = self._chosen(wanted)
        if found:
            raise ExpectationError(messages.sent_after_all(wanted, found))

    def assert_order(self, *signals: Any, how: Order = "simple") -> None:
        """Insist that signals were sent in an order.

        Args:
            signals: The signals, each as often as it is expected.
            how: ``"simple"``: in this order, whatever else was sent in between;
                ``"strict"``: these and nothing else; ``"unordered"``: all of
                these, in any order.

        Raises:
            ExpectationError: If they were not.
            ArgumentError: If one is no signal that is watched, or there is no such order.
        """
        __tracebackhide__ = True
        for signal in signals:
            self._check_watched(signal)
        if how not in _ORDERS:
            msg = f"how={how!r} is not an order. Use {', '.join(map(repr, _ORDERS))}."
            raise ArgumentError(msg)
        reason = _ORDERS[how](signals, [sent.signal for sent in self._list()])
        if reason is not None:
            raise ExpectationError(messages.not_in_order(signals, self._list(), how, reason))

    def _narrowed(self, signal: Any, sender: Any, payload: dict[str, Any]) -> Wanted:
        self._check_watched(signal)
        chosen = self._wanted
        sender = chosen.sender if sender is ANY else sender
        return Wanted((signal,), sender, {**chosen.payload, **payload})

    def _insist(self, wanted: Wanted, found: Sequence[Sent], expected: int | None) -> None:
        __tracebackhide__ = True
        if len(found) != expected if expected is not None else not found:
            raise ExpectationError(messages.not_as_often(wanted, expected, found, self._meanwhile))

    def _check_watched(self, signal: Any) -> None:
        if isinstance(signal, str):
            msg = f"{signal!r} is not a signal. "
            raise ArgumentError(msg + only_a_name(signal, self._seen()))
        engine, watched = other_engine(signal), self._wanted.signals
        if any(signal is it for it in watched) or (not watched and engine is None):
            return
        seen = ", ".join(map(title, watched)) or "every signal of Heliograph"
        whose = "" if watched or engine is None else f", and it is one of {engine}"
        msg = (
            f"{title(signal)} is not among what is captured here: {seen}{whose}. "
            "Capture it by itself, with capture() or with the fixture capture_signals, or there "
            f"is nothing to be found.{how_to_install(engine) if whose and engine else ''}"
        )
        raise ArgumentError(msg)

    def _seen(self) -> list[Any]:
        return list({id(it.signal): it.signal for it in tuple(self._meanwhile.sent)}.values())


def checked(times: Any) -> int | None:
    """Return how often something is expected.

    Raises:
        ArgumentError: If nothing can be sent so often.
    """
    if times is not None and not (isinstance(times, int) and times >= 0):
        msg = f"times={times!r} is not how often something can be sent: use 0, 1, 2, ..."
        raise ArgumentError(msg)
    return times


# Each returns why the signals that were sent are not as expected, or None.


def _simple(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    position = 0
    for number, signal in enumerate(expected):
        places = [at for at, it in enumerate(sent) if it is signal]
        later = next((at for at in places if at >= position), None)
        if later is not None:
            position = later + 1
        elif places:
            before = title(expected[number - 1])
            return f"{title(signal)} was not sent after {before} (number {position})."
        else:
            return f"{title(signal)} was not sent."
    return None


def _strict(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    for number, pair in enumerate(zip_longest(sent, expected), 1):
        if pair[0] is not pair[1]:
            found, wanted = ("nothing" if it is None else title(it) for it in pair)
            return f"Number {number} was {found}, and {wanted} was expected there."
    return None


def _unordered(expected: Sequence[Any], sent: Sequence[Any]) -> str | None:
    for signal in expected:
        wanted, found = (sum(it is signal for it in several) for several in (expected, sent))
        if not found:
            return f"{title(signal)} was not sent."
        if found < wanted:
            often = f"{messages.times(wanted)}, and was sent {messages.times(found)}"
            return f"{title(signal)} was expected {often}."
    return None


_ORDERS = {"simple": _simple, "strict": _strict, "unordered": _unordered}
