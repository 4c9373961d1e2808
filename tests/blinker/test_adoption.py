"""`install` takes over what Blinker has made, in place, under running programs."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.blinker import adoption
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator


@in_a_fresh_process
def test_blinker_is_heliograph_for_whoever_imports_it_afterwards() -> None:
    """The package and its two modules are ours, however they are imported."""
    import importlib

    import heliograph.blinker

    heliograph.blinker.install()

    import blinker
    import blinker._utilities
    import blinker.base

    assert importlib.import_module("blinker") is heliograph.blinker
    assert (blinker.base, blinker._utilities) == (
        heliograph.blinker.base,
        heliograph.blinker._utilities,
    )


@in_a_fresh_process
def test_installing_again_does_nothing() -> None:
    """Who comes second may not know of the first."""
    import flask

    from heliograph.blinker import NamedSignal, install

    install()
    signal: object = flask.request_started
    modules = dict(sys.modules)
    bases = NamedSignal.__mro__
    install()

    assert sys.modules == modules
    assert (flask.request_started, NamedSignal.__mro__) == (signal, bases)


@in_a_fresh_process
def test_signals_of_imported_frameworks_stay_the_same_objects() -> None:
    """Whoever holds one holds a Heliograph signal from now on."""
    import flask.signals
    import quart.signals

    import heliograph
    from heliograph.blinker import install

    def signals() -> dict[str, object]:
        return {
            f"{module.__name__}.{name}": it
            for module in (flask, flask.signals, quart.signals)
            for name, it in vars(module).items()
            if type(it).__name__ == "NamedSignal"
        }

    before = signals()
    ids = {name: id(it) for name, it in before.items()}
    install()

    assert len(before) == 38
    assert {name: id(it) for name, it in signals().items()} == ids
    assert all(isinstance(it, heliograph.Signal) for it in before.values())
    assert {type(it).__module__ for it in before.values()} == {"heliograph.blinker.base"}


@in_a_fresh_process
def test_a_flask_that_was_imported_before_sends_through_heliograph() -> None:
    """Receivers connected before and after hear the same request."""
    import flask

    import heliograph
    from heliograph.blinker import install

    app = flask.Flask("shop")
    heard: list[object] = []

    @flask.request_started.connect_via(app)
    def before(sender: object) -> None:
        heard.append("before")

    install()
    seen: list[heliograph.Emission] = []
    heliograph.add_instrument(seen.append)

    @flask.request_started.connect
    def after(sender: object) -> None:
        heard.append("after")

    with app.test_request_context("/"):
        app.preprocess_request()
        app.full_dispatch_request()

    assert heard == ["before", "after"]
    assert "request-started" in [emission.signal.name for emission in seen]


@in_a_fresh_process
def test_connections_keep_receiver_sender_strength_and_order() -> None:
    """All that Blinker knows of a connection is taken over."""
    from enum import Enum

    import blinker

    from heliograph.blinker import install

    class Sender:
        pass

    class Slotted:
        __slots__ = ()

    class Shop:
        def receive(self, sender: object) -> None: ...

    class Colour(Enum):
        RED = 1

    signal: Any = blinker.Signal()
    shop, sender, slotted = Shop(), Sender(), Slotted()
    senders: list[Any] = [sender, slotted, Sender, "a", "", 7, True, [1], {}, {"a": 1}, (), None]
    senders += [object(), Colour.RED, sys]

    def strong(sender: object) -> None: ...

    def everybody(sender: object) -> None: ...

    receivers = [(lambda sender: None) for _ in senders]
    signal.connect(everybody)
    for receiver, it in zip(receivers, senders, strict=True):
        signal.connect(receiver, it)
    signal.connect(shop.receive, "a")
    signal.connect(strong, sender, weak=False)
    install()

    found = {c.receiver: (c.sender, c.weak) for c in signal.connections}
    assert found.pop(everybody) == (blinker.ANY, True)
    assert found.pop(shop.receive) == ("a", True)
    assert found.pop(strong) == (sender, False)
    assert [found[it][0] for it in receivers] == senders
    assert all(found[it][0] is at for it, at in zip(receivers, senders, strict=True))
    assert [c.receiver for c in signal.connections] == [
        everybody,
        *receivers,
        shop.receive,
        strong,
    ]


@in_a_fresh_process
def test_the_order_is_that_of_first_connections() -> None:
    """Connecting again, or for another sender, does not change a receiver's place."""
    import blinker

    from heliograph.blinker import install

    signal: Any = blinker.Signal()
    receivers = [(lambda sender: None) for _ in range(9)]
    for it in receivers:
        signal.connect(it, "a")
    for it in reversed(receivers):
        signal.connect(it)
    install()

    assert list(signal.receivers_for("a")) == receivers
    assert list(signal.receivers_for("b")) == receivers


