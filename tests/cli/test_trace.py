"""What a trace shows: signals in order, their receivers, times and errors."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from tests.cli.children import heliograph, trace, without_origins, write

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_receiver_sends_is_shown_under_that_receiver(tmp_path: Path) -> None:
    """Sends nest as deep as they were nested, each below the receiver that caused it."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        paid, packed, moved = Signal("paid"), Signal("packed"), Signal("moved")
        @paid.connect
        def pack(sender):
            packed.send(sender, boxes=1)
            packed.send(sender, boxes=2)
        @paid.connect
        def thank(sender): ...
        @paid.connect
        def tell(sender): moved.send(sender)
        @packed.connect
        def move(sender, boxes): moved.send(sender, boxes=boxes, by="hand")
        @app.get("/")
        def pay():
            paid.send(app)
            moved.send()
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── paid  # ms
        │   ├── shop.pack  shop.py:6  # ms
        │   │   ├── packed (boxes)
        │   │   │   └── shop.move  shop.py:14  # ms
        │   │   │       └── moved (boxes, by)  no receivers
        │   │   └── packed (boxes)
        │   │       └── shop.move  shop.py:14  # ms
        │   │           └── moved (boxes, by)  no receivers
        │   ├── shop.thank  shop.py:10  # ms
        │   └── shop.tell  shop.py:12  # ms
        │       └── moved  no receivers
        ├── moved  no receivers

        """)


def test_errors_of_receivers_are_shown_with_what_became_of_them(tmp_path: Path) -> None:
    """Logged and raised errors have their type, message and line."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal, ANY
        app = Flask(__name__)
        app.testing = True
        paid = Signal("paid")
        @paid.connect_via(ANY, on_error="log")
        def audit(sender): raise ValueError("too much")
        @paid.connect
        def thank(sender): raise LookupError
        @app.get("/pay")
        def pay(): paid.send(app)
        """,
    )

    shown = trace("shop", "GET /pay", cwd=tmp_path)

    assert shown == dedent("""\
        GET /pay  raised LookupError  shop.py:10  # ms
        ├── paid  # ms
        │   ├── shop.audit  shop.py:7  # ms
        │   │   logged ValueError: too much  shop.py:8
        │   └── shop.thank  shop.py:9  # ms
        │       raised LookupError  shop.py:10
        ├── got-request-exception (exception)  no receivers
        │   LookupError  shop.py:10
        ├── request-tearing-down (exc)  no receivers
        │   LookupError  shop.py:10
        ├── appcontext-tearing-down (exc)  no receivers
        │   LookupError  shop.py:10

        """)


def test_errors_of_several_receivers_are_shown_one_by_one(tmp_path: Path) -> None:
    """Each is below its receiver; the answer is the group that they were raised as."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        app.testing = True
        packed = Signal("packed")
        @packed.connect
        def seal(sender): raise OSError("no wax")
        @packed.connect
        def send(sender): raise OSError("no cart")
        @app.get("/")
        def pack(): packed.send(app)
        """,
    )

    lines = trace("shop", "GET /", cwd=tmp_path).splitlines()

    group = "ExceptionGroup: 2 receivers of signal 'packed' failed (2 sub-exceptions)  shop.py:12"
    assert lines[:8] == [
        f"GET /  raised {group}  # ms",
        "├── packed  # ms",
        "│   ├── shop.seal  shop.py:7  # ms",
        "│   │   raised OSError: no wax  shop.py:8",
        "│   └── shop.send  shop.py:9  # ms",
        "│       raised OSError: no cart  shop.py:10",
        "├── got-request-exception (exception)  no receivers",
        f"│   {group}",
    ]


BROKEN = """
    import os
    from flask import Flask
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.testing = "SHOP_TESTING" in os.environ
    @app.get("/")
    def broken(): raise RuntimeError("stuck")
"""


def test_an_unhandled_error_is_an_answer_with_status_500(tmp_path: Path) -> None:
    """An application in production answers, and the tree shows the error that it hides."""
    write(tmp_path / "shop.py", BROKEN)

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  500 INTERNAL SERVER ERROR  # ms
        ├── got-request-exception (exception)  no receivers
        │   RuntimeError: stuck  shop.py:8
        ├── request-tearing-down (exc)  no receivers
        │   RuntimeError: stuck  shop.py:8
        ├── appcontext-tearing-down (exc)  no receivers
        │   RuntimeError: stuck  shop.py:8

        """)


