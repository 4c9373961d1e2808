"""Signals by name: made, declared, looked up, and nested."""

from __future__ import annotations

from functools import partial

from heliograph.core.errors import ArgumentError, UnknownSignalError
from heliograph.core.signal import Signal
from heliograph.core.terms import place, where_is

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Concatenate, Protocol, overload

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.matching import Matching, Standing
    from heliograph.core.spans.spanning import Spanning
    from heliograph.core.typed import Q, S

    class DeclaringSpans(Protocol):
        """A decorator that makes of a stub what begins spans."""

        def __call__(self, stub: Callable[Q, None], /) -> Spanning[Q]:
            """Return what begins the spans that the stub declares."""
            ...

    class Declaring(Protocol):
        """A decorator that makes a signal of a stub."""

        def __call__(self, stub: Callable[Concatenate[S, Q], None], /) -> Signal[Concatenate[S, Q]]:
            """Return the signal that the stub declares."""
            ...


class Namespace:
    """Signals by name: asking for the same name again gives the same signal.

    It reads like a mapping from names to signals, and keeps its signals alive.

    Args:
        name: What messages and tools call the namespace.

    Example:
        >>> shop = Namespace("shop")
        >>> shop.signal("order-paid") is shop["order-paid"]
        True
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        # Those of a nested namespace are in the dict of the outermost one, by their full names:
        # however a signal is asked for, it is the same one.
        self._signals: dict[str, Signal[...]] = {}
        self._standing: Standing = {}
        self._nested: dict[str, Namespace] = {}
        self._prefix = ""

    def signal(self, name: str, doc: str | None = None) -> Signal[...]:
        """Return the signal of that name, which is made if there is none yet.

        Args:
            name: Any string; ``verb-noun`` in the past tense reads well.
            doc: The signal's docstring. The first one that is given stays.

        Raises:
            ArgumentError: If the name is not a string.
        """
        name = self._full(name)
        found = self._signals.get(name)
        if found is None:
            new = Signal(name)
            self._connect_standing(new, name)
            found = self._taken_in(name, new)
        if doc and "__doc__" not in found.__dict__:
            found.__doc__ = doc
        return found

    if TYPE_CHECKING:

        @overload
        def declare(
            self, stub: Callable[Concatenate[S, Q], None], /
        ) -> Signal[Concatenate[S, Q]]: ...
        @overload
        def declare(
            self,
            stub: None = ...,
            /,
            *,
            name: str | None = ...,
            deprecated: str | None = ...,
            deprecated_arguments: Mapping[str, str] | None = ...,
        ) -> Declaring: ...

    def declare(
        self,
        stub: Any = None,
        /,
        *,
        name: str | None = None,
        deprecated: str | None = None,
        deprecated_arguments: Mapping[str, str] | None = None,
    ) -> Any:
        """Declare a signal by the signature of a function, of which nothing runs. A decorator.

        The function's name becomes that of the signal and its docstring the signal's; its
        first parameter is the sender, all others are keyword-only and make up the payload.
        An argument with a default may be left out by who sends; the default itself is not
        sent. ``**payload: Unpack[OrderPaid]`` takes the arguments from a `TypedDict`.

        From then on a receiver that could not be called with every such payload is refused
        when it is connected. In development, a send that is not as declared is refused too.

        Args:
            stub: The function. None to get a decorator that takes the options.
            name: The name of the signal, where that of the function will not do.
            deprecated: What to use instead. Whoever connects a receiver is warned.
            deprecated_arguments: What to use instead, by the name of the argument.
                Whoever connects a receiver that takes one of them by name is warned.

        Returns:
            The signal.

        Raises:
            ArgumentError: If the function declares no signal, or one that is declared already.
            ReceiverError: If somebody is connected already who could not take the payload.

        Example:
            >>> shop = Namespace("shop")
            >>> @shop.declare
            ... def order_paid(sender: str, *, total: int) -> None:
            ...     '''An order was paid in full.'''
            >>> order_paid.declaration.signature
            '(sender: str, *, total: int)'
        """
        if stub is None:
            return partial(
                self.declare,
                name=name,
                deprecated=deprecated,
                deprecated_arguments=deprecated_arguments,
            )
        # Costly to import: only those who declare signals pay for it.
        from heliograph.core.declared.declaring import Remarks, read_stub

        remarks = Remarks(self._prefix, name, None, deprecated, deprecated_arguments)
        [signal] = self._declared(read_stub(stub, remarks))
        return signal

    if TYPE_CHECKING:

        @overload
        def span(self, stub: Callable[Q, None], /) -> Spanning[Q]: ...
        @overload
        def span(
            self,
            stub: None = ...,
            /,
            *,
            name: str | None = ...,
            deprecated: str | None = ...,
            deprecated_arguments: Mapping[str, str] | None = ...,
        ) -> DeclaringSpans: ...

    def span(
        self,
        stub: Any = None,
        /,
        *,
        name: str | None = None,
        deprecated: str | None = None,
        deprecated_arguments: Mapping[str, str] | None = None,
    ) -> Any:
        """Declare a kind of work by the signature of a function, of which nothing runs.

        A decorator. Calling what it returns gives a `Span` for a ``with`` or an ``async with``
        block. Its three signals ``started``, ``finished`` and ``failed`` are declared, too:
        in this namespace they are called ``import_catalogue.started`` and so on. For each
        start that is sent, one of the two others is, whatever ends the block.

        Args:
            stub: As for `declare`. No argument may be called ``span``, ``duration``,
                ``added`` or ``error``: those are what the signals carry besides.
            name: As for `declare`, of the kind.
            deprecated: As for `declare`.
            deprecated_arguments: As for `declare`.

        Returns:
            What begins the spans, with the signals as attributes, and the decorators
            ``around(sender, **payload)`` and ``each_call``.

        Raises:
            ArgumentError: If the function declares no span, or one that is declared already.
            ReceiverError: If somebody is connected already who could not take the payload.

        Example:
            >>> shop = Namespace("shop")
            >>> @shop.span
            ... def import_catalogue(sender: str, *, path: str) -> None:
            ...     '''A catalogue is read.'''
            >>> @import_catalogue.finished.connect
            ... def tell(sender, *, path, added, **extra):
            ...     print(f"{added['rows']} rows of {path}")
            >>> with import_catalogue("berlin", path="books.csv") as span:
            ...     span.add(rows=7)
            7 rows of books.csv
        """
        if stub is None:
            return partial(
                self.span,
                name=name,
                deprecated=deprecated,
                deprecated_arguments=deprecated_arguments,
            )
        # Costly to import: only those who declare spans pay for it.
        from heliograph.core.declared.declaring import Remarks, read_stub
        from heliograph.core.spans.spanning import spanning

        remarks = Remarks(self._prefix, name, None, deprecated, deprecated_arguments)
        return spanning(stub, read_stub(stub, remarks), self._declared)

    if TYPE_CHECKING:

        @overload
        def declare_payload(
            self,
            name: str,
            payload: Callable[Q, object],
            *,
            sender: type[S],
            doc: str | None = ...,
            deprecated: str | None = ...,
            deprecated_arguments: Mapping[str, str] | None = ...,
        ) -> Signal[Concatenate[S, Q]]: ...
        @overload
        def declare_payload(
            self,
            name: str,
            payload: Callable[Q, object],
            *,
            doc: str | None = ...,
            deprecated: str | None = ...,
            deprecated_arguments: Mapping[str, str] | None = ...,
        ) -> Signal[Concatenate[Any, Q]]: ...

    def declare_payload(
        self,
        name: str,
        payload: Any,
        *,
        sender: type | None = None,
        doc: str | None = None,
        deprecated: str | None = None,
        deprecated_arguments: Mapping[str, str] | None = None,
    ) -> Any:
        """Declare a signal whose payload a class describes; see `declare`.

        Receivers are called with keyword arguments all the same: no object of the class is made.

        Args:
            name: The name of the signal.
            payload: A dataclass with ``kw_only=True``, or another class that is made by
                keyword arguments alone.
            sender: The class of the senders; anybody sends if there is none.
            doc: The signal's docstring; that of the class if there is none.
            deprecated: As for `declare`.
            deprecated_arguments: As for `declare`.

        Returns:
            The signal.

        Raises:
            ArgumentError: As `declare`.
            ReceiverError: As `declare`.
        """
        # Costly to import: only those who declare signals pay for it.
        from heliograph.core.declared.declaring import Remarks, read_class

        remarks = Remarks(self._prefix, name, doc, deprecated, deprecated_arguments)
        [signal] = self._declared(read_class(payload, sender, where_is(place()), remarks))
        return signal

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """What is declared here and in nested namespaces, in the order of the declarations."""
        found = (self[name].declaration for name in self)
        return tuple(it for it in found if it is not None)

    def namespace(self, name: str) -> Namespace:
        """Return the nested namespace of that name, which is made if there is none yet.

        Its signals are signals of this namespace too, by their longer names.

        Args:
            name: Any string; `billing` in `shop` is called ``shop.billing``.

        Raises:
            ArgumentError: If the name is not a string, or an empty one.

        Example:
            >>> shop = Namespace("shop")
            >>> billing = shop.namespace("billing")
            >>> billing.signal("invoice_sent") is shop["billing.invoice_sent"]
            True
        """
        if not self._full(name).removeprefix(self._prefix):
            msg = f"A namespace inside of {self!r} needs a name, and '' is none."
            raise ArgumentError(msg)
        prefix = f"{self._full(name)}."
        nested = Namespace(name if self.name is None else f"{self.name}.{name}")
        nested._signals, nested._standing, nested._prefix = self._signals, self._standing, prefix
        return self._nested.setdefault(name, nested)

    def signals(self, pattern: str = "*") -> Matching:
        """Return the signals whose names match, to go over them, or to connect to all of them.

        Args:
            pattern: In a name, ``*`` stands for any characters, ``?`` for one, and
                ``[abc]`` for one of these. Those of nested namespaces match by their
                longer names.

        Raises:
            ArgumentError: If it is not a pattern.

        Example:
            >>> shop = Namespace("shop")
            >>> @shop.signals("order-*").connect
            ... def count(sender, **payload):
            ...     return sorted(payload)
            >>> shop.signal("order-paid").send("shop", total=12)
            [(<function count at ...>, ['total'])]
        """
        from heliograph.core.matching import Matching  # Only those who ask pay for it.

        return Matching(self._signals, self._standing, self._prefix, pattern)

    def __getitem__(self, name: str) -> Signal[...]:
        if name not in self:
            raise self._unknown(name)
        return self._signals[f"{self._prefix}{name}"]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and f"{self._prefix}{name}" in self._signals

    def __iter__(self) -> Iterator[str]:
        start = len(self._prefix)
        found = [it[start:] for it in tuple(self._signals) if it.startswith(self._prefix)]
        return iter(found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<Namespace {name}: {', '.join(self) or 'no signals'}>"

    def _full(self, name: object) -> str:
        if not isinstance(name, str):
            msg = f"{name!r} is not a name for a signal of {self!r}: use a string."
            raise ArgumentError(msg)
        return f"{self._prefix}{name}"

    def _declared(self, *declarations: Declaration) -> list[Signal[...]]:
        """Declare a signal each, or none at all."""
        declared: list[Signal[...]] = []
        try:
            for it in declarations:
                declared.append(self._ready(it))  # noqa: PERF401 - undone if the next one fails.
            # Only now: nobody is to find the first one here if the last one is refused.
            for at, it in enumerate(declarations):
                signal = self._taken_in(it.name, declared[at])
                if signal is not declared[at]:
                    signal._declare(it)
                    declared[at] = signal
        except BaseException:
            for signal in declared:
                signal._registry.undeclare()
            raise
        for signal, it in zip(declared, declarations, strict=True):
            if it.doc:
                signal.__doc__ = it.doc
        return declared

    def _ready(self, declaration: Declaration) -> Signal[...]:
        """Return a signal that is declared, but not taken in if it is a new one."""
        name = declaration.name
        found = self._signals.get(name)
        signal = Signal(name) if found is None else found
        signal._declare(declaration)
        if found is None:
            self._connect_standing(signal, name)
        return signal

    def _taken_in(self, name: str, signal: Signal[...]) -> Signal[...]:
        """Take in a signal, unless another thread was quicker; return the one that is in."""
        if self._signals.get(name) is signal:
            return signal
        # One step, so that two threads cannot each get a signal of their own.
        found = self._signals.setdefault(name, signal)
        # Again, for those who asked after the first look, but before they could see it.
        self._connect_standing(found, name)
        return found

    def _connect_standing(self, signal: Signal[...], name: str) -> None:
        if self._standing:
            from heliograph.core.matching import connect_standing  # Loaded by those who stand.

            connect_standing(self._standing, signal, name)

    def _unknown(self, name: object) -> UnknownSignalError:
        from difflib import get_close_matches  # Only those who misspell pay for it.

        close = get_close_matches(str(name), list(self), 1)
        there = f"There are {', '.join(self)}." if self else "It has none yet."
        hint = f"Did you mean {close[0]!r}?" if close else there
        title = "A namespace without a name" if self.name is None else f"Namespace {self.name!r}"
        return UnknownSignalError(f"{title} has no signal {name!r}. {hint}")


default_namespace: Namespace = Namespace("default")
"""Where `signal` keeps its signals."""


def signal(name: str, doc: str | None = None) -> Signal[...]:
    """Return the signal of that name in the default namespace: see `Namespace.signal`."""
    return default_namespace.signal(name, doc)
