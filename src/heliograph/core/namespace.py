"""Signals by name: made, or declared."""

from __future__ import annotations

from functools import partial

from heliograph.core.errors import ArgumentError
from heliograph.core.signal import Signal
from heliograph.core.terms import place, where_is

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Concatenate, Protocol, overload

    from heliograph.core.declaration import Declaration
    from heliograph.core.typed import Q, S

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
        self._signals: dict[str, Signal[...]] = {}

    def signal(self, name: str, doc: str | None = None) -> Signal[...]:
        """Return the signal of that name, which is made if there is none yet.

        Args:
            name: Any string; ``verb-noun`` in the past tense reads well.
            doc: The signal's docstring. The first one that is given stays.

        Raises:
            ArgumentError: If the name is not a string.
        """
        if not isinstance(name, str):
            msg = f"{name!r} is not a name for a signal of {self!r}: use a string."
            raise ArgumentError(msg)
        found = self._signals.get(name)
        if found is None:
            # One step, so that two threads cannot each get a signal of their own.
            found = self._signals.setdefault(name, Signal(name))
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
        from heliograph.core.declaring import Remarks, read_stub

        remarks = Remarks(name, None, deprecated, deprecated_arguments)
        return self._declared(read_stub(stub, remarks))

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
        from heliograph.core.declaring import Remarks, read_class

        remarks = Remarks(name, doc, deprecated, deprecated_arguments)
        return self._declared(read_class(payload, sender, where_is(place()), remarks))

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """What is declared here, in the order of the declarations."""
        found = (self[name].declaration for name in self)
        return tuple(it for it in found if it is not None)

    def __getitem__(self, name: str) -> Signal[...]:
        return self._signals[name]

    def __contains__(self, name: object) -> bool:
        return name in self._signals

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._signals))

    def __len__(self) -> int:
        return len(self._signals)

    def __repr__(self) -> str:
        name = "without a name" if self.name is None else repr(self.name)
        return f"<Namespace {name}: {', '.join(self) or 'no signals'}>"

    def _declared(self, declaration: Declaration) -> Signal[...]:
        name = declaration.name
        signal = self._signals.get(name)
        if signal is None:
            new = Signal(name)
            new._declare(declaration)
            # One step, so that two threads cannot each get a signal of their own.
            signal = self._signals.setdefault(name, new)
            if signal is new:
                return signal
        signal._declare(declaration)
        return signal


default_namespace: Namespace = Namespace("default")
"""Where `signal` keeps its signals."""


def signal(name: str, doc: str | None = None) -> Signal[...]:
    """Return the signal of that name in the default namespace: see `Namespace.signal`."""
    return default_namespace.signal(name, doc)
