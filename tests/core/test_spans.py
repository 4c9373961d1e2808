"""Spans: for each start exactly one end, whatever happens, and next to nothing if nobody hears."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import re
import threading
from contextlib import ExitStack, suppress
from contextvars import copy_context
from functools import partial, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ArgumentError, AsyncReceiverError, Namespace, ReceiverError, Signal
from heliograph.core.errors import StateError
from heliograph.core.observing.nesting import innermost
from heliograph.core.spans.noop import NOOP
from heliograph.core.spans.span import PLACE, Span
from heliograph.describe import describe_duration
from tests.core.kinds import Thing
from tests.core.proxies import Proxy
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from heliograph.core.spans.factory import SpanFactory

WORDS = ("started", "finished", "failed")


class Work:
    """A kind of span, and what its three signals told, in order."""

    def __init__(self) -> None:
        self.namespace = Namespace("shop")

        @self.namespace.span
        def work(sender: object, *, path: str) -> None:
            """Something is worked on."""

        self.span: SpanFactory[...] = work
        self.told: list[tuple[str, dict[str, Any]]] = []

    @property
    def signals(self) -> dict[str, Signal[...]]:
        """The three signals by their last words."""
        return {word: getattr(self.span, word) for word in WORDS}

    @property
    def words(self) -> list[str]:
        """Which signals were sent, in order."""
        return [word for word, _ in self.told]

    def listen(self) -> None:
        """Note what is sent from now on."""
        for word, signal in self.signals.items():

            def receive(sender: object, _word: str = word, **payload: object) -> None:
                self.told.append((_word, {"sender": sender, **payload}))

            signal.connect(receiver=receive, weak=False)

    def fail(self, word: str, error: BaseException) -> None:
        """Let one more receiver of a signal raise an error."""

        def receive(sender: object, **payload: object) -> None:
            raise error

        self.signals[word].connect(receive, weak=False)


@pytest.fixture
def work() -> Work:
    """Return a kind of span of which somebody hears."""
    work = Work()
    work.listen()
    return work


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Return a kind of span of which nobody hears, outside of development."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    work = Work()
    with work.span("shop", path="a"):
        pass  # The first one finds out that this is no development.
    return work


# --- start and end ---------------------------------------------------------------------


def test_a_span_tells_of_its_start_and_its_end(work: Work) -> None:
    """With its payload, then with what was added and how long it took, too."""
    with work.span("shop", path="a") as span:
        span.add(rows=1, name="x")
        span.add(rows=2)

    added = {"rows": 2, "name": "x"}
    assert work.told == [
        ("started", {"sender": "shop", "path": "a", "span": span}),
        (
            "finished",
            {
                "sender": "shop",
                "path": "a",
                "span": span,
                "duration": span.duration,
                "attributes": added,
            },
        ),
    ]
    assert (span.name, span.sender, dict(span.payload), dict(span.attributes)) == (
        "work",
        "shop",
        {"path": "a"},
        added,
    )


async def test_async_with_awaits_receivers(work: Work) -> None:
    """Plain ones and async ones, in one order."""
    heard = []

    async def receive(sender: object, *, span: Span, **extra: object) -> None:
        await asyncio.sleep(0)
        heard.append((*work.words, span.duration is None))

    for signal in work.signals.values():
        signal.connect(receive)
    async with work.span("shop", path="a"):
        pass
    with suppress(KeyError):
        async with work.span("shop", path="b"):
            raise KeyError

    assert heard == [
        ("started", True),
        ("started", "finished", False),
        ("started", "finished", "started", True),
        ("started", "finished", "started", "failed", False),
    ]


def test_the_duration_is_that_of_the_span(work: Work) -> None:
    """In seconds, by a clock that never goes back; what is inside is not longer."""
    with work.span("shop", path="a") as outer, work.span("shop", path="b") as inner:
        assert (outer.duration, inner.duration) == (None, None)

    assert outer.duration is not None
    assert inner.duration is not None
    assert outer.duration >= inner.duration >= 0


# --- whatever ends it ------------------------------------------------------------------

ENDS = [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]


@pytest.mark.parametrize("kind", ENDS)
def test_whatever_is_raised_fails_the_span(work: Work, kind: type[BaseException]) -> None:
    """It goes on, and the one end that is told of carries it."""
    error = kind("x")
    span = work.span("shop", path="a")
    with pytest.raises(kind) as caught, span:
        raise error

    payload = {"sender": "shop", "path": "a", "span": span, "attributes": {}}
    failed = {**payload, "duration": span.duration, "error": error}
    assert caught.value is error
    assert (work.words, work.told[1]) == (["started", "failed"], ("failed", failed))


@pytest.mark.parametrize("kind", ENDS)
async def test_whatever_is_raised_fails_an_async_span(
    work: Work, kind: type[BaseException]
) -> None:
    """As in a plain ``with``."""
    error = kind("x")
    with pytest.raises(kind) as caught:
        async with work.span("shop", path="a"):
            raise error

    assert caught.value is error
    assert (work.words, work.told[1][1]["error"]) == (["started", "failed"], error)


def test_a_generator_that_is_dropped_fails_its_span(work: Work) -> None:
    """When it is closed, or garbage-collected, in the middle of the block."""

    def pages() -> Iterator[int]:
        with work.span("shop", path="a"):
            yield from range(9)

    next(pages())
    gc.collect()

    assert work.words == ["started", "failed"]
    assert type(work.told[1][1]["error"]) is GeneratorExit


async def test_an_async_generator_that_is_closed_fails_its_span(work: Work) -> None:
    """As a plain one."""

    async def pages() -> AsyncIterator[int]:
        async with work.span("shop", path="a"):
            yield 1

    generator = pages()
    await anext(generator)
    await generator.aclose()  # type: ignore[attr-defined]  # It is a generator.

    assert work.words == ["started", "failed"]


@pytest.mark.parametrize("plain", [True, False])
async def test_a_cancelled_task_fails_its_span(work: Work, *, plain: bool) -> None:
    """Its end is told of before the task is done."""

    async def import_all() -> None:
        if plain:
            with work.span("shop", path="a"):
                await asyncio.sleep(60)
        else:
            async with work.span("shop", path="a"):
                await asyncio.sleep(60)

    task = asyncio.create_task(import_all())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert work.words == ["started", "failed"]
    assert type(work.told[1][1]["error"]) is asyncio.CancelledError


@pytest.mark.parametrize("fails", [True, False])
async def test_plain_receivers_hear_of_an_end_whose_async_receiver_is_cancelled(
    work: Work, caplog: pytest.LogCaptureFixture, *, fails: bool
) -> None:
    """Whoever opened something at the start closes it; nobody is awaited any more."""
    words: list[str] = []
    waiting = asyncio.Event()

    async def slow(sender: object, **payload: object) -> None:
        words.append("slow")
        waiting.set()
        await asyncio.sleep(60)

    def gauge(sender: object, **payload: object) -> None:
        words.append("gauge")

    def broken(sender: object, **payload: object) -> None:
        raise LookupError(words)

    end = work.span.failed if fails else work.span.finished
    for receiver in (slow, broken, gauge):
        end.connect(receiver)

    @end.connect
    async def never(sender: object, **payload: object) -> None:
        words.append("never")

    async def import_all() -> None:
        async with work.span("shop", path="a"):
            if fails:
                raise KeyError

    with watching() as emissions:
        task = asyncio.create_task(import_all())
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])

    assert task.cancelled()
    assert words == ["slow", "gauge"]
    assert "LookupError" in caplog.text
    [told] = [it for it in emissions if it.signal is end]
    errors = [asyncio.CancelledError, LookupError, type(None)]
    assert [type(it.error) for it in told.deliveries[-3:]] == errors


async def test_an_end_that_nobody_hears_is_passed_over(unheard: Work) -> None:
    """Somebody may hear of the start alone."""
    senders: list[object] = []
    unheard.span.started.connect(lambda sender, **payload: senders.append(sender), weak=False)
    async with unheard.span("shop", path="a") as span:
        pass

    assert senders == ["shop"]
    assert span.duration is not None


# --- receivers that raise --------------------------------------------------------------


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
async def test_a_start_that_raises_is_a_span_that_failed(
    work: Work, kind: type[BaseException]
) -> None:
    """Who was told of the start is told of the end; the block is not run."""
    error = kind("x")
    work.fail("started", error)
    ran = []
    with pytest.raises(kind) as of_plain, work.span("shop", path="a"):
        ran.append("plain")
    with pytest.raises(kind) as of_async:
        async with work.span("shop", path="a"):
            ran.append("async")

    assert (of_plain.value, of_async.value, ran) == (error, error, [])
    assert work.words == ["started", "failed"] * 2
    assert [told["error"] for word, told in work.told if word == "failed"] == [error, error]
    assert innermost(PLACE.get()) is None


async def test_a_receiver_of_the_failure_does_not_hide_it(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    """What failed goes on; what the receivers raise is logged."""
    work.fail("failed", OSError("The disk is full."))
    with pytest.raises(KeyError), work.span("shop", path="a"):
        raise KeyError
    with pytest.raises(KeyError):
        async with work.span("shop", path="a"):
            raise KeyError

    message = (
        "Receivers of signal 'work.failed' failed; the error that ended the span is raised instead."
    )
    assert work.words == ["started", "failed"] * 2
    assert [record.getMessage() for record in caplog.records] == [message] * 2
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert list(map(repr, errors)) == ["OSError('The disk is full.')"] * 2


async def test_a_receiver_of_the_end_may_raise(work: Work) -> None:
    """As by any send, its error leaves the block; the span has finished all the same."""
    work.fail("finished", OSError("The disk is full."))
    with pytest.raises(OSError, match="full"), work.span("shop", path="a"):
        pass
    with pytest.raises(OSError, match="full"):
        async with work.span("shop", path="a"):
            pass

    assert work.words == ["started", "finished"] * 2


@pytest.mark.parametrize("word", WORDS)
def test_a_plain_span_refuses_async_receivers(work: Work, word: str) -> None:
    """Before it begins: it could not tell them of its end."""

    async def receive(sender: object, **payload: object) -> None:
        """Do nothing."""

    work.signals[word].connect(receive)
    with pytest.raises(AsyncReceiverError) as caught, work.span("shop", path="a"):
        pass

    assert work.told == []
    assert str(caught.value) == (
        f"signal 'work.{word}' has an async receiver, {__name__}.{receive.__qualname__}, which a "
        "plain `with` cannot await. Use `async with`, or connect a plain function."
    )


def test_an_async_receiver_that_comes_late_keeps_nobody_from_the_end(work: Work) -> None:
    """All others are told, then the error is raised."""

    async def receive(sender: object, **payload: object) -> None:
        """Do nothing."""

    late = pytest.raises(AsyncReceiverError, match="has an async receiver")
    with late, work.span("shop", path="a"):
        work.span.finished.connect(receive, priority=1)

    assert work.words == ["started", "finished"]


def test_an_async_receiver_of_another_sender_is_no_obstacle(work: Work) -> None:
    """Nor is a temporary one elsewhere: only who would be called counts."""

    async def receive(sender: object, **payload: object) -> None:
        """Do nothing."""

    work.span.finished.connect(receive, sender="kiosk")
    with work.span.finished.connected_to(receive, sender="kiosk", local=True):
        work.span("shop", path="a").__enter__().__exit__(None, None, None)

    assert work.words == ["started", "finished"]


# --- spans inside of spans -------------------------------------------------------------


async def test_spans_know_what_they_are_inside_of(work: Work) -> None:
    """In the same context, in tasks, and in threads that are given a copy of it."""
    parents: dict[str, Span | None] = {}

    def note(name: str) -> None:
        with work.span("shop", path=name) as span:
            parents[name] = span.parent

    async def note_in_a_task() -> None:
        note("task")

    with work.span("shop", path="outer") as outer:
        with work.span("shop", path="inner") as inner:
            note("innermost")
        note("sibling")
        await asyncio.create_task(note_in_a_task())
        await asyncio.to_thread(note, "copied thread")
        thread = threading.Thread(target=copy_context().run, args=(note, "thread"))
        thread.start()
        thread.join()
    note("later")

    assert (outer.parent, inner.parent, innermost(PLACE.get())) == (None, outer, None)
    assert parents == {
        "innermost": inner,
        "sibling": outer,
        "task": outer,
        "copied thread": outer,
        "thread": outer,
        "later": None,
    }


def test_spans_may_be_left_in_any_order(work: Work) -> None:
    """What is over is no parent of what begins afterwards."""
    first, second = work.span("shop", path="a"), work.span("shop", path="b")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with work.span("shop", path="c") as third:
        pass
    second.__exit__(None, None, None)

    assert (third.parent, innermost(PLACE.get())) == (second, None)
    assert work.words.count("finished") == 3


async def test_what_is_over_is_no_parent_in_a_task_either(work: Work) -> None:
    """A task that goes on for longer than what started it has spans without a parent, all alike."""
    over = asyncio.Event()
    parents: list[Span | None] = []

    async def go_on() -> None:
        for path in ("a", "b"):
            with work.span("shop", path=path) as span:
                parents.append(span.parent)
            await over.wait()

    with work.span("shop", path="outer") as outer:
        task = asyncio.create_task(go_on())
        await asyncio.sleep(0)
    over.set()
    await task

    assert parents == [outer, None]


@pytest.mark.parametrize("ending", ["finished", "failed"])
@pytest.mark.parametrize("pauses", [0, 1, 5])
async def test_jobs_that_start_each_other_keep_no_span_that_is_over(
    pauses: int, ending: str
) -> None:
    """Whether each has ended before the next one begins, or goes on for a while beside it."""

    def count() -> int:
        gc.collect()
        return sum(isinstance(it, Span) for it in gc.get_objects())

    work, over = Work(), asyncio.Event()
    tasks, alive = set[asyncio.Task[Any]](), [count()]

    @work.signals[ending].connect
    def _hear(sender: object, **payload: object) -> None:
        """Let there be spans at all."""

    async def job(number: int) -> None:
        with suppress(KeyError):
            async with work.span("shop", path="a"):
                if number < 60:
                    tasks.add(task := asyncio.create_task(job(number + 1)))
                    task.add_done_callback(tasks.discard)
                    for _ in range(pauses):
                        await asyncio.sleep(0)
                else:
                    alive.append(count())
                    over.set()
                if ending == "failed":
                    raise KeyError

    await job(1)
    await asyncio.wait_for(over.wait(), 60)

    assert len(alive) == 2
    assert alive[1] - alive[0] < 12


async def test_a_span_that_outlives_its_parent_knows_it_while_somebody_does(work: Work) -> None:
    """Those who hear of its end do, and whoever has kept both; it keeps the parent for nobody."""
    seen: list[tuple[Span, Span | None]] = []
    work.span.finished.connect(
        lambda sender, span, **_: seen.append((span, span.parent)), weak=False
    )
    over = asyncio.Event()

    async def go_on() -> None:
        async with work.span("shop", path="inner"):
            await over.wait()

    async with work.span("shop", path="outer"):
        task = asyncio.create_task(go_on())
        await asyncio.sleep(0)
    over.set()
    await task
    work.told.clear()
    [(outer, _), (inner, parent)] = seen

    assert (parent, inner.parent) == (outer, outer)

    seen.clear()
    del outer, parent, _
    assert inner.parent is None


async def test_async_generators_that_are_dropped_leave_no_parents() -> None:
    """Their blocks are left in another context; of many, the last is known at most."""
    work = Work()
    senders: list[ref[Thing]] = []

    async def pages() -> AsyncIterator[int]:
        sender = Thing("shop")
        senders.append(ref(sender))
        async with work.span(sender, path="a"):
            yield 1

    for _ in range(3):
        failed = work.span.failed.next(timeout=60)
        await anext(pages())
        await failed
    with work.span("shop", path="a") as span:
        pass
    gc.collect()

    assert (span.parent, [it() for it in senders[:-1]]) == (None, [None, None])


def test_a_span_may_be_left_in_another_context(work: Work) -> None:
    """Fixtures and exit stacks are sometimes closed elsewhere."""
    stack = ExitStack()
    span = work.span("shop", path="a")
    copy_context().run(stack.enter_context, span)
    stack.close()

    assert (work.words, innermost(PLACE.get())) == (["started", "finished"], None)


# --- used out of turn ------------------------------------------------------------------


async def test_a_span_is_for_one_block(work: Work) -> None:
    """Entering again, leaving what was not entered or is over, adding outside: all are errors."""
    span = work.span("shop", path="a")
    messages = []

    def refused(act: Callable[[], object]) -> None:
        with pytest.raises(StateError) as caught:
            act()
        assert isinstance(caught.value, RuntimeError)
        messages.append(str(caught.value).partition(", ")[0].partition(" s:")[0][:32])

    refused(lambda: span.add(rows=1))
    refused(lambda: span.__exit__(None, None, None))
    refused(lambda: span.__exit__(None, ValueError(), None))
    refused(lambda: span.__aexit__(None, None, None).send(None))
    with span:
        refused(span.__enter__)
        refused(lambda: span.__aenter__().send(None))
    refused(span.__enter__)
    refused(lambda: span.__exit__(None, None, None))
    refused(lambda: span.add(rows=1))

    assert span.duration is not None
    assert messages == [
        *["Span 'work' is not entered yet: "] * 4,
        *["Span 'work' is under way: it can"] * 2,
        *[f"Span 'work' is over after {describe_duration(span.duration)}"[:32]] * 3,
    ]
    assert (work.words, span.parent) == (["started", "finished"], None)


def test_a_span_says_how_it_stands(work: Work) -> None:
    """In its text, and in errors, with what to do."""
    span = work.span("shop", path="a")
    texts = [repr(span)]
    with span:
        texts.append(repr(span))
        with pytest.raises(StateError) as caught:
            span.__enter__()
    texts.append(repr(span))

    assert span.duration is not None
    assert texts == [
        "<Span 'work' not entered yet>",
        "<Span 'work' under way>",
        f"<Span 'work' over after {describe_duration(span.duration)}>",
    ]
    assert str(caught.value) == (
        "Span 'work' is under way: it cannot be entered again. Each `with` needs a new span."
    )


# --- decorators ------------------------------------------------------------------------


async def test_a_decorated_function_is_a_span_each_time(work: Work) -> None:
    """With the same arguments, or with its own; coroutine functions until they are done."""

    @work.span.wrap("shop", path="a")
    def count(number: int) -> int:
        """Count."""
        return number + len(work.told)

    @work.span.wrap("shop", path="b")
    async def count_slowly(number: int) -> int:
        await asyncio.sleep(0)
        return number + len(work.told)

    @work.span.each_call
    def read(sender: object, *, path: str) -> str:
        return path

    coroutine = count_slowly(20)
    results = [count(10), await coroutine, read(Thing("shop"), path="c"), count(10)]

    assert (results, count.__name__, count.__doc__) == ([11, 23, "c", 17], "count", "Count.")
    assert work.words == ["started", "finished"] * 4
    assert [told["path"] for _, told in work.told] == ["a", "a", "b", "b", "c", "c", "a", "a"]


def test_each_call_decorates_with_parentheses_too(work: Work) -> None:
    """As `declare` and `connect` do."""

    @work.span.each_call()
    def read(sender: object, *, path: str) -> str:
        return path

    assert (read("shop", path="a"), work.words) == ("a", ["started", "finished"])


@pytest.mark.parametrize("method", ["connect", "connect_via", "connected_to"])
def test_nobody_is_connected_to_all_the_signals_of_a_span(unheard: Work, method: str) -> None:
    """Each of them carries something else; the error says which there are."""
    with pytest.raises(ArgumentError) as caught:
        getattr(unheard.span, method)(print, priority=1)

    assert str(caught.value) == (
        "'work' declares spans and has three signals: connect the receiver to "
        "`work.started`, `work.finished` or `work.failed`."
    )


async def test_a_decorated_function_that_raises_fails_its_span(work: Work) -> None:
    """And the error goes on."""

    @work.span.each_call
    async def read(sender: object, *, path: str) -> None:
        raise KeyError(path)

    with pytest.raises(KeyError):
        await read("shop", path="a")

    assert work.words == ["started", "failed"]


@pytest.mark.parametrize(
    ("args", "payload", "problem"),
    [
        ((1, 2, 3), {"path": "a"}, "it takes one argument by position, the sender, and got 3"),
        ((), {"path": "a"}, "it takes one argument by position, the sender, and got 0"),
        (("shop",), {}, "'path' is missing"),
        (("shop",), {"pth": "a"}, "'path' is missing, and 'pth' is not in it"),
        (
            ("shop",),
            {"path": "a", "sender": "b"},
            "'sender' is not in it (pass the sender first, without a name)",
        ),
    ],
)
def test_wrong_arguments_of_a_decorator_are_refused_at_once(
    unheard: Work, args: tuple[object, ...], payload: dict[str, object], problem: str
) -> None:
    """Where it decorates, and not at the first call; in production too."""
    with pytest.raises(ArgumentError) as caught:
        unheard.span.wrap(*args, **payload)

    declaration = unheard.span.started.declaration
    assert declaration is not None
    assert str(caught.value) == (
        f"Spans 'work' cannot wrap a function: {problem}.\n"
        f"  They are declared as (sender: object, *, path: str), at {declaration.location}"
    )


def test_a_sender_with_a_default_may_be_left_out() -> None:
    """By a decorator too."""

    def work(sender: str | None = None) -> None: ...

    begin = Namespace("shop").span(work)
    told: list[object] = []
    begin.finished.connect(lambda sender, **payload: told.append(sender), weak=False)
    begin.wrap()(lambda: None)()

    assert told == [None]


def test_a_generator_function_is_not_decorated(work: Work) -> None:
    """None of its lines would run inside of the span."""

    def pages(sender: object, *, path: str) -> Iterator[int]:
        yield 1

    for decorate in (work.span.each_call, work.span.wrap("shop", path="a")):
        with pytest.raises(ArgumentError) as caught:
            decorate(pages)

        assert str(caught.value) == (
            f"{__name__}.{pages.__qualname__} is a generator function: calling it runs none of "
            "its lines. Use a `with` statement inside it."
        )


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (Work, f"{__name__}.Work is a class, and a function would replace it. Decorate its"),
        (7, "7 cannot be called. Decorate a function"),
    ],
)
def test_what_is_no_function_is_not_decorated(work: Work, unfit: Any, why: str) -> None:
    """A class would be one from then on, and nobody could derive from it, or find it."""
    for decorate in (work.span.each_call, work.span.wrap("shop", path="a")):
        with pytest.raises(ArgumentError, match=why):
            decorate(unfit)


def test_a_span_itself_does_not_decorate(work: Work, unheard: Work) -> None:
    """It is for one block, and one that nobody hears of knows nothing: the error says how."""
    for span in (work.span("shop", path="a"), unheard.span("shop", path="a")):
        with pytest.raises(ArgumentError, match="wrap") as caught:
            span(len)

        assert isinstance(caught.value, TypeError)


def test_what_begins_spans_is_freed_with_its_namespace() -> None:
    """Also if it is part of a cycle, through a receiver that uses it."""
    work = Work()

    def receive(sender: object, begin: object = work.span, **payload: object) -> None:
        """Refer to what begins the spans."""

    work.span.started.connect(receive, weak=False)
    alive = ref(work.span)
    del work, receive
    gc.collect()

    assert alive() is None


class Importer:
    """A sender whose class declares a span."""

    namespace = Namespace("importer")

    @namespace.span
    def work(self, *, path: str) -> None:
        """Something is imported."""


def test_a_class_may_declare_its_spans() -> None:
    """The object is the sender then, as of a method."""
    importer, told = Importer(), []

    def receive(sender: object, *, path: str, **extra: object) -> None:
        told.append((sender, path))

    with Importer.work.finished.connected_to(receive), importer.work(path="a"):
        pass

    assert told == [(importer, "a")]


@pytest.mark.parametrize("development", ["0", "1"])
def test_a_wrong_call_names_the_stub(monkeypatch: pytest.MonkeyPatch, development: str) -> None:
    """Whether anybody hears or not, as of a function."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", development)
    work = Work()
    with work.span("shop", path="a"):
        pass
    begin: Any = work.span
    name = re.escape(begin.__qualname__)

    for payload in ({}, {"path": "b"}):
        with pytest.raises(TypeError, match=rf"^{name}\(\) takes from 0 to 1 positional arguments"):
            begin("shop", "a", **payload)


