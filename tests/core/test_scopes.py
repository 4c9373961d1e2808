"""`connected_to` and `muted`: what they do is undone exactly, in any order, here or everywhere."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import ExitStack, suppress
from contextvars import Context, copy_context
from itertools import permutations
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ANY, ArgumentError, Signal
from heliograph.core.connections.scopes import Scope, entered
from heliograph.core.errors import StateError
from tests.core.diary import Diary
from tests.core.room import no_collector, room_for
from tests.threads import (
    INHERITING,
    fast_switching,
    in_a_plain_thread,
    in_a_thread,
    in_threads,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator


class Shop:
    """An ordinary object."""


def names(results: list[tuple[Callable[..., Any], Any]]) -> list[str]:
    """Return what receivers returned."""
    return [value for _, value in results]


# --- connected_to ----------------------------------------------------------------------


def test_a_temporary_receiver_is_connected_inside_of_the_block() -> None:
    """It hears its sender from the first line of the block to the last."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    with signal.connected_to(receiver, "shop") as given:
        heard = (names(signal.send("shop")), names(signal.send("kiosk")))

    assert (given, heard) == (None, (["r"], []))
    assert (signal.send("shop"), signal.connections) == ([], ())


def test_a_temporary_connection_has_all_options() -> None:
    """Sender, priority, on_error and inline are those of `connect`; the receiver is held."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    with signal.connected_to(receiver, "shop", priority=2, on_error="log", inline=True):
        [connection] = signal.connections

    assert (connection.sender, connection.weak) == ("shop", False)
    assert (connection.priority, connection.on_error, connection.inline) == (2, "log", True)
    assert not connection.connected


def test_a_temporary_receiver_is_held_until_the_block_ends() -> None:
    """A lambda will do, and nothing holds it afterwards."""
    signal = Signal("paid")
    block = signal.connected_to(lambda sender: "lambda")
    with block:
        alive = ref(signal.receivers[0])
        heard = names(signal.send())
    del block

    assert (heard, alive()) == (["lambda"], None)


def test_a_block_is_left_by_an_error_too() -> None:
    """Whatever ends the block ends the connection."""
    signal, diary = Signal("paid"), Diary()
    with pytest.raises(KeyboardInterrupt), signal.connected_to(diary.receiver("r")):
        raise KeyboardInterrupt

    assert signal.connections == ()


@pytest.mark.parametrize("sender", [ANY, "shop", "kiosk"])
@pytest.mark.parametrize("lasting", [ANY, "shop"])
def test_what_was_connected_before_stays(lasting: object, sender: object) -> None:
    """A temporary connection of a receiver is another one than its lasting one."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, lasting, priority=3)
    before = signal.connections
    with signal.connected_to(receiver, sender):
        inside = names(signal.send("shop"))

    assert inside == ["r"]
    assert signal.connections == before


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_what_is_connected_inside_stays(sender: object) -> None:
    """Leaving the block ends what the block connected, and nothing else."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    with signal.connected_to(receiver, sender):
        signal.connect(receiver, sender, on_error="log")

    assert names(signal.send("shop")) == ["r"]
    assert [connection.on_error for connection in signal.connections] == ["log"]


@pytest.mark.parametrize("senders", list(permutations([ANY, "shop", "shop", Shop()], 3)))
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_blocks_of_one_receiver_nest_in_any_order(
    senders: tuple[object, ...], order: tuple[int, ...]
) -> None:
    """Each block undoes its own connection, whichever is left first."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    blocks = [signal.connected_to(receiver, sender) for sender in senders]
    for block in blocks:
        block.__enter__()
    left = list(range(3))
    for number in order:
        blocks[number].__exit__()
        left.remove(number)

        assert [c.sender for c in signal.connections] == [senders[place] for place in left]


def test_a_receiver_with_several_connections_is_called_once() -> None:
    """Lasting or temporary, everywhere or here: one send calls a receiver once."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    with (
        signal.connected_to(receiver),
        signal.connected_to(receiver, "shop"),
        signal.connected_to(receiver, "shop", local=True),
    ):
        assert names(signal.send("shop")) == ["r"]
        assert signal.receivers == (receiver,)


def test_a_receiver_that_was_disconnected_inside_is_no_error() -> None:
    """The block finds nothing left to undo."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    with signal.connected_to(receiver):
        signal.disconnect(receiver)
        signal.connect(receiver, priority=1)

    assert [connection.priority for connection in signal.connections] == [1]


