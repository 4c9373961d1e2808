"""The engine beside a plain list: a Hypothesis machine does everything to both, and compares.

The model is one list of rows, each a connection, and it looks through all of them every
time. What a send calls is checked while it runs: a receiver that is called asks the model
whether it is its turn.

Few examples run by default. Many more: ``HYPOTHESIS_PROFILE=long pytest tests/core/test_model.py``.
"""

from __future__ import annotations

import gc
import os
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import partial
from logging import Handler, LogRecord, getLogger
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from heliograph import Emission, ReceiverError, Signal, add_instrument, remove_instrument
from tests.core.cast import (
    EVERYBODY,
    KEPT,
    OBJECTS,
    RECEIVERS,
    SENDERS,
    VALUES,
    Owner,
    SlottedReceiver,
    Tally,
    Thing,
    identity,
    label_of,
)
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterator

# Making a failing example small may take minutes, and it is what one wants to see.
pytestmark = pytest.mark.timeout(900)

_USUAL = settings(
    max_examples=400,
    stateful_step_count=30,
    deadline=None,
    # Drawing is slow under coverage on a busy machine, which says nothing of the engine.
    suppress_health_check=[HealthCheck.too_slow],
)
_PROFILES = {
    "usual": _USUAL,
    "long": settings(_USUAL, max_examples=10_000, stateful_step_count=50),
}


class FailureError(Exception):
    """What receivers raise here."""


# --- what can be done, by the machine or by a receiver that is called -----------------------


@dataclass(frozen=True)
class Connect:
    """Connect; an object with ``__call__`` perhaps by that method."""

    receiver: int
    sender: int
    proxy: bool
    weak: bool
    priority: int
    on_error: Literal["raise", "log"]


@dataclass(frozen=True)
class Disconnect:
    """Disconnect from one sender, or from all."""

    receiver: int
    sender: int | None
    proxy: bool


@dataclass(frozen=True)
class Open:
    """Enter a block that connects for a while."""

    receiver: int
    sender: int
    proxy: bool
    local: bool
    priority: int
    on_error: Literal["raise", "log"]


@dataclass(frozen=True)
class Mute:
    """Enter a block that mutes."""

    local: bool


@dataclass(frozen=True)
class Reopen:
    """Enter the very same block once more."""

    block: int


@dataclass(frozen=True)
class Close:
    """Leave a block, whichever."""

    block: int


@dataclass(frozen=True)
class Send:
    """Send, from a context of its own or from this one."""

    sender: int
    proxy: bool
    elsewhere: bool
    awaited: bool


@dataclass(frozen=True)
class ForgetReceiver:
    """Keep a receiver alive no more."""

    receiver: int


@dataclass(frozen=True)
class ForgetSender:
    """Keep a sender alive no more."""

    sender: int


@dataclass(frozen=True)
class Fail:
    """Raise."""


BlockAction = Open | Mute | Reopen | Close
Action = Connect | Disconnect | Send | BlockAction | ForgetReceiver | ForgetSender | Fail

_NUMBER = st.integers(0, 5)
_TRUTH = st.booleans()
_PRIORITY = st.sampled_from([0, 0, 0, 1, -1])
_ON_ERROR: st.SearchStrategy[Literal["raise", "log"]] = st.sampled_from(["raise", "raise", "log"])

_CONNECT = st.builds(Connect, _NUMBER, _NUMBER, _TRUTH, _TRUTH, _PRIORITY, _ON_ERROR)
_DISCONNECT = st.builds(Disconnect, _NUMBER, st.none() | _NUMBER, _TRUTH)
_OPEN = st.builds(Open, _NUMBER, _NUMBER, _TRUTH, _TRUTH, _PRIORITY, _ON_ERROR)
_MUTE = st.builds(Mute, _TRUTH)
_REOPEN = st.builds(Reopen, _NUMBER)
_CLOSE = st.builds(Close, _NUMBER)
_SEND = st.builds(Send, _NUMBER, _TRUTH, _TRUTH, _TRUTH)
_FORGET = st.builds(ForgetReceiver, _NUMBER) | st.builds(ForgetSender, _NUMBER)
_SCRIPT = st.lists(
    st.one_of(
        _CONNECT, _DISCONNECT, _OPEN, _MUTE, _REOPEN, _CLOSE, _SEND, _FORGET, st.just(Fail())
    ),
    min_size=1,
    max_size=4,
)

