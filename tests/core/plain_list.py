"""Signals that are a plain list of rows: all that a send has to do, as simply as it can be said.

Nothing is prepared, kept or shared: whoever asks looks through all rows. In a world of such
signals a program runs as in one of real signals, and the same has to come of it.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from logging import getLogger
from operator import getitem
from types import BuiltinMethodType, MethodType
from typing import TYPE_CHECKING, Any
from warnings import warn
from weakref import ref

from heliograph import ANY, ArgumentError, AsyncReceiverError, ReceiverError, ReceiverWarning
from tests.core.kinds import identity, label_of
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]


# --- who is held, and how --------------------------------------------------------------


def held(it: Any, gone: Callable[[Any], object]) -> Callable[[], Any]:
    """Hold an object weakly, or the one that it is a method of; *gone* is called when it dies."""
    if isinstance(it, (MethodType, BuiltinMethodType)):
        owner, name = ref(it.__self__, gone), it.__name__
        return lambda: None if owner() is None else getattr(owner(), name)
    return ref(it, gone)


def held_strongly(it: Any) -> Callable[[], Any]:
    """Hold an object."""
    return partial(getitem, [it], 0)


def sender_held(sender: Any, gone: Callable[[Any], object]) -> Callable[[], Any]:
    """Hold a sender weakly if it can be, unless it is compared by its value."""
    if isinstance(sender, (str, int)) or sender is ANY or not can_be_held_weakly(sender):
        return held_strongly(sender)
    return held(sender, gone)


def can_be_held_weakly(it: Any) -> bool:
    """Tell whether an object, or the one that it is a method of, can be held weakly."""
    try:
        ref(getattr(it, "__self__", it))
    except TypeError:
        return False
    return True


def died(find: Callable[[], Any]) -> bool:
    """Tell whether what was held weakly is dead."""
    return find() is None and not isinstance(find, partial)  # It may be None that is held.


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two senders are the same: texts and integers by their value."""
    if isinstance(one, (str, int)):
        return identity(one) == identity(other)
    return one is other


def real(sender: Any) -> Any:
    """Return whom a proxy stands for."""
    return sender._get_current_object() if isinstance(sender, Proxy) else sender


def name_of(receiver: Receiver) -> str:
    """Say which receiver it is: two with the same name are the same."""
    owner = getattr(receiver, "__self__", None)
    return f"send of {owner.name}" if isinstance(owner, ListSignal) else label_of(receiver)


def is_async(receiver: Receiver) -> bool:
    """Tell whether a receiver has to be awaited."""
    return iscoroutinefunction(receiver) or iscoroutinefunction(type(receiver).__call__)


def coroutine_function(receiver: Receiver) -> Receiver:
    """Return an async receiver itself, or a function that calls it."""

    async def call(sender: object, **payload: object) -> object:
        return await receiver(sender, **payload)

    return receiver if iscoroutinefunction(receiver) else call


# --- the rows --------------------------------------------------------------------------


@dataclass(eq=False)
class Row:
    """A connection."""

    signal: ListSignal
    name: str
    find: Callable[[], Any]
    find_sender: Callable[[], Any]
    weak: bool
    priority: int
    on_error: str
    age: int
    block: Block | None
    failed: list[bool]

    @property
    def receiver(self) -> Any:
        """The receiver, or None."""
        return self.find()

    @property
    def sender(self) -> Any:
        """The sender."""
        return self.find_sender()

    @property
    def receiver_failures(self) -> int:
        """How often the receiver has failed with its errors being logged."""
        return len(self.failed)

    @property
    def connected(self) -> bool:
        """Whether it is in the list."""
        return self in self.signal.rows

    def counts(self) -> bool:
        """Tell whether it counts in this context."""
        return self.block is None or self.block.counts()

    def hears(self, sender: Any) -> bool:
        """Tell whether it is connected for a sender, or for all."""
        return self.sender is ANY or is_same(self.sender, sender)


ENTERED: ContextVar[tuple[Block, ...]] = ContextVar("entered", default=())


@dataclass(eq=False)
class Block:
    """One `with` block that is open."""

    local: bool
    row: Row | None

    def counts(self) -> bool:
        """Tell whether it counts in this context."""
        return not self.local or self in ENTERED.get()


@dataclass(eq=False)
class Manager:
    """What is entered: it connects a receiver, or mutes."""

    signal: ListSignal
    local: bool
    connects: dict[str, Any] | None = None
    opened: list[Block] = field(default_factory=list)

    def __enter__(self) -> None:
        block = Block(self.local, None)
        if self.connects is None:
            self.signal.muting.append(block)
        else:
            block.row = self.signal.add(**self.connects, weak=False, block=block)
        self.opened.append(block)
        ENTERED.set((*ENTERED.get(), block))

    def __exit__(self, *_: object) -> None:
        here = [it for it in ENTERED.get() if it in self.opened]
        block = (here or self.opened)[-1]
        self.opened.remove(block)
        ENTERED.set(tuple(it for it in ENTERED.get() if it is not block))
        if block.row is None:
            self.signal.muting.remove(block)
        self.signal.rows = [it for it in self.signal.rows if it is not block.row]
        block.row = None


