"""Bad input: the error says what, between whom and what to do, before anything has changed."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import (
    ANY,
    ArgumentError,
    Namespace,
    ReceiverError,
    ReceiverWarning,
    Signal,
    add_instrument,
    blinker,
    default_namespace,
)
from heliograph.core.observing.wishes import EVERYWHERE
from heliograph.describe import title_of
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable


RECEIVER = f"{Diary.__module__}.Diary.receiver.<locals>.receive"


class Slotted:
    """A callable to which there are no weak references, with a method."""

    __slots__ = ()

    def __call__(self, sender: object) -> None:
        """Do nothing."""

    def receive(self, sender: object) -> None:
        """Do nothing."""


class Shop:
    """An object with a method that has no room for a sender."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture(params=["connect", "connect_via", "connected_to"])
def connecting(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Return each way of connecting, as a function of signal, receiver, sender and options."""

    def connect_via(signal: Signal, receiver: Any, sender: Any = ANY, **options: Any) -> object:
        return signal.connect_via(sender, **options)(receiver)

    def connected_to(signal: Signal, receiver: Any, sender: Any = ANY, **options: Any) -> object:
        options.pop("weak", None)
        return signal.connected_to(receiver, sender, **options)

    ways: dict[str, Callable[..., object]] = {
        "connect": Signal.connect,
        "connect_via": connect_via,
        "connected_to": connected_to,
    }
    return ways[request.param]


@pytest.mark.parametrize("receiver", [None, 7, "shop.mail", [], NotImplemented], ids=repr)
def test_a_receiver_that_is_not_callable_is_refused(
    connecting: Callable[..., object], receiver: object
) -> None:
    """It could only fail later, far from the line that connected it."""
    signal = Signal("paid")
    with pytest.raises(ReceiverError) as caught:
        connecting(signal, receiver, "shop")

    assert isinstance(caught.value, TypeError)
    assert str(caught.value) == (
        f"{receiver!r} cannot be connected to signal 'paid'. It is not callable. "
        "Connect a function, a method or an object with __call__. If it is a sender, use "
        "connect_via(sender), or connect(receiver, sender=sender)."
    )
    assert signal.connections == ()


def test_a_receiver_without_room_for_the_sender_is_refused(
    connecting: Callable[..., object],
) -> None:
    """Functions and methods are looked at; whatever else is called will tell itself."""

    def receiver(*, total: int) -> None:
        """Take no sender."""

    signal = Signal("paid")
    name = f"{__name__}.test_a_receiver_without_room_for_the_sender_is_refused.<locals>.receiver"
    for unfit, called in ((receiver, name), (Shop().close, f"{__name__}.Shop.close")):
        with pytest.raises(ReceiverError) as caught:
            connecting(signal, unfit)

        assert str(caught.value) == (
            f"{called} cannot be connected to signal 'paid'. It takes no positional argument, "
            "and receivers are called with the sender. "
            "Write it as `def receiver(sender, **payload)`."
        )

    assert signal.connections == ()


@pytest.mark.parametrize("first", ["self", "cls"])
def test_a_method_that_is_connected_in_its_class_body_is_refused(
    connecting: Callable[..., object], first: str
) -> None:
    """There is no object yet, and the sender would take its place."""
    names: dict[str, Any] = {"__name__": "shop"}
    exec(f"class Mailer:\n    def send({first}, sender, **extra): ...", names)  # noqa: S102 - two.
    signal = Signal("paid")
    with pytest.raises(ReceiverError) as caught:
        connecting(signal, names["Mailer"].send)

    assert str(caught.value) == (
        "shop.Mailer.send cannot be connected to signal 'paid'. It is a method without its "
        f"object. The sender would become its {first!r}. Connect the method of an object, such as "
        "`signal.connect(self.send)` in `__init__`, and keep the object, or define 'send' outside "
        "the class."
    )
    assert signal.connections == ()


def test_what_only_a_class_makes_a_method_of_is_refused(
    connecting: Callable[..., object],
) -> None:
    """It is connected below the class; a decorator on top of others gets what they made."""
    signal = Signal("paid")
    with pytest.raises(ReceiverError) as caught:

        class Mailer:
            @partial(connecting, signal)
            @classmethod
            def send(cls, sender: object) -> None:
                """Do nothing."""

    assert str(caught.value).partition(f"cannot be connected to {title_of(signal)}. ")[2] == (
        "It is a classmethod, which cannot be called inside the body of its class. Connect it "
        "below the class instead: `signal.connect(TheClass.name)`."
    )
    assert signal.connections == ()


def test_a_static_method_is_connected_before_it_becomes_one() -> None:
    """The class holds the function then; what is made of it cannot be held weakly."""
    signal = Signal("paid")
    with pytest.raises(ReceiverError) as caught:

        class Mailer:
            @signal.connect
            @staticmethod
            def send(sender: object) -> None:
                """Do nothing."""

    class Clerk:
        @staticmethod
        @signal.connect
        def bill(sender: object) -> None:
            """Do nothing."""

    assert str(caught.value) == (
        f"{__name__}.test_a_static_method_is_connected_before_it_becomes_one.<locals>.Mailer.send "
        "cannot be connected to signal 'paid'. It is a staticmethod, which cannot be held weakly. "
        "Write @staticmethod above the decorator that connects, which is given the function then."
    )
    assert signal.receivers == (Clerk.bill,)


def test_a_method_whose_object_is_the_sender_is_connected() -> None:
    """It is called as a method, so `self` is not always a mistake; nor is a default sender."""

    class Cart:
        def pay(self, total: int) -> tuple[Cart, int]:
            return self, total

        def close(self, sender: object = None) -> tuple[Cart, object]:
            return self, sender

    signal, cart = Signal("paid"), Cart()
    signal.connect(Cart.pay)
    paid = signal.send(cart, total=12)
    signal.disconnect(Cart.pay)
    signal.connect(Cart.close)

    assert [value for _, value in [*paid, *signal.send(cart)]] == [(cart, 12), (cart, None)]


def test_connect_via_without_parentheses_is_refused() -> None:
    """It would take the receiver for a sender, connect nothing, and leave a decorator."""
    signal, namespace = Signal("paid"), Namespace("shop")
    with pytest.raises(ArgumentError) as caught:

        @signal.connect_via
        @pytest.mark.skip
        async def bill(sender: object, **extra: object) -> None:
            """Do nothing."""

    with pytest.raises(ArgumentError, match="mail is not connected to the signals that match"):

        @namespace.signals("order-*").connect_via
        def mail(sender: object, **extra: object) -> None:
            """Do nothing."""

    name = f"{__name__}.test_connect_via_without_parentheses_is_refused.<locals>.bill"
    assert str(caught.value) == (
        f"{name} is not connected to signal 'paid': connect_via takes a sender, and returns a "
        "decorator. Write `@signal.connect_via(sender)`, or `@signal.connect` to receive "
        "from all senders."
    )


def test_a_function_may_be_a_sender() -> None:
    """Once it has its name: that of a job, say."""
    signal = Signal("done")

    def job() -> None:
        """Do nothing."""

    @signal.connect_via(job)
    def note(sender: object) -> object:
        return sender

    @signal.connect_via(test_connect_via_without_parentheses_is_refused)
    def other(sender: object) -> object:
        raise AssertionError

    assert signal.send(job) == [(note, job)]


@pytest.mark.parametrize(
    ("receiver", "name", "kind"),
    [
        (Slotted(), f"{__name__}.Slotted object", "Slotted"),
        (Slotted().receive, f"{__name__}.Slotted.receive", "Slotted"),
        ([].__contains__, "builtins.list.__contains__", "list"),
    ],
)
def test_a_receiver_that_cannot_be_held_weakly_is_refused(
    receiver: Callable[..., object], name: str, kind: str
) -> None:
    """The error says why, and that connecting strongly is the way."""
    signal = Signal("paid")
    with pytest.raises(ReceiverError) as caught:
        signal.connect(receiver)

    assert str(caught.value) == (
        f"{name} cannot be connected to signal 'paid'. It cannot be held weakly, as Python has "
        f"no weak references to {kind!r} objects. "
        "Connect it with weak=False, and disconnect it when it is no longer wanted."
    )
    assert signal.connections == ()

    signal.connect(receiver, weak=False)

    assert len(signal.connections) == 1


def test_a_strong_connection_does_not_make_a_weak_one_possible() -> None:
    """What cannot be held weakly is refused, however it is connected elsewhere."""
    signal, receiver = Signal("paid"), Slotted()
    signal.connect(receiver, "shop", weak=False)
    before = signal.connections
    with pytest.raises(ReceiverError, match="cannot be held weakly"):
        signal.connect(receiver, "kiosk")

    assert signal.connections == before


@pytest.mark.parametrize("on_error", ["lgo", "", None, True, ["log"]])
def test_a_misspelt_way_to_treat_errors_is_refused(
    connecting: Callable[..., object], on_error: object
) -> None:
    """The error tells both ways that there are."""
    signal, diary = Signal("paid"), Diary()
    with pytest.raises(ArgumentError) as caught:
        connecting(signal, diary.receiver("r"), on_error=on_error)

    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        f"{RECEIVER} cannot be connected to signal 'paid'. "
        f"on_error={on_error!r} is not a way to treat errors. Use 'raise' or 'log'."
    )
    assert signal.connections == ()


@pytest.mark.parametrize("priority", ["high", 1.5, None])
def test_a_priority_that_is_no_integer_is_refused(
    connecting: Callable[..., object], priority: object
) -> None:
    """Otherwise sending would fail, or the order would."""
    signal, diary = Signal("paid"), Diary()
    with pytest.raises(ArgumentError) as caught:
        connecting(signal, diary.receiver("r"), priority=priority)

    assert isinstance(caught.value, TypeError)
    assert str(caught.value) == (
        f"{RECEIVER} cannot be connected to signal 'paid'. "
        f"priority={priority!r} is not a number. Use an int; higher ones are called earlier."
    )
    assert signal.connections == ()


def test_an_async_receiver_cannot_be_connected_inline(connecting: Callable[..., object]) -> None:
    """It is awaited where it is anyway, so whoever says so takes it for something else."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.async_receiver("r")
    for _ in range(2):
        with pytest.raises(ArgumentError) as caught:
            connecting(signal, receiver, inline=True)
        assert str(caught.value).partition(" cannot be connected to signal 'paid'. ")[2] == (
            "inline=True is for plain functions that never block, and this one is async: it is "
            "always awaited in place. Leave inline out."
        )
        assert [it.inline for it in signal.connections] == [False] * len(signal.connections)
        signal.connect(receiver)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("prioritty", r"Did you mean 'priority'\?"),
        ("once", r"There are sender, \w+, priority, on_error, inline, when."),
    ],
)
def test_a_misspelt_option_is_refused(
    connecting: Callable[..., object], option: str, hint: str
) -> None:
    """The error tells the option that is nearest, or all that there are."""
    signal, diary = Signal("paid"), Diary()
    with pytest.raises(ArgumentError) as caught:
        connecting(signal, diary.receiver("r"), **{option: 1})

    assert isinstance(caught.value, TypeError)
    assert re.fullmatch(
        rf"({RECEIVER}|A receiver) cannot be connected to signal 'paid'. "
        rf"connect(ed_to|_via)?\(\) has no option {option!r}. {hint}",
        str(caught.value),
    )
    assert signal.connections == ()


