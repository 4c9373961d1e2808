"""Declaring signals and spans in a namespace: by a function without a body, or by a class."""

from __future__ import annotations

from functools import partial

from heliograph.core.source import call_site

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
        """A decorator that turns a stub into a span factory."""

        def __call__(self, stub: Callable[Q, None], /) -> SpanFactory[Q]:
            """Return the span factory that the stub declares."""
            ...

    class DeclaringSignals(Protocol):
        """A decorator that turns a stub into a signal."""

        def __call__(self, stub: Callable[Concatenate[S, Q], None], /) -> Signal[Concatenate[S, Q]]:
            """Return the signal that the stub declares."""
            ...


class Declares:
    """The declaring methods of a namespace."""

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

        The function's name and docstring become those of the signal. Its first parameter
        is the sender; all others are keyword-only and make up the payload. A send may leave
        out an argument that has a default; the default itself is not sent.
        ``**payload: Unpack[OrderPaid]`` takes the arguments from a `TypedDict`.

        A module that is reloaded, or that runs under two names, declares its signals again:
        it gets the same signals. An edited declaration replaces the earlier one.

        From then on `connect` refuses a receiver that some declared payload could not be
        passed to. In development, a send with another payload is refused too.

        Args:
            stub: The function. Without it, a decorator with these options is returned.
            name: The name of the signal, if it is not the function's name.
            deprecated: What to use instead. Connecting a receiver then warns.
            deprecated_arguments: What to use instead, by the name of the argument.
                Connecting a receiver that takes one of them by name then warns.
            offered: The names of arguments that every send carries but that a receiver need
                not take. A receiver that does not name them and has no ``**extra`` is called
                without them.

        Returns:
            The signal.

        Raises:
            ArgumentError: If the function is not such a stub, or has a body; or if the signal is
                declared already, at another place.
            ReceiverError: If a connected receiver cannot accept the payload.

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
        from heliograph.core.declared.parsing import DeclareOptions, read_stub

        options = DeclareOptions(
            self._prefix, name, None, deprecated, deprecated_arguments, offered
        )
        [signal] = self._names.declared(read_stub(stub, options))
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
        """Declare a type of span by the signature of a function without a body. A decorator.

        Calling the span factory that it returns makes a `Span`, for a ``with`` or an
        ``async with`` block. Three signals are declared in this namespace, such as
        ``import_catalogue.started``, ``.finished`` and ``.failed``. After each ``started``
        exactly one of the two others is sent, whatever ends the block.

        Args:
            stub: As for `declare`. No argument may be called ``span``, ``duration``,
                ``attributes`` or ``error``: the signals carry these themselves.
            name: As for `declare`; the names of the signals begin with it.
            deprecated: As for `declare`.
            deprecated_arguments: As for `declare`.

        Returns:
            The span factory: call it as the stub says. Its attributes are the three signals
            and the decorators ``wrap(sender, **payload)`` and ``each_call``.

        Raises:
            ArgumentError: If the function is not such a stub, or has a body; or if one of the
                signals is declared already, at another place.
            ReceiverError: If a connected receiver cannot accept the payload.

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
        from heliograph.core.declared.parsing import DeclareOptions, read_stub
        from heliograph.core.spans.factory import advice, span_factory

        options = DeclareOptions(self._prefix, name, None, deprecated, deprecated_arguments)
        declaration = read_stub(stub, options, advice(stub))
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

        Receivers still get keyword arguments: no object of the class is made.

        Args:
            name: The name of the signal.
            payload: A dataclass with ``kw_only=True``, or another class whose constructor
                takes keyword arguments only.
            sender: The class of the senders; None allows any sender.
            doc: The signal's docstring; by default, that of the class.
            deprecated: As for `declare`.
            deprecated_arguments: As for `declare`.

        Returns:
            The signal.

        Raises:
            ArgumentError: As for `declare`.
            ReceiverError: As for `declare`.

        Example:
            >>> from dataclasses import dataclass
            >>> from heliograph import Namespace
            >>> @dataclass(kw_only=True)
            ... class OrderPaid:
            ...     total: int
            >>> shop = Namespace("shop")
            >>> order_paid = shop.declare_payload("order_paid", OrderPaid, sender=str)
            >>> order_paid.declaration.signature
            '(sender: str, *, total: int)'
        """
        from heliograph.core.declared.parsing import DeclareOptions, read_class

        options = DeclareOptions(self._prefix, name, doc, deprecated, deprecated_arguments)
        [signal] = self._names.declared(read_class(payload, sender, call_site(), options))
        return signal

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """The declarations here and in nested namespaces, in the order in which they were made."""
        names = self._names
        found = (names.signals[name].declaration for name in names.below(self._prefix))
        return tuple(it for it in found if it is not None)
