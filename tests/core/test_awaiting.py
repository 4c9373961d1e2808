"""An async send as a coroutine: what drives it, stops it, drops it or looks at it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import types
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import Signal
from tests.core.diary import Diary
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


class Pause:
    """Waits once; whoever drives the coroutine gets this, and says what comes of it."""

    def __await__(self) -> Generator[Pause, Any, Any]:
        """Give it."""
        return (yield self)


class Bare:
    """Waits once, and can be neither closed nor thrown into."""

    def __init__(self) -> None:
        self.left = 1

    def __await__(self) -> Iterator[Any]:
        """Give itself."""
        return self

    def __iter__(self) -> Iterator[Any]:
        """Be an iterator."""
        return self

    def __next__(self) -> object:
        """Wait, once."""
        if not self.left:
            raise StopIteration(self)
        self.left -= 1
        return self


def end_of(coroutine: Any, sent: object = None) -> Any:
    """Drive a coroutine to its end, which has to be near; returns its value."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(sent)
    return end.value.value


# --- how it begins -----------------------------------------------------------------------


def test_it_is_a_coroutine_for_whoever_asks() -> None:
    """Frameworks ask before they call, and what they get."""
    signal = Signal("paid")
    coroutine: Any = signal.send_async("shop")

    assert inspect.iscoroutinefunction(signal.send_async)
    assert inspect.iscoroutine(coroutine)
    assert inspect.getcoroutinestate(coroutine) == "CORO_CREATED"
    assert (coroutine.__name__, coroutine.__qualname__) == ("send_async", "Signal.send_async")
    assert list(inspect.signature(Signal.send_async).parameters)[:2] == ["self", "sender"]
    assert end_of(coroutine) == []


def test_it_can_be_a_receiver_that_is_awaited() -> None:
    """A signal that hands on to another one."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()
    receiver = diary.async_receiver("r")
    inner.connect(receiver)
    outer.connect(inner.send_async)

    assert [it.is_async for it in outer.connections] == [True]
    assert end_of(outer.send_async("shop")) == [(inner.send_async, [(receiver, "r")])]


def test_who_does_not_await_it_is_warned() -> None:
    """As of every coroutine; nobody has been called then."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("r"))
    with pytest.warns(RuntimeWarning, match=r"^coroutine 'Signal.send_async' was never awaited"):
        signal.send_async("shop", total=1)  # type: ignore[unused-coroutine]  # That is the point.

    assert diary.lines == []


def change_nothing(signal: Signal) -> None:
    """Do nothing."""


def connect_one_more(signal: Signal) -> None:
    """Connect."""
    signal.connect(later)


def mute(signal: Signal) -> None:
    """Mute it for good."""
    signal.muted().__enter__()


def disconnect_all(signal: Signal) -> None:
    """Disconnect."""
    for connection in signal.connections:
        signal.disconnect(connection)


def be_another(signal: Signal) -> None:
    """Take another signal's connections."""
    other = Signal("other")
    other.connect(later)
    signal._registry = other._registry


def later(sender: object, **payload: object) -> str:
    """Return a word."""
    return "later"


@pytest.mark.parametrize(
    ("change", "values"),
    [
        (change_nothing, ["r"]),
        (connect_one_more, ["r", "later"]),
        (mute, []),
        (disconnect_all, []),
        (be_another, ["later"]),
    ],
)
def test_it_begins_when_it_is_awaited(change: Callable[[Signal], None], values: list[str]) -> None:
    """What has changed since the call counts."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("r"))
    coroutine = signal.send_async("shop", total=1)
    change(signal)

    assert [value for _, value in end_of(coroutine)] == values


def test_who_watches_when_it_is_awaited_sees_it() -> None:
    """Also if nobody did at the call."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("r"))
    coroutine = signal.send_async("shop", total=1)
    with watching() as seen:
        end_of(coroutine)

    assert [(it.signal, it.payload) for it in seen] == [(signal, {"total": 1})]


@pytest.mark.parametrize("many", [0, 3, 20])
def test_the_payload_comes_without_the_wrapper(many: int) -> None:
    """Wherever that is among the keywords; async receivers, and inline ones, need none."""
    signal = Signal("paid")

    async def receiver(sender: object, **payload: object) -> object:
        return sender, payload

    def inline(sender: object, **payload: object) -> object:
        return sender, payload

    signal.connect(receiver)
    signal.connect(inline, inline=True)
    payload: dict[str, Any] = {f"k{number}": number for number in range(many)}
    for _ in range(2):
        for given in (
            signal.send_async("shop", _sync_wrapper=len, **payload),
            signal.send_async("shop", **payload, _sync_wrapper=len),
            signal.send_async("shop", **payload, _sync_wrapper=None),
            signal.send_async("shop", **payload),
        ):
            assert end_of(given) == [(receiver, ("shop", payload)), (inline, ("shop", payload))]


