"""Signal: send and send_async, which call the connected receivers."""

from __future__ import annotations

from functools import partial
from types import CoroutineType

from heliograph.core.connected import P
from heliograph.core.connections.group import in_order
from heliograph.core.describe import title_of
from heliograph.core.errors import ArgumentError
from heliograph.core.identity import unwrapped
from heliograph.core.mistakes import not_named, warn_of_text, wrapped
from heliograph.core.observing.wishes import show
from heliograph.core.sending.checks import is_as_expected
from heliograph.core.sending.lookup import (
    audience,
    counted,
    due,
    find,
    find_to_send,
    keep,
)
from heliograph.core.sending.slow_path import send_slowly
from heliograph.core.sending.snapshot import one_each
from heliograph.core.sending.special import await_specially, send_specially
from heliograph.core.sending.turns import overriding_steps
from heliograph.core.sending.unfinished import (
    NOBODY,
    Unfinished,
    finish,
    finish_async,
    is_over,
)
from heliograph.core.showing import Documentation
from heliograph.core.waitable import Waitable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any, Never, overload

    from heliograph.core.connections.connection import Connection
    from heliograph.core.observing.wishes import Choice
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.turns import Step

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]
    Wrapper = Callable[[Receiver], Receiver]
    AsyncWrapper = Callable[[Receiver], Callable[..., Coroutine[Any, Any, Any]]]