# --- the model -------------------------------------------------------------------------


@dataclass(eq=False)
class Block:
    """A `with` block that is open."""

    manager: Any
    receiver: str
    sender: Hashable
    local: bool
    context: int
    mutes: bool = False


@dataclass
class Row:
    """A connection."""

    receiver: str
    sender: Hashable
    age: int
    weak: bool
    priority: int
    on_error: str
    block: Block | None = None


@dataclass
class Course:
    """A send under way."""

    sender: Hashable
    since: int
    due: list[Row]
    called: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)


class Failures(Handler):
    """Keeps the names of the receivers whose failures were logged."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[str] = []

    def emit(self, record: LogRecord) -> None:
        """Keep one."""
        assert record.exc_info is not None
        self.labels.append(str(record.exc_info[1]))


def run_at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError


class EngineAndList(RuleBasedStateMachine):
    """One signal, and one list that says the same of it."""

    def __init__(self) -> None:
        super().__init__()
        gc.disable()  # Reference counting alone has to let go of what nobody needs.
        self.signal = Signal("a signal")
        # Who there is.
        self.receivers: list[str] = []
        self.senders: list[str] = []
        self.kept: dict[str, Any] = {}
        self.objects: dict[str, Any] = {}
        self.made = 0
        self.seen: dict[Hashable, ref[Any]] = {}
        self.scripts: dict[str, list[list[Action]]] = {}
        # The model.
        self.rows: list[Row] = []
        self.blocks: list[Block] = []
        self.clock = 0
        self.context = self.contexts = 0
        self.courses: list[Course] = []
        self.surprises: list[str] = []
        # Who watches.
        self.failures = Failures()
        self.told: list[tuple[list[str], list[str], bool]] = []
        getLogger("heliograph").addHandler(self.failures)
        getLogger("heliograph").propagate = False

    def teardown(self) -> None:
        """Leave nothing behind for the next example."""
        while self.blocks:
            self.blocks.pop().manager.__exit__(None, None, None)
        remove_instrument(self.tell)
        getLogger("heliograph").removeHandler(self.failures)
        getLogger("heliograph").propagate = True
        gc.enable()

    # What the machine does.

    @initialize(
        receivers=st.lists(st.sampled_from(RECEIVERS), min_size=1, max_size=4, unique=True),
        senders=st.lists(st.sampled_from(SENDERS), min_size=1, max_size=4, unique=True),
        watched=_TRUTH,
    )
    def begin(self, receivers: list[str], senders: list[str], watched: bool) -> None:
        """Choose who takes part; few, so that they meet."""
        self.receivers = receivers
        self.senders = [*senders, "ANY"]
        if watched:
            add_instrument(self.tell)

    @rule(action=_CONNECT)
    def connect(self, action: Action) -> None:
        """Connect."""
        self._perform(action)

    @rule(action=_DISCONNECT)
    def disconnect(self, action: Action) -> None:
        """Disconnect."""
        self._perform(action)

    @rule(action=_OPEN | _MUTE | _REOPEN)
    def enter(self, action: Action) -> None:
        """Enter a block."""
        self._perform(action)

    @rule(action=_CLOSE)
    def leave(self, action: Action) -> None:
        """Leave a block."""
        self._perform(action)

    @rule(action=_SEND)
    def send(self, action: Action) -> None:
        """Send."""
        self._perform(action)

    @rule(action=_FORGET)
    def forget(self, action: Action) -> None:
        """Let somebody die, unless the engine holds on to it."""
        self._perform(action)

    @rule(receiver=_NUMBER, script=_SCRIPT)
    def instruct(self, receiver: int, script: list[Action]) -> None:
        """Tell a receiver what to do when it is called the next time."""
        self.scripts.setdefault(label_of(self._receiver(receiver)), []).append(script)

    def _perform(self, action: Action) -> None:
        match action:
            case Connect():
                self._connect(action)
            case Disconnect():
                self._disconnect(action)
            case Send():
                self._send(action)
            case Open() | Mute() | Reopen() | Close():
                self._change_blocks(action)
            case ForgetReceiver(number):
                self._forget(self.receivers[number % len(self.receivers)])
            case ForgetSender(number):
                self.objects.pop(self.senders[number % len(self.senders)], None)
            case Fail():
                raise FailureError

    def _change_blocks(self, action: BlockAction) -> None:
        match action:
            case Open():
                self._open(action)
            case Mute(local):
                manager = self.signal.muted(local=local)
                self._enter(Block(manager, "", None, local, self.context, mutes=True))
            case Reopen(number) if self.blocks:
                self._reopen(self.blocks[number % len(self.blocks)])
            case Close(number) if self.blocks:
                self._close(self.blocks[number % len(self.blocks)])

    def _connect(self, action: Connect) -> None:
        receiver, sender = self._receiver(action.receiver), self._sender(action.sender)
        label, who = label_of(receiver), identity(sender)
        how: dict[str, Any] = {"priority": action.priority, "on_error": action.on_error}
        connect = partial(self.signal.connect, receiver, self._dressed(sender, action.proxy))
        if isinstance(receiver, SlottedReceiver) and action.weak:
            with pytest.raises(ReceiverError):
                connect(action.weak, **how)
            return
        assert connect(action.weak, **how) is receiver
        for row in self.rows:
            if (row.receiver, row.sender, row.block) == (label, who, None):
                row.weak = row.weak and action.weak
                row.priority, row.on_error = action.priority, action.on_error
                return
        self.clock += 1
        self.rows.append(Row(label, who, self.clock, action.weak, **how))

    def _disconnect(self, action: Disconnect) -> None:
        receiver = self._receiver(action.receiver)
        label = label_of(receiver)
        if isinstance(receiver, partial):  # Another one that makes the very same call.
            receiver = partial(receiver.func, *receiver.args)
        if action.sender is None:
            self.signal.disconnect(receiver)
            who = EVERYBODY
        else:
            sender = self._sender(action.sender)
            self.signal.disconnect(receiver, self._dressed(sender, action.proxy))
            who = identity(sender)
        self.rows = [
            row for row in self.rows if row.receiver != label or who not in (EVERYBODY, row.sender)
        ]

    def _open(self, action: Open) -> None:
        receiver, sender = self._receiver(action.receiver), self._sender(action.sender)
        manager = self.signal.connected_to(
            receiver,
            self._dressed(sender, action.proxy),
            local=action.local,
            priority=action.priority,
            on_error=action.on_error,
        )
        block = Block(manager, label_of(receiver), identity(sender), action.local, self.context)
        how: dict[str, Any] = {"priority": action.priority, "on_error": action.on_error}
        self._enter(block, Row(block.receiver, block.sender, 0, weak=False, **how))

    def _reopen(self, block: Block) -> None:
        row = next((row for row in self.rows if row.block is block), None)
        if (row is not None or block.mutes) and block.context == self.context:
            self._enter(replace(block), row)

    def _enter(self, block: Block, row: Row | None = None) -> None:
        block.manager.__enter__()
        self.blocks.append(block)
        if row is not None:
            self.clock += 1
            self.rows.append(replace(row, age=self.clock, block=block))

    def _close(self, block: Block) -> None:
        # Of those that share a manager, the last one is left first.
        block = [other for other in self.blocks if other.manager is block.manager][-1]
        block.manager.__exit__(None, None, None)
        self.blocks.remove(block)
        self.rows = [row for row in self.rows if row.block is not block]

    def _forget(self, name: str) -> None:
        if name != "slotted callable":  # There is no telling when it dies.
            self.kept.pop(name.partition(".")[0], None)

    def _send(self, action: Send) -> None:
        sender = self._sender(action.sender)
        target = self._dressed(sender, action.proxy)
        send = partial(self._send_awaited if action.awaited else self.signal.send, target)
        outer = self.context
        if action.elsewhere:
            self.contexts += 1
            self.context = self.contexts
            send = partial(Context().run, send)
        muted, logged = self._is_muted(), len(self.failures.labels)
        course = Course(identity(sender), self.clock, self._audible(identity(sender)))
        self.courses.append(course)
        results, raised = self._outcome_of(send)
        for row in self._turns(course):
            if not row.receiver.startswith("tally"):
                self.surprises.append(f"{row.receiver} was not called")
            course.called.append(row)
        self.courses.pop()
        self.context = outer
        self._check_outcome(course, results, raised)
        if not self.courses:
            del self.failures.labels[:logged]
        if self.told:
            called = [row.receiver for row in course.called]
            failed = [row.receiver for row in course.failed]
            assert self.told.pop() == (called, failed, muted)

    def _send_awaited(self, sender: Any) -> Any:
        return run_at_once(self.signal.send_async(sender))

    def _outcome_of(self, send: Callable[[], Any]) -> tuple[list[tuple[str, Any]], list[str]]:
        try:
            return [(label_of(receiver), value) for receiver, value in send()], []
        except FailureError as error:
            return [], [str(error)]
        except ExceptionGroup as group:
            return [], [str(error) for error in group.exceptions]

    def _check_outcome(
        self, course: Course, results: list[tuple[str, Any]], raised: list[str]
    ) -> None:
        assert raised == [row.receiver for row in course.failed if row.on_error == "raise"]
        logged = [row.receiver for row in course.failed if row.on_error == "log"]
        kept = len(self.failures.labels) - len(logged)
        assert self.failures.labels[kept:] == logged
        del self.failures.labels[kept:]
        if not raised:
            labels = [row.receiver for row in course.called if row not in course.failed]
            values = [None if label.startswith("tally") else label for label in labels]
            assert results == list(zip(labels, values, strict=True))

    # What receivers and instruments do.

    def turn(self, label: str, sender: object) -> str:
        """Find out whether this receiver's turn has come; then do what it was told to."""
        course = self.courses[-1]
        if identity(sender) != course.sender:
            self.surprises.append(f"{label} was given {sender!r}")
        for row in self._turns(course):
            course.called.append(row)
            if row.receiver == label:
                break
            if not row.receiver.startswith("tally"):
                self.surprises.append(f"{label} was called, and not {row.receiver}")
        else:
            self.surprises.append(f"{label} was called out of turn")
            return label
        scripts = self.scripts.get(label)
        for action in scripts.pop(0) if scripts else ():
            if isinstance(action, Fail):
                course.failed.append(row)
                raise FailureError(label)
            self._perform(action)
        return label

    def tell(self, emission: Emission) -> None:
        """Keep what an emission says, but nobody who took part."""
        called = [label_of(delivery.receiver) for delivery in emission.deliveries]
        failed = [label_of(d.receiver) for d in emission.deliveries if d.error is not None]
        self.told.append((called, failed, emission.muted))

    # What the model says.

    def _is_here(self, block: Block | None) -> bool:
        return block is None or not block.local or block.context == self.context

    def _is_muted(self) -> bool:
        return any(block.mutes and self._is_here(block) for block in self.blocks)

    def _bury(self) -> None:
        """Take out the rows of receivers and senders that are dead."""
        self.rows = [
            row for row in self.rows if self._lives(row.receiver) and self._lives(row.sender)
        ]

    def _lives(self, who: Hashable) -> bool:
        return who not in self.seen or self.seen[who]() is not None

    def _matching(self, sender: Hashable) -> list[Row]:
        self._bury()
        rows = [
            row
            for row in self.rows
            if row.sender in (EVERYBODY, sender) and self._is_here(row.block)
        ]
        return sorted(rows, key=lambda row: (-row.priority, row.age))

    def _audible(self, sender: Hashable) -> list[Row]:
        """Return who is called if somebody sends now: each at its first row."""
        found: list[Row] = []
        for row in [] if self._is_muted() else self._matching(sender):
            if row.receiver not in [other.receiver for other in found]:
                found.append(replace(row))
        return found

    def _turns(self, course: Course) -> Iterator[Row]:
        """Give those whose turn it is, until one is taken."""
        while course.due:
            row = course.due.pop(0)
            old = [r.receiver for r in self._matching(course.sender) if r.age <= course.since]
            if row.receiver in old and not self._is_muted():
                yield row

    # Who there is.

    def _receiver(self, number: int) -> Any:
        name, _, method = self.receivers[number % len(self.receivers)].partition(".")
        if name not in self.kept:
            self.made += 1
            label = f"{name} {self.made}"
            kept = self.kept[name] = KEPT[name](label, self.turn)
            if name != "slotted callable":
                self.seen[label] = self.seen[f"{label}.one"] = self.seen[f"{label}.two"] = ref(kept)
        kept = self.kept[name]
        if name == "tally":
            return kept.append
        if name == "callable" and number % 2:
            return kept.__call__
        return getattr(kept, method) if method else kept

    def _sender(self, number: int) -> Any:
        name = self.senders[number % len(self.senders)]
        if name in VALUES:
            return VALUES[name]()
        if name == "id of thing":
            return id(self.objects.get("thing"))
        if name not in self.objects:
            self.made += 1
            made = self.objects[name] = OBJECTS[name](f"{name} {self.made}")
            if isinstance(made, Thing):
                self.seen[identity(made)] = ref(made)
        return self.objects[name]

    def _dressed(self, sender: Any, proxy: bool) -> Any:
        return Proxy(lambda: sender) if proxy else sender

    # What must be so after every step.

    @invariant()
    def everything_went_as_expected(self) -> None:
        """Receivers were called when their turn came, and no others."""
        assert self.surprises == []
        assert self.told == []

    @invariant()
    def everybody_is_alive_who_should_be(self) -> None:
        """Nothing but strong connections and open blocks keeps anybody alive."""
        self._bury()
        held = {row.receiver for row in self.rows if not row.weak}
        held |= {block.receiver for block in self.blocks}
        kept = {self._made_label(kept) for kept in self.kept.values()}
        kept |= {label.removesuffix(".one").removesuffix(".two") for label in held}
        senders = {identity(sender) for sender in self.objects.values()}
        senders |= {block.sender for block in self.blocks}
        for who, seen in self.seen.items():
            expected = kept if isinstance(who, str) else senders
            name = who.removesuffix(".one").removesuffix(".two") if isinstance(who, str) else who
            assert (seen() is not None) == (name in expected), who

    def _made_label(self, kept: Any) -> str:
        return kept.label if isinstance(kept, (Owner, Tally)) else label_of(kept)

    @invariant()
    def queries_tell_the_truth(self) -> None:
        """The queries say what the list says, here and in a context of its own."""
        self._compare()
        self.contexts += 1
        outer, self.context = self.context, self.contexts
        Context().run(self._compare)
        self.context = outer

    def _compare(self) -> None:
        self._bury()
        ordered = sorted(self.rows, key=lambda row: (-row.priority, row.age))
        assert [
            (label_of(c.receiver), identity(c.sender), c.weak, c.priority, c.on_error, c.connected)
            for c in self.signal.connections
        ] == [(r.receiver, r.sender, r.weak, r.priority, r.on_error, True) for r in ordered]
        receivers = sorted({row.receiver for row in self.rows if self._is_here(row.block)})
        assert sorted(map(label_of, self.signal.receivers)) == receivers
        assert self.signal.is_muted == self._is_muted()
        for number in range(len(self.senders)):
            sender = self._sender(number)
            expected = [row.receiver for row in self._audible(identity(sender))]
            assert [label_of(each) for each in self.signal.receivers_for(sender)] == expected
            assert self.signal.has_receivers_for(sender) == bool(expected)


TestEngineAndList = EngineAndList.TestCase
TestEngineAndList.settings = _PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "usual")]


# --- what the machine found ------------------------------------------------------------


def test_a_receiver_that_is_due_stays_so_when_it_is_connected_once_more() -> None:
    """A new and more urgent connection does not hide the one that it is due by."""
    signal = Signal("paid")

    def later(sender: object) -> str:
        return "later"

    def first(sender: object) -> str:
        signal.connect(later, "shop", priority=1)
        return "first"

    signal.connect(first)
    signal.connect(later, priority=-1)

    assert signal.send("shop") == [(first, "first"), (later, "later")]


def test_a_receiver_that_was_disconnected_is_not_due_by_a_new_connection() -> None:
    """Not even if it has been connected for somebody else all the time."""
    signal = Signal("paid")

    def later(sender: object) -> str:
        return "later"

    def first(sender: object) -> str:
        signal.disconnect(later, "shop")
        signal.connect(later, "shop")
        return "first"

    signal.connect(first, priority=1)
    signal.connect(later, "kiosk")
    signal.connect(later, "shop")

    assert signal.send("shop") == [(first, "first")]