# --- who watches -----------------------------------------------------------------------


@dataclass
class ListDelivery:
    """What came of a turn."""

    receiver: Receiver
    value: object = None
    error: BaseException | None = None


@dataclass(eq=False)
class ListEmission:
    """What instruments are told of a send."""

    signal: ListSignal
    sender: Any
    payload: dict[str, Any]
    parent: ListEmission | None
    muted: bool
    deliveries: list[ListDelivery] = field(default_factory=list)


INSTRUMENTS: list[Callable[[Any], object]] = []
TELLING: list[bool] = []
AROUND: ContextVar[ListEmission | None] = ContextVar("around", default=None)


def add_instrument(instrument: Callable[[Any], object]) -> None:
    """Let an instrument watch."""
    if instrument not in INSTRUMENTS:
        INSTRUMENTS.append(instrument)


def remove_instrument(instrument: Callable[[Any], object]) -> None:
    """Let it watch no more."""
    with suppress(ValueError):
        INSTRUMENTS.remove(instrument)


def tell(emission: ListEmission) -> None:
    """Tell those who watch; whoever fails is switched off."""
    TELLING.append(True)
    try:
        for instrument in tuple(INSTRUMENTS):
            try:
                instrument(emission)
            except Exception as error:  # noqa: BLE001 - it must not break what it watches.
                remove_instrument(instrument)
                log(error)
    finally:
        TELLING.pop()


def log(error: BaseException) -> None:
    """Log an error."""
    getLogger("heliograph").error("", exc_info=error)


# --- signals ---------------------------------------------------------------------------


