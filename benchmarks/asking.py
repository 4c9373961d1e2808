"""What questions cost beside Blinker's, and sends that are muted or beside others' local blocks."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import blinker

from benchmarks.engines import SENDER, Blinker, Heliograph, HeliographBlinker
from benchmarks.harness import Row, Work, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.engines import Engine, Loop
    from benchmarks.rows import Preparation

    Question = Callable[[Any], Loop]
    # Puts a signal into some state, and returns the objects to keep alive.
    Situation = Callable[[Any], object]

ENGINES: tuple[type[Engine], ...] = (Blinker, Heliograph, HeliographBlinker)


def _if_receivers(signal: Any) -> Loop:
    def loop(items: Iterable[object]) -> None:
        for _ in items:
            if signal.receivers:
                pass

    return loop


def _if_has_receivers_for(signal: Any) -> Loop:
    sender = SENDER

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            if signal.has_receivers_for(sender):
                pass

    return loop


def _list_receivers_for(signal: Any) -> Loop:
    sender = SENDER

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            list(signal.receivers_for(sender))

    return loop


def _send(signal: Any) -> Loop:
    sender = SENDER

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            signal.send(sender, a=1)

    return loop


def _receiver() -> Callable[..., object]:
    def receiver(sender: object, **kw: object) -> object:
        return None

    return receiver


def _connected(count: int, *sender: object, weak: bool = True, dead: int = 0) -> Situation:
    """Connect so many receivers, of which some die at once."""

    def connect(signal: Any) -> object:
        receivers = [_receiver() for _ in range(count)]
        for receiver in receivers:
            signal.connect(receiver, *sender, weak=weak)
        return receivers[dead:]

    return connect


def _muted(situation: Situation) -> Situation:
    def mute(signal: Any) -> object:
        kept, block = situation(signal), signal.muted()
        # It counts everywhere. The other rows' context is not to be inside of it.
        copy_context().run(block.__enter__)
        return kept, block

    return mute


def _beside(situation: Situation, open_block: Callable[[Any], Any]) -> Situation:
    """Let another context have a block open, which Blinker does not have: it goes without."""

    def open_elsewhere(signal: Any) -> object:
        kept = situation(signal)
        if isinstance(signal, blinker.Signal):
            return kept
        block, context = open_block(signal), copy_context()
        context.run(block.__enter__)
        return kept, block, context

    return open_elsewhere


def _connects_here(signal: Any) -> Any:
    return signal.connected_to(_receiver(), local=True)


def _mutes_here(signal: Any) -> Any:
    return signal.muted(local=True)


QUESTIONS: dict[str, Question] = {
    "if receivers": _if_receivers,
    "has_receivers_for": _if_has_receivers_for,
    "list(receivers_for)": _list_receivers_for,
}
SITUATIONS: dict[str, Situation] = {
    "nobody": _connected(0),
    "1 receiver": _connected(1),
    "1, strong": _connected(1, weak=False),
    "1 of the sender": _connected(1, SENDER),
    "1 of a str": _connected(1, "shop"),
    "10": _connected(10),
    "10, and 90 dead": _connected(100, dead=90),
    "100": _connected(100),
    "10, muted": _muted(_connected(10)),
    "10, a local block elsewhere": _beside(_connected(10), _connects_here),
}
SENDS: dict[str, Situation] = {
    "nobody, muted": _muted(_connected(0)),
    "1 receiver, muted": _muted(_connected(1)),
    "10, muted": _muted(_connected(10)),
    "1, a local block elsewhere": _beside(_connected(1), _connects_here),
    "10, a local block elsewhere": _beside(_connected(10), _connects_here),
    "10, muted elsewhere": _beside(_connected(10), _mutes_here),
}


def _asking(question: Question, situation: Situation) -> Preparation:
    def prepare(engine: Any) -> Work:
        return Work(question(engine.signal), alive=situation(engine.signal))

    return prepare


ROWS = (
    *(
        Row(f"{name}: {state}", _asking(question, situation))
        for name, question in QUESTIONS.items()
        for state, situation in SITUATIONS.items()
    ),
    *(Row(f"send: {state}", _asking(_send, situation)) for state, situation in SENDS.items()),
)


def ways_to_ask(row: Row) -> dict[str, Work]:
    """Return a row on Blinker and on ours."""
    return prepared(row, ENGINES)
