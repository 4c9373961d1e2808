"""The table of signals by full name that nested namespaces share; it makes each signal once."""

from __future__ import annotations

from functools import partial

from heliograph.core.mistakes import warn_of_twin
from heliograph.core.signal import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any
    from weakref import ref

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.observing.wishes import Choice, Wish

    # A prefix, and the pattern of the rest of a name: None matches any rest.
    Where = tuple[str, str | None]


class Templates(dict["Where", Signal]):
    """Signals that nobody sends, by pattern: new signals that match get their receivers.

    It can be held weakly.

    Attributes:
        wishes: What instruments want to see of such signals, held weakly.
    """

    __slots__ = ("__weakref__", "wishes")

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[tuple[Where, ref[Wish]]] = []

    def __reduce__(self) -> Any:
        """Leave the connections behind: signals of a copied namespace start without receivers."""
        return Templates, ()


class Names:
    """What a namespace shares with the namespaces nested in it.

    Attributes:
        signals: The signals by full name. In a subclass of namespace, a name need not be a string.
        templates: What is connected to signals that do not exist yet.
        kind: Makes a signal, given its name and its documentation.
    """

    def __init__(
        self,
        signals: dict[Any, Any] | None = None,
        templates: Templates | None = None,
        kind: Callable[[str, str], Signal[...]] = Signal,
    ) -> None:
        self.signals: dict[Any, Any] = {} if signals is None else signals
        self.templates: Templates = Templates() if templates is None else templates
        self.kind: Callable[[str, str], Signal[...]] = kind

    def signal(self, name: str, doc: str | None) -> Signal[...]:
        """Return the signal of that name; make it if it does not exist yet."""
        found: Signal[...] | None = self.signals.get(name)
        if found is None:
            new = self.kind(name, "")
            self._connect_templates(new, name)
            found = self._taken_in(name, new)
        if doc and "__doc__" not in found.__dict__:
            found.__doc__ = doc
        return found

    def below(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix, in the order in which they were added."""
        names = tuple(self.signals)
        return (it for it in names if isinstance(it, str) and it.startswith(prefix))

    def join(self, signals: dict[Any, Any], kind: Callable[[str, str], Signal[...]]) -> None:
        """Keep the signals in *signals* from now on, after adding those of this table to it."""
        before = self.signals
        signals.update(before)
        self.kind, self.signals = kind, signals
        # Again, for signals that other threads added in between.
        for name, it in tuple(before.items()):
            signals.setdefault(name, it)

    def choice(self, where: Where) -> Choice:
        """Return how an instrument gets to see the signals that match."""
        from heliograph.core.patterns import watch_pattern

        return (id(self.templates), where), partial(watch_pattern, self, where)

    def declared(self, *declarations: Declaration) -> list[Signal[...]]:
        """Declare one signal for each declaration, or none at all.

        Raises:
            ArgumentError: If one is declared already, at another place.
            ReceiverError: If a connected receiver cannot accept the payload.
        """
        from heliograph.core.declared.admission import agree

        names = [it.name for it in declarations]
        for name in names:
            warn_of_twin(name, self.signals)
        signals = [self._found_or_made(name) for name in names]
        undo = [agree(zip(signals, declarations, strict=True))]
        try:
            for name, signal in zip(names, signals, strict=True):
                if self.signals.get(name) is not signal:
                    self._connect_templates(signal, name)
            # Publish the signals only when all declarations are accepted.
            for at, it in enumerate(declarations):
                signal = self._taken_in(it.name, signals[at])
                if signal is not signals[at]:
                    undo.append(agree([(signal, it)]))
                    signals[at] = signal
        except BaseException:
            for step in undo:
                step()
            raise
        for signal, it in zip(signals, declarations, strict=True):
            if it.doc:
                signal.__doc__ = it.doc
        return signals

    def _found_or_made(self, name: str) -> Signal[...]:
        found: Signal[...] | None = self.signals.get(name)
        return self.kind(name, "") if found is None else found

    def _taken_in(self, name: str, signal: Signal[...]) -> Signal[...]:
        """Add a signal, unless another thread was quicker; return the one that is in the table."""
        known: object = self.signals.get(name)
        if known is signal:
            return signal
        found, signals = signal, None
        while signals is not self.signals:  # Another thread may have called `join`.
            signals = self.signals
            # One step, so that two threads get the same signal.
            taken: Signal[...] = signals.setdefault(name, found)
            found = taken
        # Again, for patterns connected since the first look, which did not find the signal yet.
        self._connect_templates(found, name)
        return found

    def _connect_templates(self, signal: Signal[...], name: str) -> None:
        if self.templates:
            from heliograph.core.patterns import connect_templates

            connect_templates(self.templates, signal, name)
        if self.templates.wishes:
            from heliograph.core.patterns import show_to_instruments

            show_to_instruments(self.templates, signal, name)
