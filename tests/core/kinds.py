"""Senders and receivers of every kind: what may be dropped, equal, unhashable, or slotted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from enum import IntEnum
from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from heliograph import ANY

# --- senders ---------------------------------------------------------------------------


class Thing:
    """A sender that can be held weakly."""

    def __init__(self, name: str) -> None:
        self.name = name


class Touchy(Thing):
    """A sender that can only be compared by identity."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __hash__(self) -> int:
        raise AssertionError

    def __bool__(self) -> bool:
        raise AssertionError


class Alike(Thing):
    """A sender that is equal to all others of its kind, and so without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)


class Slotted:
    """A sender that cannot be held weakly."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Label(str):
    """A string of a type of its own."""

    __slots__ = ()


class Level(IntEnum):
    """An integer of a type of its own."""

    LOW = 1


OBJECTS: dict[str, Callable[[str], Any]] = {
    "thing": Thing,
    "other thing": Thing,
    "touchy": Touchy,
    "alike": Alike,
    "other alike": Alike,
    "slotted": Slotted,
    "list": lambda name: [name],
}

# Made again each time, so that nothing but the value can be the same.
VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "ANY": lambda: ANY,
    "shop": lambda: str(b"shop", "ascii"),
    "shop as a Label": lambda: Label("shop"),
    "no text": str,
    "0": lambda: 0,
    "False": lambda: False,
    "1": lambda: 1,
    "True": lambda: True,
    "Level.LOW": lambda: Level.LOW,
    "many": lambda: int("1" + "0" * 30),
}

SENDERS = [*OBJECTS, *VALUES, "id of thing"]


def identity(sender: Any) -> Hashable:
    """Say who a sender is, in words that no other sender shares."""
    if isinstance(sender, str):
        return "str", str(sender)
    if isinstance(sender, int):
        return type(sender), int(sender)
    if isinstance(sender, list):
        return "object", sender[0]
    return "object", getattr(sender, "name", None)


EVERYBODY = identity(ANY)

# --- receivers -------------------------------------------------------------------------

Turn = Callable[..., str]


def function(label: str, turn: Turn) -> Any:
    """Make a function that receives."""

    def receive(sender: object, **payload: object) -> str:
        return turn(label, sender, **payload)

    receive.__name__ = label
    return receive


class Owner:
    """Has two methods that receive."""

    def __init__(self, label: str, turn: Turn) -> None:
        self.label = label
        self.turn = turn

    def one(self, sender: object, **payload: object) -> str:
        """Receive."""
        return self.turn(f"{self.label}.one", sender, **payload)

    def two(self, sender: object, **payload: object) -> str:
        """Receive."""
        return self.turn(f"{self.label}.two", sender, **payload)


class CallableObject:
    """Receives by being called."""

    def __init__(self, label: str, turn: Turn) -> None:
        self.label = label
        self.turn = turn

    def __call__(self, sender: object, **payload: object) -> str:
        """Receive."""
        return self.turn(self.label, sender, **payload)


class SlottedReceiver:
    """Receives by being called, and cannot be held weakly."""

    __slots__ = ("label", "turn")

    def __init__(self, label: str, turn: Turn) -> None:
        self.label = label
        self.turn = turn

    def __call__(self, sender: object, **payload: object) -> str:
        """Receive."""
        return self.turn(self.label, sender, **payload)


class Tally(deque[Any]):
    """Its `append` is a built-in method that receives, keeps nothing and tells nobody."""

    def __init__(self, label: str, _: Turn) -> None:
        super().__init__(maxlen=0)
        self.label = label


# What the machine keeps alive, and what of it receives.
KEPT: dict[str, Callable[[str, Turn], Any]] = {
    "function": function,
    "other function": function,
    "owner": Owner,
    "callable": CallableObject,
    "slotted callable": SlottedReceiver,
    "partial": lambda label, turn: partial(turn, label),
    "tally": Tally,
}
RECEIVERS = [name for name in KEPT if name != "owner"]
RECEIVERS += ["owner.one", "owner.two", "callable.__call__"]


def label_of(receiver: Any) -> str:
    """Return the label that a receiver was made with."""
    if isinstance(receiver, MethodType) and isinstance(receiver.__self__, Owner):
        return f"{receiver.__self__.label}.{receiver.__name__}"
    if isinstance(receiver, partial):
        return str(receiver.args[0])
    if isinstance(receiver, FunctionType):
        return receiver.__name__
    if isinstance(receiver, (MethodType, BuiltinMethodType)):
        receiver = receiver.__self__  # The one whose `append` or `__call__` it is.
    return str(receiver.label)
