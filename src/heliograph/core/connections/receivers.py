"""A receiver as one signal knows it: how it is held, and for which senders it is connected."""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType
from weakref import ref

from heliograph.core.callables import OWN_RECEIVERS, check_receiver
from heliograph.core.claims import told
from heliograph.core.connections.dead import (
    AT_ONCE,
    LOST,
    MAKING,
    OPEN,
    SENT,
    is_at_once,
    is_lost,
    maker_of,
    warn_if_at_once,
    was_muted,
)
from heliograph.core.connections.options import HOW, SITE
from heliograph.core.describe import name_of
from heliograph.core.errors import ReceiverError
from heliograph.core.identity import ANY, is_found_again, place_of
from heliograph.core.lock import make_pending_changes, pending_changes, run_deferred
from heliograph.core.mistakes import refuse_inline, without_object
from heliograph.core.source import warn_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from heliograph.core.connections.options import Options
    from heliograph.core.connections.registry import Registry, SenderCounts
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.source import CallSite

NOTHING: frozenset[str] = frozenset()
"""What is omitted for a receiver that gets the whole payload."""


class ReceiverRef(ref[object]):
    """A weak reference to a receiver. Calling it returns the receiver, or None once it is dead.

    It is weak even if connections hold the receiver strongly, so that no snapshot keeps the
    receiver alive; *strong_ref* is what keeps it alive for them.
    """

    __slots__ = (
        "failures", "fate", "is_async", "key", "maker", "named", "omitted", "options",
        "registry_ref", "sender_counts", "shared_snapshot", "silence_seen", "strong_count",
        "strong_ref",
    )  # fmt: skip

    if TYPE_CHECKING:
        failures: int
        fate: int
        is_async: bool
        key: Hashable
        maker: CallSite | None
        named: tuple[str, str] | str
        omitted: frozenset[str]
        registry_ref: Callable[[], Registry | None]
        sender_counts: SenderCounts
        shared_snapshot: Snapshot | None
        silence_seen: int
        strong_count: int
        strong_ref: Any
        options: Options

        def __call__(self) -> Any:
            """Return the receiver, or None once it is dead."""
    else:
        # A weak reference compares and hashes like its object, which may have no hash.
        __eq__ = object.__eq__
        __ne__ = object.__ne__
        __hash__ = object.__hash__

    @property
    def name(self) -> str:
        """The receiver's qualified name, with its module."""
        if isinstance(self.named, str):
            return self.named
        module, name = self.named
        # A function's `__module__` can be set to anything.
        return f"{module if type(module) is str else 'builtins'}.{name}"

    @property
    def call_site(self) -> CallSite:
        """The place in the user's code that connected the receiver first."""
        return self.options[SITE]

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        # A plain weak reference is faster to call than this subclass, and Python shares one per
        # object, so it costs nothing. None can be made while the receiver is being finalized.
        receiver = self()
        return self if receiver is None else ref(receiver)

    def accepts(self, receiver: object, options: Options) -> bool:  # noqa: ARG002 - subclasses use them.
        """Tell whether a new connection of the receiver, with these options, can use this."""
        return self() is not None

    def join(self, other: ReceiverRef) -> None:
        """Refer also to the object that another reference to the same receiver was made of."""

    def living(self) -> object:
        """Return something that lives as long as the receiver, or None once it is dead.

        Unlike looking up the receiver itself, this runs no code of the receiver's owner.
        """
        return ref.__call__(self)

    def hold(self, receiver: object) -> None:
        """Hold the receiver strongly, for one more connection."""
        self.strong_count += 1
        self.strong_ref = receiver

    def count_failure(self) -> None:
        """Count an error that was logged. Must run under the lock."""
        self.failures += 1

    def release(self) -> object:
        """Stop holding the receiver strongly; returns what the caller has to drop."""
        strong_ref, self.strong_ref = self.strong_ref, None
        return strong_ref


class MethodRef(ReceiverRef):
    """A bound method, as weak references to its object and its function.

    A reference to the method itself would be dead at once: Python makes a new one at each look.
    """

    __slots__ = ("function_ref",)

    if TYPE_CHECKING:
        function_ref: ref[Any]

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self

    def __call__(self) -> Any:
        """Return the method, newly bound, or None."""
        owner = ref.__call__(self)
        if owner is None:
            return None
        function = self.function_ref()
        return None if function is None else MethodType(function, owner)

    def living(self) -> object:
        """Return something that lives as long as the receiver, or None once it is dead."""
        owner, function = ref.__call__(self), self.function_ref()
        return None if owner is None or function is None else (owner, function)