def test_wrong_options_change_nothing_of_a_connection() -> None:
    """A receiver that is connected already keeps what it has."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, priority=1)
    before = signal.connections
    with pytest.raises(ArgumentError):
        # Refused.
        signal.connect(receiver, priority=2, on_error="shout")  # type: ignore[call-overload]

    assert signal.connections == before


@pytest.mark.parametrize("name", [7, b"paid", ["paid"], object], ids=repr)
def test_a_signal_name_that_is_not_a_string_is_refused(name: Any) -> None:
    """Signals and namespaces know names as strings alone."""
    namespace = Namespace("shop")
    with pytest.raises(ArgumentError) as of_signal:
        Signal(name)
    with pytest.raises(ArgumentError) as of_namespace:
        namespace.signal(name)

    assert str(of_signal.value) == (
        f"{name!r} is not a name for a signal: use a string, or none at all."
    )
    assert str(of_namespace.value) == (
        f"{name!r} is not a name for a signal of <Namespace 'shop': no signals>: use a string."
    )
    assert list(namespace) == []


def test_a_signal_of_a_namespace_needs_a_name() -> None:
    """A signal without a name is made by itself."""
    before = list(default_namespace)
    with pytest.raises(ArgumentError, match="None is not a name for a signal"):
        default_namespace.signal(None)  # type: ignore[arg-type]

    assert list(default_namespace) == before


@pytest.mark.parametrize("instrument", [None, "prometheus", []], ids=repr)
def test_an_instrument_that_is_not_callable_is_refused(instrument: Any) -> None:
    """It would fail at every send."""
    with pytest.raises(ArgumentError) as caught:
        add_instrument(instrument)

    assert str(caught.value) == (
        f"{instrument!r} cannot be an instrument: it must be callable with an Emission."
    )
    assert EVERYWHERE == []


@pytest.mark.parametrize("text", ["Sent when paid.", "when an order is paid", "Paid now. "])
def test_a_text_for_a_name_is_warned_of(text: str) -> None:
    """The first argument of Blinker's signals is the documentation."""
    with pytest.warns(UserWarning, match="reads like its documentation") as caught:
        Signal(text)

    assert [it.filename for it in caught] == [__file__]


