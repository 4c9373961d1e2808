"""What a recorder keeps of emissions and requests, and for how long."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ArgumentError, Namespace, Signal
from heliograph.blinker import Signal as BlinkerSignal
from heliograph.inspector.filters import Only
from heliograph.inspector.process import process_name
from heliograph.inspector.recorder import Recorder
from heliograph.inspector.seen import (
    COLUMNS,
    SeenDelivery,
    SeenEmission,
    SeenRequest,
    as_row,
    from_rows,
)
from heliograph.lifecycle import request_started
from heliograph.lifecycle.asgi import Middleware as AsgiMiddleware
from heliograph.lifecycle.wsgi import Middleware
from heliograph.redaction import Redaction
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = "tests/inspector/test_recorder.py"

shop = Namespace("the recorder's shop")
paid = shop.signal("order-paid")


class Shop:
    """A sender."""


def emissions(recorder: Recorder) -> list[SeenEmission]:
    """Return what was sent, without requests."""
    return [it for it in recorder.after(0).seen if isinstance(it, SeenEmission)]


def line_of(function: Any, offset: int) -> str:
    """Return a line of this file, counted from that of a function."""
    return f"{HERE}:{function.__code__.co_firstlineno + offset}"


def send_paid(**payload: object) -> None:
    """Send from a line that is known."""
    paid.send(Shop(), **payload)


def note(sender: object, **payload: object) -> None:
    """Receive."""


def connect_note() -> None:
    """Connect from a line that is known."""
    paid.connect(note)


def test_an_emission_is_kept_as_text() -> None:
    """Who sent what from where, to whom, and how long it took."""
    connect_note()
    try:
        with Recorder() as recorder:
            send_paid(total=12)
    finally:
        paid.disconnect(note)
    [seen] = emissions(recorder)
    [delivery] = seen.deliveries

    assert delivery == SeenDelivery(
        receiver=f"{__name__}.note",
        location=line_of(note, 0),
        connected=line_of(connect_note, 2),
        duration=delivery.duration,
        error=None,
        error_location=None,
        is_async=False,
        hop=False,
    )
    assert seen == SeenEmission(
        process=process_name(),
        id=0,
        parent=None,
        turn=0,
        signal="order-paid",
        namespace="the recorder's shop",
        sender="a Shop",
        payload={"total": None},
        started=seen.started,
        duration=seen.duration,
        thread="MainThread",
        task=None,
        location=line_of(send_paid, 2),
        request=None,
        muted=False,
        unheard=None,
        problem=None,
        deliveries=(delivery,),
    )


def test_values_are_kept_as_they_were_sent() -> None:
    """If they are asked for: short, without secrets, and before a receiver changes them."""
    order = {"items": [1]}

    def change(sender: object, order: dict[str, list[int]], **extra: object) -> None:
        order["items"].append(2)

    with (
        paid.connected_to(change),
        Recorder(values=True, redaction=Redaction(["customer"])) as recorder,
    ):
        send_paid(order=order, cookie="x", customer="Ada")

    [seen] = emissions(recorder)
    assert seen.payload == {
        "order": "{'items': [1]}",
        "cookie": "[redacted]",
        "customer": "[redacted]",
    }


def test_sends_inside_of_receivers_name_their_parent() -> None:
    """By its id, and by which of its receivers was running."""
    inner, outer = Signal("inner"), Signal("outer")
    outer.connect(note)

    @outer.connect
    def send_inner(sender: object) -> None:
        inner.send(sender)

    with Recorder() as recorder:
        outer.send("shop")

    assert [(it.signal, it.id, it.parent, it.turn) for it in emissions(recorder)] == [
        ("inner", 1, 0, 1),
        ("outer", 0, None, 0),
    ]


def send_from_task(signal: Signal[...], tasks: list[asyncio.Task[object]]) -> None:
    """Send later, when whoever has started this is over."""

    async def send() -> None:
        await asyncio.sleep(0)
        signal.send("shop")

    tasks.append(asyncio.create_task(send()))


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_task_sends_later_names_its_parent(early: bool) -> None:
    """Though that has ended, and others meanwhile; and though it began before all of them."""
    outer, middle, late = Signal("outer"), Signal("middle"), Signal("late")
    tasks: list[asyncio.Task[object]] = []

    def go_on(sender: object) -> None:
        middle.send(sender)

    def begin(sender: object) -> None:
        send_from_task(late, tasks)

    async def wait(sender: object) -> None:
        await asyncio.sleep(0.01)

    with outer.connected_to(go_on), middle.connected_to(begin), Recorder(early=early) as recorder:
        outer.connect(wait)
        await outer.send_async("shop")
        await asyncio.gather(*tasks)

    told = {it.signal: (it.id, it.parent) for it in emissions(recorder)}
    assert told["outer"] == (0, None)
    assert told["middle"] == (1, 0)
    assert told["late"][1] in (0, 1)


@pytest.mark.parametrize("kept", [True, False])
def test_numbers_are_bounded(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the program keeps all of its emissions."""
    monkeypatch.setattr("heliograph.inspector.numbering._MOST", 10)
    signal = Signal("numbered")
    with watching() as seen, Recorder() as recorder:
        for _ in range(100):
            signal.send("shop")
            if not kept:
                seen.clear()

    assert [it.id for it in emissions(recorder)] == list(range(100))
    assert len(recorder._numbers._known) <= 10