def test_what_begins_spans_is_shown_and_copied_as_a_function_is() -> None:
    """By its name, under which it is found again."""
    work = Importer.work
    copies = [copy.copy(work), copy.deepcopy([work])[0], pickle.loads(pickle.dumps(work))]  # noqa: S301 - made on the same line.

    assert [it is work for it in copies] == [True] * 3
    assert re.sub(r"( in C)? at 0x\w+", "", repr(work)) == "<function Importer.work>"
    assert str(signature(work)) == "(self, *, path: 'str') -> 'None'"


# --- nobody hears ----------------------------------------------------------------------


async def test_with_nobody_connected_all_spans_are_one(unheard: Work) -> None:
    """It does what a span does, and knows nothing."""
    first, second = unheard.span("shop", path="a"), unheard.span("kiosk", path="b")
    with first as entered, first as again:
        entered.add(rows=1)
    with pytest.raises(KeyError), first:
        raise KeyError
    async with first as awaited:
        pass

    assert {id(it) for it in (first, second, entered, again, awaited)} == {id(NOOP)}
    assert isinstance(first, Span)
    assert (repr(first), dict(first.attributes)) == ("<Span without receivers>", {})
    assert (first.name, first.sender, first.parent, first.duration) == ("", None, None, None)


@pytest.mark.parametrize("word", WORDS)
def test_one_receiver_of_any_signal_makes_spans_real(unheard: Work, word: str) -> None:
    """A span is the no-op one only if none of its three signals would reach anybody."""
    heard = unheard.signals[word].connected_to(lambda sender, **payload: None)
    with heard:
        inside = unheard.span("shop", path="a")

    assert (inside is NOOP, unheard.span("shop", path="a") is NOOP) == (False, True)


