"""What is sent, held against who receives: unheard and unsent signals, slips, and misfits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.inspector.doctor.slips import differ_by_a_slip, slips_between
from tests.cli.children import write
from tests.inspector.doctor.diagnosing import found, looked_at, marked, messages

if TYPE_CHECKING:
    from tests.inspector.conftest import Program

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.once]


def test_a_signal_that_only_one_side_knows_is_found(program: Program) -> None:
    """Heard and never sent, sent and never heard: where the signal is made."""
    files = {
        "kiosk.py": """\
            from heliograph import Namespace, Signal

            shop = Namespace("shop")
            paid = Signal("paid") #! never-sent
            placed = shop.signal("placed") #! never-heard
            both = Signal("both")
            neither = Signal("neither")

            @shop.declare #! never-sent
            def shipped(sender: str): ...

            @paid.connect
            @both.connect
            @shipped.connect
            def book(sender, **extra): ...

            class Till:
                opened = Signal("opened") #! never-heard

                def open(self):
                    self.opened.send(self)

            def place():
                placed.send("kiosk")
                both.send("kiosk")
            """,
    }
    examined = looked_at(program(files), app=object())

    assert found(examined) == marked(files)
    assert messages(examined) == [
        "Signal 'paid' is heard, at kiosk.py:12, and never sent.",
        "Signal 'shipped' is heard, at kiosk.py:14, and never sent.",
        "Signal 'placed' is sent, at kiosk.py:24, and never heard.",
        "Signal 'opened' is sent, at kiosk.py:21, and never heard.",
    ]
    assert [it.severity for it in examined.findings[:3]] == ["warning", "warning", "note"]


def test_a_package_may_have_signals_for_others_to_send(program: Program) -> None:
    """Without an application, that is only a note."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            @paid.connect
            def book(sender, **extra): ...
            """,
    }

    findings = looked_at(program(files)).findings

    assert [(it.check, it.severity) for it in findings if it.location] == [("never-sent", "note")]


def test_a_signal_that_may_be_sent_or_heard_in_another_way_is_right(program: Program) -> None:
    """Handed on, by an attribute, by a name that is made, by a block, or a stream."""
    files = {
        "kiosk.py": """\
            from functools import partial
            from heliograph import Namespace, Signal

            made = Namespace("made")
            handed, listed, kept = Signal("handed"), Signal("listed"), Signal("kept")
            by_attribute, by_item = Signal("by-attribute"), Signal("by-item")
            with_block, with_stream = Signal("with-block"), Signal("with-stream")
            heard_there: Signal = Signal("heard-there")
            held: Signal = Signal("held")
            by_variable = Signal("by-another-name")
            named = made.signal("named")
            later = Signal("later")

            def book(sender, **extra): ...
            book.signal = held
            also: Signal = held

            @held.connect
            def keep(sender, **extra): ...

            by_variable.connect(book)

            for it in handed, listed, kept, by_attribute, by_item, named, later:
                it.connect(book)

            def give(something, name, signals):
                something(handed)
                something.signal = kept
                something.by_attribute.send("kiosk")
                something.by_variable.send("kiosk")
                signals["by-item"].send("kiosk")
                made.signal(name).send("kiosk")
                return partial(later.send, "kiosk"), listed

            def hear(thing):
                with with_block.connected_to(book):
                    with_block.send("kiosk")
                with with_stream.stream() as sent:
                    with_stream.send("kiosk")
                thing.heard_there.connect(book)
                heard_there.send("kiosk")
            """,
    }

    assert found(looked_at(program(files))) == []


def test_who_asks_for_a_signal_neither_sends_nor_hears_it(program: Program) -> None:
    """Nor does who compares it; receivers of other programs count, but are not told of."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal, signal

            paid, lent = Signal("paid"), Signal("lent")
            known, unknown = signal("anyio_mode"), signal("kiosk-unheard-of") #! never-sent

            @known.connect
            @unknown.connect
            def book(sender, **extra): ...

            def ask(other):
                paid
                return paid is other or paid.receivers
            """,
    }
    modules = program(files)
    kiosk = vars(modules[0])
    kiosk["lent"].connect(note)

    def forget() -> None:
        def nested(sender: object, **extra: object) -> None: ...

        elsewhere.connect(nested)

    elsewhere = Signal("elsewhere")
    elsewhere.connect(kiosk["book"])
    forget()

    assert found(looked_at(modules)) == marked(files)
    kiosk["lent"].disconnect(note)


def note(sender: object, **extra: object) -> None:
    """Do nothing."""


def test_a_receiver_is_the_programs_own_whoever_connects_it(program: Program) -> None:
    """Where it is defined: then it is known what it lacks."""
    files = {"kiosk.py": "def book(sender): ... #! no-extra\n"}
    modules = program(files)
    paid = Signal("paid")
    paid.connect(vars(modules[0])["book"])

    assert found(looked_at(modules)) == marked(files)


def test_a_namespace_that_is_handed_on_may_be_used_by_any_name(program: Program) -> None:
    """All of its signals may be sent, or heard."""
    files = {
        "kiosk.py": """\
            from heliograph import Namespace

            shop = Namespace("shop")
            paid, placed = shop.signal("paid"), shop.signal("placed")
            placed.send("kiosk")

            @paid.connect
            def book(sender, **extra): ...

            def give(send_all):
                send_all(shop)
            """,
    }

    assert found(looked_at(program(files))) == []


def test_what_was_sent_while_somebody_watched_is_sent(program: Program) -> None:
    """Also if the source does not show where."""
    modules = program(
        {
            "kiosk.py": """\
                from heliograph import Signal

                paid = Signal("paid")

                @paid.connect
                def book(sender, **extra): ...
                """
        }
    )
    paid = vars(modules[0])["paid"]
    from heliograph.inspector.doctor import Observer

    with Observer() as observer:
        paid.send("kiosk")

    assert found(looked_at(modules)) == [("never-sent", "kiosk.py:3")]
    assert found(looked_at(modules, observer=observer)) == []


def test_modules_that_are_not_imported_may_send_and_connect(program: Program) -> None:
    """What they name is not told of; tests that lie beside them are no part of the program."""
    files = {
        "kiosk/signals.py": """\
            from heliograph import Namespace

            shop = Namespace("shop")
            order_paid = shop.signal("order-paid")
            order_sent = shop.signal("order-sent")
            order_lost = shop.signal("order-lost") #! never-heard

            order_paid.send("kiosk")
            order_lost.send("kiosk")

            @order_sent.connect
            def book(sender, **extra): ...
            """,
        "kiosk/__init__.py": "",
    }
    write(Path("kiosk/mail.py"), "signals.order_paid.connect(mail)")
    write(Path("kiosk/sending.py"), "shop['order-sent'].send()")
    write(Path("kiosk/tests/test_it.py"), "order_lost.connect(it)")

    modules = [*program(files), sys.modules["kiosk"]]

    assert found(looked_at(modules)) == marked(files)


def test_programs_beside_a_module_may_send_and_connect(program: Program) -> None:
    """A worker, or another package of the project; tests are none, wherever they are."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            order_paid, order_sent = Signal("order-paid"), Signal("order-sent")
            order_lost = Signal("order-lost") #! never-heard

            order_paid.send("kiosk")
            order_lost.send("kiosk")

            @order_sent.connect
            def book(sender, **extra): ...
            """,
    }
    write(Path("worker.py"), "from kiosk import order_paid")
    write(Path("jobs/__init__.py"), "")
    write(Path("jobs/nightly/sending.py"), "signal('order-sent').send()")
    write(Path("test_kiosk.py"), "order_lost.connect(it)")
    write(Path("tests/__init__.py"), "order_lost.connect(it)")
    write(Path("tests/sending.py"), "order_lost.connect(it)")

    assert found(looked_at(program(files))) == marked(files)


def test_two_names_that_differ_by_a_slip_are_found(program: Program) -> None:
    """If one is sent and the other heard, also where no line has made the signal yet."""
    files = {
        "kiosk.py": """\
            from heliograph import Namespace, Signal, signal

            shop = Namespace("shop")
            order_raid, order_paid = Signal(), Signal()

            @shop.signal("stock-ran-out").connect
            @signal("kiosk-opened").connect
            @order_paid.connect
            @shop.signal("page_1").connect
            @shop.signal("refund").connect
            def book(sender, **extra): ...

            def send():
                shop.signal("stock_ran_out").send("kiosk") #! near-duplicate
                signal("kiosk-opener").send("kiosk") #! near-duplicate
                order_raid.send("kiosk") #! near-duplicate
                shop["page_1"].send("kiosk")
                shop.signal("page_2").send("kiosk") #! never-heard
                shop.signal("refund").send("kiosk")
                shop.signal("refunds").send("kiosk") #! never-heard
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined)[0] == (
        "Signal 'stock_ran_out' is sent, and signal 'stock-ran-out' is heard, at kiosk.py:6."
    )