def test_an_error_is_kept_with_its_place() -> None:
    """Its type and its message, without secrets."""
    signal = Signal("failing")

    @signal.connect
    def fail(sender: object) -> None:
        msg = "token=abc is wrong"
        raise ValueError(msg)

    with Recorder() as recorder, pytest.raises(ValueError, match="token=abc"):
        signal.send("shop")

    [[delivery]] = [it.deliveries for it in emissions(recorder)]
    place = line_of(fail, 3)
    assert (delivery.error, delivery.error_location) == (
        "ValueError: token=[redacted] is wrong",
        place,
    )
    assert emissions(recorder)[0].failed


def test_why_nobody_heard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was there, nobody for this sender, or nobody any more; muted is another thing."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")  # It would warn of the receiver that is lost.
    signal = Signal("unheard")

    def connect_and_forget() -> None:
        def gone(sender: object) -> None:
            """Die."""

        signal.connect(gone)

    with Recorder() as recorder:
        signal.send("shop")
        connect_and_forget()
        gc.collect()
        signal.send("shop")
        signal.connect(note, sender="kiosk")
        signal.send("shop")
        with signal.muted():
            signal.send("kiosk")
    told = [(it.unheard, it.muted) for it in emissions(recorder)]
    place = line_of(connect_and_forget, 4)
    name = f"{__name__}.{connect_and_forget.__qualname__}.<locals>.gone"

    assert told == [
        ("no receivers", False),
        (f"no receivers left; garbage-collected: {name} of {place}", False),
        ("no receivers for this sender", False),
        (None, True),
    ]


def test_a_signal_without_a_name_has_that_of_its_variable() -> None:
    """Or none, if it has died before anybody asks."""
    with Recorder() as recorder:
        nameless.send("shop")
        Signal().send("shop")
        gc.collect()

    labels = [(it.signal, it.namespace) for it in emissions(recorder)]
    assert labels == [(f"{__name__}.nameless", None), ("a signal without a name", None)]
    assert labels == [(it.signal, it.namespace) for it in emissions(recorder)]


nameless = Signal()


def test_a_signal_that_has_died_keeps_its_name() -> None:
    """Its namespace is not known any more."""
    with Recorder() as recorder:
        Signal("short-lived").send("shop")
        gc.collect()

    assert [(it.signal, it.namespace) for it in emissions(recorder)] == [("short-lived", None)]


def test_a_reader_asks_for_what_is_new() -> None:
    """It says where it is, and gets each thing once."""
    signal = Signal("new")
    with Recorder() as recorder:
        signal.send("shop")
        first = recorder.after(0)
        signal.send("shop")
        second = recorder.after(first.position)
        third = recorder.after(second.position)

    ids = [[it.id for it in news.seen] for news in (first, second, third)]
    assert ids == [[0], [1], []]
    assert [it.position for it in (first, second, third)] == [1, 2, 2]
    assert recorder.position == 2


@pytest.mark.parametrize("values", [True, False])
def test_rows_are_those_of_the_values(values: bool) -> None:
    """Whatever is wanted of them."""
    with paid.connected_to(note), Recorder(values=values) as recorder:
        visit("/1")
        paid.send("shop", total=12)
        Signal("unheard").send("shop")

    seen = recorder.after(0).seen
    sent = [it for it in seen if isinstance(it, SeenEmission)]
    for only in (Only(), Only(heard=True), Only(signal="order-*"), Only(heard=True, sender="str")):
        rows, position, lost = recorder.rows_after(0, None, only, requests=False)
        assert rows == [as_row(it) for it in sent if only.fits(it)]
        assert (position, lost) == (len(seen), 0)
    rows, _, _ = recorder.rows_after(0, 2, Only(), requests=True)
    assert from_rows(json.loads(json.dumps(rows)), COLUMNS) == seen[:2]


