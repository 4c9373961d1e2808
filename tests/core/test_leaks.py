"""Nothing is left behind: what went is freed at once, by reference counting alone."""

from __future__ import annotations

import gc
import sys
from collections import deque
from contextlib import ExitStack
from functools import partial
from itertools import count
from logging import NullHandler, getLogger
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ANY, Emission, Signal, add_instrument, remove_instrument
from heliograph.core import identity
from heliograph.core.connections.group import Group
from heliograph.core.connections.scopes import INNERMOST
from heliograph.core.lock import pending_changes
from tests.threads import CLASSES_STAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.unmeasured
MANY = 20_000


class Shop:
    """A sender that can be held weakly."""


class Slotted:
    """A sender, and a receiver, that cannot be held weakly."""

    __slots__ = ("held",)

    def __init__(self, held: object = None) -> None:
        self.held = held

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""


class Owner:
    """Has a method that receives, and can be called itself."""

    def method(self, sender: object, **payload: object) -> None:
        """Do nothing."""

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""


class Tally(deque[Any]):
    """Its `append` is a built-in method that receives, and keeps nothing."""


class FailureError(Exception):
    """What receivers raise here."""


def closure() -> Callable[..., None]:
    """Return a receiver that nothing else holds."""

    def receive(*args: object, **payload: object) -> None:
        """Do nothing."""

    return receive


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Let nothing be freed by the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def tables(signal: Signal) -> dict[str, int]:
    """Return how much the tables of a signal hold, those that are empty left out."""
    registry = signal._registry
    found: dict[str, Any] = {
        "for everybody": registry.any.connections,
        "senders": registry.senders,
        "receivers": registry.receivers,
        "idle": registry.idle,
        "mutes": registry.mutes,
        "links": [key for record in registry.receivers.values() for key in record.sender_counts],
        "pending_changes": pending_changes,
    }
    return {name: len(table) for name, table in found.items() if table}


def blocks_of_memory(act: Callable[[], object]) -> int:
    """Return how many more blocks of memory are in use after something was done again."""
    act()
    before = sys.getallocatedblocks()
    act()
    return sys.getallocatedblocks() - before


# --- many that came and went -----------------------------------------------------------


