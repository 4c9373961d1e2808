"""Captures: what they keep of an emission, from when to when, and of whom."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import ArgumentError, Namespace, Signal
from heliograph.describe import location_of
from heliograph.testing import Sent, capture, expect, expect_logged, isolated, mute
from heliograph.testing.belonging import _HERE, marked, started_by
from tests.threads import INHERITING, in_a_plain_thread, in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable


def senders(sent: Any) -> list[object]:
    """Return who sent."""
    return [it.sender for it in sent]


def here() -> int:
    """Return the line that calls this."""
    return sys._getframe(1).f_lineno


def test_a_capture_keeps_what_is_sent_inside_of_its_block() -> None:
    """In the order of sending, and it can be read inside and afterwards."""
    paid, placed = Signal("paid"), Signal("placed")
    paid.send("before")
    with capture(paid) as sent:
        paid.send("first")
        placed.send("another signal")
        inside = senders(sent)
        paid.send("second")
    paid.send("after")

    assert (inside, senders(sent)) == (["first"], ["first", "second"])
    assert (len(sent), bool(sent), sent[0].sender, senders(sent[1:])) == (
        2,
        True,
        "first",
        ["second"],
    )


def test_an_emission_says_all_about_itself() -> None:
    """Signal, sender, payload, who received it, and the line and the thread that sent it."""
    paid = Signal("paid")

    def receiver(sender: object, **payload: object) -> str:
        return "thanks"

    with capture(paid) as sent, paid.connected_to(receiver):
        paid.send("shop", total=12); line = here()  # fmt: skip  # noqa: E702 - on one line.
    [emission] = sent
    [delivery] = emission.deliveries

    assert (emission.signal, emission.sender, dict(emission.payload)) == (
        paid,
        "shop",
        {"total": 12},
    )
    assert (delivery.receiver, delivery.value, delivery.error) == (receiver, "thanks", None)
    assert 0.0 <= delivery.duration <= emission.duration
    assert location_of(emission) == emission.location == f"{__file__}:{line}"
    assert (emission.thread, emission.muted) == (threading.current_thread().name, False)
    assert (
        repr(sent)
        == f"<Capture of 'paid': [<Sent 'paid' at tests/testing/test_capturing.py:{line}: total>]>"
    )


def test_a_value_of_the_payload_is_got_by_its_key() -> None:
    """And one that is not there is an error that says what is."""
    paid = Signal("paid")
    with capture(paid) as sent:
        paid.send(total=12, currency="EUR")
        paid.send()

    assert sent[0]["total"] == 12
    with pytest.raises(KeyError, match="The payload has no 'sum'; it has 'total', 'currency'"):
        sent[0]["sum"]
    with pytest.raises(KeyError, match="The payload has no 'sum'; it has nothing"):
        sent[1]["sum"]


async def test_async_sends_are_captured_too() -> None:
    """With the line that awaits them; a task that does nothing else has none."""
    paid = Signal("paid")
    with capture(paid) as sent:
        await paid.send_async("awaited"); line = here()  # fmt: skip  # noqa: E702 - on one line.
        await asyncio.create_task(paid.send_async("task"))

    assert [(it.sender, it.location) for it in sent] == [
        ("awaited", f"{__file__}:{line}"),
        ("task", None),
    ]
    assert repr(sent[1]) == "<Sent 'paid' at a task of its own: nothing>"


def test_the_order_is_that_of_starting() -> None:
    """What a receiver sends comes after what it received."""
    paid, mailed = Signal("paid"), Signal("mailed")

    def mail(sender: object) -> None:
        mailed.send(sender)

    with capture() as sent, paid.connected_to(mail):
        paid.send()

    assert [it.signal for it in sent] == [paid, mailed]


def test_what_was_being_sent_before_is_not_captured() -> None:
    """A capture that begins inside of a send has not seen how it began."""
    paid, captured = Signal("paid"), capture()

    def begin(sender: object) -> None:
        captured.__enter__()

    with paid.connected_to(begin):
        paid.send()
    captured.__exit__(None)

    assert list(captured) == []


def test_a_muted_signal_is_captured_as_muted() -> None:
    """It was sent, and nobody was called."""
    paid = Signal("paid")
    with mute(paid), capture(paid) as sent:
        paid.send("shop")

    assert [(it.sender, it.muted, it.deliveries) for it in sent] == [("shop", True, ())]


def test_a_capture_of_a_sender_leaves_others_out() -> None:
    """The same sender is what it is for the engine: strings by value, objects by identity."""

    class Shop:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = object.__hash__

    paid, shop, other = Signal("paid"), Shop(), Shop()
    with capture(paid, sender=shop) as of_shop, capture(paid, sender="".join("ab")) as of_string:
        for sender in (shop, other, "ab", 0):
            paid.send(sender)

    assert [it.sender is shop for it in of_shop] == [True]
    assert senders(of_string) == ["ab"]


# --- snapshots -------------------------------------------------------------------------


def payload_after(snapshot: Any) -> object:
    """Return what a capture shows of a payload that a receiver has changed."""
    paid, order = Signal("paid"), {"items": ["mirror"]}

    def change(sender: object, order: dict[str, Any]) -> None:
        order["items"].append("flags")
        order["total"] = 12

    with capture(paid, snapshot=snapshot) as sent, paid.connected_to(change):
        paid.send(order=order)
    return sent.one()["order"]


def test_a_payload_is_kept_as_it_was_sent() -> None:
    """Before the first receiver is called; by default, its containers are copied once."""
    assert payload_after("shallow") == {"items": ["mirror", "flags"]}
    assert payload_after("deep") == {"items": ["mirror"]}
    assert payload_after("reference") == {"items": ["mirror", "flags"], "total": 12}


def test_objects_of_a_payload_stay_themselves() -> None:
    """Only dicts, lists, sets and bytearrays are copied: an order is the very order."""
    paid, order = Signal("paid"), object()
    with capture(paid) as sent:
        paid.send(order=order)

    assert sent.one()["order"] is order


def test_what_cannot_be_copied_deeply_is_told_at_the_end() -> None:
    """It breaks nobody who sends, and hides no error of the block."""
    paid = Signal("paid")

    def fail(sender: object, **payload: object) -> None:
        raise ZeroDivisionError

    items = ["mirror"]
    with pytest.raises(ArgumentError) as told, capture(paid, snapshot="deep") as sent:
        paid.send(total=12, items=items, lock=threading.Lock())
    items.append("flags")
    with capture(paid, snapshot="deep"):
        Signal("not-asked-for").send(lock=threading.Lock())
    paid.connect(fail)
    with pytest.raises(ZeroDivisionError), capture(paid, snapshot="deep"):
        paid.send(lock=threading.Lock())

    assert str(told.value) == (
        "'lock' in the payload of 'paid' cannot be copied deeply: TypeError: cannot pickle "
        "'_thread.lock' object. Capture it with snapshot='shallow'."
    )
    assert (sent.one()["total"], sent.one()["items"]) == (12, ["mirror"])


def recording(kind: Any) -> tuple[Any, list[str]]:
    """Return a subclass of a container, and the names of its methods that were called."""
    called: list[str] = []

    def method(name: str) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return getattr(kind, name)(self, *args, **kwargs)

        return call

    # What makes an object is not called on one that is there.
    left = {"__class__", "__new__", "__init__", "__doc__", "__init_subclass__", "__hash__"}
    names = {*dir(kind), "__copy__", "__deepcopy__"} - left
    methods = {name: method(name) for name in names}
    return type("Recording", (kind,), methods), called


@pytest.mark.parametrize("value", [["mirror"], {"mirror": 1}, {"mirror"}, bytearray(b"mirror")])
def test_a_capture_calls_no_method_of_what_it_captures(value: Any) -> None:
    """The collections of an ORM would take copying for a change; the copy is a plain one."""
    kind, called = recording(type(value))
    paid, items = Signal("paid"), kind(value)
    del called[:]
    with capture(paid) as sent:
        paid.send(items=items)
    while_sending = list(called)
    items.clear()

    assert while_sending == []
    assert (type(sent.one()["items"]), sent.one()["items"]) == (type(value), value)


def test_what_cannot_be_copied_is_captured_as_it_is() -> None:
    """By every snapshot, of what is asked for and of all else; and there is nothing to tell."""

    class Key:
        def __hash__(self) -> int:
            if broken:
                raise ZeroDivisionError
            return 1

    class Table(dict[Any, Any]):
        def __copy__(self) -> Table:
            raise ZeroDivisionError

    paid, placed, broken = Signal("paid"), Signal("placed"), False
    table = Table({Key(): 12})
    broken = True
    with capture() as everything, capture(paid) as sent:
        paid.send(table=table)
        placed.send(table=table)

    assert [it["table"] is table for it in (*everything, *sent)] == [True, True, True]


# --- what belongs to a test ------------------------------------------------------------


@pytest.mark.parametrize("block", [capture, isolated])
def test_a_local_block_that_is_left_in_another_context_leaves_nothing(block: Any) -> None:
    """As in a generator that is closed by another task, or by its loop."""
    order, blocks = object(), []

    def hold() -> Any:
        with block(local=True) as held:
            blocks.append(ref(held))
            Signal("paid").send(order=order)
            yield

    async def closed_by_another_task() -> None:
        for _ in range(20):
            held = hold()
            next(held)
            await asyncio.create_task(asyncio.to_thread(held.close))

    async def in_one_task() -> None:
        await closed_by_another_task()
        gc.collect()
        assert [it() for it in blocks] == [None] * 20
        assert len(_HERE.get()) <= 1

    asyncio.run(in_one_task())


def test_every_thread_is_captured_unless_the_capture_is_local() -> None:
    """With ``local=True`` only the context of the block counts, and what is started from it."""
    paid = Signal("paid")
    with capture(paid) as everywhere, capture(paid, local=True) as local:
        context = copy_context()
        paid.send("here")
        in_a_thread(lambda: paid.send("elsewhere"))
        in_a_thread(lambda: context.run(paid.send, "from here"))

    assert senders(everywhere) == ["here", "elsewhere", "from here"]
    assert senders(local) == ["here", "from here"]
    assert everywhere[1].thread == "worker"


def test_a_thread_belongs_to_a_local_capture_if_threads_inherit_contexts() -> None:
    """Where they do not, it begins with an empty context, and so outside of the block."""
    paid = Signal("paid")
    with capture(paid, local=True) as local:
        in_a_plain_thread(lambda: paid.send("started here"))

    assert senders(local) == (["started here"] if INHERITING else [])


async def test_two_tasks_at_once_see_what_is_theirs() -> None:
    """Local captures of two requests never see each other's emissions."""
    paid = Signal("paid")

    async def request(name: str) -> list[object]:
        with capture(paid, local=True) as sent:
            await asyncio.sleep(0)
            paid.send(name)
            await asyncio.to_thread(paid.send, f"thread of {name}")
            await asyncio.sleep(0)
        return senders(sent)

    first, second = await asyncio.gather(request("1"), request("2"))

    assert first == ["1", "thread of 1"]
    assert second == ["2", "thread of 2"]