def test_a_sender_may_die_inside_of_the_block() -> None:
    """The connection ends with it, and the block has nothing left to undo."""
    signal, diary = Signal("paid"), Diary()
    kept = [Shop()]
    with signal.connected_to(diary.receiver("r"), kept[0]):
        signal.connect(diary.receiver("lasting"), kept[0])

    assert len(signal.connections) == 1


def test_one_object_may_be_entered_again() -> None:
    """What `connected_to` returns can be used several times, also inside of itself."""
    signal, diary = Signal("paid"), Diary()
    block = signal.connected_to(diary.receiver("r"))
    counts = []
    with block:
        counts.append(len(signal.connections))
        with block:
            counts.append(len(signal.connections))
        counts.append(len(signal.connections))
    counts.append(len(signal.connections))
    with block:
        counts.append(len(signal.connections))

    assert counts == [1, 2, 1, 0, 1]


def test_a_receiver_of_receiver_connected_may_refuse_the_block() -> None:
    """The block is not entered then, and nothing is connected."""
    signal, diary = Signal("paid"), Diary()
    refusal = diary.receiver("refusal", error=ValueError("refused"))
    signal.receiver_connected.connect(refusal)
    with pytest.raises(ValueError, match="refused"), signal.connected_to(diary.receiver("r")):
        diary.lines.append("inside")

    assert (diary.lines, signal.connections) == (["refusal"], ())


# --- muted -----------------------------------------------------------------------------


async def test_a_muted_signal_swallows_what_is_sent() -> None:
    """Nobody is called inside of the block, and everybody again after it."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    with signal.muted():
        inside = (signal.send("shop"), await signal.send_async("shop"), signal.is_muted)

    assert inside == ([], [], True)
    assert (names(signal.send("shop")), signal.is_muted) == (["r"], False)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_signal_is_heard_again_when_the_last_block_is_left(order: tuple[int, ...]) -> None:
    """Blocks nest, and may be left in any order."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    blocks = [signal.muted(), signal.muted(local=True), signal.muted()]
    for block in blocks:
        block.__enter__()
    heard = []
    for number in order:
        heard.append(names(signal.send()))
        blocks[number].__exit__()
    heard.append(names(signal.send()))

    assert heard == [[], [], [], ["r"]]


def test_connecting_while_muted_counts_afterwards() -> None:
    """Muting swallows sends; connections are made and ended as ever."""
    signal, diary = Signal("paid"), Diary()
    late, gone = diary.receiver("late"), diary.receiver("gone")
    signal.connect(gone)
    with signal.muted():
        signal.connect(late)
        signal.disconnect(gone)

    assert names(signal.send()) == ["late"]


def test_a_send_that_began_muted_stays_muted() -> None:
    """What counts is whether the signal was muted when the send began."""
    signal, other, diary = Signal("paid"), Signal("other"), Diary()
    signal.connect(diary.receiver("r"))
    block = signal.muted()
    other.connect(diary.receiver("o", then=block.__exit__))
    block.__enter__()
    inside = signal.send()
    other.send()

    assert (inside, names(signal.send())) == ([], ["r"])


def test_muting_may_spare_receivers() -> None:
    """Receivers that are excepted are called in their place, where they are connected."""
    signal, diary = Signal("paid"), Diary()
    first, second, third = (diary.receiver(name) for name in "123")
    signal.connect(first)
    signal.connect(second, "shop")
    signal.connect(third)
    with signal.muted(except_for=[second, third]):
        from_the_shop = names(signal.send("shop"))
        from_a_kiosk = names(signal.send("kiosk"))
        asked = (list(signal.receivers_for("kiosk")), signal.has_receivers_for("shop"))
        muted = signal.is_muted

    assert (from_the_shop, from_a_kiosk, asked) == (["2", "3"], ["3"], ([third], True))
    assert (muted, names(signal.send("kiosk"))) == (False, ["1", "3"])


def test_blocks_that_spare_receivers_nest() -> None:
    """A receiver is called if every block that holds spares it."""
    signal, diary = Signal("paid"), Diary()
    first, second = diary.receiver("1"), diary.receiver("2")
    signal.connect(first)
    signal.connect(second)
    with signal.muted(except_for=[first, second]), signal.muted(except_for=[second]):
        both = names(signal.send())
        with signal.muted():
            none = names(signal.send())

    assert (both, none) == (["2"], [])


