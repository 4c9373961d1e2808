"""What the connections show once a program is loaded: lost, doubled, narrow and blocking ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspector.doctor.diagnosing import found, looked_at, marked, messages

if TYPE_CHECKING:
    from tests.inspector.conftest import Program

pytestmark = [
    pytest.mark.filterwarnings("ignore::heliograph.ReceiverWarning"),
    pytest.mark.once,
]


def test_a_receiver_that_died_by_mistake_is_found(program: Program) -> None:
    """What was kept for a while may die, and so may what a send has reached."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            class Mailer:
                def __init__(self, connects=False):
                    if connects:
                        paid.connect(self.mail) #! lost-receiver

                def mail(self, sender, **extra): ...

            def lose():
                book = lambda sender, **extra: None
                paid.connect(book) #! lost-receiver

            paid.connect(Mailer().mail) #! lost-receiver
            Mailer(connects=True)
            lose()

            for_a_while = Mailer()
            paid.connect(for_a_while.mail)
            del for_a_while

            mailer = Mailer(connects=True)
            paid.send("kiosk")
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined)[-1] == ("kiosk.Mailer.mail, connected to signal 'paid', is dead.")


def test_a_receiver_without_extra_is_found(program: Program) -> None:
    """Functions, methods and objects; not where the payload is declared, nor what is in C."""
    files = {
        "kiosk.py": """\
            from functools import partial
            from heliograph import Namespace, Signal

            shop = Namespace("shop")
            paid = Signal("paid")

            @shop.declare
            def placed(sender: str, *, total: int): ...

            @paid.connect #! no-extra
            def book(sender): ...

            @paid.connect
            @placed.connect
            def count(sender, **extra): ...

            @placed.connect
            def narrow(sender, total): ...

            class Mailer:
                def mail(self, sender, total=0): ... #! no-extra
                def __call__(self, sender): ... #! no-extra

            def note(ledger, sender): ... #! no-extra

            mailer, heard = Mailer(), []
            paid.connect(mailer.mail)
            paid.connect(mailer)
            paid.connect(heard.append, weak=False)
            paid.connect(partial(note, "red"), weak=False)
            paid.send("kiosk")
            placed.send("kiosk", total=1)
            """,
    }

    assert found(looked_at(program(files))) == marked(files)


def test_two_copies_of_one_function_are_found(program: Program) -> None:
    """A factory or a module that ran twice; what differs, or hears somebody else, is right."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid, placed, seen = Signal("paid"), Signal("placed"), Signal("seen")

            def create_app(name):
                app = [name]

                @paid.connect(weak=False) #! connected-twice
                def book(sender, **extra):
                    app.append(sender)

                @paid.connect_via(name)
                def only_here(sender, **extra):
                    app.append(sender)

                return app

            def prepare():
                @placed.connect(weak=False) #! connected-twice
                def count(sender, total=0, **extra): ...

            def watch(table):
                @seen.connect(weak=False)
                def note(sender, **extra):
                    table.append(sender)

            def make(table):
                def note(sender, **extra):
                    table.append(sender)
                return note

            def register(table, *, name):
                @seen.connect(weak=False)
                def note(sender, **extra):
                    table.append(sender)

            def create_two():
                for table in [], []:
                    seen.connect(make(table), weak=False)

            apps = create_app("red"), create_app("blue"), create_app("green")
            prepare()
            prepare()
            watch([])
            watch([])
            register([], name="red")
            register([], name="blue")
            create_two()
            for color in "red", "blue":
                @seen.connect(weak=False)
                def paint(sender, color=color, **extra): ...

            paid.send("kiosk")
            placed.send("kiosk")
            seen.send("kiosk")
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined) == [
        (
            "3 receivers kiosk.create_app.<locals>.book, all defined in this line, are connected "
            "to signal 'paid'."
        ),
        (
            "2 receivers kiosk.prepare.<locals>.count, all defined in this line, are connected to "
            "signal 'placed'."
        ),
    ]


def test_an_empty_cell_of_a_closure_is_like_any_other(program: Program) -> None:
    """It may be that a name is not bound yet."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            def prepare(bind=False):
                @paid.connect(weak=False) #! connected-twice
                def book(sender, **extra):
                    later

                if bind:
                    later = 1

            prepare()
            prepare()
            paid.send("kiosk") if False else None
            """,
    }

    assert found(looked_at(program(files))) == marked(files)


def test_a_generator_as_a_receiver_is_found(program: Program) -> None:
    """None of its lines run."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid, asked, never = Signal("paid"), Signal("asked"), Signal("never")

            @paid.connect #! generator-receiver
            def book(sender, **extra):
                yield sender

            @paid.connect #! generator-receiver
            async def count(sender, **extra):
                yield sender

            @paid.connect
            def right(sender, **extra):
                return [it for it in extra]

            @asked.connect
            @never.connect
            def answer(sender, **extra):
                yield sender

            async def pay(signal):
                await paid.send_async("kiosk")
                paid.send("kiosk", **signal)
                asked.send("kiosk")
                signal.never.send()
                return [*asked.send("kiosk"), *(await asked.send_async("kiosk"))]
            """,
    }

    assert found(looked_at(program(files))) == marked(files)


def test_a_plain_receiver_that_blocks_is_found_in_an_async_program(program: Program) -> None:
    """On the thread of the loop; async receivers, other threads and quick ones are right."""
    files = {
        "kiosk.py": """\
            import subprocess
            import time
            from time import sleep
            from heliograph import Signal

            paid, booked, printed = Signal("paid"), Signal("booked"), Signal("printed")

            @paid.connect
            def wait(sender, **extra):
                sleep(1) #! blocking-receiver
                time.monotonic()

                def later():
                    sleep(2)

            class Mailer:
                def mail(self, sender, **extra):
                    subprocess.run(["mail"]) #! blocking-receiver

            mailer = Mailer()
            paid.connect(mailer.mail)

            @paid.connect
            async def awaits(sender, **extra):
                time.sleep(1)

            @paid.connect
            def quick(sender, **extra): ...

            paid.connect(lambda sender, **extra: time.sleep(1), weak=False)

            @booked.connect
            @printed.connect
            def elsewhere(sender, **extra):
                sleep(1)

            async def pay(to_thread):
                await paid.send_async("kiosk")
                await booked.send_async("kiosk", _sync_wrapper=to_thread)

            def print_it():
                printed.send("kiosk")
            """,
    }
    modules = program(files)
    examined = looked_at(modules, is_async=True)

    assert found(examined) == marked(files)
    assert messages(examined) == [
        "kiosk.wait, a receiver of signal 'paid', calls time.sleep().",
        "kiosk.Mailer.mail, a receiver of signal 'paid', calls subprocess.run().",
    ]
    assert found(looked_at(modules)) == []


def test_receivers_of_the_life_cycle_run_on_the_loop(program: Program) -> None:
    """Nothing in the program sends these signals."""
    files = {
        "kiosk.py": """\
            import time
            from heliograph.lifecycle import request_started

            @request_started.connect
            def wait(sender, **extra):
                time.sleep(1) #! blocking-receiver
            """,
    }

    assert found(looked_at(program(files), is_async=True)) == marked(files)