def test_what_another_test_left_running_does_not_count() -> None:
    """It carries the mark of that test; what carries none may well work for this one."""
    paid = Signal("paid")
    with started_by("another test"):
        left_running = copy_context()
    with started_by("this test"), capture(paid) as sent:
        paid.send("this test")
        left_running.run(paid.send, "another test")
        in_a_thread(lambda: paid.send("nobody's"))
    with capture(paid) as unmarked:
        left_running.run(paid.send, "whoever")

    assert senders(sent) == ["this test", "nobody's"]
    assert senders(unmarked) == ["whoever"]


async def test_an_async_test_marks_itself() -> None:
    """Wherever it runs; its loop may be older than the test. A plain function is left alone."""
    paid = Signal("paid")

    async def test(value: int) -> list[object]:
        with capture(paid) as sent:
            paid.send(value)
            await before.run(asyncio.create_task, paid.send_async("another test"))
        return senders(sent)

    with started_by("another test"):
        before = copy_context()

    assert await before.run(asyncio.create_task, marked(test, "this test")(7)) == [7]
    assert marked(here, "this test") is here


def test_many_threads_may_send_at_once() -> None:
    """Nothing is lost, and each emission is there once."""
    paid = Signal("paid")

    def send_many(first: int) -> None:
        for number in range(first, first + 100):
            paid.send(number)

    with capture(paid) as sent:
        threads = [threading.Thread(target=send_many, args=(it * 100,)) for it in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(it.sender for it in sent) == list(range(800))


# --- bad input -------------------------------------------------------------------------


def not_a_signal(sender: object) -> None:
    """Receive something."""


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("refund", "It is only a name, and no module has a signal of that name: pass the signal"),
        (Namespace("shop"), r"^<Namespace 'shop': no signals> is not a signal of Heliograph"),
        (Namespace("shop"), r"Pass its signals one by one, as `\*namespace\.values\(\)`\.$"),
        ([Signal("paid")], r"Pass the signals one by one, without brackets\.$"),
        (not_a_signal, r"is not a signal of Heliograph, Blinker or Django\.$"),
        (None, "^None is not a signal of Heliograph, Blinker or Django"),
    ],
)
def test_only_signals_are_captured(wrong: object, hint: str) -> None:
    """A name, a namespace or a receiver is refused before the block begins."""
    with pytest.raises(ArgumentError, match=hint):
        capture(wrong)


