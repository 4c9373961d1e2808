"""What the source shows: receivers that nobody holds, forgotten blocks, views that connect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.inspector.doctor.diagnosing import found, looked_at, marked, messages

if TYPE_CHECKING:
    from tests.inspector.conftest import Program

pytestmark = [
    pytest.mark.filterwarnings("ignore::heliograph.ReceiverWarning"),
    pytest.mark.once,
]

MADE = "from heliograph import Signal\npaid = Signal('paid')\n"


def test_a_lambda_that_nobody_keeps_is_found(program: Program) -> None:
    """In a module or a function; one that is kept, held strongly or of another library is right."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal
            from socket import socket

            paid = Signal("paid")
            paid.send("kiosk")
            paid.connect(lambda sender, **extra: None) #! weak-lambda
            paid.connect(
                lambda sender, **extra: None, #!
                "shop",
            )
            paid.connect(lambda sender, **extra: None, weak=False)
            paid.connect(lambda sender, **extra: None, "shop", False)
            kept = paid.connect(lambda sender, **extra: None)
            options = {"weak": False}
            paid.connect(lambda sender, **extra: None, **options)
            paid.connect(receiver=lambda sender, **extra: None) #! weak-lambda

            connect = paid.connect

            def later(signal, button):
                paid.connect(lambda sender, **extra: None) #! weak-lambda
                signal.connect(lambda sender, **extra: None)
                button.clicked.connect(lambda: None)

            class Counter:
                changed = Signal("changed")

                def __init__(self):
                    self.changed.send(self)
                    self.changed.connect(lambda sender, **extra: None) #! weak-lambda
            """,
    }
    modules = program(files)

    expected = [*marked(files), ("weak-lambda", "kiosk.py:7")]
    assert found(looked_at(modules)) == sorted(expected)


def test_what_has_died_tells_of_signals_that_the_source_does_not(program: Program) -> None:
    """A signal in an attribute is known by the lambda that it has lost."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            class Till:
                def __init__(self):
                    self.opened = Signal("opened")
                    self.opened.connect(lambda sender, **extra: None) #! weak-lambda

            till, hidden = Till(), []
            till.opened.send(till)

            def hide():
                hidden.append(Signal("hidden"))
                hidden[0].connect(lambda sender, **extra: None) #! weak-lambda

            hide()
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined) == ["A lambda is connected weakly to a signal."] * 2


def test_a_partial_that_nobody_keeps_is_found(program: Program) -> None:
    """Whatever it is called; what a function makes may be kept there."""
    files = {
        "kiosk.py": """\
            import functools
            from functools import partial as bound
            from heliograph import Signal

            paid = Signal("paid")
            paid.send("kiosk")

            def book(ledger, sender, **extra): ...

            def kept():
                return receivers[0]

            receivers = [functools.partial(book, "blue")]
            paid.connect(functools.partial(book, "red")) #! weak-partial
            paid.connect(bound(book, "red")) #! weak-partial
            paid.connect(functools.partial(book, "red"), weak=False)
            paid.connect(kept())
            booked = functools.partial(book, "green")
            paid.connect(booked)
            """,
    }

    assert found(looked_at(program(files))) == marked(files)