def test_an_error_that_is_passed_on_stands_in_place_of_the_answer(tmp_path: Path) -> None:
    """TESTING, PROPAGATE_EXCEPTIONS and debug mode let it through; the trace goes on."""
    write(tmp_path / "shop.py", BROKEN)
    title = "GET /  raised RuntimeError: stuck  shop.py:8  # ms\n"

    testing = trace("shop", "GET /", "GET /", cwd=tmp_path, SHOP_TESTING="1")
    propagating = trace("shop", "GET /", cwd=tmp_path, FLASK_PROPAGATE_EXCEPTIONS="true")
    debugging = trace("shop", "GET /", cwd=tmp_path, FLASK_DEBUG="1")

    assert testing.count(title) == 2
    assert propagating.startswith(title)
    assert debugging.startswith(title)


def test_a_program_that_wants_to_end_is_shown_and_does_not_end_the_trace(tmp_path: Path) -> None:
    """`sys.exit()` in a view or a receiver is an answer like any other error."""
    write(
        tmp_path / "shop.py",
        """
        import sys
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        paid, packed = Signal("paid"), Signal("packed")
        @paid.connect
        def leave(sender):
            packed.send()
            sys.exit("closed")
        @app.get("/")
        def index(): paid.send()
        """,
    )

    assert trace("shop", "GET /", "GET /x", cwd=tmp_path) == dedent("""\
        GET /  raised SystemExit: closed  shop.py:10  # ms
        ├── paid
        │   └── shop.leave  shop.py:7  # ms
        │       raised SystemExit: closed  shop.py:10
        │       └── packed  no receivers
        ├── request-tearing-down (exc)  no receivers
        │   SystemExit: closed  shop.py:10
        ├── appcontext-tearing-down (exc)  no receivers
        │   SystemExit: closed  shop.py:10

        GET /x  404 NOT FOUND  # ms

        """)


def test_an_error_that_no_own_line_raised_is_shown_with_the_library_s(tmp_path: Path) -> None:
    """Where none of the program's lines is on the way, the last line is named."""
    write(
        tmp_path / "shop.py",
        """
        import json
        from flask import Flask
        app = Flask(__name__)
        app.testing = True
        app.add_url_rule("/", view_func=json.loads, endpoint="loads")
        """,
    )

    first = trace("shop", "GET /", cwd=tmp_path).splitlines()[0]

    assert first.startswith("GET /  raised TypeError: loads() missing 1 required positional")
    assert "app.py:" in first


def test_a_muted_signal_is_shown_as_muted(tmp_path: Path) -> None:
    """A send that was muted is in the tree, and nobody is below it."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask, request_started
        from heliograph import Signal
        app = Flask(__name__)
        paid = Signal("paid")
        @paid.connect
        def thank(sender, total): ...
        @app.get("/")
        def pay():
            with paid.muted():
                paid.send(app, total=3)
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── paid (total)  muted

        """)


def test_async_receivers_are_shown_with_what_they_send(tmp_path: Path) -> None:
    """Flask's wrapper for async receivers hides neither their names nor their sends."""
    write(
        tmp_path / "shop.py",
        """
        import asyncio
        from flask import Flask, request_started
        from heliograph import Signal
        app = Flask(__name__)
        paid = Signal("paid")
        @request_started.connect
        async def greet(sender):
            await asyncio.sleep(0)
            await paid.send_async(app)
        @paid.connect
        async def thank(sender): await asyncio.sleep(0)
        @app.get("/")
        async def index():
            await paid.send_async(app)
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── request-started
        │   └── shop.greet  through a wrapper  shop.py:7  # ms
        │       └── paid  in ThreadPoolExecutor-1_0
        │           └── shop.thank  shop.py:11  # ms
        ├── paid  in ThreadPoolExecutor-2_0
        │   └── shop.thank  shop.py:11  # ms

        """)


STARTING = """
    import contextvars, threading
    from flask import Flask
    from heliograph import Signal
    app = Flask(__name__)
    paid, packed = Signal("paid"), Signal("packed")
    begun, over = threading.Event(), threading.Event()
    threads = []
    @paid.connect
    def start(sender):
        run = contextvars.copy_context().run
        threads.append(threading.Thread(target=run, args=[work, sender]))
        threads[0].start()
        begun.wait()
    @packed.connect
    def wait(sender):
        begun.set()
        over.wait()
    def work(sender):
        if sender == "during": packed.send()
        begun.set()
        over.wait()
        if sender == "after": packed.send()
    @app.get("/<when>")
    def pay(when):
        paid.send(when)
        over.set()
        threads[0].join()
        return ""
"""


def test_what_a_receiver_starts_and_leaves_is_shown_under_the_receiver(tmp_path: Path) -> None:
    """A send that ends after that receiver still has its place in the tree."""
    write(tmp_path / "shop.py", STARTING)

    assert trace("shop", "GET /during", cwd=tmp_path) == dedent("""\
        GET /during  200 OK  # ms
        ├── paid
        │   └── shop.start  shop.py:9  # ms
        │       └── packed  in Thread-1 (run)
        │           └── shop.wait  shop.py:15  # ms

        """)