class Signal(Waitable[P]):
    """A named point where a program says "this happened" and connected receivers are called.

    Args:
        name: What messages and tools call it.
        doc: Its docstring: when it is sent, by whom, with what payload.

    Raises:
        ArgumentError: If the name is not a string.

    Example:
        >>> order_paid = Signal("order-paid")
        >>> @order_paid.connect
        ... def thank(sender, *, total, **extra):
        ...     return f"Thank you for {total}."
        >>> order_paid.send("shop", total=12)
        [(<function thank at ...>, 'Thank you for 12.')]
    """

    def __init__(self, name: str | None = None, doc: str | None = None) -> None:
        if not (name is None or isinstance(name, str)):
            msg = f"{name!r} is not a name for a signal: use a string, or none at all."
            raise ArgumentError(msg)
        if name is not None and doc is None and " " in name:
            warn_of_text(name)
        self.name = name
        if doc:
            self.__doc__ = doc

    if TYPE_CHECKING:
        # A keyword cannot be added to those of P: with a wrapper, the payload is not checked.
        @overload
        def send(self, *args: P.args, **kwargs: P.kwargs) -> Results: ...
        @overload
        def send(
            self: Signal[...], sender: Any = ..., /, *, _async_wrapper: Wrapper, **payload: Any
        ) -> Results: ...

    # It is always called as one of these. The loop stands in here, and the one receiver has a line
    # of its own: another function for the loop would take 3 to 6 times as long in Python, and
    # without that line one receiver takes 4 % longer.
    def send(  # type: ignore[misc]  # pyright: ignore[reportInconsistentOverload]  # noqa: C901
        self, sender: Any = None, /, *unnamed: Never, _async_wrapper: Any = None, **payload: Any
    ) -> Results:
        """Call the receivers connected for *sender*, by priority, then in order of connecting.

        A receiver that connects during a send is called from the next send on.
        A receiver that disconnects during a send is not called any more.

        Args:
            sender: The object that sends, often ``self``. Receivers get it first.
            unnamed: A second positional argument is an error.
            _async_wrapper: Turns a coroutine function into a plain function, as
                Flask's ``app.ensure_sync`` does. Used for async receivers only.
            payload: Passed to the receivers as keyword arguments.

        Returns:
            Pairs of receiver and returned value, in the order of the calls. The
            list is empty if there are no receivers, or if the signal is muted.

        Raises:
            ArgumentError: If there is a second positional argument. No receiver is called.
            AsyncReceiverError: If a receiver is async and there is no
                ``_async_wrapper``. No receiver is called.
            Exception: The error of the one receiver that failed, after all receivers
                were called, with a note that names the signal and the receiver.
                `RecursionError` and `MemoryError` end the send at once, as
                `KeyboardInterrupt` does.
            ExceptionGroup: If several receivers failed.

        Example:
            >>> order_paid = Signal("order-paid")
            >>> @order_paid.connect
            ... def thank(sender, *, total, **extra):
            ...     return f"Thank you for {total}."
            >>> [(receiver, text)] = order_paid.send("shop", total=12)
            >>> text
            'Thank you for 12.'
            >>> with order_paid.muted():
            ...     order_paid.send("shop", total=12)
            []
        """
        if unnamed:
            raise not_named(self, unnamed, Signal.send)
        registry = self._registry
        if not registry.anyone:
            return []
        version, kind, snapshot = registry.last_snapshot
        # A version that is still the same number is the same object, and `is` is faster.
        if (
            version is not registry.version
            or (type(sender) is not kind or (registry.senders and id(sender) in registry.senders))
            or (sender is None and "sender" in payload)
        ):
            version, own, snapshot = registry.last_own
            if version is not registry.version or own() is not sender or sender is None:
                version, sender, snapshot = find_to_send(registry, sender)
                if snapshot.slow_in_send or registry.needs_slow_path or "sender" in payload:
                    return send_slowly(self, sender, payload, snapshot, version, _async_wrapper)
        expected = registry.expected
        unlike = expected and not is_as_expected(expected, sender, payload)
        if registry.watchers or snapshot.sparing or unlike:
            return send_specially(self, sender, payload, snapshot, version, _async_wrapper)
        # Making a list here would take as long as looking up the one receiver.
        results, receiver, errors = NOBODY, NOBODY, NOBODY
        try:
            if snapshot.only_ref is not None:
                return [(receiver := snapshot.only_ref(), receiver(sender, **payload))]
            results = []
            for ref in snapshot.receiver_refs:
                results.append((receiver := ref(), receiver(sender, **payload)))
                if registry.version is not version:
                    break
            else:
                return results
        except Exception as caught:
            if is_over(self, sender, payload, snapshot, results, receiver, caught):
                raise
            errors = [caught]
        send = Unfinished(self, sender, payload, snapshot, version, _async_wrapper, [*results])
        return finish(send.stopped(receiver, errors))

    if TYPE_CHECKING:

        @overload
        async def send_async(self, *args: P.args, **kwargs: P.kwargs) -> Results: ...
        @overload
        async def send_async(
            self: Signal[...], sender: Any = ..., /, *, _sync_wrapper: AsyncWrapper, **payload: Any
        ) -> Results: ...

    # The overloads leave out *unnamed*, which is an error. With the loop in another function, a
    # send takes three times as long.
    async def send_async(  # type: ignore[misc]  # pyright: ignore[reportInconsistentOverload]  # noqa: C901
        self, sender: Any = None, /, *unnamed: Never, _sync_wrapper: Any = None, **payload: Any
    ) -> Results:
        """Await async receivers and call plain ones in place, one after the other, as `send` does.

        If a plain receiver returns an awaitable, the awaitable is awaited too.

        Args:
            sender: As for `send`.
            unnamed: As for `send`.
            _sync_wrapper: Turns a plain function into a coroutine function, as
                Quart's ``app.ensure_async`` does. Used for all plain receivers,
                except those connected with ``inline=True``.
            payload: As for `send`.

        Returns:
            Pairs of receiver and value, as from `send`; the value of an async
            receiver is the awaited one. Empty if the signal is muted.

        Raises:
            ArgumentError: As for `send`.
            Exception: As for `send`. Cancellation ends the send at once.
            ExceptionGroup: As for `send`.

        Example:
            >>> import asyncio
            >>> order_paid = Signal("order-paid")
            >>> @order_paid.connect
            ... async def thank(sender, *, total, **extra):
            ...     return f"Thank you for {total}."
            >>> [(receiver, text)] = asyncio.run(order_paid.send_async("shop", total=12))
            >>> text
            'Thank you for 12.'
        """
        if unnamed:
            raise not_named(self, unnamed, Signal.send_async)
        registry = self._registry
        if not registry.anyone:
            return []
        version, kind, snapshot = registry.last_awaited
        own = registry.senders and id(sender) in registry.senders
        if own or version is not registry.version or type(sender) is not kind:
            version, sender, snapshot = find_to_send(registry, sender)
        unusual = registry.watchers or registry.expected or registry.needs_slow_path
        if unusual or snapshot.slow_in_send_async or (sender is None and "sender" in payload):
            return await await_specially(self, sender, payload, snapshot, version, _sync_wrapper)
        results: Results = []
        receiver, errors = NOBODY, NOBODY
        try:
            for ref, _, in_place in snapshot.calls or snapshot.made_calls():
                receiver = ref()
                if in_place or _sync_wrapper is None:
                    value = receiver(sender, **payload)
                else:
                    call = wrapped(_sync_wrapper, receiver, "_sync_wrapper")
                    value = await call(sender, **payload)
                # A plain function may return an awaitable, too. Asking for the usual one first
                # takes half the time.
                if type(value) is CoroutineType or (
                    value is not None and hasattr(type(value), "__await__")
                ):
                    value = await value
                results.append((receiver, value))
                if registry.version is not version:
                    break
            else:
                return results
        except Exception as caught:
            if is_over(self, sender, payload, snapshot, results, receiver, caught):
                raise
            errors = [caught]
        send = Unfinished(self, sender, payload, snapshot, version, _sync_wrapper, results)
        return await finish_async(send.stopped(receiver, errors))

    def receivers_for(self, sender: Any) -> Iterator[Receiver]:
        """Yield each receiver that a send from *sender* would call now, in order.

        As in a send, a receiver that disconnects or dies during the iteration is left out,
        and one that connects is not yielded. If the signal is muted, only receivers that
        the mutes except are yielded.
        """
        registry = self._registry
        if not registry.anyone:
            return iter(())
        version, real, snapshot = find(registry, sender)
        connections: Sequence[Connection] = snapshot.connections
        refs: Sequence[Callable[[], Any]] = snapshot.receiver_refs
        if registry.mutes:
            connections = counted(registry, snapshot)
            refs = [connection._receiver_ref for connection in connections]
        return due(registry, real, connections, refs, snapshot.newest, version)

    def connections_for(self, sender: Any) -> tuple[Connection, ...]:
        """Return the connections by which a send from *sender* would call receivers now, in order.

        A receiver that is connected both for all senders and for this one is called once, and
        only the first of its connections counts.
        """
        found = sorted(audience(self._registry, unwrapped(sender)), key=in_order)
        return tuple(one_each(it for it in found if it.receiver is not None))

    def has_receivers_for(self, sender: Any) -> bool:
        """Tell whether a send from *sender* would call a receiver now.

        Ask this before you compute an expensive payload. It is False if the signal is
        muted, unless the mutes except a receiver.
        """
        registry = self._registry
        if not registry.anyone:
            return False
        version, kind, snapshot = registry.last_snapshot
        if (
            version is not registry.version
            or type(sender) is not kind
            or (registry.senders and id(sender) in registry.senders)
        ):
            version, sender, snapshot = find(registry, sender)
            if registry.needs_slow_path:
                return next(iter(self.receivers_for(sender)), None) is not None
            if snapshot is registry.any._snapshot:
                keep(registry, version, sender, snapshot)
        if snapshot.only_ref is not None:  # The usual case, as in `send`.
            return snapshot.only_ref() is not None
        for ref in snapshot.receiver_refs:  # noqa: SIM110 - any() takes twice as long.
            if ref() is not None:
                return True
        return False

    def _several_failed(self, errors: list[Exception]) -> Exception:
        """Return the error to raise if several receivers have failed: a group, or the first."""
        return ExceptionGroup(f"{len(errors)} receivers of {title_of(self)} failed", errors)

    def _meta_signal(self, name: str) -> Signal:
        made = Signal(f"{name} of {self.name}", "")
        # Two threads that ask at once must get the same one.
        found: Signal = self.__dict__.setdefault(name, made)
        return found

    def _choice(self) -> Choice:
        registry = self._registry
        return registry.self_ref, partial(show, registries=[registry])

    # What follows is a hook, as `_several_failed` and `_meta_signal` are.

    def _overriding_steps(self, sender: Any, snapshot: Snapshot) -> list[Step]:
        """Return the receivers to call, if the signal overrides a method that finds them."""
        return overriding_steps(self, sender, snapshot)


# A signal may have its own docstring, which comes first.
Signal.__doc__ = Documentation(Signal.__doc__)  # type: ignore[assignment]  # As good as a text.