@in_a_fresh_process
def test_the_dead_are_not_taken_over() -> None:
    """A sender that died takes its connection with it."""
    import gc
    import weakref

    import blinker

    from heliograph.blinker import install

    class Sender:
        pass

    def receiver(sender: object) -> None: ...

    signal: Any = blinker.Signal()
    sender = Sender()
    signal.connect(receiver, sender)
    signal.connect(receiver, "a")
    # As if they had just died, and Blinker had not been told yet.
    signal._weak_senders[id(sender)] = weakref.ref(Sender())
    signal.receivers["gone"] = weakref.ref(Sender())
    signal._by_receiver["gone"].add("a")
    install()
    gc.collect()

    assert [(c.receiver, c.sender) for c in signal.connections] == [(receiver, "a")]


@in_a_fresh_process
def test_weakly_held_receivers_and_senders_can_still_die() -> None:
    """Taking them over keeps nobody alive."""
    import gc

    import blinker

    from heliograph.blinker import install

    class Sender:
        pass

    def receiver(sender: object) -> None: ...

    def brief(sender: object) -> None: ...

    signal: Any = blinker.Signal()
    sender = Sender()
    signal.connect(brief)
    signal.connect(receiver, sender)
    install()
    before = len(signal.connections)
    del brief, sender
    gc.collect()

    assert (before, signal.connections) == (2, ())


@in_a_fresh_process
def test_a_signal_that_is_muted_stays_muted() -> None:
    """Also until the end of the block that muted it."""
    import blinker

    from heliograph.blinker import install

    def receiver(sender: object) -> None: ...

    signal: Any = blinker.Signal()
    signal.connect(receiver)
    with signal.muted():
        install()
        during = (signal.is_muted, signal.send("a"))

    assert during == (True, [])
    assert (signal.is_muted, signal.send("a")) == (False, [(receiver, None)])


@in_a_fresh_process
def test_meta_signals_go_on_telling() -> None:
    """Receivers of `receiver_connected` are told of what is connected from now on."""
    import warnings

    import blinker

    from heliograph.blinker import install

    told: list[object] = []

    def old(signal: object, /, **payload: object) -> None:
        told.append(payload)

    def of_no_object(self: object, sender: object, **payload: object) -> None:
        told.append({"self": self, "sender": sender})

    def named(sender: object, **payload: object) -> None:
        told.append(payload)

    def receiver(sender: object) -> None: ...

    signal: Any = blinker.Signal()
    meta = signal.receiver_connected
    meta.connect(old)
    meta.connect(of_no_object)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        install()
    meta.connect(named)
    signal.connect(receiver, "a")

    assert signal.receiver_connected is meta
    assert told == [
        {"receiver": receiver, "sender": "a", "weak": True},
        {"self": signal, "sender": "a"},
        {"receiver": receiver, "connected_sender": "a", "weak": True},
    ]


@in_a_fresh_process
def test_a_replaced_receivers_for_stays_in_place() -> None:
    """A tracing library that came first goes on wrapping, in order and for exact senders."""
    import flask

    from heliograph.blinker import install

    signal: Any = flask.request_started
    original = signal.receivers_for
    asked: list[object] = []

    def receivers_for(sender: object) -> Iterator[Any]:
        asked.append(sender)
        yield from original(sender)

    signal.receivers_for = receivers_for
    receivers = [(lambda sender: None) for _ in range(9)]
    for it in receivers:
        signal.connect(it)
    install()

    assert [receiver for receiver, _ in signal.send("a")] == receivers
    assert (asked, signal.receivers_for) == (["a"], receivers_for)

    signal.receivers_for = original
    signal.send("b")

    assert asked == ["a"]


