"""Django's dispatcher, with the cache that Django's own model signals use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.dispatch import Signal

from benchmarks import receivers
from benchmarks.engines import SENDER, Loop, SignalEngine, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.receivers import Receiver


class Django(SignalEngine):
    """Receivers also get ``signal``; senders have to be weakly referenceable."""

    name = "django"
    # Connecting looks through all connections: a hundred thousand of them would take minutes.
    most = 1_000

    def __init__(self) -> None:
        self.signal = Signal(use_caching=True)

    def new_receiver(self, keywords: int = 1, *, exact: bool = False) -> Receiver:
        """Return a receiver that also takes ``signal``, which an exact one does not."""
        if exact:
            raise UnsupportedError
        return receivers.by_keyword()

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop of sends; the cache refuses senders that cannot be held weakly."""
        if sender is not SENDER:
            raise UnsupportedError
        return super().sending(keywords)

    def sending_watched(self) -> Loop:
        """Return a loop of sends that keep errors: nothing of Django's can watch."""
        signal = self.signal
        sender = SENDER

        def loop(items: Iterable[object]) -> None:
            for _ in items:
                signal.send_robust(sender, a=1)

        return loop

    def guarding(self) -> Loop:
        """Return a loop that asks whether there are receivers."""
        signal = self.signal
        sender = SENDER

        def loop(items: Iterable[object]) -> None:
            for _ in items:
                if signal.has_listeners(sender):
                    pass

        return loop


ENGINE = Django