def test_two_signals_of_one_name_are_found(program: Program) -> None:
    """A warning if one is sent and the other heard, else a note; a nested namespace is the same."""
    files = {
        "a.py": """\
            from heliograph import Namespace, Signal

            shop = Namespace("shop")
            billing = shop.namespace("billing")
            saved = shop.signal("saved") #! same-name
            closed = shop.signal("closed") #! same-name
            loose, other_loose = Signal("loose"), Signal("loose")
            apart = Signal("apart") #! same-name
            sent = billing.signal("sent")

            def send():
                closed.send("kiosk")
                apart.send("kiosk")
            """,
        "b.py": """\
            from heliograph import Namespace, Signal

            club = Namespace("club")
            saved = club.signal("saved")
            closed = club.signal("closed")
            apart = Signal("apart")

            @closed.connect
            @apart.connect
            def note(sender, **extra): ...
            """,
    }
    examined = looked_at(program(files))

    assert [(it.severity, it.message) for it in examined.findings if it.check == "same-name"] == [
        ("warning", "There is another signal 'closed', made at b.py:5."),
        ("warning", "There is another signal 'apart', made at b.py:6."),
        ("note", "There is another signal 'saved', made at b.py:4."),
    ]
    assert [it for it in found(examined) if it[0] == "same-name"] == marked(files)


