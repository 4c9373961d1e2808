"""What a user can hold shows itself: short, on one line, telling what it is, and never failing."""

from __future__ import annotations

import gc
import inspect
import pickle
import pydoc
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import (
    ANY,
    Connection,
    Delivery,
    Emission,
    LostEmissionsError,
    Namespace,
    Signal,
    SignalError,
    Span,
    Stream,
    blinker,
)
from heliograph.core.connections.dead import DeadReceiver
from heliograph.core.connections.scopes import Scoped
from heliograph.core.declared.declaration import Argument, Declaration
from heliograph.core.identity import Symbol
from heliograph.core.observing.tree import EmissionNode
from heliograph.core.patterns import SignalPattern
from heliograph.core.streams.upcoming import Next
from heliograph.describe import describe_duration
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "x" * 1000


class Unshowable:
    """A sender and a receiver that fails when it is looked at."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    def __call__(self, sender: object, **payload: object) -> Any:
        """Return what fails when it is looked at."""
        return self

    def fail(self, sender: object, **payload: object) -> None:
        """Fail in a delivery, too."""
        raise KeyError(self)


HALF_MADE = [
    EmissionNode,
    Connection,
    Delivery,
    Emission,
    Namespace,
    Signal,
    Span,
    Stream,
    Argument,
    Declaration,
    DeadReceiver,
    Symbol,
    SignalPattern,
    Next,
    Scoped,
]


def half_made(kind: Any) -> object:
    """Return an object that was not initialized, as a debugger may show it."""
    if kind is Connection:
        return kind.__new__(kind, ANY)
    return object.__new__(kind) if kind is Symbol else kind.__new__(kind)


def odd() -> Iterator[object]:
    """Give what a user can hold, in states that are odd."""
    thing, shop = Unshowable(), Namespace(LONG)
    signal = shop.signal(f"{LONG}\n{LONG}")
    signal.connect(thing, thing, priority=7, on_error="log", weak=False)
    signal.connect(thing.fail, on_error="log")
    with watching() as seen:
        signal.send(thing, thing=thing)
    yield from (signal, shop, ANY, Symbol(LONG), seen[0], *seen[0].deliveries, *signal.connections)
    yield from (signal.muted(), signal.connected_to(thing, thing, local=True))
    yield from (signal.stream(thing), shop.signals(f"{LONG}*"), shop.namespace("a\nb"))
    waiting = signal.next(thing)
    yield waiting
    waiting.close()
    yield waiting
    work = shop.span(name=LONG)(declare_work)
    yield from (work, work("me"), work.started.declaration)
    for number in range(1000):
        shop.signal(f"signal-{number}")
    yield shop
    for connection in signal.connections:
        signal.disconnect(connection)
        yield connection
    gone = Signal("paid")
    gone.connect(Unshowable().fail, sender := Unshowable())  # Held by nobody.
    yield from gone.dead_receivers
    kept = Signal("kept")
    kept.connect(thing, sender)
    [connection] = kept.connections
    del sender
    yield connection


def receive(sender: object, **payload: object) -> None:
    """Do nothing."""


def declare_work(sender: object, *, a_long_name: int = 7, another: str = LONG) -> None:
    """Declare a kind of work."""


@pytest.mark.filterwarnings("ignore::heliograph.ReceiverWarning")
def test_whatever_a_user_can_hold_shows_itself_on_one_short_line() -> None:
    """A debugger shows every variable, those too that are half made, dead or unwell."""
    things = [*odd(), *map(half_made, HALF_MADE)]
    texts = [repr(it) for it in things]
    things.clear()
    gc.collect()  # Some have not been used, and warn of it when they die: here and not later.

    assert [text for text in texts if len(text) > 200 or len(text.splitlines()) != 1] == []
    assert [text for text in texts if " object at 0x" in text] == []


def test_values_tell_what_they_are() -> None:
    """In the words that documentation uses, and in the singular where there is one."""
    shop = Namespace("shop")

    @shop.declare
    def paid(sender: object, *, total: int = 0) -> None: ...

    paid.connect(receive, "kiosk", priority=2, on_error="log", inline=True, weak=False)
    [connection] = paid.connections
    muting, connecting = paid.muted(), paid.connected_to(receive)
    before = repr(muting)
    with watching() as seen, muting, connecting:
        paid.send(None)
    with watching() as heard:
        paid.send("kiosk")
    name = connection.name
    for word in "abcdef":
        shop.signal(word)

    assert (before, repr(connecting)) == (
        "<muted() of signal 'paid', in no block>",
        f"<connected_to({name}) of signal 'paid', in no block>",
    )
    assert repr(seen[0]) == "<Emission of signal 'paid' from None: muted>"
    took = describe_duration(heard[0].duration)
    assert repr(heard[0]) == f"<Emission of signal 'paid' from a str: 1 delivery in {took}>"
    assert repr(shop) == "<Namespace 'shop': paid, a, b, c, d and 2 more>"
    declaration = paid.declaration
    assert declaration is not None
    assert repr(declaration) == (
        f"<Declaration of 'paid': (sender: object, *, total: int = 0), at {declaration.location}>"
    )
    assert repr(declaration.arguments) == "(<Argument total: int = 0>,)"


def test_a_connection_tells_how_it_delivers_and_whether_it_has_ended() -> None:
    """Its options are told where they are not those that every connection has."""
    signal = Signal("paid")
    signal.connect(receive, "kiosk", priority=2, on_error="log", inline=True, weak=False)
    signal.connect(receive)
    strong, plain = signal.connections
    shown = repr(strong)
    signal.disconnect(strong)

    assert shown == (
        f"<Connection of {__name__}.receive for a str with priority=2, on_error='log', "
        f"inline=True, weak=False, at {strong.location}>"
    )
    assert repr(strong) == f"{shown[:-1]}, ended>"
    assert repr(plain) == f"<Connection of {__name__}.receive for ANY, at {plain.location}>"


def test_what_is_waited_for_shows_whether_it_is_over() -> None:
    """It is a coroutine, which says nothing by itself."""
    waiting = Signal("paid").next()
    texts = [repr(waiting)]
    waiting.close()

    assert [*texts, repr(waiting)] == [
        "<Next emission of signal 'paid'>",
        "<Next emission of signal 'paid', over>",
    ]


def test_what_a_connection_has_not_got_is_told_of() -> None:
    """It is the signal that disconnects."""
    signal = Signal("paid")
    signal.connect(declare_work)
    [connection] = signal.connections

    with pytest.raises(AttributeError) as caught:
        connection.disconnect  # type: ignore[attr-defined]  # noqa: B018 - what is missing.
    with pytest.raises(AttributeError, match=r"^'Connection' object has no attribute 'end'$"):
        connection.end  # type: ignore[attr-defined]  # noqa: B018 - what is missing.
    assert str(caught.value) == (
        "'Connection' object has no attribute 'disconnect'. A connection is ended by its signal: "
        "use `signal.disconnect(connection)`."
    )


@pytest.mark.parametrize(
    "name", ["heliograph", "heliograph.blinker", "heliograph.testing", "heliograph.inspector"]
)
def test_a_package_lists_its_public_names(name: str) -> None:
    """Those that are loaded on demand too, and nothing that serves itself alone."""
    package = import_module(name)
    listed = {it for it in dir(package) if not it.startswith("__")}

    assert listed - {"install"} == set(package.__all__)
    assert {"__doc__", "__all__", "__file__"} < set(dir(package))


def test_the_signature_of_a_signal_is_what_it_takes() -> None:
    """In the interpreter's help, and in what Python says of too many arguments."""
    signatures = [str(inspect.signature(it)) for it in (Signal, blinker.NamedSignal)]

    assert signatures == [
        "(name: 'str | None' = None, doc: 'str | None' = None) -> 'None'",
        "(name: 'str', doc: 'str | None' = None) -> 'None'",
    ]
    # Python 3.15 leaves the quotes out.
    assert "Signal(name: str | None = None" in pydoc.render_doc(Signal).replace("'", "")
    with pytest.raises(TypeError, match=r"^Signal.__init__\(\) takes from 1 to 3"):
        Signal("a", "b", "c")  # type: ignore[call-arg]  # Refused.
    with pytest.raises(TypeError, match=r"^Signal.__init__\(\) got an unexpected keyword"):
        Signal(docs="b")  # type: ignore[call-arg]  # Refused.