def test_muting_during_a_send_spares_receivers_that_are_still_to_come() -> None:
    """As disconnecting the others would."""
    signal, diary = Signal("paid"), Diary()
    second, third = diary.receiver("2"), diary.receiver("3")
    with ExitStack() as stack:
        muted = signal.muted(except_for=[third])
        first = diary.receiver("1", then=lambda: stack.enter_context(muted))
        for receiver in (first, second, third):
            signal.connect(receiver)

        assert names(signal.send()) == ["1", "3"]


async def test_muting_in_one_task_spares_receivers_for_it_alone() -> None:
    """With ``local=True``, as all muting, and a method is as good a receiver as a function."""
    signal, diary = Signal("paid"), Diary()

    class Office:
        def note(self, sender: object, **payload: object) -> str:
            return "noted"

    office = Office()
    signal.connect(office.note)
    signal.connect(diary.receiver("r"))

    async def alone() -> list[str]:
        with signal.muted(local=True, except_for=[office.note]):
            await asyncio.sleep(0)
            return names(await signal.send_async())

    assert names(signal.send()) == ["noted", "r"]
    assert await asyncio.create_task(alone()) == ["noted"]


@pytest.mark.parametrize("wrong", [names, "receiver", None, [None]])
def test_what_is_spared_must_be_a_list_of_receivers(wrong: Any) -> None:
    """A receiver alone, its name, and what cannot be called are refused."""
    with pytest.raises(
        ArgumentError, match=r"is not a list of receivers: use \[receiver, \.\.\.\]"
    ):
        Signal("paid").muted(except_for=wrong)


# --- decorators ------------------------------------------------------------------------


def test_a_decorated_function_has_the_receiver_while_it_runs() -> None:
    """Every call is a block of its own, recursive ones too."""
    signal, diary = Signal("paid"), Diary()
    counts: list[int] = []

    @signal.connected_to(diary.receiver("r"))
    def checkout(depth: int, *, note: str) -> str:
        """Send, and count connections."""
        counts.append(len(signal.connections))
        if depth:
            checkout(depth - 1, note=note)
        signal.send()
        return note

    assert checkout(1, note="done") == "done"
    assert (checkout.__name__, checkout.__doc__) == ("checkout", "Send, and count connections.")
    assert (counts, diary.lines, signal.connections) == ([1, 2], ["r", "r"], ())


async def test_a_decorated_coroutine_function_has_the_receiver_while_it_runs() -> None:
    """The block lasts until the coroutine is done, not until it is made."""
    signal, diary = Signal("paid"), Diary()

    @signal.connected_to(diary.receiver("r"))
    async def checkout() -> str:
        await asyncio.sleep(0)
        signal.send()
        return "done"

    coroutine = checkout()
    before = signal.connections

    assert (await coroutine, before, signal.connections) == ("done", (), ())
    assert diary.lines == ["r"]


async def test_muted_decorates_both_kinds_of_functions() -> None:
    """What a decorated function sends is swallowed."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)

    @signal.muted()
    def plain() -> list[Any]:
        return signal.send()

    @signal.muted(local=True)
    async def asynchronous() -> list[Any]:
        await asyncio.sleep(0)
        return signal.send()

    assert (plain(), await asynchronous(), names(signal.send())) == ([], [], ["r"])


def test_a_decorated_function_that_raises_leaves_nothing() -> None:
    """The error passes, the connection is gone."""
    signal, diary = Signal("paid"), Diary()

    @signal.connected_to(diary.receiver("r"))
    def checkout() -> None:
        raise ValueError(len(signal.connections))

    with pytest.raises(ValueError, match="1"):
        checkout()

    assert signal.connections == ()


# --- local=True ------------------------------------------------------------------------


def test_a_temporary_receiver_hears_every_thread_unless_it_is_local() -> None:
    """The default is everywhere; with ``local=True`` only the own context is heard."""
    signal, diary = Signal("paid"), Diary()
    everywhere, local = diary.receiver("everywhere"), diary.receiver("local")
    with signal.connected_to(everywhere), signal.connected_to(local, local=True):
        here = names(signal.send("shop"))
        elsewhere = names(in_a_thread(lambda: signal.send("shop")))

    assert (here, elsewhere) == (["everywhere", "local"], ["everywhere"])


def test_muting_counts_in_every_thread_unless_it_is_local() -> None:
    """With ``local=True``, others are heard while this context is muted."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with signal.muted():
        everywhere = (signal.send(), in_a_thread(signal.send))
    with signal.muted(local=True):
        local = (signal.send(), names(in_a_thread(signal.send)))
        muted = (signal.is_muted, in_a_thread(lambda: signal.is_muted))

    assert (everywhere, local, muted) == (([], []), ([], ["r"]), (True, False))


