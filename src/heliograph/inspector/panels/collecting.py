"""Collects what is sent in one request, for a panel that is made with it and thrown away."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from heliograph import add_instrument
from heliograph.inspector.recorder import Recorder
from heliograph.inspector.seen import SeenEmission

if TYPE_CHECKING:
    from heliograph import Emission

MOST = 2000
"""Emissions that one panel keeps: the latest."""

_CURRENT: ContextVar[Collection | None] = ContextVar("heliograph_panel", default=None)


class Collection:
    """What is sent in the context of one request, and in those that are started from it."""

    def __init__(self) -> None:
        self._recorder = Recorder(max_emissions=MOST)

    def begin(self) -> None:
        """Collect from now on, in this context."""
        # One instrument for all panels: toolbars do not tell of the end of each request.
        add_instrument(_CONTEXTS)
        _CURRENT.set(self)

    def end(self) -> list[SeenEmission]:
        """Collect no more in this context, and return what was collected."""
        if _CURRENT.get() is self:
            _CURRENT.set(None)
        seen = self._recorder.after(0).seen
        return [it for it in seen if isinstance(it, SeenEmission)]

    def note_start(self, emission: Emission) -> None:
        """Note that an emission begins."""
        self._recorder.on_start(emission)

    def note(self, emission: Emission) -> None:
        """Keep an emission that has ended."""
        self._recorder(emission)


class _Contexts:
    """The instrument that hands each emission to the panel of its context."""

    def on_start(self, emission: Emission) -> None:
        collection = _CURRENT.get()
        if collection is not None:
            collection.note_start(emission)

    def __call__(self, emission: Emission) -> None:
        collection = _CURRENT.get()
        if collection is not None:
            collection.note(emission)


_CONTEXTS = _Contexts()