def test_the_oldest_are_given_up_and_counted() -> None:
    """A reader that was away is told how many it has missed."""
    signal = Signal("many")
    with Recorder(max_emissions=3) as recorder:
        for _ in range(10):
            signal.send("shop")

    seen, position, lost = recorder.after(2)
    assert ([it.id for it in seen], position, lost) == ([7, 8, 9], 10, 5)
    assert recorder.after(10) == ([], 10, 0)
    assert recorder.after(11).lost == 7


@pytest.mark.parametrize("name", ["max_bytes", "max_emissions"])
def test_a_recorder_without_room_is_refused(name: str) -> None:
    """A limit is above 0."""
    with pytest.raises(ArgumentError, match=f"{name}=0"):
        Recorder(**{name: 0})  # type: ignore[arg-type]  # One of its two numbers.


@pytest.mark.unmeasured
@pytest.mark.parametrize("values", [True, False])
def test_what_is_kept_needs_no_more_memory_than_is_allowed(values: bool) -> None:
    """It is bounded in bytes, as measured, and not in count alone."""
    signal, several = Signal("large"), [Receiver() for _ in range(3)]
    for it in several:
        signal.connect(it.receive)
    recorder = Recorder(max_bytes=1_000_000, max_emissions=10**6, values=values)

    with recorder:
        signal.send("shop", total=0, text="x" * 500)
        tracemalloc.start()
        for at in range(5_000):
            with suppress(ExceptionGroup):
                signal.send("shop", total=at, text=f"{at} {'x' * 500}")
        gc.collect()  # Of the errors, nothing is kept.
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert used < 1_000_000
    assert 500_000 < recorder.bytes <= 1_000_000
    assert 200 < len(recorder.after(0).seen) < 2_000


class Receiver:
    """Has a method that receives, and fails sometimes."""

    def receive(self, sender: object, total: int, **extra: object) -> None:
        """Fail once in a while."""
        if total % 10 == 1:
            msg = f"{total} {'y' * 1000}"
            raise ValueError(msg)


def test_nothing_of_the_program_lives_longer() -> None:
    """Neither sender nor payload nor receiver nor error, whether values are kept or not."""
    signal = Signal("short")

    class Error(Exception):
        """Can be held weakly."""

    class Order:
        """A payload."""

    def once() -> list[ref[Any]]:
        sender, order, error, receiver = Shop(), Order(), Error(), Receiver()
        kept = [ref(it) for it in (sender, order, error, receiver)]

        def receive(_: object, order: Order) -> None:
            receiver.__class__  # noqa: B018 - it is held by this function.
            raise error

        with signal.connected_to(receive, sender), pytest.raises(Error):
            signal.send(sender, order=order)
        signal.connect(receive, weak=False)
        with pytest.raises(Error):
            signal.send(sender, order=order)
        signal.disconnect(receive)
        return [*kept, ref(receive)]

    with Recorder() as keys, Recorder(values=True) as values:
        kept = once()
        keys.after(0)
        values.after(0)
        gc.collect()
        assert [it() for it in kept] == [None] * 5


def test_receivers_of_every_kind_are_named() -> None:
    """Methods, objects that are called, built-in functions, and those that have no hash."""

    class Callable:
        """Has no hash, as it says what it is equal to."""

        __hash__ = None  # type: ignore[assignment]  # As in a class with `__eq__` alone.

        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __call__(self, sender: object) -> None:
            """Receive."""

    signal, receiver = Signal("kinds"), Callable()
    signal.connect(receiver)
    signal.connect(print, weak=False)

    with Recorder() as recorder:
        signal.send("shop")

    [seen] = emissions(recorder)
    names = [(it.receiver, it.location is None) for it in seen.deliveries]
    assert names == [
        (f"{__name__}.{Callable.__qualname__} object", False),
        ("builtins.print", True),
    ]


def test_a_receiver_without_a_connection_is_named() -> None:
    """A subclass of signal may have receivers that nobody has connected."""

    class Own(BlinkerSignal):
        """Calls one more."""

        def receivers_for(self, sender: Any) -> Any:
            """Give it."""
            yield note

    with Recorder() as recorder:
        Own("own").send("shop")

    [[delivery]] = [it.deliveries for it in emissions(recorder)]
    assert (delivery.receiver, delivery.connected) == (f"{__name__}.note", None)