def test_what_is_sent_later_by_what_a_receiver_has_started_stands_alone(tmp_path: Path) -> None:
    """What is over is no parent: a worker may go on for as long as the program."""
    write(tmp_path / "shop.py", STARTING)

    assert trace("shop", "GET /after", cwd=tmp_path) == dedent("""\
        GET /after  200 OK  # ms
        ├── paid
        │   └── shop.start  shop.py:9  # ms
        ├── packed  in Thread-1 (run)
        │   └── shop.wait  shop.py:15  # ms

        """)


def test_what_a_receiver_sends_that_has_not_returned_is_shown(tmp_path: Path) -> None:
    """A thread may be in the middle of a send when the request is over."""
    write(
        tmp_path / "shop.py",
        """
        import threading
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        paid, packed = Signal("paid"), Signal("packed")
        begun = threading.Event()
        @paid.connect
        def pack(sender):
            packed.send()
            begun.set()
            threading.Event().wait()
        @app.get("/")
        def pay():
            threading.Thread(target=paid.send, daemon=True).start()
            begun.wait()
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── paid  in Thread-1 (send)  still under way
        │   └── packed  no receivers

        """)


def test_receivers_of_every_kind_are_named_with_the_line_that_defines_them(tmp_path: Path) -> None:
    """Behind methods, partials, wrappers and objects, the function whose lines run is named."""
    write(
        tmp_path / "shop.py",
        """
        import functools, operator
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        paid = Signal("paid")
        class Bell:
            def __call__(self, sender): ...
            def ring(self, sender): ...
            @classmethod
            def tune(cls, sender): ...
            @staticmethod
            def stop(sender): ...
        class Letter:
            def __init__(self, sender): ...
        def bare(sender): ...
        def note(count, sender): ...
        def loudly(function):
            @functools.wraps(function)
            def wrapper(sender): return function(sender)
            return wrapper
        @loudly
        def sing(sender): ...
        @functools.lru_cache
        def remember(sender): ...
        bell, heard = Bell(), []
        receivers = [
            bare, bell, bell.ring, Bell.tune, bell.stop, Letter, functools.partial(note, 3),
            functools.partial(bell.ring), lambda sender: 0, sing, remember, heard.append, repr,
            str, operator.itemgetter(0),
        ]
        for receiver in receivers:
            paid.connect(receiver, weak=False)
        @app.get("/")
        def pay():
            paid.send("me")
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── paid  # ms
        │   ├── shop.bare  shop.py:16  # ms
        │   ├── shop.Bell object  shop.py:8  # ms
        │   ├── shop.Bell.ring  shop.py:9  # ms
        │   ├── shop.Bell.tune  shop.py:10  # ms
        │   ├── shop.Bell.stop  shop.py:12  # ms
        │   ├── shop.Letter  shop.py:14  # ms
        │   ├── shop.note  shop.py:17  # ms
        │   ├── shop.Bell.ring  shop.py:9  # ms
        │   ├── shop.<lambda>  shop.py:29  # ms
        │   ├── shop.sing  shop.py:22  # ms
        │   ├── shop.remember  shop.py:24  # ms
        │   ├── builtins.list.append  built in  # ms
        │   ├── builtins.repr  built in  # ms
        │   ├── builtins.str  built in  # ms
        │   └── operator.itemgetter object  built in  # ms

        """)


def test_signals_without_a_name_are_shown_by_their_variables(tmp_path: Path) -> None:
    """Neither a name nor a variable is required of a signal, nor Heliograph's own class."""
    write(
        tmp_path / "shop.py",
        """
        import blinker
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        one, two, three = Signal(), blinker.Signal(), blinker.signal("three")
        @app.get("/")
        def pay():
            for signal in one, two, three, Signal():
                signal.send(app)
            return ""
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── shop.one  no receivers
        ├── shop.two  no receivers
        ├── three  no receivers
        ├── a signal without a name  no receivers

        """)


ECHO = """
    import warnings
    from flask import Flask, make_response, redirect, request
    from heliograph import Signal
    warnings.simplefilter("ignore")  # Names like these read like documentation.
    app = Flask(__name__)
    @app.route("/echo", methods=["GET", "POST"])
    def echo():
        for kind in "args", "form", "cookies":
            for name, values in getattr(request, kind).lists():
                Signal(f"{kind} {name} {values}").send()
        if "X-Name" in request.headers:
            Signal(f"header {request.headers['X-Name']}").send()
        return ""
    @app.post("/login")
    def login():
        response = make_response(redirect("/echo"))
        response.set_cookie("user", request.form["user"])
        return response
"""


