"""A receiver as one signal knows it: how it is held, and for which senders it is connected."""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType
from weakref import ref

from heliograph.core.callables import examined
from heliograph.core.claims import told
from heliograph.core.connections.dead import (
    LOST,
    MAKING,
    OPEN,
    SENT,
    is_lost,
    maker_of,
    warn_if_at_once,
)
from heliograph.core.connections.options import PLACE, WEAK
from heliograph.core.describe import name_of
from heliograph.core.errors import ReceiverError
from heliograph.core.identity import ANY, is_found_again, place_of
from heliograph.core.lock import make_pending_changes, pending_changes, run_deferred
from heliograph.core.mistakes import without_object
from heliograph.core.source import warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from heliograph.core.connections.options import Terms
    from heliograph.core.connections.registry import Registry
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.source import Place

NOTHING: frozenset[str] = frozenset()
"""What those receivers are spared who are given everything."""


class Record(ref[object]):
    """A receiver that can be held weakly. Calling it gives the receiver, or None once it is dead.

    It is held weakly whatever its connections ask for, so that no snapshot keeps it
    alive; the anchor is what strong connections hold on to.
    """

    __slots__ = (
        "anchor",
        "failures",
        "fate",
        "home",
        "is_async",
        "key",
        "left_out",
        "links",
        "maker",
        "named",
        "shared_snapshot",
        "strong",
        "terms",
    )

    if TYPE_CHECKING:
        shared_snapshot: Snapshot | None
        anchor: Any
        failures: int
        fate: int
        home: Callable[[], Registry | None]
        is_async: bool
        key: Hashable
        left_out: frozenset[str]
        links: dict[Hashable, int]
        maker: Place | None
        named: tuple[str, str] | str
        strong: int
        terms: Terms

        def __call__(self) -> Any:
            """Return the receiver, or None once it is dead."""
    else:
        # A reference would compare by what it refers to, which may have no hash.
        __eq__ = object.__eq__
        __ne__ = object.__ne__
        __hash__ = object.__hash__

    @property
    def name(self) -> str:
        """The receiver's qualified name, with its module."""
        if isinstance(self.named, str):
            return self.named
        module, name = self.named
        # Anybody may set a function's module, to anything.
        return f"{module if type(module) is str else 'builtins'}.{name}"

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        # The plain reference that all weak references to a receiver share is faster than this
        # one, and costs nothing. There is none if the receiver is being finalized.
        receiver = self()
        return self if receiver is None else ref(receiver)

    def serves(self, receiver: object, how: Terms) -> bool:  # noqa: ARG002 - some ask for these.
        """Tell whether this record can carry a connection of the receiver on such terms."""
        return self() is not None

    def join(self, other: Record) -> None:
        """Stand for what another record of the same receiver was made of, too."""

    def living(self) -> object:
        """Return something that lives as long as the receiver, or None once it is dead.

        Other than the receiver itself, it is had without running any code of its owner.
        """
        return ref.__call__(self)

    def hold(self, receiver: object) -> None:
        """Hold the receiver strongly, for one connection more."""
        self.strong += 1
        self.anchor = receiver

    def let_go(self) -> object:
        """Hold the receiver strongly no more; returns what may now be dropped."""
        anchor, self.anchor = self.anchor, None
        return anchor


class MethodRecord(Record):
    """A bound method, held by its object: the method itself is gone as soon as it is connected."""

    __slots__ = ("part",)

    if TYPE_CHECKING:
        part: ref[Any]

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self

    def __call__(self) -> Any:
        """Return the method, made again, or None."""
        owner = ref.__call__(self)
        if owner is None:
            return None
        function = self.part()
        return None if function is None else MethodType(function, owner)

    def living(self) -> object:
        """Return something that lives as long as the receiver, or None once it is dead."""
        owner, function = ref.__call__(self), self.part()
        return None if owner is None or function is None else (owner, function)


class FoundRecord(Record):
    """What each look at an object makes again, held by that object and found there again."""

    __slots__ = ("place",)

    if TYPE_CHECKING:
        place: str

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self

    def __call__(self) -> Any:
        """Return what is found now, or None."""
        owner = ref.__call__(self)
        return None if owner is None else told(owner, self.place)


class LooksRecord(Record):
    """What each look at an object makes again, where that object cannot be held weakly.

    It is there for as long as any of the looks is that were connected.
    """

    __slots__ = ("others",)

    if TYPE_CHECKING:
        others: tuple[Record, ...]

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self if self.others else super().resolver()

    def __call__(self) -> Any:
        """Return one that is alive, or None."""
        found = ref.__call__(self)
        if found is None and self.others:
            alive = (ref.__call__(it) for it in self.others)
            found = next((it for it in alive if it is not None), None)
        return found

    def living(self) -> object:
        """Return one that is alive, or None."""
        return self()

    def serves(self, receiver: object, how: Terms) -> bool:  # noqa: ARG002 - as above.
        """Tell whether this very look is known."""
        return any(ref.__call__(it) is receiver for it in (self, *self.others))

    def join(self, other: Record) -> None:
        """Live for as long as another look does, too."""
        alive = [it for it in self.others if ref.__call__(it) is not None]
        self.others = (*alive, other)