class ListSignal:
    """A list of rows, with the verbs of a signal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made = 0
        self.muting: list[Block] = []
        self._rows: list[Row] = []

    # Who is connected.

    @property
    def rows(self) -> list[Row]:
        """All rows, by priority and age."""
        return self._rows

    @rows.setter
    def rows(self, rows: list[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: (-row.priority, row.age))

    def bury(self, _: object) -> None:
        """Take out the rows of those who died."""
        self.rows = [it for it in self.rows if not (died(it.find) or died(it.find_sender))]

    def add(self, receiver: Receiver, sender: Any, *, weak: bool, **how: Any) -> Row:
        """Add a row; all rows of a receiver count its failures together."""
        name = name_of(receiver)
        find = held(receiver, self.bury) if weak else held_strongly(receiver)
        [failed, *_] = [*(it.failed for it in self.rows if it.name == name), []]
        self.made += 1
        how = {"age": self.made, "block": None} | how
        row = Row(self, name, find, sender_held(sender, self.bury), weak, failed=failed, **how)
        self.rows = [*self.rows, row]
        return row

    def connect(self, receiver: Receiver, sender: Any, weak: bool, **how: Any) -> Receiver:
        """Connect; what is connected already keeps its age, and stays strong."""
        sender, name = real(sender), name_of(receiver)
        if weak and not can_be_held_weakly(receiver):
            raise ReceiverError
        lasting = [it for it in self.rows if it.name == name and it.block is None]
        for old in lasting:
            if is_same(old.sender, sender):
                self.add(receiver, sender, weak=weak and old.weak, **how, age=old.age)
                self.rows = [it for it in self.rows if it is not old]
                return receiver
        self.add(receiver, sender, weak=weak, **how)
        return receiver

    def disconnect(self, receiver: Receiver, sender: Any = ANY) -> None:
        """Disconnect from a sender; from everybody, if it is none in particular."""
        sender, name = real(sender), name_of(receiver)
        self.rows = [
            it
            for it in self.rows
            if it.name != name or not (sender is ANY or is_same(it.sender, sender))
        ]

    def connected_to(self, receiver: Receiver, sender: Any, *, local: bool, **how: Any) -> Manager:
        """Return what connects for a while."""
        return Manager(self, local, {"receiver": receiver, "sender": real(sender), **how})

    def muted(self, *, local: bool) -> Manager:
        """Return what mutes for a while."""
        return Manager(self, local)

    # What they are asked.

    @property
    def is_muted(self) -> bool:
        """Whether it is muted here."""
        return any(block.counts() for block in self.muting)

    @property
    def connections(self) -> tuple[Row, ...]:
        """All rows."""
        return tuple(self.rows)

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """All receivers that are connected here, each once."""
        rows = {row.name: row for row in self.rows if row.counts()}
        return tuple(row.receiver for row in rows.values())

    def receivers_for(self, sender: Any) -> Iterator[Receiver]:
        """Give those who would be called."""
        return iter([row.receiver for row in self.audience(real(sender))])

    def has_receivers_for(self, sender: Any) -> bool:
        """Tell whether anybody would be called."""
        return any(True for _ in self.receivers_for(sender))

    def matching(self, sender: Any) -> list[Row]:
        """Return all rows that count for a sender, here and now."""
        return [it for it in self.rows if it.counts() and it.hears(sender)]

    def audience(self, sender: Any) -> list[Row]:
        """Return the first of these rows for each receiver that would be called."""
        found: dict[str, Row] = {}
        for row in [] if self.is_muted else self.matching(sender):
            found.setdefault(row.name, row)
        return list(found.values())

    # Sending.

    def send(
        self, sender: Any = None, /, *unnamed: Any, _async_wrapper: Any = None, **payload: Any
    ) -> Results:
        """Call everybody."""
        if unnamed:
            raise ArgumentError
        # A send that is muted everywhere looks at nothing, as one to nobody.
        heard = self.rows and all(block.local for block in self.muting)
        anyone = heard or INSTRUMENTS or "receivers_for" in vars(self)
        if anyone and real(sender) is None and "sender" in payload:
            warn("", ReceiverWarning, stacklevel=2)
        sending = ListSending(self, real(sender), payload)
        if _async_wrapper is None and sending.has_async_receivers():
            raise AsyncReceiverError
        with sending:
            for receiver in sending.turns():
                try:
                    call = receiver
                    if is_async(receiver):
                        call = _async_wrapper(coroutine_function(receiver))
                    sending.delivered(call(sending.sender, **payload))
                except Exception as error:  # noqa: BLE001 - raised in the end.
                    sending.failed(error)
        return sending.outcome()

    async def send_async(self, sender: Any = None, /, **payload: Any) -> Results:
        """Call or await everybody."""
        sending = ListSending(self, real(sender), payload)
        with sending:
            for receiver in sending.turns():
                try:
                    value = receiver(sending.sender, **payload)
                    sending.delivered(await value if isawaitable(value) else value)
                except Exception as error:  # noqa: BLE001 - raised in the end.
                    sending.failed(error)
        return sending.outcome()


class ListSending:
    """A send under way."""

    def __init__(self, signal: ListSignal, sender: Any, payload: dict[str, Any]) -> None:
        self.signal = signal
        self.sender = sender
        self.payload = payload
        self.since = signal.made
        self.muted = signal.is_muted
        self.results: Results = []
        self.errors: list[Exception] = []
        # Whose turn it is.
        self.row: Row | None = None
        self.receiver: Any = None
        self.emission: ListEmission | None = None
        self.around: ListEmission | None = None
        rows = {row.name: row for row in signal.audience(sender)}
        self.due = [(row, row.find) for row in rows.values()]
        if rows and "receivers_for" in vars(signal):
            given = list(signal.receivers_for(sender))
            self.due = [(rows[name_of(it)], held_strongly(it)) for it in given]

    def has_async_receivers(self) -> bool:
        """Tell whether one of those who are due has to be awaited."""
        return any(is_async(find()) for _, find in self.due if find() is not None)

    def turns(self) -> Iterator[Receiver]:
        """Give each receiver that is connected still, by a row as old as the send, or older."""
        for row, find in self.due:
            rows = [] if self.signal.is_muted else self.signal.matching(self.sender)
            old = [it.name for it in rows if it.age <= self.since]
            if row.name in old:
                self.row, self.receiver = row, find()
                yield self.receiver

    def __enter__(self) -> None:
        if INSTRUMENTS and not TELLING:
            self.around = AROUND.get()
            self.emission = ListEmission(
                self.signal, self.sender, self.payload, self.around, self.muted
            )
            AROUND.set(self.emission)

    def __exit__(self, _: object, left_by: BaseException | None, __: object) -> None:
        # An error must not refer to itself through its traceback's frames, which hold this.
        errors, self.errors = self.errors, []
        emission, self.emission = self.emission, None
        if left_by is not None:
            self._note(emission, ListDelivery(self.receiver, error=left_by))
            for error in errors:
                log(error)
        if emission is not None:
            AROUND.set(self.around)
            self.around = None
            tell(emission)
        if left_by is None:
            self.errors = errors

    def delivered(self, value: object) -> None:
        """Keep what a receiver returned."""
        self.results.append((self.receiver, value))
        self._note(self.emission, ListDelivery(self.receiver, value))

    def failed(self, error: Exception) -> None:
        """Log what a receiver raised, or keep it."""
        assert self.row is not None
        self._note(self.emission, ListDelivery(self.receiver, error=error))
        if self.row.on_error == "log":
            self.row.failed.append(True)
            log(error)
        else:
            self.errors.append(error)

    def _note(self, emission: ListEmission | None, delivery: ListDelivery) -> None:
        self.receiver = None
        if emission is not None:
            emission.deliveries.append(delivery)

    def outcome(self) -> Results:
        """Return what was returned, or raise what was raised."""
        errors, self.errors = self.errors, []
        try:
            if len(errors) > 1:
                raise ExceptionGroup(self.signal.name, errors)
            for error in errors:
                raise error
        finally:
            # An error must not refer to itself through its traceback's frames.
            errors = error = None  # type: ignore[assignment]  # Nobody reads them any more.
        return self.results