def test_who_connects_in_the_middle_hears_of_the_next_span(unheard: Work) -> None:
    """An end without a start would be no pair."""
    with unheard.span("shop", path="a"):
        unheard.listen()
    before = unheard.words
    with unheard.span("shop", path="b"):
        pass

    assert (before, unheard.words) == ([], ["started", "finished"])


def test_who_disconnects_in_the_middle_hears_no_more(unheard: Work) -> None:
    """The span goes on, and others hear of its end."""
    told: list[str] = []

    def receive(sender: object, *, span: Span, **extra: object) -> None:
        told.append(f"{span!r}")

    unheard.span.started.connect(receive)
    with unheard.span("shop", path="a"):
        unheard.span.started.disconnect(receive)
        unheard.span.finished.connect(receive)

    assert len(told) == 2


def test_instruments_see_spans(unheard: Work) -> None:
    """As what they are: sends, of which somebody hears."""
    with watching() as seen, unheard.span("shop", path="a"):
        pass

    assert [emission.signal.name for emission in seen] == ["work.started", "work.finished"]


def test_a_proxy_may_be_unbound_by_the_end(work: Work) -> None:
    """The sender is who it stood for at the start."""
    shop = Thing("shop")
    bound: list[object] = [shop]
    with work.span(Proxy(bound.pop), path="a"):
        pass

    assert [told["sender"] for _, told in work.told] == [shop, shop]