def test_queries_answer_for_the_current_context() -> None:
    """A local receiver is none for another thread, in every query but the list of connections."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    def queries() -> tuple[object, ...]:
        return (
            tuple(signal.receivers),
            list(signal.receivers_for("shop")),
            signal.has_receivers_for("shop"),
            len(signal.connections),
        )

    with signal.connected_to(receiver, "shop", local=True):
        here, elsewhere = queries(), in_a_thread(queries)

    assert here == ((receiver,), [receiver], True, 1)
    assert elsewhere == ((), [], False, 1)


def test_a_thread_is_in_the_block_that_it_was_started_in_if_threads_inherit_contexts() -> None:
    """Where they do not, it begins with an empty context, and so outside of the block."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("lasting"))
    with signal.connected_to(diary.receiver("local"), local=True):
        heard = names(in_a_plain_thread(signal.send))
    with signal.muted(local=True):
        spared = names(in_a_plain_thread(signal.send))

    assert (heard, spared) == (
        (["lasting", "local"], []) if INHERITING else (["lasting"], ["lasting"])
    )


def test_what_is_started_from_a_context_is_in_it() -> None:
    """A thread that is given a copy of the context belongs to the block."""
    signal, diary = Signal("paid"), Diary()
    with signal.connected_to(diary.receiver("r"), local=True):
        context = copy_context()
        heard = names(in_a_thread(lambda: context.run(signal.send)))

    assert heard == ["r"]
    assert context.run(signal.send) == []


async def test_tasks_never_see_each_others_temporary_receivers() -> None:
    """Two requests at once, each with a block of its own, are apart; their tasks belong to them."""
    signal = Signal("paid")

    async def send() -> list[str]:
        return names(signal.send())

    async def request(name: str) -> tuple[list[str], list[str]]:
        with signal.connected_to(lambda sender: name, local=True):
            await asyncio.sleep(0)
            own = names(signal.send())
            return own, await asyncio.create_task(send())

    results = await asyncio.gather(*(request(name) for name in "abc"))

    assert results == [(["a"], ["a"]), (["b"], ["b"]), (["c"], ["c"])]
    assert signal.connections == ()


async def test_tasks_may_be_muted_one_by_one() -> None:
    """A local block of one task swallows nothing of another's, across awaits too."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))

    async def muted_request() -> list[str]:
        with signal.muted(local=True):
            await asyncio.sleep(0)
            return names(signal.send())

    async def request() -> list[str]:
        await asyncio.sleep(0)
        return names(signal.send())

    results = await asyncio.gather(muted_request(), request(), muted_request())

    assert list(results) == [[], ["r"], []]


def test_one_local_object_may_be_entered_in_two_threads() -> None:
    """Each thread leaves its own block, not the one that was entered last."""
    signal, diary = Signal("paid"), Diary()
    block = signal.connected_to(diary.receiver("r"), local=True)
    entered, left = threading.Event(), threading.Event()

    def other() -> tuple[list[str], list[str]]:
        with block:
            entered.set()
            left.wait(10)
            inside = names(signal.send())
        return inside, names(signal.send())

    results: list[tuple[list[str], list[str]]] = []
    thread = threading.Thread(target=lambda: results.append(other()))
    with block:
        thread.start()
        entered.wait(10)
    here = names(signal.send())
    left.set()
    thread.join()

    assert (here, results) == ([], [(["r"], [])])
    assert signal.connections == ()


@pytest.mark.parametrize("local", [False, True])
def test_one_object_may_be_entered_and_left_in_any_order(*, local: bool) -> None:
    """Each context leaves the block that it has entered last."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    block = signal.muted(local=local)
    contexts = [copy_context() for _ in range(3)]
    found = []
    for order in permutations(range(3)):
        for context in contexts:
            context.run(block.__enter__)
        contexts[0].run(block.__enter__)
        contexts[0].run(block.__exit__)
        for number in order:
            contexts[number].run(block.__exit__)
            found.append([context.run(lambda: signal.is_muted) for context in contexts])
        left = set(range(3))
        for number in order:
            left.discard(number)
            expected = [number in left if local else bool(left) for number in range(3)]
            assert found.pop(0) == expected

    assert signal._registry.mutes == {}


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_each_context_ends_the_connection_that_it_has_made(
    order: tuple[int, ...], *, local: bool
) -> None:
    """Though those of one object differ only in when they were made."""
    signal = Signal("paid")
    block = signal.connected_to(Diary().receiver("r"), local=local)
    contexts = [Context() for _ in order]
    left = {}
    for number, context in enumerate(contexts):
        context.run(block.__enter__)
        left[number] = signal.connections[-1]
    assert signal.connections == tuple(left.values())
    for number in order:
        contexts[number].run(block.__exit__)
        del left[number]
        assert signal.connections == tuple(left.values())