def test_requests_carry_their_query_form_and_headers(tmp_path: Path) -> None:
    """What is written in a request arrives, blanks included, and is shown with it."""
    write(tmp_path / "shop.py", ECHO)

    shown = trace(
        "shop",
        "GET /echo?a=0 a=1 'b=c d'",
        "POST /echo?a=0 a=1 a=2 'b=c d'",
        "GET /echo 'X-Name:Ada L'",
        cwd=tmp_path,
    )

    assert shown == dedent("""\
        GET /echo?a=0 a=1 'b=c d'  200 OK  # ms
        ├── args a ['0', '1']  no receivers
        ├── args b ['c d']  no receivers

        POST /echo?a=0 a=1 a=2 'b=c d'  200 OK  # ms
        ├── args a ['0']  no receivers
        ├── form a ['1', '2']  no receivers
        ├── form b ['c d']  no receivers

        GET /echo 'X-Name:Ada L'  200 OK  # ms
        ├── header Ada L  no receivers

        """)


def test_cookies_are_kept_and_redirects_are_shown_but_not_followed(tmp_path: Path) -> None:
    """The requests of one command are one visitor's; where to go next is up to the user."""
    write(tmp_path / "shop.py", ECHO)

    assert trace("shop", "POST /login user=ada", "GET /echo", cwd=tmp_path) == dedent("""\
        POST /login user=ada  302 FOUND to /echo  # ms

        GET /echo  200 OK  # ms
        ├── cookies user ['ada']  no receivers

        """)


def test_a_body_that_is_streamed_is_read_to_its_end(tmp_path: Path) -> None:
    """What is sent while the body is made belongs to the trace."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal
        app = Flask(__name__)
        line = Signal("line")
        @app.get("/")
        def lines():
            def each():
                for number in range(2):
                    line.send(app, number=number)
                    yield str(number)
            return each()
        """,
    )

    assert trace("shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── line (number)  no receivers
        └── line (number)  no receivers

        """)


LOGGING = """
    from flask import Flask, request_started
    app = Flask(__name__)
    def complain(sender): raise ValueError("too much")
    request_started.connect(complain, on_error="log")
    @app.get("/")
    def index():
        app.logger.warning("the view is here")
        return ""
    app.logger.warning("the module is here")
"""


def test_the_application_s_log_is_left_out_of_the_trace(tmp_path: Path) -> None:
    """What is logged during a request would tear the tree apart, which shows errors itself."""
    write(tmp_path / "shop.py", LOGGING)

    ended = heliograph("trace", "shop", "GET /", cwd=tmp_path)

    assert "the view is here" not in ended.err
    assert "too much" not in ended.err
    assert "the module is here" in ended.err
    assert "logged ValueError: too much  shop.py:4" in ended.out


def test_the_log_can_be_asked_for(tmp_path: Path) -> None:
    """With --logs, everything that is logged comes out on stderr."""
    write(tmp_path / "shop.py", LOGGING)

    ended = heliograph("trace", "--logs", "shop", "GET /", cwd=tmp_path)

    assert "the view is here" in ended.err
    assert "ValueError: too much" in ended.err
    assert "logged ValueError: too much  shop.py:4" in ended.out


def test_a_receiver_that_is_gone_is_named(tmp_path: Path) -> None:
    """A function inside of a factory, connected weakly, is the usual reason for silence."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Signal
        paid, packed = Signal("paid"), Signal("packed")
        def create_app():
            app = Flask(__name__)
            @paid.connect
            def lost(sender): ...
            @packed.connect_via("somebody else")
            def other(sender): ...
            @app.get("/")
            def index():
                paid.send()
                packed.send()
                return ""
            return app
        """,
    )

    ended = heliograph("trace", "shop", "GET /", cwd=tmp_path)

    assert "ReceiverWarning: shop.create_app.<locals>.lost was never called: " in ended.err
    assert [line for line in without_origins(ended.out).splitlines() if "── pa" in line] == [
        (
            "├── paid  no receivers left; garbage-collected: "
            "shop.create_app.<locals>.lost of shop.py:7"
        ),
        "├── packed  no receivers for this sender",
    ]


def test_receivers_of_declared_signals_without_extra_are_marked(tmp_path: Path) -> None:
    """They break when the payload grows by an argument that has to be sent."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        from heliograph import Namespace
        app = Flask(__name__)
        shop = Namespace("shop")
        @shop.declare
        def paid(sender: Flask, *, total: int) -> None: ...
        @paid.connect
        def thank(sender, *, total): ...
        @paid.connect
        def tell(sender, **extra): ...
        @app.get("/")
        def pay():
            paid.send(app, total=12)
            return ""
        """,
    )

    assert trace("--no-check", "shop", "GET /", cwd=tmp_path) == dedent("""\
        GET /  200 OK  # ms
        ├── paid (total)  # ms
        │   ├── shop.thank  without **extra  shop.py:8  # ms
        │   └── shop.tell  shop.py:10  # ms

        """)