@pytest.mark.parametrize("name", ["order paid", "Sent.", " ", "order-paid"])
def test_a_name_may_have_a_space(name: str) -> None:
    """Two words are no text; nor is whatever is asked for by name, or has a documentation."""
    text = "When an order is paid."

    assert (Signal(name).name, Namespace().signal(text).name, Signal(text, text).name) == (
        name,
        text,
        text,
    )
    assert Signal(name).receiver_connected.name == f"receiver_connected of {name}"


def test_nobody_is_warned_of_a_text_where_programs_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with all that is only likely to be wrong."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")

    assert Signal("Sent when paid.").name == "Sent when paid."


def declared() -> Signal:
    """Return a signal that is declared."""

    @Namespace().declare
    def paid(sender: object, *, total: int, note: str = "") -> None: ...

    return paid


@pytest.mark.parametrize(
    ("make", "title", "payload"),
    [
        (lambda: Signal("paid"), "signal 'paid'", "name=..."),
        (Signal, "a signal without a name", "name=..."),
        (lambda: blinker.NamedSignal("paid"), "signal 'paid'", "name=..."),
        (declared, "signal 'paid'", "total=..., note=..."),
    ],
    ids=["named", "unnamed", "Blinker's", "declared"],
)
@pytest.mark.parametrize("receivers", [0, 1, 2])
async def test_a_payload_without_names_is_refused(
    make: Callable[[], Any], title: str, payload: str, receivers: int
) -> None:
    """Whoever is connected: a send that nobody hears yet would fail later, in production."""
    signal, heard = make(), [list[object]() for _ in range(receivers)]
    for it in heard:
        signal.connect(lambda sender, it=it, **payload: it.append(payload), weak=False)
    said = []
    for values in ((12,), (None,), (12, "thanks")):
        for send in (signal.send, signal.send_async):
            with pytest.raises(TypeError) as caught:
                await send("shop", *values)
            said.append(str(caught.value))

    assert said == [
        (
            f"{title}: {name}() takes the sender without a name and the payload by keyword, but "
            f"got {many} more without a name. No receiver was called. Write `{name}(sender, "
            f"{payload})`."
        )
        for many in ("1 value", "1 value", "2 values")
        for name in ("send", "send_async")
    ]
    assert heard == [[]] * receivers