# --- how it waits -------------------------------------------------------------------------


def test_what_a_receiver_waits_for_reaches_who_drives_it_and_back() -> None:
    """Values go both ways, as through every ``await``."""
    signal, pauses = Signal("paid"), [Pause(), Pause()]

    async def receiver(sender: object) -> list[object]:
        return [await pause for pause in pauses]

    signal.connect(receiver)
    coroutine: Any = signal.send_async("shop")

    assert [coroutine.send(None), coroutine.send("first")] == pauses
    assert end_of(coroutine, "second") == [(receiver, ["first", "second"])]
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)


def test_what_is_waited_for_can_be_followed() -> None:
    """Tools go from one ``cr_await`` to the next, to show where a task is."""
    signal = Signal("paid")

    async def receiver(sender: object) -> None:
        await Pause()

    signal.connect(receiver)
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    names = list[str]()
    step = coroutine
    while step is not None:
        names += [getattr(step, "__name__", "")] if inspect.iscoroutine(step) else []
        step = getattr(step, "cr_await", None)
    coroutine.close()

    assert names == ["send_async", "receiver"]


@pytest.mark.parametrize("trace", [False, True])
def test_an_iterator_without_more_is_awaited_too(*, trace: bool) -> None:
    """Also while a debugger traces each step, for which Python goes another way."""
    signal, bare = Signal("paid"), Bare()

    def receiver(sender: object) -> Bare:
        return bare

    signal.connect(receiver)
    coroutine: Any = signal.send_async("shop")
    before = sys.gettrace()
    if trace:
        sys.settrace(lambda *_: None)
    try:
        first = coroutine.send(None)
        value = end_of(coroutine)
    finally:
        sys.settrace(before)

    assert (first, value) == (bare, [(receiver, bare)])


class GivesCoroutine:
    """Has an ``__await__`` that is async."""

    async def __await__(self) -> None:
        """Be wrong."""


class GivesOldCoroutine:
    """Has an ``__await__`` that is a coroutine, as Python had them before ``async def``."""

    @types.coroutine
    def __await__(self) -> Iterator[Any]:
        """Be wrong."""
        yield


class GivesList:
    """Has an ``__await__`` that gives no iterator."""

    def __await__(self) -> Any:
        """Be wrong."""
        return []