# --- heard in production -----------------------------------------------------------------


def ended(work: Work) -> list[dict[str, Any]]:
    """Connect one receiver to the end, and return the list of what it is told."""
    told: list[dict[str, Any]] = []

    def receive(sender: object, **payload: Any) -> None:
        told.append({"sender": sender, **payload})

    work.span.finished.connect(receive, weak=False)
    return told


@pytest.mark.parametrize("sender", ["shop", None, 7, Thing("shop"), Proxy(lambda: "shop"), print])
@pytest.mark.parametrize("more", [0, 1, 20])
def test_one_receiver_of_the_end_is_told_all(unheard: Work, sender: Any, more: int) -> None:
    """Whatever the sender and the payload are, each time."""
    told, values = ended(unheard), {f"k{number}": number for number in range(more)}
    spans = [unheard.span(sender, path="a", **values) for _ in range(2)]
    for span in spans:
        with span as entered:
            span.add(**values)
        assert entered is span

    real = "shop" if isinstance(sender, Proxy) else sender
    assert told == [
        {
            "sender": real,
            "path": "a",
            **values,
            "span": span,
            "duration": span.duration,
            "attributes": values,
        }
        for span in spans
    ]


def test_receivers_of_the_end_may_assign_to_the_span(unheard: Work) -> None:
    """All are told the same, though the span alone has held its sender."""
    told: list[tuple[str, bool]] = []

    def change(sender: object, *, span: Any, **payload: object) -> None:
        span.sender = span.duration = None
        kept.extend(Thing("another") for _ in range(100))
        kept.extend(number / 3 for number in range(100))

    def receive(sender: Thing, *, duration: float, **payload: object) -> None:
        told.append((sender.name, 0 <= duration < 300))

    kept: list[object] = []
    for receiver in (change, receive):
        unheard.span.finished.connect(receiver)
    with unheard.span(Thing("shop"), path="a"):
        pass

    assert told == [("shop", True)]