@pytest.mark.parametrize("local", [False, True])
def test_one_object_may_be_shared_by_threads(*, local: bool) -> None:
    """Nobody ends the block of another, nor leaves one behind."""
    signal, diary = Signal("paid"), Diary()
    connected = signal.connected_to(diary.receiver("r"), local=local)
    muted = Signal("muted").muted(local=local)
    deaf: list[object] = []

    def run() -> None:
        for _ in range(300):
            with connected, muted:
                if len(signal.send()) != 1:
                    deaf.append(signal.connections)

    with fast_switching():
        errors = in_threads(run, run, run)

    assert (errors, deaf, signal.connections) == ([], [], ())


def test_leaving_in_a_context_that_has_entered_nothing_ends_the_last_block_of_all() -> None:
    """Which is all that can be meant; what others are just leaving is not taken from them."""
    signal, diary = Signal("paid"), Diary()
    block = signal.connected_to(diary.receiver("r"), local=True)
    contexts = [copy_context() for _ in range(3)]
    for context in contexts:
        context.run(block.__enter__)
    in_a_thread(block.__exit__)
    heard = [names(context.run(signal.send)) for context in contexts]
    block._leaving[next(iter(block._open))] = "somebody"
    in_a_thread(block.__exit__)
    left = len(signal.connections)
    block._open[Scope(None, everywhere=False)] = True  # As if somebody had just left it.
    with pytest.raises(StateError, match="There is no block to leave"):
        block.__exit__()

    assert (heard, left) == ([["r"], ["r"], []], 1)


def test_a_block_that_is_left_by_nobody_but_once_more_is_an_error() -> None:
    """It was not entered, or was left already."""
    block = Signal("paid").muted()
    with block:
        pass
    with pytest.raises(StateError, match="not entered, or was left already"):
        block.__exit__()


def scopes() -> set[object]:
    """Return the blocks that the current context holds on to."""
    return set(entered())


async def test_blocks_that_are_left_elsewhere_leave_nothing() -> None:
    """As those of async generators, which the loop closes in another context."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    async def pages() -> AsyncGenerator[int, None]:
        with signal.connected_to(receiver, local=True), signal.muted(local=True):
            yield 1

    before, most = scopes(), 0
    with signal.muted():
        for _ in range(100):
            reading = pages()
            await anext(reading)
            await asyncio.create_task(reading.aclose())
            most = max(most, len(scopes() - before))
        with signal.muted():
            most = max(most, len(scopes() - before))

    assert most <= 5
    assert (scopes() - before, signal.connections, signal._registry.mutes) == (set(), (), {})


def test_a_context_remembers_the_block_that_it_entered_last_and_no_other() -> None:
    """Leaving writes nothing into the context; the next block that is entered does."""
    signal = Signal("paid")

    def ended() -> int:
        return sum(type(it) is Scope and it.block is None for it in gc.get_objects())

    def enter_many() -> tuple[int, set[object]]:
        for _ in range(100):
            with signal.muted(), signal.muted(local=True):
                pass
            with signal.muted():
                pass
        return ended(), scopes()

    before = ended()

    assert Context().run(enter_many) == (before + 1, set())
    assert ended() == before


def test_blocks_that_overlap_leave_nothing() -> None:
    """One is always open, and the one before is closed by somebody else."""
    signal = Signal("paid")
    elsewhere = copy_context()
    there = scopes()
    before = signal.muted(local=True)
    before.__enter__()
    most = 0
    for _ in range(100):
        block = signal.muted(local=True)
        block.__enter__()
        elsewhere.run(before.__exit__)
        before = block
        most = max(most, len(scopes() - there))
    before.__exit__()

    assert most <= 3
    assert (scopes() - there, signal._registry.mutes) == (set(), {})


def test_a_block_is_entered_after_another_context_has_left_the_one_before() -> None:
    """The one that was left still stands in the context that entered it, and counts no more."""
    signal, here, diary = Signal("paid"), Context(), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    before, block = signal.muted(local=True), signal.muted(local=True)
    there = scopes()
    here.run(before.__enter__)
    before.__exit__()

    here.run(block.__enter__)
    assert here.run(signal.send, "shop") == []
    here.run(block.__exit__)
    assert [it for it, _ in here.run(signal.send, "shop")] == [receiver]
    assert here.run(scopes) - there == set()


@pytest.mark.parametrize("local", [False, True])
def test_a_block_may_be_left_in_another_context(*, local: bool) -> None:
    """Fixtures and exit stacks are sometimes closed elsewhere: the connection ends all the same."""
    signal, diary = Signal("paid"), Diary()
    stack = ExitStack()
    copy_context().run(stack.enter_context, signal.connected_to(diary.receiver("r"), local=local))
    stack.close()

    assert signal.connections == ()


def test_a_generator_may_hold_a_local_block() -> None:
    """A generator runs in its caller's context, so its block counts there while it is suspended."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    def fixture() -> Generator[None, None, None]:
        with signal.connected_to(receiver, local=True):
            yield

    generator = fixture()
    next(generator)
    inside = names(signal.send())
    generator.close()

    assert (inside, signal.send()) == (["r"], [])