class Fails:
    """Has an ``__await__`` that fails."""

    def __await__(self) -> Any:
        """Fail."""
        msg = "it fails"
        raise TypeError(msg)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (GivesCoroutine, "returned a coroutine|must return an iterator, not coroutine"),
        (GivesOldCoroutine, "returned a coroutine|must return an iterator, not coroutine"),
        (GivesList, "returned non-iterator of type 'list'|must return an iterator, not list"),
        (Fails, "it fails"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'GivesCoroutine:RuntimeWarning")
def test_what_cannot_be_awaited_is_the_receivers_error(kind: type, message: str) -> None:
    """Everybody else is called, and the note names the receiver."""
    signal, diary = Signal("paid"), Diary()

    def receiver(sender: object) -> object:
        return kind()

    signal.connect(receiver)
    signal.connect(diary.receiver("last"))
    with pytest.raises(TypeError, match=message) as caught:
        signal.send_async("shop").send(None)

    assert (len(caught.value.__notes__), diary.lines) == (1, ["last"])


def test_a_coroutine_that_is_awaited_elsewhere_is_not_awaited_twice() -> None:
    """It would go on with what was meant for another one."""
    signal = Signal("paid")

    async def wait() -> None:
        await Pause()

    shared = wait()
    shared.send(None)

    def receiver(sender: object) -> object:
        return shared

    signal.connect(receiver)
    with pytest.raises(RuntimeError, match="coroutine is being awaited already"):
        signal.send_async("shop").send(None)
    shared.close()


def test_it_cannot_be_driven_by_its_own_receiver() -> None:
    """It is running."""
    signal, errors = Signal("paid"), list[str]()
    coroutines = list[Any]()

    async def receiver(sender: object) -> None:
        [coroutine] = coroutines
        steps = [it for it in (coroutine, coroutine.cr_await) if hasattr(it, "send")]
        for step in steps:
            for act in (partial(step.send, None), step.close):
                try:
                    act()
                except ValueError as error:
                    errors.append(str(error))

    signal.connect(receiver)
    coroutines.append(signal.send_async("shop"))

    assert end_of(coroutines[0]) == [(receiver, None)]
    assert set(errors) == {"coroutine already executing"}


# --- how it ends --------------------------------------------------------------------------


def waiting(diary: Diary, ends: Callable[[BaseException | None], object]) -> Any:
    """Return an async receiver that waits, and then does something with the error it gets."""

    async def receiver(sender: object) -> object:
        try:
            return await Pause()
        except BaseException as error:  # noqa: BLE001 - that is what it is for.
            diary.lines.append(type(error).__name__)
            return ends(error)

    return receiver


def hand_on(error: BaseException | None) -> object:
    """Raise it again."""
    assert error is not None
    raise error


def fail(error: BaseException | None) -> object:
    """Fail in another way."""
    raise LookupError


@pytest.mark.parametrize("late", [False, True])
def test_an_error_that_is_thrown_in_reaches_the_receiver(*, late: bool) -> None:
    """It may go on nevertheless."""
    signal, diary = Signal("paid"), Diary()
    receiver, last = waiting(diary, lambda _: "caught"), diary.async_receiver("last")
    signal.connect(receiver)
    signal.connect(waiting(diary, lambda _: "late") if late else last, weak=False)
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    if late:
        assert isinstance(coroutine.throw(OSError()), Pause)
        [_, (_, value)] = end_of(coroutine, "sent")
        assert (value, diary.lines) == ("sent", ["OSError"])
        return
    with pytest.raises(StopIteration) as end:
        coroutine.throw(OSError())

    assert end.value.value == [(receiver, "caught"), (last, "last")]
    assert diary.lines == ["OSError", "last"]


@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize("bare", [False, True])
def test_an_error_that_is_thrown_in_and_comes_out_is_the_receivers(
    *, made: bool, bare: bool
) -> None:
    """Everybody else is called. What has no ``throw`` fails at once."""
    signal, diary = Signal("paid"), Diary()

    def returns_bare(sender: object) -> Bare:
        return Bare()

    receiver = returns_bare if bare else waiting(diary, hand_on)
    signal.connect(receiver)
    signal.connect(diary.async_receiver("last"))
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - a bare one is raised.
        coroutine.throw(OSError() if made else OSError)

    assert diary.lines == ["last"] if bare else ["OSError", "last"]
    assert len(caught.value.__notes__) == 1


def test_closing_it_closes_who_is_awaited_and_calls_nobody_else() -> None:
    """As ending a task does, in an event loop that is gone."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(waiting(diary, hand_on), weak=False)
    signal.connect(diary.async_receiver("last"))
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    coroutine.close()

    assert diary.lines == ["GeneratorExit"]
    assert inspect.getcoroutinestate(coroutine) == "CORO_CLOSED"


def test_an_error_while_it_is_closed_is_the_receivers() -> None:
    """It waits until all were called, as at any other time."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(waiting(diary, fail), weak=False)
    signal.connect(diary.async_receiver("last"))
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    with pytest.raises(LookupError) as caught:
        coroutine.close()

    assert diary.lines == ["GeneratorExit", "last"]
    assert len(caught.value.__notes__) == 1


def test_what_cannot_be_closed_is_left() -> None:
    """There is nothing to close."""
    signal, bare = Signal("paid"), Bare()

    def receiver(sender: object) -> Bare:
        return bare

    signal.connect(receiver)
    coroutine: Any = signal.send_async("shop")
    coroutine.send(None)
    coroutine.close()

    assert inspect.getcoroutinestate(coroutine) == "CORO_CLOSED"


def collect() -> None:
    """Free what is in a circle: from Python 3.15 on, what had to be ended first goes later."""
    for _ in range(3):
        gc.collect()


def test_a_send_that_is_dropped_while_it_waits_is_collected() -> None:
    """With all that it holds, in a circle too."""

    class Shop:
        """A sender."""

        coroutine: Any = None

    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(waiting(diary, hand_on), weak=False)
    shop.coroutine = signal.send_async(shop, shop=shop)
    # The wait is taken without the payload, which the receiver does not take.
    with pytest.raises(TypeError):
        shop.coroutine.send(None)
    shop.coroutine = signal.send_async(shop)
    shop.coroutine.send(None)
    alive = ref(shop)
    del shop
    collect()

    assert (alive(), diary.lines) == (None, ["GeneratorExit"])


def test_a_circle_of_a_send_that_has_not_begun_is_collected() -> None:
    """It holds the sender and the payload until then."""

    class Shop:
        """A sender."""

        coroutine: Any = None

    signal, shop = Signal("paid"), Shop()
    alive = ref(shop)
    shop.coroutine = signal.send_async(shop, shop=shop)
    del shop
    with pytest.warns(RuntimeWarning, match="never awaited"):
        gc.collect()
    collect()  # The warning held it.

    assert alive() is None


async def test_a_task_that_is_cancelled_while_it_sends_names_who_was_awaited() -> None:
    """The traceback leads through the send to the receiver."""
    signal = Signal("paid")

    async def receiver(sender: object) -> None:
        await asyncio.Event().wait()

    signal.connect(receiver)
    task = asyncio.create_task(signal.send_async("shop"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    names = [entry.name for entry in caught.traceback]

    assert names[names.index("send_async") :][:3] == ["send_async", "receiver", "wait"]