@pytest.mark.parametrize("late", [False, True])
def test_a_span_whose_sender_was_deleted_says_so(unheard: Work, *, late: bool) -> None:
    """Before it is entered, or while it is under way."""
    ended(unheard)
    span: Any = unheard.span("shop", path="a")
    if late:
        span.__enter__()
    del span.sender
    leave_or_enter = partial(span.__exit__, None, None, None) if late else span.__enter__
    with pytest.raises(AttributeError, match="no attribute 'sender'"):
        leave_or_enter()


@pytest.mark.parametrize("method", ["__enter__", "__exit__"])
def test_a_span_that_no_factory_has_made_does_nothing(unheard: Work, method: str) -> None:
    """There is nothing in it."""
    given = (None,) * 3 if method == "__exit__" else ()
    with pytest.raises(AttributeError, match="no attribute '_"):
        getattr(Span(), method)(*given)


def test_a_span_without_a_payload_is_told_of() -> None:
    """Its end carries what every end does."""

    @Namespace("shop").span
    def tidy(sender: object = None) -> None: ...

    told: list[tuple[object, ...]] = []
    tidy.finished.connect(lambda sender, **payload: told.append((sender, *payload)), weak=False)
    with tidy("shop"), tidy():
        pass

    carried = ("span", "duration", "attributes")
    assert told == [(None, *carried), ("shop", *carried)]