def test_a_sender_is_given_by_name() -> None:
    """What comes after the signal is a mapping of values; the error says where a sender goes."""
    paid = Signal("paid")
    ada: Any = "Ada"
    with capture(paid) as sent:
        pass
    takes: list[Any] = [sent.assert_sent, sent.assert_not_sent, sent.wait, expect]
    for take in takes:
        with pytest.raises(ArgumentError) as told:
            take(paid, ada)
        assert str(told.value) == (
            "'Ada' is not a mapping of payload values. If it is the sender, write "
            "`sender='Ada'`; pass values by keyword."
        )
    with pytest.raises(ArgumentError, match="write `sender='Ada'`"):
        asyncio.run(sent.wait_async(paid, ada))
    with pytest.raises(ArgumentError, match=r"write `sent_by\('Ada'\)`"):
        sent.where(ada)


def test_a_snapshot_must_be_one_that_there_is() -> None:
    """The error lists them."""
    wrong: Any = "copy"
    with pytest.raises(ArgumentError) as told:
        capture(Signal("paid"), snapshot=wrong)

    assert str(told.value) == (
        "snapshot='copy' cannot keep payloads. Use 'shallow', 'deep', 'reference'."
    )


def test_a_capture_that_was_never_entered_cannot_be_read() -> None:
    """It would be empty, and every expectation that something was not sent would hold."""
    paid = Signal("paid")

    with pytest.raises(ArgumentError, match="never entered: use it in a `with` statement"):
        capture(paid).assert_not_sent(paid)