@in_a_fresh_process
def test_names_imported_before_go_on_working() -> None:
    """`from blinker import …` at the top of a module means ours from now on."""
    from blinker import ANY, NamedSignal, Namespace, Signal, default_namespace, signal

    import heliograph
    from heliograph.blinker import install

    old: Any = signal("old")
    namespace = Namespace()
    in_namespace: Any = namespace.signal("old")
    install()
    made: list[Any] = [
        old,
        in_namespace,
        signal("new"),
        namespace.signal("new"),
        Namespace().signal("newer"),
        NamedSignal("new", "Documented."),
        Signal(doc="Documented."),
    ]

    assert all(isinstance(it, heliograph.Signal) and isinstance(it, Signal) for it in made)
    assert [isinstance(it, NamedSignal) for it in made] == [True] * 6 + [False]
    assert isinstance(heliograph.blinker.NamedSignal("new"), NamedSignal)
    assert [it.__doc__ for it in made[-2:]] == ["Documented."] * 2
    assert default_namespace["new"] is signal("new") is made[2]
    assert namespace["new"] is made[3]
    assert {type(it) for it in made} == {
        heliograph.blinker.NamedSignal,
        heliograph.blinker.Signal,
    }
    assert repr(ANY) == "ANY"


@in_a_fresh_process
def test_the_any_of_before_means_any() -> None:
    """In connecting, disconnecting and asking."""
    from blinker import ANY, Signal

    from heliograph.blinker import install

    def receiver(sender: object) -> None: ...

    signal: Any = Signal()
    install()
    signal.connect(receiver, ANY)
    signal.connect(receiver, sender="a")

    assert [c.sender is signal.ANY for c in signal.connections] == [True, False]
    assert signal.has_receivers_for(ANY)

    signal.disconnect(receiver, ANY)

    assert signal.connections == ()


@in_a_fresh_process
def test_the_any_of_before_means_any_to_signals_that_have_met_it() -> None:
    """What a signal of ours has learned of Blinker's symbols before is forgotten."""
    import blinker

    import heliograph
    from heliograph.blinker import install

    heard: list[object] = []
    their_any: Any = blinker.ANY
    signal = heliograph.Signal()
    signal.connect(heard.append, weak=False)
    signal.send(their_any)
    signal.send(their_any)
    install()
    signal.send(their_any)
    signal.connect(print, their_any, weak=False)

    assert heard == [their_any, their_any, heliograph.ANY]
    assert [c.sender for c in signal.connections] == [heliograph.ANY] * 2


@in_a_fresh_process
def test_modules_imported_before_have_our_names() -> None:
    """`import blinker` at the top of a module finds Heliograph in what it holds."""
    import blinker
    import blinker.base

    old, old_base = blinker, blinker.base

    import heliograph.blinker

    heliograph.blinker.install()

    names = blinker.__all__
    assert [vars(old)[it] for it in names] == [vars(heliograph.blinker)[it] for it in names]
    assert vars(old_base)["Signal"] is heliograph.blinker.Signal
    assert vars(old)["base"] is heliograph.blinker.base


@in_a_fresh_process
def test_methods_that_were_got_hold_of_before_go_on_working() -> None:
    """`on_start = request_started.connect` holds a method of Blinker's."""
    import asyncio

    from blinker import Signal, signal

    from heliograph.blinker import install

    def receiver(sender: object, **payload: object) -> object:
        return payload

    old: Any = signal("old")
    other: Any = signal("other")
    connect, via, to, muted = old.connect, old.connect_via, old.connected_to, old.muted
    send, send_async, disconnect = old.send, old.send_async, old.disconnect
    other.connect(old.send)
    install()
    via(0)(receiver)
    connect(receiver, sender="a", weak=False)
    with to(receiver, sender="b") as given:
        temporarily = send("b", x=1)
    with muted():
        silently = send("a")

    assert (given, temporarily, silently) == (None, [(receiver, {"x": 1})], [])
    assert [c.sender for c in old.connections] == [0, "a"]
    assert other.send("a") == [(old.send, [(receiver, {})])]
    assert asyncio.run(send_async("a")) == [(receiver, {})]
    assert Signal.send(old, "b") == []

    disconnect(receiver)

    assert send("a") == []


@in_a_fresh_process
def test_a_connection_by_a_method_that_was_got_hold_of_before_is_located_where_it_is_made() -> None:
    """Blinker's function, which calls ours from now on, is not the user's code."""
    from blinker import Signal

    from heliograph.blinker import install

    signal: Any = Signal()
    connect = signal.connect
    install()

    def receive(sender: object) -> None: ...

    connect(receive)

    [connection] = signal.connections
    assert connection.location.rpartition(":")[0] == receive.__code__.co_filename


