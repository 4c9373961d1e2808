"""Signals by name: made, looked up, matched, and nested."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, ValuesView

from heliograph.core.copying import Copyable
from heliograph.core.declares import Declares
from heliograph.core.errors import ArgumentError, UnknownSignalError
from heliograph.core.mistakes import warn_of_namesakes, warn_of_twin
from heliograph.core.names import Names
from heliograph.core.showing import a_few, in_its_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn, TypeVar, overload

    from heliograph.core.observing.wishes import Choice
    from heliograph.core.patterns import SignalPattern
    from heliograph.core.signal import Signal

    D = TypeVar("D")

# Methods of dict that a namespace lacks: its signals are made by asking for them, and stay.
_OF_DICTS = ("clear", "copy", "fromkeys", "pop", "popitem", "setdefault", "update")


class Namespace(Declares, Copyable):
    """Signals by name: asking for the same name again gives the same signal.

    A namespace is a mapping from names to signals: it can be read like a dict. It keeps its
    signals alive. Two namespaces are never equal.

    Args:
        name: What messages and tools call the namespace.

    Example:
        >>> shop = Namespace("shop")
        >>> shop.signal("order-paid") is shop["order-paid"]
        True
    """

    name: str | None = None
    _prefix = ""
    _names_class = Names

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        # A nested namespace shares the names of the outermost one, so that a signal is the same
        # however a program asks for it.
        self._names = Names()

    def signal(self, name: str, doc: str | None = None) -> Signal[...]:
        """Return the signal of that name; make it if it does not exist yet.

        In the default namespace, new signals are of Blinker's kind once
        `heliograph.blinker` is loaded, which keeps its own signals there too.

        Args:
            name: Any string. A noun and a past participle read well: ``order-paid``.
            doc: The signal's docstring. If several calls give one, the first stays.

        Raises:
            ArgumentError: If the name is not a string.
        """
        full = self._full(name)
        if self._names is default_namespace._names:
            warn_of_namesakes(full)
        warn_of_twin(full, self._names.signals)
        return self._names.signal(full, doc)

    def namespace(self, name: str) -> Namespace:
        """Return the nested namespace of that name; make it if it does not exist yet.

        Its signals are signals of this namespace too, under their longer names.

        Args:
            name: Any string; `billing` in `shop` is called ``shop.billing``.

        Raises:
            ArgumentError: If the name is not a string, or is empty.

        Example:
            >>> shop = Namespace("shop")
            >>> billing = shop.namespace("billing")
            >>> billing.signal("invoice_sent") is shop["billing.invoice_sent"]
            True
        """
        if not self._full(name).removeprefix(self._prefix):
            msg = f"A namespace inside of {self!r} needs a name, and '' is not one."
            raise ArgumentError(msg)
        prefix = f"{self._full(name)}."
        nested = Namespace(name if self.name is None else f"{self.name}.{name}")
        nested._names, nested._prefix = self._names, prefix
        # One step, so that two threads get the same one.
        known: dict[str, Namespace] = self.__dict__.setdefault("_nested", {})
        return known.setdefault(name, nested)

    def signals(self, pattern: str = "*") -> SignalPattern:
        """Return the signals whose names match: iterate over them, or connect to all of them.

        Args:
            pattern: ``*`` stands for any characters, ``?`` for one, and ``[abc]`` for
                one of these. Signals of nested namespaces match by their longer names.

        Raises:
            ArgumentError: If the pattern is not a string.

        Example:
            >>> shop = Namespace("shop")
            >>> @shop.signals("order-*").connect
            ... def count(sender, **payload):
            ...     return sorted(payload)
            >>> shop.signal("order-paid").send("shop", total=12)
            [(<function count at ...>, ['total'])]
        """
        from heliograph.core.patterns import SignalPattern

        return SignalPattern(self._names, self._prefix, pattern, self.name)

    if TYPE_CHECKING:

        @overload
        def get(self, name: object) -> Signal[...] | None: ...
        @overload
        def get(self, name: object, default: D) -> Signal[...] | D: ...

    def get(self, name: object, default: object = None) -> object:
        """Return the signal of that name, or *default*; unlike `signal`, never make one."""
        found = self._found(name)
        return default if found is None else found

    def keys(self) -> KeysView[str]:
        """Return the names, in the order in which the signals were made."""
        return KeysView(self)

    def values(self) -> ValuesView[Signal[...]]:
        """Return the signals, in the order in which they were made."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Signal[...]]:
        """Return pairs of name and signal, in the order in which they were made."""
        return ItemsView(self)

    def __getitem__(self, name: object) -> Signal[...]:
        found = self._found(name)
        if found is None:
            raise self._unknown(name)
        return found

    def __setitem__(self, name: object, _: object) -> NoReturn:
        self._refuse_change(name)

    def __delitem__(self, name: object) -> NoReturn:
        self._refuse_change(name)

    def __contains__(self, name: object) -> bool:
        return self._found(name) is not None

    def __iter__(self) -> Iterator[str]:
        start = len(self._prefix)
        return iter([it[start:] for it in self._names.below(self._prefix)])

    def __len__(self) -> int:
        return sum(1 for _ in self._names.below(self._prefix))

    __repr__ = in_its_words

    def _described(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<Namespace {name}: {a_few(list(self)) or 'no signals'}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(self._no_attribute(name), name=name, obj=self)

    def _choice(self) -> Choice:
        return self._names.choice((self._prefix, None))

    def _no_attribute(self, name: str) -> str:
        said = f"{type(self).__name__!r} object has no attribute {name!r}"
        if name.startswith("_"):  # Python asks, perhaps before `__init__` has run.
            return said
        if name in self:
            return f"{said}. The signal of that name is namespace[{name!r}]."
        if name in _OF_DICTS:
            return (
                f"{said}. A namespace can be read like a dict; only signal(name) and declare add "
                "signals, and none is removed."
            )
        return said

    def _refuse_change(self, name: object) -> NoReturn:
        msg = (
            f"{name!r} cannot be set or deleted in {self!r}: only namespace.signal(name) and "
            "declare add signals, and none is removed."
        )
        raise ArgumentError(msg)

    def _found(self, name: object) -> Signal[...] | None:
        signals: dict[str, Signal[...]] = self._names.signals
        return signals.get(f"{self._prefix}{name}") if isinstance(name, str) else None

    def _full(self, name: object) -> str:
        if not isinstance(name, str):
            msg = f"{name!r} is not a name for a signal of {self!r}: use a string."
            raise ArgumentError(msg)
        return f"{self._prefix}{name}"

    def _unknown(self, name: object) -> UnknownSignalError:
        from difflib import get_close_matches

        close = get_close_matches(str(name), list(self), 1)
        there = f"There are {', '.join(self)}." if self else "It has none yet."
        hint = f"Did you mean {close[0]!r}?" if close else there
        title = "A namespace without a name" if self.name is None else f"Namespace {self.name!r}"
        return UnknownSignalError(f"{title} has no signal {name!r}. {hint}")


# Registered, not derived: a subclass would get the metaclass and the equality of a mapping.
Mapping.register(Namespace)  # pyright: ignore[reportAttributeAccessIssue] - at run time it is an ABC.

default_namespace: Namespace = Namespace("default")
"""The namespace of the function `signal`."""


def signal(name: str, doc: str | None = None) -> Signal[...]:
    """Return the signal of that name in the default namespace: see `Namespace.signal`."""
    return default_namespace.signal(name, doc)
