"""Declaring signals and spans in a namespace: by a function without a body, or by a class."""

from __future__ import annotations

from functools import partial

from heliograph.core.source import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any, Concatenate, Protocol, overload

    from heliograph.core._types import Q, S
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.names import Names
    from heliograph.core.signal import Signal
    from heliograph.core.spans.factory import SpanFactory

    class DeclaringSpans(Protocol):
        """A decorator that makes of a stub what begins spans."""

        def __call__(self, stub: Callable[Q, None], /) -> SpanFactory[Q]:
            """Return what begins the spans that the stub declares."""
            ...

    class DeclaringSignals(Protocol):
        """A decorator that makes a signal of a stub."""

        def __call__(self, stub: Callable[Concatenate[S, Q], None], /) -> Signal[Concatenate[S, Q]]:
            """Return the signal that the stub declares."""
            ...


class Declares:
    """The half of a namespace that declares."""

    _names: Names
    _prefix: str

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
            offered: Collection[str] = ...,
        ) -> DeclaringSignals: ...

    def declare(
        self,
        stub: Any = None,
        /,
        *,
        name: str | None = None,
        deprecated: str | None = None,
        deprecated_arguments: Mapping[str, str] | None = None,
        offered: Collection[str] = (),
    ) -> Any:
        """Declare a signal by the signature of a function without a body. A decorator.

        The function's name becomes that of the signal and its docstring the signal's; its
        first parameter is the sender, all others are keyword-only and make up the payload.
        An argument with a default may be left out by who sends; the default itself is not
        sent. ``**payload: Unpack[OrderPaid]`` takes the arguments from a `TypedDict`.

        Declaring it again at the same place, as a module does that is reloaded or runs under two
        names, gives the same signal; an edited declaration takes the place of the earlier one.

        From then on a receiver that could not be called with every such payload is refused
        when it is connected. In development, a send that is not as declared is refused too.

        Args:
            stub: The function. None to get a decorator that takes the options.
            name: The name of the signal, where that of the function will not do.
            deprecated: What to use instead. Whoever connects a receiver is warned.
            deprecated_arguments: What to use instead, by the name of the argument.
                Whoever connects a receiver that takes one of them by name is warned.
            offered: The names of arguments that every send carries, and that a receiver need
                not take: one without ``**extra`` that does not name them is called without them.

        Returns:
            The signal.

        Raises:
            ArgumentError: If the function declares no signal, or has a body; or if the signal is
                declared already, at another place.
            ReceiverError: If somebody is connected already who could not take the payload.

        Example:
            >>> from heliograph import Namespace
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
                offered=offered,
            )
        from heliograph.core.declared.parsing import Remarks, read_stub

        remarks = Remarks(self._prefix, name, None, deprecated, deprecated_arguments, offered)
        [signal] = self._names.declared(read_stub(stub, remarks))
        return signal

    if TYPE_CHECKING:

        @overload
        def span(self, stub: Callable[Q, None], /) -> SpanFactory[Q]: ...
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
        """Declare a kind of work by the signature of a function without a body.

        A decorator. Calling what it returns gives a `Span` for a ``with`` or an ``async with``
        block. Its three signals ``started``, ``finished`` and ``failed`` are declared, too:
        in this namespace they are called ``import_catalogue.started`` and so on. For each
        start that is sent, one of the two others is, whatever ends the block.

        Args:
            stub: As for `declare`. No argument may be called ``span``, ``duration``,
                ``attributes`` or ``error``: those are what the signals carry besides.
            name: As for `declare`, of the kind.
            deprecated: As for `declare`.
            deprecated_arguments: As for `declare`.

        Returns:
            What begins the spans, with the signals as attributes, and the decorators
            ``wrap(sender, **payload)`` and ``each_call``.

        Raises:
            ArgumentError: If the function declares no span, or has a body; or if one of the
                signals is declared already, at another place.
            ReceiverError: If somebody is connected already who could not take the payload.

        Example:
            >>> from heliograph import Namespace
            >>> shop = Namespace("shop")
            >>> @shop.span
            ... def import_catalogue(sender: str, *, path: str) -> None:
            ...     '''A catalogue is read.'''
            >>> @import_catalogue.finished.connect
            ... def tell(sender, *, path, attributes, **extra):
            ...     print(f"{attributes['rows']} rows of {path}")
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
        from heliograph.core.declared.parsing import Remarks, read_stub
        from heliograph.core.spans.factory import advice, span_factory

        remarks = Remarks(self._prefix, name, None, deprecated, deprecated_arguments)
        declaration = read_stub(stub, remarks, advice(stub))
        return span_factory(stub, declaration, self._names.declared)

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
        from heliograph.core.declared.parsing import Remarks, read_class

        remarks = Remarks(self._prefix, name, doc, deprecated, deprecated_arguments)
        [signal] = self._names.declared(read_class(payload, sender, place(), remarks))
        return signal

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """What is declared here and in nested namespaces, in the order of the declarations."""
        names = self._names
        found = (names.signals[name].declaration for name in names.below(self._prefix))
        return tuple(it for it in found if it is not None)