def sender_of(shop: object, **payload: object) -> object:
    """Receive, and call the sender otherwise than everybody does."""
    return shop


def test_a_sender_that_is_given_by_name_is_warned_of_after_other_sends_too() -> None:
    """What earlier sends have left ready does not keep it from being seen."""
    signal = Signal("paid")
    signal.connect(sender_of)
    for _ in range(3):
        signal.send(total=1)
    with pytest.warns(ReceiverWarning, match="its payload has a key 'sender'"):
        sent = signal.send(**{"total": 1, "sen" + "der": "shop"})

    assert sent == [(sender_of, None)]


async def test_a_sender_that_is_given_by_name_is_warned_of_in_development(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is part of the payload, as in Blinker, which hardly anybody means."""
    signal = Signal("paid")
    signal.connect(sender_of)
    line = test_a_sender_that_is_given_by_name_is_warned_of_in_development.__code__.co_firstlineno
    with pytest.warns(ReceiverWarning) as caught:
        sent = [signal.send(sender="shop"), await signal.send_async(sender="shop")]
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    signal.disconnect(sender_of)
    signal.connect(sender_of)
    sent += [signal.send(sender="shop"), await signal.send_async(sender="shop")]

    assert sent == [[(sender_of, None)]] * 4
    assert {(str(it.message), it.filename, it.lineno - line) for it in caught} == {
        (
            (
                "signal 'paid' is sent by None, and its payload has a key 'sender'. If that is "
                "the sender, pass it first, without a name: `send(sender, ...)`."
            ),
            __file__,
            8,
        )
    }


class Unshowable:
    """Fails to show itself."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "use",
    [
        add_instrument,
        lambda it: add_instrument(print, signals=it),
        lambda it: add_instrument(print, signals=[it]),
        lambda it: Namespace().signals(it),
        lambda it: Signal().muted(except_for=it),
        lambda it: Signal().connect(print, on_error=it),
        lambda it: Signal().connect(print, priority=it),
        lambda it: Signal().stream(size=it),
        lambda it: Signal().stream(when_full=it),
        lambda it: Signal().stream(matching=it),
        lambda it: Signal().wait(timeout=it),
        lambda it: Namespace().declare(name="paid", deprecated_arguments=it)(hold),
        lambda it: Namespace().declare(name="paid", deprecated=it)(hold),
    ],
)
def test_what_fails_to_show_itself_is_refused_as_anything_else(
    use: Callable[[Any], object],
) -> None:
    """The error says what is wrong with it, and not what its repr raises."""
    with pytest.raises(ArgumentError) as caught:
        use(Unshowable())

    assert "<Unshowable whose repr raises ZeroDivisionError>" in str(caught.value)


def hold(sender: object, *, total: int) -> None:
    """Declare a signal."""