@pytest.mark.parametrize("kind", [ValueError, TypeError, RecursionError, KeyboardInterrupt])
def test_the_only_receiver_of_the_end_may_raise(unheard: Work, kind: type[BaseException]) -> None:
    """As by any send: with a note that names it, unless the error leaves a send at once."""
    told = ended(unheard)
    with unheard.span("shop", path="a"):
        pass
    unheard.span.finished.disconnect(unheard.span.finished.receivers[0])
    unheard.fail("finished", kind("x"))
    with pytest.raises(kind) as caught, unheard.span("shop", path="a"):
        pass
    with pytest.raises(kind) as again, unheard.span("shop", path="a") as span:
        pass

    noted = kind in (ValueError, TypeError)
    notes = [getattr(it.value, "__notes__", []) for it in (caught, again)]
    assert caught.value is again.value
    assert all(any("'work.finished'" in note for note in it) is noted for it in notes)
    assert (len(told), span.duration is None, innermost(PLACE.get())) == (1, False, None)


def test_async_receivers_are_refused_in_production_too(unheard: Work) -> None:
    """Also after spans that were told to plain ones, and if they come in the middle."""
    told = ended(unheard)

    async def receive(sender: object, **payload: object) -> None:
        """Do nothing."""

    late = pytest.raises(AsyncReceiverError, match="has an async receiver")
    with unheard.span("shop", path="a"):
        pass
    with late, unheard.span("shop", path="b"):
        unheard.span.finished.connect(receive)
    with late, unheard.span("shop", path="c"):
        told.clear()

    assert [it["path"] for it in told] == ["a", "b"]