def test_a_capture_is_entered_once_at_a_time() -> None:
    """The inner block would end the outer one; one after the other is fine."""
    paid = Signal("paid")
    sent = capture(paid)
    with sent:
        paid.send("first")
        with pytest.raises(ArgumentError, match="has been entered already"), sent:
            pass
    with sent:
        paid.send("second")

    assert senders(sent) == ["first", "second"]


@pytest.mark.parametrize(
    "make", [lambda: capture(Signal()), lambda: expect(Signal()), expect_logged]
)
def test_a_block_that_is_no_decorator_refuses_to_be_one(make: Callable[[], Any]) -> None:
    """It would leave nothing of the test below it, and no runner would find that missing."""
    block = make()

    def test_an_order() -> None: ...

    with pytest.raises(ArgumentError) as caught:
        block(test_an_order)

    how = "is not a decorator: use it in a `with` statement, inside the function."
    assert str(caught.value) == f"{block!r} {how}"


def test_an_emission_is_read_only() -> None:
    """So is its payload: it says what has happened."""
    paid = Signal("paid")
    with capture(paid) as sent:
        paid.send(total=12)
    emission: Any = sent.one()

    with pytest.raises(AttributeError):
        emission.sender = "kiosk"
    with pytest.raises(TypeError):
        emission.payload["total"] = 13
    assert isinstance(emission, Sent)


def test_a_local_capture_that_was_left_elsewhere_is_forgotten() -> None:
    """As one in a generator that somebody else closes: the next one here drops it."""
    first, second = capture(local=True), capture(local=True)
    context = Context()
    context.run(first.__enter__)
    first.__exit__(None, None, None)
    context.run(second.__enter__)
    kept = context[_HERE]
    second.__exit__(None, None, None)

    assert kept == {second._local}


def test_a_capture_that_is_interrupted_while_it_begins_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by a signal handler: its block will not be run, nor be left."""

    def interrupted(instrument: object) -> None:
        raise KeyboardInterrupt

    captured = capture(local=True)
    with monkeypatch.context() as patched:
        # By its full name, as the function has that of its module.
        module = sys.modules["heliograph.testing.capture"]
        patched.setattr(module, "add_instrument", interrupted)
        with pytest.raises(KeyboardInterrupt):
            captured.__enter__()

    assert (captured._inside, captured._local in _HERE.get()) == (False, False)