def test_what_was_found_out_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may make any number of signals and receivers."""
    monkeypatch.setattr("heliograph.inspector.naming._MOST", 2)
    with Recorder() as recorder:
        for at in range(5):

            def receive(sender: object) -> None:
                """Receive."""

            signal = Signal(f"s{at}")
            with signal.connected_to(receive):
                signal.send("shop")

    assert [it.signal for it in emissions(recorder)] == ["s0", "s1", "s2", "s3", "s4"]
    assert len(recorder._names._receivers) <= 2
    assert len(recorder._names._signals) <= 2


def test_a_receiver_that_is_connected_again_is_told_where() -> None:
    """Also if the connection is at the same place of the memory."""
    signal, places = Signal("again"), list[str | None]()
    with Recorder() as recorder:
        for _ in range(3):
            with signal.connected_to(note):
                signal.send("shop")
            with signal.connected_to(note):
                signal.send("shop")

    places = [it.deliveries[0].connected for it in emissions(recorder)]
    assert places[:2] == places[2:4] == places[4:]
    assert places[0] != places[1]


def test_one_that_looks_early_ends_by_itself_as_well() -> None:
    """The first emission after its time ends it."""
    signal, recorder = Signal("over"), Recorder(early=True)
    recorder.start(0.0)
    signal.send("shop")

    assert not recorder.running
    assert emissions(recorder) == []


def test_a_signature_is_read_once() -> None:
    """Of each receiver of a declared signal."""
    declared = Namespace("the recorder's declared")

    @declared.declare
    def counted(sender: object, *, total: int) -> None:
        """Tell a total."""

    def narrow(sender: object, total: int) -> None:
        """Take nothing more."""

    with counted.connected_to(narrow), Recorder() as recorder:
        for total in range(3):
            counted.send("shop", total=total)

    assert [it.deliveries[0].narrow for it in emissions(recorder)] == [True] * 3


def test_threads_and_tasks_are_named() -> None:
    """Where somebody sends is told."""
    signal = Signal("elsewhere")

    async def send() -> None:
        await asyncio.create_task(signal.send_async("shop"), name="sender")

    with Recorder() as recorder:
        thread = threading.Thread(target=lambda: asyncio.run(send()), name="other")
        thread.start()
        thread.join()

    assert [(it.thread, it.task) for it in emissions(recorder)] == [("other", "sender")]


def test_chosen_signals_are_recorded_alone() -> None:
    """Signals, namespaces and patterns, as for instruments."""
    with Recorder(signals=[shop]) as recorder:
        Signal("another").send("shop")
        paid.send("shop")

    assert [it.signal for it in emissions(recorder)] == ["order-paid"]


def test_nothing_is_recorded_before_the_start_and_after_the_stop() -> None:
    """An emission that was under way at the start, for another instrument, is kept."""
    signal = Signal("under-way")
    recorder = Recorder()

    @signal.connect
    def begin(sender: object) -> None:
        recorder.start()

    with watching():
        signal.send("shop")
    was_running = recorder.running
    signal.send("shop")
    recorder.stop()
    signal.disconnect(begin)
    signal.send("shop")

    assert (was_running, recorder.running) == (True, False)
    assert [it.id for it in emissions(recorder)] == [0, 1]


def test_sends_that_never_end_are_bounded() -> None:
    """A generator that is never gone on with is a send that never ends."""
    signal, recorder = Signal("endless"), Recorder()
    with watching() as begun:
        for _ in range(10_001):
            signal.send("shop")
    for emission in begun:
        recorder.on_start(emission)

    assert len(recorder._open) == 1


def test_a_send_that_has_not_ended_is_told_as_under_way() -> None:
    """With what is known of it so far; what was sent inside of it has its place."""
    outer, inner = Signal("outer"), Signal("inner")
    recorder = Recorder(early=True)
    told: list[SeenEmission] = []

    def look(sender: object, **extra: object) -> None:
        inner.send(sender)
        told.extend(recorder.under_way())

    with outer.connected_to(look), recorder:
        outer.send("shop", total=12)

    assert [(it.signal, it.id, it.payload, it.deliveries, it.under_way) for it in told] == [
        ("outer", 0, {"total": None}, (), True)
    ]
    assert recorder.under_way() == []
    assert [(it.signal, it.parent, it.under_way) for it in emissions(recorder)] == [
        ("inner", 0, False),
        ("outer", None, False),
    ]


async def test_how_a_receiver_was_called_and_what_became_of_its_error_are_kept() -> None:
    """A hop to a thread, an error that is only logged, a receiver that will not take more."""

    async def call(*args: object) -> None:
        await asyncio.to_thread(fail, *args)

    def fail(sender: object, **extra: object) -> None:
        msg = "no wax"
        raise OSError(msg)

    declared = shop.declare(sealed)
    declared.connect(fail, on_error="log", weak=False)
    declared.connect(narrow)
    with Recorder() as recorder, pytest.raises(OSError, match="no wax"):
        await declared.send_async("shop", _sync_wrapper=lambda _: call)

    [seen] = emissions(recorder)
    assert [(it.hop, it.error, it.logged, it.narrow) for it in seen.deliveries] == [
        (True, "OSError: no wax", True, False),
        (True, "OSError: no wax", False, True),
    ]


def sealed(sender: str) -> None:
    """A letter was sealed."""


def narrow(sender: str) -> None:
    """Take nothing else."""


def test_errors_in_the_payload_are_kept_with_their_lines() -> None:
    """As frameworks send them when a request fails."""
    with pytest.raises(LookupError) as caught:
        stumble()
    with Recorder() as recorder:
        Signal("failed").send("shop", exception=caught.value, other="x", kind=OSError)

    assert emissions(recorder)[0].errors == (("LookupError: 3", line_of(stumble, 2)),)


def stumble() -> None:
    """Fail."""
    raise LookupError(3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_begins_with_nothing() -> None:
    """Under a name of its own."""
    signal = Signal("forked")
    reading, writing = os.pipe()
    with Recorder() as recorder:
        signal.send("shop")
        child = os.fork()
        if child == 0:  # pragma: no cover - coverage of a child that ends at once is lost.
            try:
                signal.send("shop")
                [seen] = emissions(recorder)
                os.write(writing, f"{seen.id} {seen.process}".encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    told = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)

    assert told.startswith(f"0 {child}-")
    assert process_name().startswith(f"{os.getpid()}-")


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer, or fail."""
    if environ["PATH_INFO"] == "/broken":
        msg = "no such order"
        raise LookupError(msg)
    paid.send(Shop())
    start_response("200 OK", [])
    return [b"hello"]