def test_receivers_of_one_sender_hear_of_its_spans(unheard: Work) -> None:
    """And of no others; nor does a muted signal reach anybody."""
    told, shop = ended(unheard), Thing("shop")
    own: list[object] = []
    unheard.span.finished.connect(lambda sender, **_: own.append(sender), shop, weak=False)
    for sender in (shop, Thing("kiosk"), "shop"):
        with unheard.span(sender, path="a"):
            pass
    with unheard.span.finished.muted(), unheard.span(shop, path="b"):
        pass

    assert (own, len(told)) == ([shop], 3)


@pytest.mark.parametrize("way", ["started", "failed"])
def test_whoever_hears_of_the_start_or_of_failures_alone(unheard: Work, way: str) -> None:
    """Is told of these alone."""
    told: list[str] = []

    def receive(sender: object, *, path: str, **extra: object) -> None:
        told.append(path)

    unheard.signals[way].connect(receive)
    with unheard.span("shop", path="a") as outer, unheard.span("shop", path="b") as inner:
        parent = inner.parent
    with pytest.raises(KeyError), unheard.span("shop", path="c"):
        raise KeyError

    assert (told, parent) == (["a", "b", "c"] if way == "started" else ["c"], outer)


def test_whoever_has_replaced_send_sees_the_ends(
    unheard: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tracers do."""
    told, sent = ended(unheard), list[object]()
    send: Any = Signal.send

    def traced(self: Signal[...], *args: object, **payload: object) -> object:
        sent.append(self)
        return send(self, *args, **payload)

    for _ in range(2):
        with unheard.span("shop", path="a"):
            pass
    monkeypatch.setattr(Signal, "send", traced)
    with unheard.span("shop", path="b"):
        pass

    assert (sent, len(told)) == ([unheard.span.finished], 3)


# --- declarations ----------------------------------------------------------------------


def test_the_signals_of_a_span_are_declared() -> None:
    """In the namespace, with the payload of the stub and what they carry besides."""
    shop = Namespace("shop")
    billing = shop.namespace("billing")

    @billing.span
    def close_books(sender: str, *, year: int, draft: bool = False) -> None:
        """The books of a year are closed."""

    signatures = {it.name: it.signature for it in shop.declarations}
    payload = "sender: str, *, year: int, draft: bool = False, span: Span"
    assert signatures == {
        "billing.close_books.started": f"({payload})",
        "billing.close_books.finished": f"({payload}, duration: float, "
        "attributes: Mapping[str, object])",
        "billing.close_books.failed": f"({payload}, duration: float, "
        "attributes: Mapping[str, object], error: BaseException)",
    }
    assert shop["billing.close_books.failed"] is close_books.failed
    assert close_books.failed.__doc__ == (
        "Sent when an error ends a span.\n\nThe books of a year are closed."
    )
    assert close_books.__doc__ == "The books of a year are closed."


def test_a_pattern_connects_to_all_signals_of_a_span(work: Work) -> None:
    """They are signals of the namespace as all others are."""
    names: list[str] = []

    def receive(sender: object, *, span: Span, **extra: object) -> None:
        names.append(span.name)

    work.namespace.signals("work.*").connect(receive)
    with work.span("shop", path="a"):
        pass

    assert names == ["work", "work"]


def test_a_receiver_that_does_not_fit_is_refused(work: Work) -> None:
    """When it is connected, as by every declared signal."""

    def receive(sender: object, *, error: BaseException) -> None:
        """Take too little."""

    with pytest.raises(
        ReceiverError, match="does not take 'path', 'span', 'duration', 'attributes'"
    ):
        work.span.failed.connect(receive)


def test_in_development_a_payload_is_checked_where_the_span_is_made() -> None:
    """Also if nobody is connected."""
    work = Work()
    with pytest.raises(ArgumentError, match="'path' is missing, and 'pth' is not in it"):
        work.span("shop", pth="a")


def test_the_name_may_be_another_one() -> None:
    """And the kind deprecated, as by declared signals."""
    shop = Namespace("shop")

    @shop.span(name="import", deprecated="use sync")
    def import_catalogue(sender: object) -> None:
        """A catalogue is read."""

    def receive(sender: object, **payload: object) -> None:
        """Do nothing."""

    with pytest.warns(DeprecationWarning, match="signal 'import.started', which is deprecated"):
        import_catalogue.started.connect(receive)

    assert list(shop) == ["import.started", "import.finished", "import.failed"]


@pytest.mark.parametrize("name", ["span", "duration", "attributes", "error"])
def test_a_payload_has_no_name_that_the_signals_carry(name: str) -> None:
    """The span is refused where it is declared, and nothing is declared."""
    shop = Namespace("shop")
    scope: dict[str, Any] = {}
    exec(f"def work(sender, *, {name}): ...", scope)  # noqa: S102 - a function for each name.
    with pytest.raises(ArgumentError) as caught:
        shop.span(scope["work"])

    assert str(caught.value) == (
        f"builtins.work cannot declare a span. {name!r} cannot be in its payload: "
        "the signals of a span carry one of their own."
    )
    assert list(shop) == []


def test_a_span_is_declared_once(work: Work) -> None:
    """As a signal is."""

    def work_again(sender: object) -> None:
        """Work again."""

    with pytest.raises(ArgumentError, match=r"signal 'work.started' is declared already"):
        work.namespace.span(name="work")(work_again)


def declared(namespace: Namespace) -> dict[str, bool]:
    """Return which signals there are, and whether each is declared."""
    return {name: namespace[name].declaration is not None for name in namespace}


def errorless(
    sender: object, *, path: str, span: Span, duration: float, attributes: object
) -> None:
    """Take what is told of an end that is no failure."""


def test_a_span_is_declared_in_one_piece() -> None:
    """If one of its signals is refused, none is there, and it can be declared afterwards."""
    shop = Namespace("shop")
    shop.signals("work.f*").connect(errorless)

    def work(sender: object, *, path: str) -> None: ...

    with pytest.raises(ReceiverError, match=r"cannot be connected to signal 'work\.failed'"):
        shop.span(work)
    refused = declared(shop)
    shop.signals("work.f*").disconnect(errorless)
    shop.span(work)

    assert refused == {}
    assert declared(shop) == {"work.started": True, "work.finished": True, "work.failed": True}


def test_a_span_that_is_refused_leaves_signals_as_they_were() -> None:
    """Those that were asked for by name, and the one that is declared already."""
    shop = Namespace("shop")

    def failed(sender: object) -> None:
        """Be another signal of that name."""

    def older(sender: object, *, path: str, span: Span) -> None:
        """Be spared what may be left out."""

    by_name = shop.signal("work.started", "Asked for.")
    by_name.connect(older)
    shop.declare(name="work.failed")(failed)

    def work(sender: object, *, path: str, draft: bool = False) -> None: ...

    with pytest.raises(ArgumentError, match=r"signal 'work\.failed' is declared already"):
        shop.span(work)
    with pytest.raises(TypeError, match="unexpected keyword argument 'draft'"):
        by_name.send("shop", path="a", span=None, draft=True)

    assert declared(shop) == {"work.started": False, "work.failed": True}
    assert (by_name.__doc__, by_name.send("shop", path="a", span=7)) == (
        "Asked for.",
        [(older, None)],
    )


def test_a_stub_without_a_sender_declares_no_span() -> None:
    """What cannot declare a signal cannot declare a span."""
    with pytest.raises(ArgumentError, match="no parameter for the sender"):
        Namespace("shop").span(lambda: None)


# --- what is written by those who know other tracing libraries ------------------------------


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as many decorators do."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize("heard", [True, False])
def test_a_span_that_is_used_as_a_decorator_is_refused(heard: bool) -> None:
    """Whether anybody listens or not, and in production too: the work would never run."""
    shop = Namespace("shop")

    @shop.span
    def resize(sender: str, *, path: str) -> None: ...

    @shop.namespace("shelf").span
    def tidy(sender: object) -> None: ...

    if heard:
        for kind in (resize, tidy):
            kind.started.connect(lambda sender, **extra: None, weak=False)
    no_span: Callable[..., Any] = resize
    no_payload: Callable[..., Any] = tidy

    with pytest.raises(ArgumentError) as caught:

        @no_span
        def work() -> None: ...

    with pytest.raises(ArgumentError, match="`@tidy` is no decorator"):

        @no_payload
        def other_work() -> None: ...

    with pytest.raises(ArgumentError, match="`@resize` is no decorator"):

        @no_span
        @wrapping
        def wrapped_work() -> None: ...

    with pytest.raises(ArgumentError, match="decorate the function with `wrap"):
        no_payload(wrapping(no_payload))()

    assert str(caught.value) == (
        f"{__name__}.test_a_span_that_is_used_as_a_decorator_is_refused.<locals>.work is not a "
        "sender of 'resize', and `@resize` is no decorator. Write `@resize.wrap(sender, ...)` "
        "or `@resize.each_call`, or put `with resize(...)` into the function."
    )


def test_a_function_may_be_the_sender_of_a_span() -> None:
    """As any other object."""
    shop, senders = Namespace("shop"), []

    @shop.span
    def run(sender: object) -> None: ...

    def job() -> None: ...

    @run.finished.connect
    def hear(sender: object, **extra: object) -> None:
        senders.append(sender)

    with run(job):
        pass

    assert senders == [job]


def test_a_span_with_a_body_is_refused() -> None:
    """The body would never run; the message says where the work belongs."""
    done: list[str] = []
    shop = Namespace("shop")

    def resize(sender: str, *, path: str) -> None:
        done.append(path)

    with pytest.raises(ArgumentError) as caught:
        shop.span(resize)

    assert str(caught.value) == (
        f"{__name__}.{resize.__qualname__} cannot declare a signal. Its body, at "
        f"{__file__}:{resize.__code__.co_firstlineno}, would never run. Leave the function empty, "
        "and put the work into `with resize(...)`, or into another function, decorated "
        "with `resize.wrap(...)` or `resize.each_call`."
    )
    assert list(shop) == []


def test_a_plain_receiver_that_does_not_take_all_is_not_refused() -> None:
    """Only async ones are, in a plain block."""

    @Namespace().span
    def pack(sender: str, *, parcels: int = 1) -> None:
        """Parcels are packed."""

    told: list[str] = []

    def hear(sender: str, span: object) -> None:
        told.append(sender)

    receiver: Any = hear  # Type checkers want all of it taken.
    pack.started.connect(receiver)
    with pack("shop", parcels=2):
        assert told == ["shop"]
