"""The signals that namespaces share by their full names: each is made once, whoever asks."""

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

    # What the names begin with, and the pattern of the rest: None for whatever it is.
    Where = tuple[str, str | None]


class Standing(dict["Where", Signal]):
    """Who wants to hear signals that are still to come, by pattern. It can be held weakly.

    Attributes:
        wishes: What instruments want to see of them, held weakly.
    """

    __slots__ = ("__weakref__", "wishes")

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[tuple[Where, ref[Wish]]] = []

    def __reduce__(self) -> Any:
        """Leave them behind: to the signals of a copy nobody is connected, now or later."""
        return Standing, ()


class Names:
    """What a namespace has in common with those that are nested in it.

    Attributes:
        signals: By their full names. In a namespace of Blinker's, a name may be no string.
        standing: Who wants to hear signals that are still to come.
        kind: What makes a signal of a name and its documentation.
    """

    def __init__(
        self,
        signals: dict[Any, Any] | None = None,
        standing: Standing | None = None,
        kind: Callable[[str, str], Signal[...]] = Signal,
    ) -> None:
        self.signals: dict[Any, Any] = {} if signals is None else signals
        self.standing: Standing = Standing() if standing is None else standing
        self.kind: Callable[[str, str], Signal[...]] = kind

    def signal(self, name: str, doc: str | None) -> Signal[...]:
        """Return the signal of that name, which is made if there is none yet."""
        found: Signal[...] | None = self.signals.get(name)
        if found is None:
            new = self.kind(name, "")
            self._connect_standing(new, name)
            found = self._taken_in(name, new)
        if doc and "__doc__" not in found.__dict__:
            found.__doc__ = doc
        return found

    def below(self, prefix: str) -> Iterator[str]:
        """Give the names that begin with a prefix, in the order in which they came."""
        names = tuple(self.signals)
        return (it for it in names if isinstance(it, str) and it.startswith(prefix))

    def join(self, signals: dict[Any, Any], kind: Callable[[str, str], Signal[...]]) -> None:
        """Keep the signals in another dict from now on, to which those of this one are added."""
        before = self.signals
        signals.update(before)
        self.kind, self.signals = kind, signals
        # Again, for those that came meanwhile.
        for name, it in tuple(before.items()):
            signals.setdefault(name, it)

    def choice(self, where: Where) -> Choice:
        """Say how an instrument that names such signals is to see them."""
        from heliograph.core.patterns import stand_by_to_see

        return (id(self.standing), where), partial(stand_by_to_see, self, where)

    def declared(self, *declarations: Declaration) -> list[Signal[...]]:
        """Declare a signal each, or none at all.

        Raises:
            ArgumentError: If one is declared already, elsewhere.
            ReceiverError: If somebody is connected already who could not take the payload.
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
                    self._connect_standing(signal, name)
            # Only now: nobody is to find the first one here if the last one is refused.
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
        """Take in a signal, unless another thread was quicker; return the one that is in."""
        known: object = self.signals.get(name)
        if known is signal:
            return signal
        found, signals = signal, None
        while signals is not self.signals:  # Others may have joined this with another dict.
            signals = self.signals
            # One step, so that two threads cannot each get a signal of their own.
            taken: Signal[...] = signals.setdefault(name, found)
            found = taken
        # Again, for those who asked after the first look, but before they could see it.
        self._connect_standing(found, name)
        return found

    def _connect_standing(self, signal: Signal[...], name: str) -> None:
        if self.standing:
            from heliograph.core.patterns import connect_standing

            connect_standing(self.standing, signal, name)
        if self.standing.wishes:
            from heliograph.core.patterns import show_standing

            show_standing(self.standing, signal, name)