def test_a_declared_signal_without_documentation_tells_how_it_is_declared() -> None:
    """Not what every signal is; until documentation is given."""
    shop = Namespace("shop")

    @shop.declare
    def paid(sender: object, *, total: int) -> None: ...

    declaration = paid.declaration
    assert declaration is not None
    generated = paid.__doc__
    shop.signal("paid", "Sent when paid.")

    assert generated == f"Declared as (sender: object, *, total: int), at {declaration.location}."
    assert paid.__doc__ == "Sent when paid."
    assert Signal("other").__doc__ == Signal.__doc__
    assert str(Signal.__doc__).startswith("A named point where a program says")


def errors() -> list[type[BaseException]]:
    """Return the errors and warnings of the front door."""
    public = [getattr(heliograph, name) for name in heliograph.__all__]
    return [it for it in public if inspect.isclass(it) and issubclass(it, BaseException)]


@pytest.mark.parametrize("kind", errors())
def test_errors_are_called_as_they_are_imported(kind: type[BaseException]) -> None:
    """In tracebacks, and when they are pickled; which brings back the same error."""
    made = kind("It failed.", 7) if kind is LostEmissionsError else kind("It failed.")
    copied = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own.

    assert f"{kind.__module__}.{kind.__qualname__}" == f"heliograph.{kind.__name__}"
    assert (type(copied), str(copied), vars(copied)) == (kind, "It failed.", vars(made))


def test_the_base_of_all_errors_is_public() -> None:
    """Whatever else is raised by Heliograph itself is below it."""
    assert [it for it in errors() if not issubclass(it, (SignalError, Warning))] == []


@pytest.mark.parametrize("local", [False, True])
def test_a_signal_that_is_muted_shows_that(*, local: bool) -> None:
    """Whoever wonders why nobody hears it looks at it first."""
    signal = Signal("paid")
    with signal.muted(local=local):
        muted = repr(signal)

    assert (muted, repr(signal)) == ("<Signal 'paid', muted>", "<Signal 'paid'>")