def test_a_receiver_that_a_send_does_not_suit_is_found(program: Program) -> None:
    """Async ones of a plain send, and those that lack or do not take an argument."""
    files = {
        "kiosk.py": """\
            from heliograph import Namespace, Signal

            shop = Namespace("shop")
            paid, seen, told = Signal("paid"), Signal("seen"), Signal("told")

            @shop.declare
            def placed(sender: str, *, total: int = 0): ...

            @paid.connect
            async def awaits(sender, **extra): ...

            @seen.connect
            def needs_total(sender, total, **extra): ...

            @seen.connect_via("shop")
            def only_for_the_shop(sender, price, **extra): ...

            @placed.connect
            def narrow(sender): ...

            told.connect(min, weak=False)

            def send(wrapper, extra):
                paid.send("kiosk") #! async-receiver
                paid.send("kiosk", _async_wrapper=wrapper)
                paid.send("kiosk", **extra)
                paid.send(*extra)
                seen.send("kiosk") #! unfit-receiver
                seen.send("kiosk", total=1)
                seen.send("kiosk", **extra)
                placed.send("kiosk", total=1)
                told.send("kiosk", total=1)

            async def send_async():
                await paid.send_async("kiosk")
                await seen.send_async("kiosk", sum=1) #! unfit-receiver
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined) == [
        "kiosk.awaits is async, and signal 'paid' is sent here with send().",
        (
            "kiosk.needs_total cannot take what signal 'seen' is sent with here: missing a "
            "required argument: 'total'."
        ),
        (
            "kiosk.needs_total cannot take what signal 'seen' is sent with here: missing a "
            "required argument: 'total'."
        ),
    ]


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("paid", "paid", 0),
        ("paid", "pay", 2),
        ("trail", "trial", 1),
        ("order", "orders", 1),
        ("shop", "hop", 1),
        ("order", "older", 1),
        ("", "abc", 3),
    ],
)
def test_slips_are_counted_in_letters(one: str, other: str, slips: int) -> None:
    """A missing, a new, a wrong letter, or two that have changed places."""
    assert (slips_between(one, other), slips_between(other, one)) == (slips, slips)


def test_which_names_are_misspellings_of_each_other() -> None:
    """Longer names may differ by more; numbers tell names apart."""
    pairs = [
        ("order-paid", "order_paid"),
        ("order-paid", "order-said"),
        ("Saved", "saved"),
        ("ran", "RAN"),
        ("saved", "saves"),
        ("paid", "paid"),
        ("page_1", "page_2"),
        ("ran", "run"),
        ("opened", "closed"),
        ("saved", "staved-off"),
    ]

    assert [differ_by_a_slip(*it) for it in pairs] == [True] * 5 + [False] * 5