@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("again", [1, 2])
def test_senders_that_came_and_went_leave_nothing(weak: bool, again: int) -> None:
    """The tables are as they were, however many senders died, each with several connections."""
    signal = Signal("sold")
    receivers = [closure() for _ in range(again)]

    def come_and_go() -> None:
        for _ in range(MANY // 2):
            shop = Shop()
            for receiver in receivers:
                signal.connect(receiver, shop, weak=weak)
            signal.send(shop)

    grown = blocks_of_memory(come_and_go)

    assert grown < 100
    assert tables(signal) in ({}, {"idle": again})
    receivers.clear()
    assert (tables(signal), signal.connections, signal.receivers) == ({}, (), ())


def test_senders_that_die_all_at_once_leave_nothing() -> None:
    """Each death costs its own connections only, and takes just these away."""
    signal, receiver, shop = Signal("sold"), closure(), Shop()
    shops = [Shop() for _ in range(MANY)]
    for each in [shop, *shops]:
        signal.connect(receiver, each)
    del each
    before = tables(signal)
    shops.clear()

    assert before == {"senders": MANY + 1, "receivers": 1, "links": MANY + 1}
    assert tables(signal) == {"senders": 1, "receivers": 1, "links": 1}
    assert list(signal.receivers_for(shop)) == [receiver]


def test_senders_that_only_send_leave_nothing() -> None:
    """A signal does not get to know those for whom nobody is connected."""
    signal, receiver = Signal("sold"), closure()
    signal.connect(receiver)

    def come_and_go() -> None:
        for number in range(MANY):
            signal.send(Shop())
            signal.send(str(number))
            signal.send(number)

    grown = blocks_of_memory(come_and_go)

    assert grown < 100
    assert tables(signal) == {"for everybody": 1, "receivers": 1, "links": 1}


@pytest.mark.parametrize("local", [True, False])
def test_blocks_that_were_left_leave_nothing(local: bool) -> None:
    """Temporary connections for 10,000 strings are gone when their blocks are."""
    signal, receiver, numbers = Signal("sold"), closure(), count()

    def come_and_go() -> None:
        for _ in range(5_000):
            name = f"shop {next(numbers)}"
            with signal.connected_to(receiver, name, local=local):
                signal.send(name)
            with signal.muted(local=local):
                signal.send(name)

    grown = blocks_of_memory(come_and_go)

    assert grown < 100
    assert tables(signal) == {}


def test_blocks_that_are_open_all_at_once_leave_nothing() -> None:
    """Leaving the first one first takes no other with it."""
    signal, receiver = Signal("sold"), closure()
    blocks = [signal.connected_to(receiver, f"shop {number}") for number in range(1000)]
    sizes = []
    for block in blocks:
        block.__enter__()
    for block in blocks:
        sizes.append(tables(signal)["senders"])
        block.__exit__(None, None, None)

    assert sizes == list(range(1000, 0, -1))
    assert tables(signal) == {}


def test_blocks_that_were_left_are_not_passed_again() -> None:
    """A context remembers what it entered last: a send looks past it once, and not each time."""
    signal, receiver = Signal("sold"), closure()
    signal.connect(receiver)
    here = partial(signal.connected_to, receiver, "shop", local=True)
    with signal.muted(local=True):
        around = INNERMOST.get()
        with here(), here(), here():
            pass
        signal.send()
        left = INNERMOST.get()

        assert left is not None
        assert around is not None
        assert left.outer is around


def test_receivers_that_came_and_went_leave_nothing() -> None:
    """Those that die while they are connected leave no more than the last few names."""
    signal, shop = Signal("sold"), Shop()

    def come_and_go() -> None:
        for _ in range(MANY // 20):
            receiver, owner, tally = closure(), Owner(), Tally(maxlen=0)
            for each in (receiver, owner, owner.method, tally.append, partial(receiver, 1)):
                for sender in (ANY, shop, "shop"):
                    signal.connect(each, sender)
            signal.send(shop)

    come_and_go()  # Python keeps some thousand freed tuples of each size, to use them again.
    grown = blocks_of_memory(come_and_go)

    assert grown < 100
    assert tables(signal) == {}
    assert len(signal.dead_receivers) == 16


def test_connecting_again_and_again_leaves_nothing() -> None:
    """Other options and other ages take the place of those before."""
    signal, receiver, shop = Signal("sold"), closure(), Shop()

    def come_and_go() -> None:
        for number in range(MANY // 2):
            signal.connect(receiver, shop, priority=number % 7)
            signal.connect(receiver, priority=number % 5)

    grown = blocks_of_memory(come_and_go)

    assert grown < 100
    assert tables(signal) == {"for everybody": 1, "senders": 1, "receivers": 1, "links": 2}


def room(signal: Signal) -> dict[str, int]:
    """Return how many bytes the tables of a signal take, however little they hold."""
    registry = signal._registry
    links = [sys.getsizeof(record.sender_counts) for record in registry.receivers.values()]
    return {
        "for everybody": sys.getsizeof(registry.any.connections),
        "senders": sys.getsizeof(registry.senders),
        "receivers": sys.getsizeof(registry.receivers),
        "idle": sys.getsizeof(registry.idle),
        "links": max(links, default=0),
    }


def _receivers_for_everybody(signal: Signal) -> list[Any]:
    receivers = [closure() for _ in range(MANY)]
    for receiver in receivers:
        signal.connect(receiver)
    return receivers


def _receivers_for_a_sender(signal: Signal) -> list[Any]:
    receivers = [closure() for _ in range(MANY)]
    for receiver in receivers:
        signal.connect(receiver, "shop")
    return receivers


def _senders_of_a_receiver(signal: Signal) -> list[Any]:
    receiver: Any = closure()
    shops: list[Any] = [Shop() for _ in range(MANY)]
    for shop in shops:
        signal.connect(receiver, shop)
    return [receiver, *shops]


def _receivers_without_a_sender(signal: Signal) -> list[Any]:
    shop, receivers = Shop(), [closure() for _ in range(MANY)]
    for receiver in receivers:
        signal.connect(receiver, shop)
    return receivers


def _receivers_that_had_no_sender(signal: Signal) -> list[Any]:
    receivers = _receivers_without_a_sender(signal)
    for receiver in receivers:
        signal.connect(receiver)
    return receivers


def _blocks(signal: Signal) -> list[Any]:
    receiver = closure()
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(signal.connected_to(receiver))
    return [receiver]


@pytest.mark.parametrize("left", [0, 10])
@pytest.mark.parametrize(
    "come",
    [
        _receivers_for_everybody,
        _receivers_for_a_sender,
        _senders_of_a_receiver,
        _receivers_without_a_sender,
        _receivers_that_had_no_sender,
        _blocks,
    ],
)
def test_tables_do_not_keep_the_room_that_they_once_needed(
    come: Callable[[Signal], list[Any]], left: int
) -> None:
    """Whoever walks through a dict walks through all its room, so that it would cost for ever."""
    signal = Signal("sold")
    kept = come(signal)
    full = sum(room(signal).values())
    del kept[left:]
    now = room(signal)

    assert come is _blocks or full > 20 * MANY
    assert max(now.values()) < 5_000, now
    groups = [it for it in signal._registry.senders.values() if isinstance(it, Group)]
    assert [it for it in groups if sys.getsizeof(it.connections) > 5_000] == []


@pytest.mark.skipif(CLASSES_STAY, reason="classes stay here once a thread has been started")
def test_types_of_senders_that_die_are_forgotten() -> None:
    """What is known of a type goes with it, so that no other is taken for it."""
    signal, receiver = Signal("sold"), closure()
    signal.connect(receiver)
    signal.send(Shop())
    before = len(identity._kinds)
    gc.enable()
    for number in range(200):
        signal.send(type(f"Shop{number}", (), {})())
    signal.send(Shop())  # The last one's type is remembered until there is another.
    gc.collect()  # Every type refers to itself.

    assert len(identity._kinds) == before


# --- what strong connections hold ------------------------------------------------------


def _by_disconnecting(signal: Signal, shops: list[Shop]) -> None:
    signal.disconnect(signal.receivers[0])


def _by_disconnecting_from_the_sender(signal: Signal, shops: list[Shop]) -> None:
    signal.disconnect(signal.receivers[0], shops[0])


def _with_the_sender(signal: Signal, shops: list[Shop]) -> None:
    shops.clear()


def _nobody_sent(signal: Signal, shop: Shop) -> None:
    """Leave it at that."""


def _somebody_sent(signal: Signal, shop: Shop) -> None:
    for sender in (shop, "shop", None):
        signal.send(sender)
        signal.send(sender)


def _somebody_sent_while_muted_and_watched(signal: Signal, shop: Shop) -> None:
    def instrument(emission: Emission) -> None:
        """Keep nothing."""

    add_instrument(instrument)
    signal.send(shop)
    with signal.muted():
        signal.send(shop)
    with signal.connected_to(closure(), shop):
        signal.send(shop)
    remove_instrument(instrument)


def _somebody_asked(signal: Signal, shop: Shop) -> None:
    list(signal.receivers_for(shop))
    signal.has_receivers_for("shop")


_before = pytest.mark.parametrize(
    "before",
    [_nobody_sent, _somebody_sent, _somebody_sent_while_muted_and_watched, _somebody_asked],
)


@_before
@pytest.mark.parametrize(
    "end", [_by_disconnecting, _by_disconnecting_from_the_sender, _with_the_sender]
)
@pytest.mark.parametrize("others", [0, 1])
def test_a_strongly_held_receiver_goes_with_its_last_connection(
    before: Callable[[Signal, Shop], None],
    end: Callable[[Signal, list[Shop]], None],
    others: int,
) -> None:
    """No snapshot of an earlier send keeps it alive."""
    signal, shops = Signal("sold"), [Shop()]
    receiver: Any = closure()
    seen = ref(receiver)
    signal.connect(receiver, shops[0], weak=False)
    del receiver
    kept = [closure() for _ in range(others)]
    before(signal, shops[0])
    alive = seen() is not None
    end(signal, shops)
    for other in kept:
        signal.connect(other)

    assert alive
    assert seen() is None


@_before
def test_what_a_slotted_receiver_holds_goes_with_its_last_connection(
    before: Callable[[Signal, Shop], None],
) -> None:
    """A receiver that cannot be held weakly is let go by snapshots, too."""
    signal, shop, held = Signal("sold"), Shop(), Shop()
    seen = ref(held)
    signal.connect(Slotted(held), weak=False)
    del held
    before(signal, shop)
    alive = seen() is not None
    signal.disconnect(signal.receivers[0])

    assert alive
    assert seen() is None


@_before
def test_a_strongly_held_sender_goes_with_its_last_connection(
    before: Callable[[Signal, Shop], None],
) -> None:
    """A sender that cannot be held weakly is kept for as long as somebody is connected for it."""
    signal, shop, held, receiver = Signal("sold"), Shop(), Shop(), closure()
    seen = ref(held)
    sender = Slotted(held)
    signal.connect(receiver, sender)
    signal.send(sender)
    del held, sender
    before(signal, shop)
    alive = seen() is not None
    signal.disconnect(receiver)

    assert alive
    assert seen() is None


@pytest.mark.parametrize("local", [True, False])
def test_a_block_lets_go_of_its_receiver_and_its_sender(local: bool) -> None:
    """What `connected_to` holds is free again once the block was left and is no more."""
    signal, shop = Signal("sold"), Shop()
    receiver: Any = closure()
    seen = [ref(receiver), ref(shop)]
    with signal.connected_to(receiver, shop, local=local):
        signal.send(shop)
    del receiver, shop

    assert [each() for each in seen] == [None, None]


def test_a_shared_object_has_as_many_references_as_before() -> None:
    """Connecting, sending and disconnecting take and give back just as many."""
    signal, receiver, shop, text = Signal("sold"), closure(), Shop(), str(b"shop", "ascii")
    owner, slotted = Owner(), Slotted()
    shared = [
        receiver,
        shop,
        text,
        owner,
        slotted,
        signal,
        ANY,
        None,
        Owner.method,
        signal._registry,
    ]

    def counts() -> list[int]:
        return [sys.getrefcount(each) for each in shared]

    def come_and_go() -> None:
        for each in (receiver, owner, owner.method, slotted):
            for sender in (ANY, shop, text, slotted):
                signal.connect(each, sender, weak=False)
                signal.send(sender, text=text)
                with signal.connected_to(each, sender), signal.muted(local=True):
                    signal.send(sender, text=text)
        for each in (receiver, owner, owner.method, slotted):
            signal.disconnect(each)

    come_and_go()
    before = counts()
    for _ in range(100):
        come_and_go()

    # None and ANY are the whole program's.
    assert [abs(now - then) < 20 for now, then in zip(counts(), before, strict=True)] == [
        True for _ in shared
    ]
    assert tables(signal) == {}


# --- a whole signal --------------------------------------------------------------------


def _connected_weakly(signal: Signal, kept: list[Any]) -> list[ref[Any]]:
    receiver, owner, tally, shop = closure(), Owner(), Tally(), Shop()
    kept += [receiver, owner, tally, shop]
    for each in (receiver, owner, owner.method, tally.append):
        for sender in (ANY, shop, "shop", 0):
            signal.connect(each, sender)
    signal.connect(receiver, "lone")
    return []


def _connected_strongly(signal: Signal, kept: list[Any]) -> list[ref[Any]]:
    shop, held, lone, owner = Shop(), Shop(), Shop(), Owner()
    kept += [shop, lone]
    receivers: list[Any] = [closure(), owner, partial(closure()), Slotted(held)]
    for each in (*receivers, owner.method):
        for sender in (ANY, shop, "shop", Slotted(held)):
            signal.connect(each, sender, weak=False)
    receivers[-1] = held
    alone = closure()
    signal.connect(alone, lone, weak=False)
    return [ref(each) for each in (*receivers, alone)]


def _connected_for_a_while(signal: Signal, kept: list[Any]) -> list[ref[Any]]:
    with ExitStack() as stack:
        for each in (closure(), Owner()):
            for local in (True, False):
                stack.enter_context(signal.connected_to(each, "shop", local=local))
                signal.send("shop")
                stack.enter_context(signal.muted(local=local))
    return _connected_weakly(signal, kept)


def _with_meta_signals(signal: Signal, kept: list[Any]) -> list[ref[Any]]:
    metas = (signal.receiver_connected, signal.receiver_disconnected)
    receivers = [closure(), closure()]
    for meta in metas:
        meta.connect(receivers[0], signal, weak=False)
        meta.connect(receivers[1], weak=False)
    _connected_weakly(signal, kept)
    signal.disconnect(kept[0])
    return [ref(each) for each in (*metas, *receivers)]


def _with_dead_receivers_and_senders(signal: Signal, kept: list[Any]) -> list[ref[Any]]:
    _connected_weakly(signal, kept)
    del kept[1:]
    return []


@pytest.mark.parametrize(
    "use",
    [
        _connected_weakly,
        _connected_strongly,
        _connected_for_a_while,
        _with_meta_signals,
        _with_dead_receivers_and_senders,
    ],
)
@pytest.mark.parametrize("sent", [True, False])
def test_a_signal_is_freed_at_once_with_all_that_it_holds(
    use: Callable[[Signal, list[Any]], list[ref[Any]]], sent: bool
) -> None:
    """No circle of references keeps a signal, its tables, or what is strongly connected to it."""
    signal = Signal("sold")
    kept: list[Any] = []
    seen: list[ref[Any]] = use(signal, kept)
    for sender in [*kept, "shop", 0] if sent else []:
        signal.send(sender)
    sender = None
    registry = signal._registry
    seen += [ref(signal), ref(registry)]
    del registry
    del signal

    assert [each() for each in seen if each() is not None] == []


def test_receivers_and_senders_may_outlive_their_signal() -> None:
    """They die in peace afterwards, and take nothing with them."""
    signal = Signal("sold")
    kept: list[Any] = []
    _connected_weakly(signal, kept)
    seen = [ref(each) for each in kept]
    del signal
    kept.clear()

    assert [each() for each in seen] == [None] * 4
    assert list(pending_changes) == []


# --- errors ----------------------------------------------------------------------------


def _plain(signal: Signal) -> None:
    signal.send("shop")


def _plain_while_somebody_is_muted_elsewhere(signal: Signal) -> None:
    with signal.connected_to(closure(), "kiosk"):
        signal.send("shop")


def _watched(signal: Signal) -> None:
    def instrument(emission: Emission) -> None:
        """Keep nothing."""

    add_instrument(instrument)
    try:
        signal.send("shop")
    finally:
        remove_instrument(instrument)


def _awaited(signal: Signal) -> None:
    coroutine = signal.send_async("shop")
    coroutine.send(None)


def _with_changes_in_between(signal: Signal) -> None:
    def change(sender: object) -> None:
        signal.disconnect(change)

    signal.connect(change, priority=1)
    signal.send("shop")


@pytest.mark.parametrize(
    "send",
    [
        _plain,
        _plain_while_somebody_is_muted_elsewhere,
        _watched,
        _awaited,
        _with_changes_in_between,
    ],
)
@pytest.mark.parametrize("failing", [1, 3])
@pytest.mark.parametrize("on_error", ["raise", "log"])
def test_an_error_is_freed_at_once_with_the_frames_that_it_went_through(
    send: Callable[[Signal], None], failing: int, on_error: Any
) -> None:
    """It does not refer to itself through what the engine keeps in its frames."""
    signal = Signal("sold")
    seen: list[ref[Any]] = []

    def receiver() -> Callable[[object], None]:
        def fail(sender: object) -> None:
            local = Shop()
            error = FailureError()
            seen.extend((ref(local), ref(error)))
            try:
                raise error
            finally:
                del error

        return fail

    for number in range(failing):
        signal.connect(receiver(), weak=False, priority=-number, on_error=on_error)
    logger, nobody = getLogger("heliograph"), NullHandler()
    logger.addHandler(nobody)
    logger.propagate = False
    raised = 0
    try:
        send(signal)
    except (FailureError, ExceptionGroup, StopIteration) as error:
        raised = not isinstance(error, StopIteration)
    finally:
        logger.propagate = True
        logger.removeHandler(nobody)

    assert bool(raised) == (on_error == "raise")
    assert len(seen) == 2 * failing
    assert [each() for each in seen if each() is not None] == []


def test_a_text_that_has_connected_is_kept_until_another_line_connects_at_most() -> None:
    """The part in C keeps the last place, as lines often connect again and again."""
    signal, receiver = Signal("sold"), closure()
    code = compile("signal.connect(receiver)", "<text>", "exec")
    gone = ref(code)
    exec(code, {"__name__": "text", "signal": signal, "receiver": receiver})  # noqa: S102 - each time, it is other code.
    signal.disconnect(receiver)
    del code

    signal.connect(receiver)

    assert gone() is None
