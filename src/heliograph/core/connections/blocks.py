"""What a `with` block can do with a signal: connect a receiver for a while, or mute."""

from __future__ import annotations

from heliograph.core.connections.options import HOW, SITE
from heliograph.core.connections.scopes import Scoped
from heliograph.core.connections.state import SendState
from heliograph.core.describe import describe_callable, title_of
from heliograph.core.identity import identified
from heliograph.core.lock import change_under_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Self

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.options import Options
    from heliograph.core.connections.registry import Registry
    from heliograph.core.connections.scopes import Scope
    from heliograph.core.source import CallSite

_mute = SendState._mute
_NO_KEYS: frozenset[Hashable] = frozenset()


class ConnectedFor(Scoped):
    """A receiver is connected."""

    __slots__ = ("_options", "_receiver", "_sender", "_signal")

    def __init__(
        self, signal: Any, receiver: Callable[..., Any], sender: Any, options: Options, local: bool
    ) -> None:
        Scoped.__init__(self, options[SITE], local)
        self._signal: Any = signal
        self._receiver: Callable[..., Any] = receiver
        self._sender: Any = sender
        self._options: Options = options

    def _begin(self, scope: Scope) -> list[Connection]:
        options = self._options[HOW], scope, self._made
        made: list[Connection] = self._signal._connect_with(self._receiver, self._sender, options)
        return made

    def _end(self, scope: Scope, made: list[Connection] | None) -> list[Connection]:
        ended: list[Connection] = self._signal._registry.end_scope(scope, made)
        return ended

    def _tell(self, ended: list[Connection]) -> None:
        signal = self._signal
        if signal._tells or "receiver_disconnected" in signal.__dict__:
            signal._tell_disconnected(self._receiver, self._sender, ended)

    def _again(self) -> Self:
        return type(self)(
            self._signal, self._receiver, self._sender, self._options, not self._everywhere
        )

    def _called(self) -> str:
        return f"connected_to({describe_callable(self._receiver)}) of {title_of(self._signal)}"


class MutedFor(Scoped):
    """The signal is muted."""

    __slots__ = ("_keys", "_registry", "_signal", "_spared")

    def __init__(
        self, signal: Any, spared: tuple[Callable[..., Any], ...], local: bool, made: CallSite
    ) -> None:
        Scoped.__init__(self, made, local)
        self._signal: Any = signal
        self._registry: Registry = signal._registry
        self._spared: tuple[Callable[..., Any], ...] = spared
        self._keys = frozenset([identified(it)[1] for it in spared]) if spared else _NO_KEYS

    def _begin(self, scope: Scope) -> tuple[Callable[..., Any], ...]:
        change_under_lock(_mute, self._registry, scope, self._keys)
        return self._spared  # Held, or another receiver could get the address of one of them.

    def _end(self, scope: Scope, made: object) -> None:  # noqa: ARG002 - as for all blocks.
        registry = self._registry
        change_under_lock(_mute, registry, scope, None)
        if self._signal._registry is not registry:  # A subclass has replaced it meanwhile.
            self._signal._registry.mute(scope, None)

    def _again(self) -> Self:
        return type(self)(self._signal, self._spared, not self._everywhere, self._made)

    def _called(self) -> str:
        return f"muted() of {title_of(self._signal)}"