def visit(path: str) -> None:
    """Let the application answer one request."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_X_REQUEST_ID": f"r{path[1:]}"}
    answer: Any = Middleware(hello)(environ, lambda *_: print)
    b"".join(answer)
    answer.close()


def test_requests_are_seen_when_they_begin_and_when_they_end() -> None:
    """What is sent meanwhile names its request."""
    with Recorder(signals=[paid]) as recorder:
        visit("/1")
        with pytest.raises(LookupError):
            visit("/broken")
    begun, sent, ended, again, failed = recorder.after(0).seen

    assert isinstance(begun, SeenRequest)
    assert isinstance(ended, SeenRequest)
    assert isinstance(sent, SeenEmission)
    assert isinstance(failed, SeenRequest)
    assert isinstance(again, SeenRequest)
    assert sent.request == "r1"
    assert begun == SeenRequest(
        process=process_name(),
        id="r1",
        position=0,
        kind="http",
        method="GET",
        path="/1",
        route=None,
        status=None,
        started=begun.started,
        duration=None,
        aborted=None,
        reason=None,
        error=None,
    )
    assert (ended.id, ended.position, ended.status, ended.reason) == ("r1", 0, 200, "complete")
    assert (again.id, again.position, again.error) == ("rbroken", 1, None)
    assert (failed.reason, failed.error) == ("error", "LookupError: no such order")


async def test_requests_of_asgi_are_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their class is another one. What somebody else sends as such a signal is no request."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")  # It would refuse the one without a request.

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(*_: object) -> Any:
        """Receive and send nothing."""

    nobody: Any = None
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    with Recorder() as recorder:
        request_started.send("test", request=nobody)
        await AsgiMiddleware(answer)(scope, nothing, nothing)

    seen = [it for it in recorder.after(0).seen if isinstance(it, SeenRequest)]
    assert [(it.position, it.path, it.status) for it in seen] == [(0, "/", None), (0, "/", 200)]


def test_what_a_payload_breaks_of_its_declaration_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In production, where nothing refuses it; the size of its text counts."""

    def measured(payload: dict[str, object]) -> tuple[str | None, bool, int]:
        with Recorder() as recorder:
            declared.send("shop", **payload)
        [seen] = emissions(recorder)
        return seen.problem, seen.declared, recorder.bytes

    declared: Any = shop.declare(weighed)
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    right, wrong = measured({"grams": 3}), measured({"gram": 3})

    assert right[:2] == (None, True)
    assert wrong[:2] == ("not as declared: 'grams' is missing, and 'gram' is not in it", True)
    assert wrong[2] > right[2]


def weighed(sender: str, *, grams: int) -> None:
    """A letter was weighed."""