class HeldRecord(Record):
    """A receiver to which there can be no weak reference: it is there while it is anchored."""

    __slots__ = ()

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is let go."""
        return self

    def __call__(self) -> Any:
        """Return the receiver, or None once it is let go."""
        return self.anchor

    def living(self) -> object:
        """Return the receiver, or None once it is let go."""
        return self.anchor

    def serves(self, receiver: object, how: Terms) -> bool:  # noqa: ARG002 - as above.
        """Tell whether this record can carry a connection on such terms."""
        return not how[WEAK]


def recorded(
    receiver: Any, key: Hashable, how: Terms, home: Callable[[], Registry | None]
) -> Record:
    """Make the record of a receiver, after a look at it.

    Raises:
        ReceiverError: If it cannot be a receiver, or not on such terms.
    """
    is_async, generates = examined(receiver)
    if type(receiver) is FunctionType:
        if receiver.__code__.co_argcount > 1:
            _refuse_without_object(receiver, how, home)
        record = Record(receiver, _died)
        record.named = receiver.__module__ or "builtins", receiver.__qualname__
        record.maker = None
        record.fate = OPEN
    else:
        record = _held(receiver, key, how, home)
        record.named = name_of(receiver)
        # Objects come and go, and their methods with them: that is what weak is for.
        code = how[PLACE][0]
        record.maker = maker_of(code) if code.co_name in MAKING else None
        record.fate = SENT if record.maker is None else OPEN
    record.home = home
    record.key = key
    record.links = {}
    record.shared_snapshot = None
    record.anchor = None
    record.strong = 0
    record.is_async = is_async
    record.terms = how
    record.failures = 0
    record.left_out = NOTHING
    if generates:
        message = (
            f"{record.name} is a generator function: calling it runs none of its lines, so as "
            "a receiver it does nothing. Take the yield out."
        )
        warn_at(how[PLACE], message)
    return record


def _refuse_without_object(receiver: Any, how: Terms, home: Callable[[], Registry | None]) -> None:
    registry = home()
    problem = None if registry is None else without_object(receiver, registry)
    if problem is not None and registry is not None:
        if not registry.lenient:
            raise ReceiverError(problem)
        warn_at(how[PLACE], f"{name_of(receiver)} will fail whenever it is called. {problem}")


def _held(receiver: Any, key: Hashable, how: Terms, home: Callable[[], Registry | None]) -> Record:
    try:
        if type(receiver) is MethodType:
            method = ref.__new__(MethodRecord, receiver.__self__, _died)
            # The function may be the only one of its kind and refer to the object, so
            # holding it would keep both alive.
            method.part = ref(receiver.__func__, partial(_part_died, home, key))
            return method
        # Its key says already whether it is found at a place, and looking again takes a while.
        place = None if type(key) is int else place_of(receiver)
        return ref.__new__(Record, receiver, _died) if place is None else _looked(receiver, *place)
    except TypeError:
        if not how[WEAK]:
            return ref.__new__(HeldRecord, ANY)
        if type(receiver) is staticmethod:
            msg = (
                "It is a staticmethod, which cannot be held weakly. Write @staticmethod above the "
                "decorator that connects, which is given the function then."
            )
            raise ReceiverError(msg) from None
        owner = told(receiver, "__self__")
        kind = type(receiver if owner is None else owner).__qualname__
        msg = (
            f"It cannot be held weakly, as Python has no weak references to {kind!r} objects. "
            "Connect it with weak=False, and disconnect it when it is no longer wanted."
        )
        raise ReceiverError(msg) from None


def _looked(receiver: Any, owner: Any, name: str) -> Record:
    """Return the record of a receiver that a look at an object has made."""
    if type(owner).__weakrefoffset__ and is_found_again(receiver, owner, name):
        found = ref.__new__(FoundRecord, owner, _died)
        found.place = name
        return found
    looks = ref.__new__(LooksRecord, receiver, _died)
    looks.others = ()
    return looks


# When the interpreter ends, modules may be emptied before these callbacks run. So each of them
# carries with it the function that tells whether that is so.
def _died(record: Record, ending: Callable[[], bool] = sys.is_finalizing) -> None:
    registry = None if ending() else record.home()
    if registry is not None:
        connected = bool(record.links)
        frame = sys._getframe().f_back
        # First: what comes now may fail, at the end of the stack or by a signal handler.
        pending_changes.append(partial(registry.bury, record.key))
        try:
            if connected and is_lost(record, frame):
                record.fate = LOST
        finally:
            make_pending_changes()
        if connected:
            warn_if_at_once(record, frame)


def _part_died(
    home: Callable[[], Registry | None],
    key: Hashable,
    _: object,
    ending: Callable[[], bool] = sys.is_finalizing,
) -> None:
    registry = None if ending() else home()
    if registry is not None:
        run_deferred(partial(registry.bury, key))
