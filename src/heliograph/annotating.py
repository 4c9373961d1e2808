"""Names in annotations that only type checkers import, for programs that evaluate annotations.

`typing.get_type_hints(Signal.connect, localns=vars(heliograph.annotating))` evaluates those of
Heliograph and of `heliograph.describe`. `heliograph.blinker.annotating` and
`heliograph.testing.annotating` do it for those packages, which have names of their own.
Importing Heliograph imports none of the three.
"""

# ruff: noqa: F401 - programs that evaluate annotations look these names up here.

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Coroutine,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Literal, Never, NoReturn, ParamSpec, Protocol, Self, TypeVar, Unpack

from heliograph import Connection, Declaration, Delivery, Emission, Namespace, Signal, Span, Stream
from heliograph.core.connections.dead import DeadReceiver
from heliograph.core.connections.keywords import ConnectOptions, OnError
from heliograph.core.declared.origins import Origin
from heliograph.core.declared.runtime_types import Hint
from heliograph.core.observing.tree import EmissionNode
from heliograph.core.patterns import SignalPattern

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")

AsyncWrapper = Callable[[Callable[..., Any]], Callable[..., Coroutine[Any, Any, Any]]]
Instrument = Callable[[Emission], object]
Receiver = Callable[..., Any]
Results = list[tuple[Receiver, Any]]
Wanted = Callable[[Emission], object] | Mapping[str, object]
WhenFull = Literal["raise", "drop_oldest"]
Wrapper = Callable[[Receiver], Receiver]


class Connecting(Protocol[P]):
    """A decorator that connects receivers to a signal, and returns them as they are."""

    def __call__(self, receiver: F, /) -> F:
        """Connect a receiver."""
        ...
