"""The signals of a namespace whose names match a pattern, also those that are made later."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import partial
from weakref import ref

from heliograph.core.connections.options import HOW, check_names, completed
from heliograph.core.connections.registry import Registry
from heliograph.core.describe import describe_callable, short_repr
from heliograph.core.errors import ArgumentError, SignalError
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.lock import keep_until_unlocked, under_lock
from heliograph.core.mistakes import refuse_as_sender
from heliograph.core.observing.wishes import show
from heliograph.core.showing import shown
from heliograph.core.signal import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Unpack

    from heliograph.core._types import F
    from heliograph.core.connections.keywords import ConnectOptions
    from heliograph.core.connections.options import Options
    from heliograph.core.names import Names, Templates, Where
    from heliograph.core.observing.wishes import Choice, Wish

# As `fnmatch` reads them: a bracket that comes first is one of the characters.
_BRACKETS = re.compile(r"\[!?+\]?+[^\]]*\]")


class _TemplateRegistry(Registry):
    """Forgets the pattern when its last receiver is disconnected or dies."""

    def __init__(self, templates: Templates, where: Where) -> None:
        super().__init__()
        # Weakly, so that all of it is freed with the namespace, without a garbage collection.
        self.templates, self.where = ref(templates), where

    def changed(self) -> None:
        super().changed()
        templates = None if self.receivers else self.templates()
        template = None if templates is None else templates.get(self.where)
        # Another template may have taken its place.
        if templates is not None and template is not None and template._registry is self:
            keep_until_unlocked(templates.pop(self.where))


class SignalPattern:
    """The signals of a namespace whose names match a pattern; see `Namespace.signals`.

    Iterating yields the signals that exist now, in the order in which they were made.
    """

    def __init__(
        self, names: Names, prefix: str, pattern: object, namespace: str | None = None
    ) -> None:
        if not isinstance(pattern, str) or not pattern or "[" in _BRACKETS.sub("", pattern):
            text = short_repr(pattern)
            msg = (
                f"{text} is not a pattern for names of signals: use a string in which * "
                "stands for any characters, ? for one, and [abc] for one of these."
            )
            raise ArgumentError(msg)
        self._names = names
        self._namespace = namespace
        # A plain string: no code of a subclass of `str` may run while a pattern is forgotten.
        self._where: tuple[str, str] = prefix, str.__str__(pattern)

    def __iter__(self) -> Iterator[Signal[...]]:
        signals = list(self._names.signals.items())
        return (it for name, it in signals if _matches(name, self._where))

    def connect(
        self,
        receiver: F,
        sender: Any = ANY,
        weak: bool = True,
        **options: Unpack[ConnectOptions],
    ) -> F:
        """Connect *receiver* to each of the signals, and to those that are made later.

        See `Signal.connect` for the arguments. If a signal is declared later that the
        receiver cannot take, that declaration is refused.

        Returns:
            The receiver itself.

        Raises:
            ReceiverError: If it cannot be a receiver of one of the signals. Then it is
                connected to none of them.
            ArgumentError: If there is no such option, or it cannot have that value.
        """
        real = unwrapped(sender)
        try:
            complete = completed(options, weak, SignalPattern.connect)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None
        for signal in self:
            signal._examine(receiver, inline=complete[HOW].inline)
        try:
            self._connect_later(receiver, real, complete)
        except SignalError as error:
            raise self._not_connected(describe_callable(receiver), error) from None
        for signal in self:
            signal._connect_with(receiver, real, complete)
        return receiver

    def connect_via(
        self, sender: Any, weak: bool = False, **options: Unpack[ConnectOptions]
    ) -> Callable[[F], F]:
        """Return a decorator that connects a receiver for *sender*, and returns the receiver.

        It holds the receiver strongly by default. See `Signal.connect_via`.

        Raises:
            ArgumentError: If *sender* is a function, as in ``@signals.connect_via`` without a
                sender; or if there is no such option.
        """
        try:
            check_names(options, SignalPattern.connect_via)
        except SignalError as error:
            who = "A receiver"
            raise self._not_connected(who, error) from None
        refuse_as_sender(sender, f"the signals that match {''.join(self._where)!r}", strict=True)
        return partial(self.connect, sender=sender, weak=weak, **options)

    def disconnect(self, receiver: Callable[..., Any], sender: Any = ANY) -> None:
        """Disconnect *receiver* from each of the signals, and from those that are made later."""
        template = self._names.templates.get(self._where)
        for signal in (*self, *([] if template is None else [template])):
            signal.disconnect(receiver, sender)

    def _choice(self) -> Choice:
        return self._names.choice(self._where)

    def _connect_later(self, receiver: Callable[..., Any], sender: Any, options: Options) -> None:
        templates = self._names.templates
        template = templates.get(self._where) or self._new_template()
        template._connect_with(receiver, sender, options)
        # Again, if the template was forgotten in the meantime and another one took its place.
        while (found := templates.setdefault(self._where, template)) is not template:
            template = found
            template._connect_with(receiver, sender, options)

    def _not_connected(self, who: str, error: SignalError) -> SignalError:
        return self._new_template()._not_connected(who, error)

    def _new_template(self) -> Signal[...]:
        # A signal that nobody sends. Its receivers are connected to every signal that matches.
        template: Signal[...] = Signal("".join(self._where), "")
        template._registry = _TemplateRegistry(self._names.templates, self._where)
        return template

    @shown
    def __repr__(self) -> str:
        name = self._namespace
        whose = "a namespace without a name" if name is None else f"namespace {name!r}"
        return f"<Signals that match {self._where[1]!r} of {whose}>"


def connect_templates(templates: Templates, signal: Signal[...], name: str) -> None:
    """Connect to a new signal the receivers of all patterns that its name matches.

    Raises:
        ReceiverError: If one of them cannot take the payload that is declared.
    """
    for where, template in list(templates.items()):
        for connection in template.connections if _matches(name, where) else ():
            receiver, sender = connection.receiver, connection.sender
            if receiver is None or connection() is None:
                continue  # One of the two has died in the meantime.
            try:
                made = signal._registry.connect(receiver, sender, connection._options)
            except SignalError as error:
                raise signal._not_connected(connection.name, error) from None
            # Instruments are not told again: they were when the pattern was connected.
            if made is not None:
                signal._tell_connected(receiver, sender, made[0], made[1] is None)


def watch_pattern(names: Names, where: Where, wish: Wish) -> None:
    """Show an instrument all signals whose names match, now and later."""
    under_lock(_add_wish, names.templates.wishes, where, wish)
    show(wish, [it._registry for name, it in list(names.signals.items()) if _matches(name, where)])


def _add_wish(wishes: list[tuple[Where, ref[Wish]]], where: Where, wish: Wish) -> None:
    wishes[:] = [*(it for it in wishes if it[1]() is not None), (where, ref(wish))]


def show_to_instruments(templates: Templates, signal: Signal[...], name: str) -> None:
    """Show a new signal to the instruments that want to see signals of its name."""
    for where, held in list(templates.wishes):
        wish = held()
        if wish is not None and _matches(name, where):
            show(wish, [signal._registry])


def _matches(name: object, where: Where) -> bool:
    prefix, pattern = where
    # A subclass of namespace may take names that are no strings.
    if not isinstance(name, str) or not name.startswith(prefix):
        return not prefix and pattern is None
    return pattern is None or fnmatchcase(name[len(prefix) :], pattern)