@in_a_fresh_process
def test_functions_that_were_got_hold_of_before_stay_of_their_kind() -> None:
    """A generator function stays one, and a coroutine function too: Python 3.13 insists on it."""
    import inspect

    from blinker import Signal

    from heliograph.blinker import install

    def receiver(sender: object) -> None: ...

    def kinds() -> dict[str, tuple[bool, bool]]:
        return {
            name: (inspect.isgeneratorfunction(it), inspect.iscoroutinefunction(it))
            for name, it in functions.items()
        }

    functions: dict[str, Any] = {
        name: it for name, it in vars(Signal).items() if inspect.isfunction(it)
    }
    before = kinds()
    signal: Any = Signal()
    signal.connect(receiver, sender="a")
    install()

    assert kinds() == before
    assert (before["receivers_for"], before["send_async"]) == ((True, False), (False, True))
    assert list(functions["receivers_for"](signal, "a")) == [receiver]


@in_a_fresh_process
def test_what_was_patched_into_a_class_before_stays_there() -> None:
    """Tracers put functions around Blinker's, and whoever holds one of either delivers."""
    from functools import wraps

    import blinker
    import wrapt

    calls: list[str] = []

    def noting(function: Any) -> Any:
        @wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            calls.append(function.__name__)
            return function(*args, **kwargs)

        return noted

    def traced(wrapped: Any, _: object, args: Any, kwargs: Any) -> Any:
        calls.append("traced")
        return wrapped(*args, **kwargs)

    def receive(sender: object) -> str:
        return "heard"

    Signal: Any = blinker.Signal  # noqa: N806 - it is a class.
    Signal.send = wrapt.FunctionWrapper(Signal.send, traced)
    Signal.connected_to = noting(Signal.connected_to)
    Signal.receivers_for = noting(Signal.receivers_for)
    Signal.disconnect = lambda self, receiver: calls.append("disconnect")
    paid = blinker.signal("paid")
    send = paid.send

    import heliograph.blinker

    heliograph.blinker.install()

    with paid.connected_to(receive):
        assert send("shop") == paid.send("shop") == [(receive, "heard")]
    paid.disconnect(receive)
    assert calls == [
        "connected_to",
        *("traced", "receivers_for"),
        *("traced", "receivers_for"),
        "disconnect",
    ]


@in_a_fresh_process
def test_subclasses_and_their_signals_are_taken_over() -> None:
    """Those derived before, and those derived from the old names afterwards."""
    import blinker
    from blinker import NamedSignal, Signal

    import heliograph
    from heliograph.blinker import install

    class Plain(Signal):
        def relay(self, sender: object) -> object:
            return self.send(sender)

    class Twice(NamedSignal):
        def __init__(self, name: str) -> None:
            NamedSignal.__init__(self, name, "Twice.")
            self.count = 0

        def receivers_for(self, sender: Any) -> Iterator[Any]:  # type: ignore[override]
            for receiver in super().receivers_for(sender):
                self.count += 1
                yield receiver
                yield receiver

    class Further(Twice):
        def send(self, *args: Any, **payload: Any) -> Any:
            return [*Signal.send(self, *args, **payload), "further"]

    def receiver(sender: object) -> str:
        return "heard"

    old: list[Any] = [Plain("Plain."), Twice("twice"), Further("further")]
    for it in old:
        it.connect(receiver, "a")
    relayed: Any = Signal()
    relayed.connect(old[0].relay)
    install()

    class New(NamedSignal):
        pass

    class Labelled:
        def __init_subclass__(cls, label: str, **kwargs: object) -> None:
            super().__init_subclass__(**kwargs)
            labels.append(label)

    labels: list[str] = []

    class Last(Twice, Labelled, label="last"):
        pass

    made: list[Any] = [*old, Plain(), Twice("new"), Further("new"), New("new"), Last("new")]
    for it in made[len(old) :]:
        it.connect(receiver, "a")
    once, twice = [(receiver, "heard")], [(receiver, "heard")] * 2

    assert all(isinstance(it, heliograph.Signal) and isinstance(it, Signal) for it in made)
    assert [it.send("a") for it in made] == [
        once,
        twice,
        [*twice, "further"],
        once,
        twice,
        [*twice, "further"],
        once,
        twice,
    ]
    assert relayed.send("a") == [(made[0].relay, once)]
    assert [it.count for it in made[1:3]] == [1, 1]
    assert (made[0].__doc__, made[4].name, made[4].__doc__) == ("Plain.", "new", "Twice.")
    assert (issubclass(New, blinker.NamedSignal), labels) == (True, ["last"])