def test_nothing_is_left_of_local_blocks() -> None:
    """A thread that goes through many requests carries nothing of them with it."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for number in range(100):
        with signal.connected_to(receiver, f"user-{number}", local=True), signal.muted(local=True):
            pass

    assert signal.connections == ()
    assert signal._registry.senders == {}
    assert signal._registry.mutes == {}


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("mutes", [False, True])
def test_wherever_the_stack_ends_no_block_stays(*, mutes: bool, local: bool) -> None:
    """Leaving takes more calls than entering, so what could not be left is not entered."""
    signal, receiver = Signal("paid"), Diary().receiver("r")

    def enter(deeper: int) -> None:
        if deeper:
            enter(deeper - 1)
        else:
            with signal.muted(local=local) if mutes else signal.connected_to(receiver, local=local):
                pass

    stayed = list[int]()
    with no_collector():
        for deeper in range(60):  # In this order, as who comes next has more to do.
            with room_for(60), suppress(RecursionError):
                enter(deeper)
            if signal.connections or signal._registry.mutes:
                stayed.append(deeper)

    assert stayed == []


def test_a_generator_function_is_not_decorated() -> None:
    """None of its lines would run while the block holds."""

    def pages(count: int) -> Iterator[int]:
        yield from range(count)

    with pytest.raises(ArgumentError, match="is a generator function") as caught:
        Signal("paid").muted()(pages)

    assert "Use a `with` statement inside it." in str(caught.value)


@pytest.mark.parametrize("local", [False, True])
def test_what_is_no_function_is_not_decorated(*, local: bool) -> None:
    """A class would be a function from then on, and its tests would not be found any more."""
    signal, diary = Signal("paid"), Diary()

    class TestShop:
        @classmethod
        def test_it(cls) -> None:
            """Do nothing."""

    blocks = (signal.muted(local=local), signal.connected_to(diary.receiver("r"), local=local))
    for block in blocks:
        with pytest.raises(ArgumentError, match=r"TestShop is a class, .* Decorate its methods\."):
            block(TestShop)
        with pytest.raises(ArgumentError, match=r"cannot be called\. .* below @classmethod"):
            block(vars(TestShop)["test_it"])


def test_a_local_connection_for_a_sender_is_heard_nowhere_else() -> None:
    """Also where the same receiver is connected for good for another sender, and has heard it."""
    signal, diary, shop, kiosk = Signal("paid"), Diary(), Scene(), Scene()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)
    for _ in range(3):
        assert len(signal.send(shop)) == 1
    elsewhere = copy_context()
    with signal.connected_to(receiver, kiosk, local=True):
        for _ in range(3):
            assert elsewhere.run(signal.send, kiosk) == []
            assert len(signal.send(kiosk)) == 1

    assert signal.send(kiosk) == []


class Scene:
    """A sender."""
