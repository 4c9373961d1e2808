"""Declares: what a program says of the signals of a relay: how they cross, and who hears them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from heliograph import ANY, ArgumentError
from heliograph.relay.channels import Channel
from heliograph.relay.declaring import Declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Signal
    from heliograph.relay.channels import Mode
    from heliograph.relay.outbox import Outbox
    from heliograph.relay.running import Running

Receiver = TypeVar("Receiver", bound="Callable[..., Any]")


class Declares:
    """The part of a relay that declares.

    Args:
        app: What the program is called.
        running: What runs it.
    """

    def __init__(self, app: str, running: Running) -> None:
        self._app = app
        self._running = running
        self._declared = Declared(running)

    def broadcast(self, signal: Signal[...], *, after_commit: bool = False) -> None:
        """Let *signal* reach every process that is there: each one once at most.

        After whatever it may have missed, a process is told so by `resynced`.

        Args:
            signal: A declared signal.
            after_commit: Whether it crosses once the transaction around the send is committed.

        Raises:
            ArgumentError: If it is not declared, its payload cannot cross, or it crosses already.
        """
        self._let_cross(signal, "broadcast", after_commit=after_commit)

    def replay(
        self,
        signal: Signal[...],
        *,
        keep: float = 7 * 86_400,
        keep_bytes: int = 256 * 1024 * 1024,
        start: str = "now",
        outbox: Outbox | None = None,
        after_commit: bool = False,
    ) -> None:
        """Let *signal* reach every process, from the position on that it keeps.

        A process that was away hears what it has missed, as long as the broker has it; otherwise
        it is told so by `resynced`.

        Args:
            signal: A declared signal.
            keep: Seconds for which the broker keeps it.
            keep_bytes: How many bytes it keeps of it.
            start: Where a process without a position begins: ``"now"``, or ``"beginning"``.
            outbox: Where it waits until the transaction around the send is committed.
            after_commit: Whether it crosses only then, without an outbox.

        Raises:
            ArgumentError: As `broadcast` does, or if there is no such start.
        """
        if start not in {"now", "beginning"}:
            msg = f"start={start!r} is not a place to begin at: use 'now' or 'beginning'."
            raise ArgumentError(msg)
        stored = Channel(self._app, "", "replay", keep, keep_bytes)
        self._let_cross(
            signal, "replay", stored, outbox, after_commit=after_commit, from_now=start == "now"
        )

    def durable(
        self,
        signal: Signal[...],
        *,
        keep: float = 7 * 86_400,
        keep_bytes: int = 256 * 1024 * 1024,
        outbox: Outbox | None = None,
        after_commit: bool = False,
    ) -> None:
        """Let groups work on what *signal* sends: one process of each, at least once.

        What a receiver fails with is tried again, and then put aside as a dead letter.

        Args:
            signal: A declared signal.
            keep: Seconds for which the broker keeps it.
            keep_bytes: How many bytes it keeps of it; beyond that it takes no more.
            outbox: Where it waits until the transaction around the send is committed.
            after_commit: Whether it crosses only then, without an outbox.

        Raises:
            ArgumentError: As `broadcast` does.
        """
        stored = Channel(self._app, "", "durable", keep, keep_bytes)
        self._let_cross(signal, "durable", stored, outbox, after_commit=after_commit)

    def _let_cross(
        self,
        signal: Signal[...],
        mode: Mode,
        stored: Channel | None = None,
        outbox: Outbox | None = None,
        **options: bool,
    ) -> None:
        channel = stored or Channel(self._app, "", mode)
        self._declared.let_cross(signal, channel, outbox, **options)

    def name_sender(self, name: str, sender: Any) -> None:
        """Let *sender* cross under a name; it arrives as what has that name there.

        Raises:
            ArgumentError: If the name is none, or another sender has it.
        """
        self._running.names.add(name, sender)

    @overload
    def connect(
        self, signal: Signal[...], receiver: Receiver, sender: Any = ..., **options: Any
    ) -> Receiver: ...

    @overload
    def connect(
        self, signal: Signal[...], receiver: None = None, sender: Any = ..., **options: Any
    ) -> Callable[[Receiver], Receiver]: ...

    def connect(
        self,
        signal: Signal[...],
        receiver: Any = None,
        sender: Any = ANY,
        *,
        scope: str | None = None,
        group: str | None = None,
        **options: Any,
    ) -> Any:
        """Call *receiver* with what *signal* sends, here and elsewhere. Also a decorator.

        Args:
            signal: A signal that crosses.
            receiver: Called as ``receiver(sender, **payload)``, sync or async.
            sender: Only what this sender sends.
            scope: ``"each"``: every process calls it, the one that sends at once. For `broadcast`
                and `replay`.
            group: One process of this group calls it, where the group runs. For `durable`. Each
                receiver needs a group of its own.
            options: For ``scope="each"``: ``forward=True`` lets cross what it sends, though each
                process sends it; ``priority`` and ``on_error`` as for `Signal.connect`.

                For a group: ``tries``, 5 by default; ``backoff``, the seconds before the second
                try and the most before any, ``(1, 60)``; ``patience``, the seconds after which
                another process gets what a process that died has worked on, 30; ``concurrency``,
                how many a process works on at a time, 1; ``time_limit``, the seconds after which
                an async receiver is cancelled, None.

        Returns:
            The receiver.

        Raises:
            ArgumentError: If the signal does not cross, or not so, or there is no such option.
        """
        if receiver is None:
            return partial(self.connect, signal, sender=sender, scope=scope, group=group, **options)
        self._declared.connect(signal, receiver, sender, scope, group, options)
        return receiver