@in_a_fresh_process
def test_a_subclass_that_brings_its_tables_is_taken_over() -> None:
    """Its connections go where its tables are: those of the thread that installs."""
    from threading import Thread, local

    from blinker import NamedSignal

    from heliograph.blinker import install

    class Scoped(NamedSignal):
        def __init__(self, name: str) -> None:
            self.name = name
            self.local = local()
            self.is_muted = False
            self._clear_state()

        def _table(self, name: str) -> Any:
            from collections import defaultdict

            return self.local.__dict__.setdefault(name, defaultdict(set))

        receivers: Any = property(lambda self: self._table("receivers"))
        _by_receiver: Any = property(lambda self: self._table("_by_receiver"))
        _by_sender: Any = property(lambda self: self._table("_by_sender"))
        _weak_senders: Any = property(lambda self: self._table("_weak_senders"))

    def receiver(sender: object) -> None: ...

    signal: Any = Scoped("scoped")
    signal.connect(receiver, "a")
    install()
    elsewhere: list[object] = []
    thread = Thread(target=lambda: elsewhere.append(signal.send("a")))
    thread.start()
    thread.join()

    assert signal.send("a") == [(receiver, None)]
    assert (list(signal.receivers), elsewhere) == ([id(receiver)], [[]])

    signal._clear_state()

    assert (signal.send("a"), bool(signal.receivers)) == ([], False)


@in_a_fresh_process
def test_default_namespaces_are_joined() -> None:
    """Both functions `signal` find the signals of both sides, old and new."""
    import blinker

    import heliograph.blinker

    their_signal: Any = blinker.signal
    our_signal: Any = heliograph.blinker.signal
    namespace: Any = blinker.default_namespace
    theirs = their_signal("theirs")
    ours = our_signal("ours")
    heliograph.blinker.install()

    assert heliograph.blinker.default_namespace is namespace
    assert (their_signal("ours"), our_signal("theirs")) == (ours, theirs)
    assert our_signal("new") is their_signal("new") is heliograph.blinker.signal("new")
    assert sorted(namespace) == ["new", "ours", "theirs"]


@in_a_fresh_process
def test_namespaces_of_before_are_ours() -> None:
    """They have our class and its checks, and so have those that are made by Blinker's name."""
    import flask.signals
    from blinker import Namespace, default_namespace

    import heliograph.blinker
    from heliograph.blinker import install

    old = Namespace()
    old.signal("old")
    install()
    namespaces: list[Any] = [old, flask.signals._signals, default_namespace, Namespace()]
    refused: list[str] = []
    for namespace in namespaces:
        for put in (namespace.__setitem__, namespace.setdefault):
            try:
                put("x", "oops")
            except TypeError as error:
                refused.append(str(error))

    assert {type(it) for it in namespaces} == {heliograph.blinker.Namespace}
    assert all(isinstance(it, Namespace) for it in (*namespaces, heliograph.blinker.Namespace()))
    assert refused == refused[:1] * 8
    assert refused[0] == (
        "'oops' cannot be in a namespace as 'x': it is not a signal. "
        "Use namespace.signal(name) to make one."
    )
    assert [list(it) for it in namespaces[:1] + namespaces[2:]] == [["old"], [], []]


@in_a_fresh_process
def test_subclasses_of_namespaces_are_taken_over() -> None:
    """They keep what they override, and derive from ours, as those that come later do."""
    import copy
    import pickle

    from blinker import Namespace

    import heliograph.blinker
    from heliograph.blinker import install

    class Prefixed(Namespace):
        def signal(self, name: str, doc: str | None = None) -> Any:
            return super().signal(f"shop-{name}", doc)

    class Nested(Prefixed, Namespace):
        pass

    old = [Prefixed(), Nested()]
    before = [it.signal("old") for it in old]
    install()

    class Later(Namespace):
        pass

    made: list[Any] = [*old, Prefixed(), Nested(), Later()]
    for it in made:
        it.signal("new")

    assert [type(it) for it in made] == [Prefixed, Nested, Prefixed, Nested, Later]
    assert all(isinstance(it, heliograph.blinker.Namespace) for it in made)
    assert [list(it) for it in made] == [
        ["shop-old", "shop-new"],
        ["shop-old", "shop-new"],
        ["shop-new"],
        ["shop-new"],
        ["new"],
    ]
    assert [it["shop-old"] for it in old] == before
    assert type(copy.copy(made[-1])) is Later
    assert pickle.loads(pickle.dumps(Namespace())) == {}  # noqa: S301 - our own bytes.


