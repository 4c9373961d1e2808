"""The signals of a namespace whose names match a pattern, those that are still to come too."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import partial

from heliograph.core.callables import called
from heliograph.core.errors import ArgumentError, SignalError
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.mistakes import refuse_as_sender
from heliograph.core.signal import Signal
from heliograph.core.terms import terms

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from heliograph.core.connecting import OnError
    from heliograph.core.typed import F

    # By what the names begin with, and the pattern of the rest. To each there is a signal that
    # nobody sends: who is connected to it is connected to every signal that comes to match.
    Standing = dict[tuple[str, str], Signal[...]]

# As `fnmatch` reads them: a bracket that comes first is one of the characters.
_BRACKETS = re.compile(r"\[!?+\]?+[^\]]*\]")


class Matching:
    """The signals of a namespace whose names match a pattern; see `Namespace.signals`.

    Iterating gives those that are there now, in the order in which they were made.
    """

    def __init__(
        self, signals: dict[str, Signal[...]], standing: Standing, prefix: str, pattern: object
    ) -> None:
        if not isinstance(pattern, str) or not pattern or "[" in _BRACKETS.sub("", pattern):
            msg = (
                f"{pattern!r} is not a pattern for names of signals: use a string in which * "
                "stands for any characters, ? for one, and [abc] for one of these."
            )
            raise ArgumentError(msg)
        self._signals = signals
        self._standing = standing
        self._where = prefix, pattern

    def __iter__(self) -> Iterator[Signal[...]]:
        return (it for name, it in list(self._signals.items()) if _matches(name, self._where))

    def connect(
        self,
        receiver: F,
        sender: Any = ANY,
        weak: bool = True,
        *,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
    ) -> F:
        """Connect *receiver* to each of the signals, also to those that are made later.

        See `Signal.connect` for the arguments. Declaring a signal later that the
        receiver cannot take is an error there.

        Returns:
            The receiver itself.

        Raises:
            ReceiverError: If it cannot be a receiver of one of the signals; then it
                is connected to none.
            ArgumentError: If an option has a value that it cannot have.
        """
        for signal in self:
            signal._examine(receiver)
        template = self._template()
        real = unwrapped(sender)
        try:
            how = terms(priority, on_error, inline, weak)
            template._connect_on_terms(receiver, real, how)
        except SignalError as error:
            raise template._not_connected(called(receiver), error) from None
        for signal in self:
            signal._connect_on_terms(receiver, real, how)
        return receiver

    def connect_via(
        self,
        sender: Any,
        weak: bool = False,
        *,
        priority: int = 0,
        on_error: OnError = "raise",
        inline: bool = False,
    ) -> Callable[[F], F]:
        """Return a decorator that connects for *sender*, strongly unless told otherwise."""
        refuse_as_sender(sender, f"the signals that match {''.join(self._where)!r}", lenient=False)
        return partial(
            self.connect,
            sender=sender,
            weak=weak,
            priority=priority,
            on_error=on_error,
            inline=inline,
        )

    def disconnect(self, receiver: Callable[..., Any], sender: Any = ANY) -> None:
        """Disconnect *receiver* from each of the signals, and connect it to no later one."""
        for signal in (self._template(), *self):
            signal.disconnect(receiver, sender)

    def _template(self) -> Signal[...]:
        # One step, so that two threads cannot each get one of their own.
        return self._standing.setdefault(self._where, Signal("".join(self._where)))

    def __repr__(self) -> str:
        return f"<Signals that match {''.join(self._where)!r}>"


def connect_standing(standing: Standing, signal: Signal[...], name: str) -> None:
    """Connect a new signal to all who want to hear those of its name.

    Raises:
        ReceiverError: If one of them cannot take what the signal is declared to send.
    """
    for where, template in list(standing.items()):
        for connection in template.connections if _matches(name, where) else ():
            receiver, sender = connection.receiver, connection.sender
            if receiver is None or connection() is None:
                continue  # One of the two has died meanwhile.
            try:
                made = signal._registry.connect(receiver, sender, connection._terms)
            except SignalError as error:
                raise signal._not_connected(connection.name, error) from None
            # Instruments are not told: it was connected when the standing connection was made.
            if made is not None:
                signal._tell_connected(receiver, sender, *made)


def _matches(name: str, where: tuple[str, str]) -> bool:
    prefix, pattern = where
    return name.startswith(prefix) and fnmatchcase(name[len(prefix) :], pattern)