def test_a_function_inside_a_factory_is_found(program: Program) -> None:
    """It has died by the time, or will, as nothing in the factory keeps it."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            def create_app():
                @paid.connect #! weak-nested
                def book(sender, **extra): ...

                return object()

            def create_other():
                def book(sender, **extra): ...

                paid.connect(book) #! weak-nested
                return object()

            class Books:
                def init_app(self, app):
                    @paid.connect(sender="shop") #! weak-nested
                    def book(sender, **extra): ...

            app = create_app()
            paid.send("kiosk")
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined)[0] == (
        "create_app connects book, which it defines, weakly to signal 'paid'."
    )


def test_a_function_inside_a_function_that_is_kept_is_right(program: Program) -> None:
    """By the program, by a decorator, by a generator, or as nobody asks for more."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            def init_strong():
                @paid.connect_via("shop")
                def book(sender, **extra): ...

                @paid.connect(weak=False)
                def count(sender, **extra): ...

            def create_kept(app, keep):
                @paid.connect
                @keep
                def first(sender, **extra): ...

                @paid.connect
                def second(sender, **extra): ...

                def third(sender, **extra): ...
                paid.connect(third)
                app.third = third
                return second

            def make_fixture():
                @paid.connect
                def book(sender, **extra): ...

                yield book

            def setup_global():
                global booked

                @paid.connect
                def booked(sender, **extra): ...

            def main():
                @paid.connect
                def book(sender, **extra): ...

                paid.send("kiosk")

            def create_and_use():
                @paid.connect
                def book(sender, **extra): ...

                paid.send("kiosk")

            def connect_what_is_given(receiver):
                paid.connect(receiver)

            def create_alive():
                @paid.connect
                def alive(sender, **extra): ...

                kept.append(globals)
                kept.append(paid.receivers[-1])

            kept = []
            main()
            create_and_use()
            create_alive()
            """,
    }

    assert found(looked_at(program(files))) == []


def test_a_block_that_is_not_entered_is_found(program: Program) -> None:
    """Of a signal, of a span, or of the tools for tests."""
    files = {
        "kiosk.py": """\
            from heliograph import Namespace, Signal
            from heliograph.testing import capture, mute

            shop = Namespace("shop")
            paid = shop.signal("paid")

            @shop.span
            def export(sender, *, path: str): ...

            def book(sender, **extra): ...

            def forget(other):
                paid.muted() #! forgotten-with
                paid.connected_to(book) #! forgotten-with
                paid.stream() #! forgotten-with
                capture(paid) #! forgotten-with
                mute(paid) #! forgotten-with
                export("kiosk", path="a.csv") #! forgotten-with
                other.muted()
                other()
                paid.send("kiosk")

            def remember(stack):
                with paid.muted(), paid.connected_to(book), capture(paid), mute(paid):
                    paid.send("kiosk")
                with export("kiosk", path="a.csv"):
                    paid.send("kiosk")
                stack.enter_context(paid.muted())
                return paid.connected_to(book)

            @paid.muted()
            def decorated(): ...
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == marked(files)
    assert messages(examined) == [
        "muted() of signal 'paid' is made and not entered.",
        "connected_to() of signal 'paid' is made and not entered.",
        "stream() of signal 'paid' is made and not entered.",
        "capture() is made and not entered.",
        "mute() is made and not entered.",
        "A span, export(), is made and not entered.",
    ]


def test_a_view_that_connects_is_found(program: Program) -> None:
    """For itself alone, in the right way, it may; and whatever is no view may."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")

            class App:
                def route(self, path, **options): return lambda function: function
                get = post = route
                def before_request(self, function): return function
                def cached(self, function): return function

            def plain(function): return function

            class Other(App):
                def cli(self, name): return lambda function: function

            app = Other()
            started = Signal("started")

            def note(sender, **extra): ...

            @app.route("/")
            def index():
                paid.connect(note) #! connect-in-view

            @app.get("/pay")
            async def pay():
                def inner():
                    paid.connect_via("shop")(note) #! connect-in-view

                with paid.muted(): #! block-for-all
                    paid.send("kiosk")
                with paid.connected_to(note): #! block-for-all
                    paid.send("kiosk")
                with paid.muted(local=False): #! block-for-all
                    paid.send("kiosk")

            @app.before_request
            def prepare():
                paid.connect(note) #! connect-in-view

                @paid.connect #! connect-in-view
                def inside(sender, **extra): ...

            @app.get("/right")
            def right(other, how):
                with paid.connected_to(note, local=True), paid.muted(local=how):
                    paid.send("kiosk")
                with paid.muted(**how), other.muted():
                    other.connect(note)

            @plain
            @app.cached
            def cached():
                with paid.muted():
                    paid.connect(note)

            @app.cli("tidy")
            def tidy():
                paid.connect(note)

            @started.connect
            def connect_when_started(sender, **extra):
                paid.connect(note)

            started.send("kiosk")
            """,
    }

    assert found(looked_at(program(files))) == marked(files)


class Proxy:
    """Stands for another object, as Werkzeug's proxies do."""

    def _get_current_object(self) -> object:
        return current


current = SimpleNamespace()
current_app = Proxy()


def test_a_proxy_as_a_sender_is_found_where_blinker_runs(program: Program) -> None:
    """Heliograph takes it for the object, so there it is right."""
    files = {
        "kiosk.py": f"""\
            from heliograph import Signal
            from {__name__} import current, current_app

            paid, ours = Signal("paid"), Signal("ours")

            def note(sender, **extra): ...

            def connect():
                ours.connect(note, current_app)
                paid.connect(note, current_app) #! proxy-sender
                paid.connect(note, sender=current_app) #! proxy-sender
                paid.connect(note, current)
                paid.connect(note)

            def send(unknown):
                ours.send(current_app, total=1)
                paid.send(current_app, total=1) #! proxy-sender
                paid.send(current_app._get_current_object(), total=1)
                paid.send(current)
                paid.send(unknown)
                paid.send()
            """,
    }
    modules = program(files)

    assert found(looked_at(modules, blinkers=["paid"])) == marked(files)
    assert found(looked_at(modules)) == []