class AttributeRef(ReceiverRef):
    """A receiver that an object makes at each attribute access, found there when it is called."""

    __slots__ = ("attribute",)

    if TYPE_CHECKING:
        attribute: str

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self

    def __call__(self) -> Any:
        """Return what the attribute gives now, or None."""
        owner = ref.__call__(self)
        return None if owner is None else told(owner, self.attribute)


class LookedUpRef(ReceiverRef):
    """A receiver that is made at each attribute access, of an object without weak references.

    It lives for as long as any of the objects that were connected.
    """

    __slots__ = ("others",)

    if TYPE_CHECKING:
        others: tuple[ReceiverRef, ...]

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is dead."""
        return self if self.others else super().resolver()

    def __call__(self) -> Any:
        """Return one of the objects that is alive, or None."""
        found = ref.__call__(self)
        if found is None and self.others:
            alive = (ref.__call__(it) for it in self.others)
            found = next((it for it in alive if it is not None), None)
        return found

    def living(self) -> object:
        """Return one of the objects that is alive, or None."""
        return self()

    def accepts(self, receiver: object, options: Options) -> bool:  # noqa: ARG002 - subclasses ask.
        """Tell whether this very object was connected."""
        return any(ref.__call__(it) is receiver for it in (self, *self.others))

    def join(self, other: ReceiverRef) -> None:
        """Refer also to another object."""
        alive = [it for it in self.others if ref.__call__(it) is not None]
        self.others = (*alive, other)


class StrongRef(ReceiverRef):
    """A receiver that has no weak references: it is known as long as connections hold it."""

    __slots__ = ()

    def resolver(self) -> Callable[[], Any]:
        """Return what a send calls to get the receiver, or None once it is released."""
        return self

    def __call__(self) -> Any:
        """Return the receiver, or None once it is released."""
        return self.strong_ref

    def living(self) -> object:
        """Return the receiver, or None once it is released."""
        return self.strong_ref

    def accepts(self, receiver: object, options: Options) -> bool:  # noqa: ARG002 - subclasses ask.
        """Tell whether a new connection with these options can use this."""
        return not options[HOW].weak


def make_receiver_ref(
    receiver: Any, key: Hashable, options: Options, registry: Registry
) -> ReceiverRef:
    """Check a receiver and make the reference to it, which holds it if its connection does.

    Raises:
        ReceiverError: If it cannot be a receiver, or not with these options.
        ArgumentError: Likewise.
    """
    is_async, generates = check_receiver(receiver)
    if is_async:
        refuse_inline(options[HOW].inline, is_async=True)
    if type(receiver) is FunctionType:
        _refuse_without_object(receiver, options, registry)
        receiver_ref = ReceiverRef(receiver, receiver_died)
        receiver_ref.maker = None
        receiver_ref.fate = OPEN
    else:
        receiver_ref = _make_ref(receiver, key, options, registry.self_ref)
        # Objects may come and go, and their methods with them: weak connections are for that. Only
        # an object that connects itself while it is made may be lost by mistake.
        code = options[SITE][0]
        receiver_ref.maker = maker_of(code) if code.co_name in MAKING else None
        receiver_ref.fate = SENT if receiver_ref.maker is None else OPEN
    receiver_ref.named = _name(receiver)
    receiver_ref.registry_ref = registry.self_ref
    receiver_ref.key = key
    receiver_ref.sender_counts = ()
    receiver_ref.shared_snapshot = receiver_ref.strong_ref = None
    receiver_ref.silence_seen = registry.silence_changes
    receiver_ref.strong_count = receiver_ref.failures = 0
    receiver_ref.is_async = is_async
    receiver_ref.options = options
    receiver_ref.omitted = NOTHING
    if not options[HOW].weak:
        receiver_ref.hold(receiver)
    if generates:
        _warn_of_generator(receiver_ref, registry)
    return receiver_ref


def _name(receiver: Any) -> tuple[str, str] | str:
    function = receiver.__func__ if type(receiver) is MethodType else receiver
    if type(function) is FunctionType:  # As most are: `name_of` takes three times as long.
        return function.__module__ or "builtins", function.__qualname__
    return OWN_RECEIVERS.get(type(receiver)) or name_of(receiver)


def _warn_of_generator(receiver_ref: ReceiverRef, registry: Registry) -> None:
    # On Blinker's names, programs iterate over what receivers have returned: Indico does.
    if registry.strict:
        message = (
            f"{receiver_ref.name} is a generator function: calling it runs none of its lines, so "
            "as a receiver it does nothing. Take the yield out."
        )
        warn_at(receiver_ref.call_site, message)


def refuse_receiver(receiver: Any, registry: Registry, *, inline: bool) -> None:
    """Check a receiver as `make_receiver_ref` does, without keeping anything.

    Raises:
        ReceiverError: If it cannot be a receiver of this signal.
        ArgumentError: If it cannot be connected inline.
    """
    is_async, _ = check_receiver(receiver)
    if is_async:
        refuse_inline(inline, is_async=True)
    problem = without_object(receiver, registry)
    if problem is not None and registry.strict:
        raise ReceiverError(problem)


def _refuse_without_object(receiver: Any, options: Options, registry: Registry) -> None:
    problem = without_object(receiver, registry)
    if problem is not None:
        if registry.strict:
            raise ReceiverError(problem)
        warn_at(options[SITE], f"{name_of(receiver)} will fail whenever it is called. {problem}")


def _make_ref(
    receiver: Any, key: Hashable, options: Options, registry_ref: Callable[[], Registry | None]
) -> ReceiverRef:
    try:
        if type(receiver) is MethodType:
            method = ref.__new__(MethodRef, receiver.__self__, receiver_died)
            # The function may refer to the object (as a closure, say): holding the function
            # would keep both alive.
            method.function_ref = ref(receiver.__func__, partial(function_died, registry_ref, key))
            return method
        # Its key tells already whether it is an attribute of an object; looking again is slow.
        place = None if type(key) is int else place_of(receiver)
        return (
            ref.__new__(ReceiverRef, receiver, receiver_died)
            if place is None
            else _made_at_access(receiver, *place)
        )
    except TypeError:
        if not options[HOW].weak:
            return ref.__new__(StrongRef, ANY)
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


def _made_at_access(receiver: Any, owner: Any, name: str) -> ReceiverRef:
    """Return the reference to a receiver that an attribute access has made."""
    if type(owner).__weakrefoffset__ and is_found_again(receiver, owner, name):
        found = ref.__new__(AttributeRef, owner, receiver_died)
        found.attribute = name
        return found
    looks = ref.__new__(LookedUpRef, receiver, receiver_died)
    looks.others = ()
    return looks


# When the interpreter exits, modules may be emptied before these callbacks run. So each callback
# has as a default argument the function that tells whether the interpreter is exiting.
def receiver_died(
    receiver_ref: ReceiverRef, ending: Callable[[], bool] = sys.is_finalizing
) -> None:
    """End the connections of a receiver that has died: the callback of a weak reference."""
    registry = None if ending() else receiver_ref.registry_ref()
    if registry is not None:
        connected = bool(receiver_ref.sender_counts)
        if not connected and receiver_ref.key not in registry.idle:
            return  # It was disconnected before.
        frame = sys._getframe().f_back
        # First: what follows may fail, without room on the stack or by a signal handler.
        pending_changes.append(partial(registry.remove_dead_receiver, receiver_ref.key))
        try:
            if connected and is_at_once(receiver_ref.call_site, frame):
                receiver_ref.fate = AT_ONCE
            elif connected and not was_muted(receiver_ref, registry):
                receiver_ref.fate = LOST if is_lost(receiver_ref, frame) else receiver_ref.fate
        finally:
            make_pending_changes()
        if connected:
            warn_if_at_once(receiver_ref)


def function_died(
    registry_ref: Callable[[], Registry | None],
    key: Hashable,
    _: object,
    ending: Callable[[], bool] = sys.is_finalizing,
) -> None:
    """End the connections of a method whose function has died: likewise."""
    registry = None if ending() else registry_ref()
    if registry is not None:
        run_deferred(partial(registry.remove_dead_receiver, key))