@in_a_fresh_process
def test_nothing_has_changed_if_namespaces_cannot_be_joined() -> None:
    """A name that both sides have is refused before anything else is done."""
    import warnings

    import blinker

    import heliograph.blinker

    def state() -> list[object]:
        return [
            sys.modules["blinker"],
            type(theirs),
            blinker.Signal.__dict__.get("__new__"),
            heliograph.blinker.Signal.__mro__,
            dict(blinker.default_namespace),
            dict(heliograph.blinker.default_namespace),
        ]

    theirs = blinker.signal("order-paid")
    warnings.simplefilter("ignore")  # Of just that.
    heliograph.signal("order-paid")
    before = state()
    message = ""
    try:
        heliograph.blinker.install()
    except RuntimeError as error:
        message = str(error)

    assert message == (
        "The default namespaces of Blinker and of Heliograph both have 'order-paid', and it is "
        "unclear which of the two signals is meant. Call install() before making signals."
    )
    assert state() == before


@in_a_fresh_process
def test_receivers_that_cannot_be_taken_over_are_named_in_a_warning() -> None:
    """Everything else is taken over, also where warnings are errors."""
    import warnings

    import blinker
    from werkzeug.local import LocalProxy

    from heliograph import ReceiverWarning
    from heliograph.blinker import install

    class NotCallable:
        pass

    def receiver(sender: object) -> None: ...

    def unbound() -> object:
        msg = "Working outside of application context."
        raise RuntimeError(msg)

    signal: Any = blinker.Signal()
    wrong: Any = NotCallable()
    # Blinker knows a proxy only as itself, and nobody ever sent by that.
    proxy = LocalProxy(unbound)
    signal.connect(wrong)
    signal.connect(receiver, proxy)
    signal.connect(receiver, "a")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        install()

    assert [(it.category, it.filename) for it in caught] == [(ReceiverWarning, __file__)] * 2
    assert [str(it.message).partition(":")[0] for it in caught] == [
        "Not taken over from Blinker"
    ] * 2
    assert signal.send("a") == [(receiver, None)]


@in_a_fresh_process
def test_a_warning_that_is_an_error_comes_when_all_is_done() -> None:
    """`-W error` does not leave half of Blinker behind."""
    import blinker

    import heliograph.blinker

    class NotCallable:
        pass

    signal: Any = blinker.Signal()
    wrong: Any = NotCallable()
    signal.connect(wrong)
    warned = ""
    try:
        heliograph.blinker.install()
    except heliograph.ReceiverWarning as warning:
        warned = str(warning)

    assert "is not callable" in warned
    assert (sys.modules["blinker"], signal.send("a")) == (heliograph.blinker, [])


@in_a_fresh_process
def test_frozen_signals_are_found() -> None:
    """Servers call `gc.freeze` before they fork, which hides objects from the collector."""
    import gc

    import blinker

    import heliograph
    from heliograph.blinker import install

    signal: Any = blinker.Signal()
    gc.freeze()
    install()

    assert isinstance(signal, heliograph.Signal)
    assert gc.get_freeze_count() > 0


@in_a_fresh_process
def test_a_number_may_be_a_sender_or_an_id() -> None:
    """A number that is the id of no object was itself the sender."""
    import blinker

    from heliograph.blinker import install

    def receiver(sender: object) -> None: ...

    signal: Any = blinker.Signal()
    signal.connect(receiver, 12345678901234567890)
    signal.connect(receiver, -1)
    install()

    assert {c.sender for c in signal.connections} == {12345678901234567890, -1}


def test_a_blinker_that_keeps_hashes_of_senders_is_refused() -> None:
    """Before 1.8.1, nobody can tell from its tables for whom a receiver is connected."""
    older = ModuleType("blinker.base")
    with pytest.raises(RuntimeError, match=r"older than 1\.8\.1 .* Call install\(\) before"):
        adoption._check_version(older)
