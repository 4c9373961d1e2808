"""All signals of a namespace, or those with matching names: going over them, connecting to them."""

from __future__ import annotations

import gc
import threading
from inspect import Signature, currentframe, signature
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, ArgumentError, Namespace, ReceiverError, Signal
from heliograph.core.describe import describe_callable
from heliograph.core.lock import under_lock
from tests.core.kinds import Thing
from tests.threads import fast_switching

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def line() -> int:
    """Return the number of the line that calls."""
    frame: FrameType | None = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.fixture
def shop() -> Namespace:
    """Return a namespace with four signals, one of them nested."""
    shop = Namespace("shop")
    for name in ("order_paid", "order_lost", "page_seen", "billing.order_paid"):
        shop.signal(name)
    return shop


@pytest.fixture
def heard() -> list[object]:
    """Return what receivers have heard."""
    return []


@pytest.fixture
def hear(heard: list[object]) -> Callable[..., None]:
    """Return a receiver."""

    def hear(sender: object, **payload: object) -> None:
        heard.append((sender, payload))

    return hear


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["order_paid", "order_lost", "page_seen", "billing.order_paid"]),
        ("order_*", ["order_paid", "order_lost"]),
        ("*order_paid", ["order_paid", "billing.order_paid"]),
        ("order_????", ["order_paid", "order_lost"]),
        ("[ob]*paid", ["order_paid", "billing.order_paid"]),
        ("page_seen", ["page_seen"]),
        ("ORDER_*", []),
    ],
)
def test_a_pattern_stands_for_the_names_that_match(
    shop: Namespace, pattern: str, names: list[str]
) -> None:
    """As in a shell, in upper or lower case as written, and in the order of making."""
    assert list(shop.signals(pattern)) == [shop[name] for name in names]


def test_without_a_pattern_all_signals_match(shop: Namespace) -> None:
    """Those of nested namespaces too; these match by what they are called there."""
    billing = shop.namespace("billing")

    assert list(shop.signals()) == [shop[name] for name in shop]
    assert list(billing.signals("order_*")) == [shop["billing.order_paid"]]
    assert [repr(it.signals("order_*")) for it in (billing, Namespace())] == [
        "<Signals that match 'order_*' of namespace 'shop.billing'>",
        "<Signals that match 'order_*' of a namespace without a name>",
    ]


def test_connecting_reaches_signals_that_are_there_and_signals_to_come(
    shop: Namespace, hear: Callable[..., None], heard: list[object]
) -> None:
    """However a later one is made; others never."""
    assert shop.signals("order_*").connect(hear) is hear

    @shop.declare
    def order_found(sender: str, *, where: str) -> None: ...

    shop["order_paid"].send("Berlin", total=1)
    shop.signal("order_sent").send("Hamburg")
    order_found.send("Bremen", where="there")
    shop["page_seen"].send("Berlin")
    shop.signal("orders").send("Berlin")

    assert heard == [
        ("Berlin", {"total": 1}),
        ("Hamburg", {}),
        ("Bremen", {"where": "there"}),
    ]


def test_connecting_takes_the_options_of_connect(
    shop: Namespace, hear: Callable[..., None], heard: list[object]
) -> None:
    """Later signals get them as well, and the place where the receiver was connected."""
    before = line()
    shop.signals("order_*").connect_via("Berlin", priority=3, on_error="log", inline=True)(hear)
    later = shop.signal("order_sent")
    later.send("Berlin")
    later.send("Hamburg")

    [[there], [come]] = [shop[name].connections for name in ("order_paid", "order_sent")]
    told = [
        (it.sender, it.priority, it.on_error, it.inline, it.weak, it.location)
        for it in (there, come)
    ]
    assert told == [("Berlin", 3, "log", True, False, f"{__file__}:{before + 1}")] * 2
    assert heard == [("Berlin", {})]


def test_disconnecting_ends_it_for_signals_that_are_there_and_signals_to_come(
    shop: Namespace, hear: Callable[..., None], heard: list[object]
) -> None:
    """For one sender, or for all."""
    shop.signals("order_*").connect(hear, "Berlin")
    shop.signals("order_*").connect(hear, "Hamburg")
    shop.signals("order_*").disconnect(hear, "Berlin")
    for sender in ("Berlin", "Hamburg"):
        shop["order_lost"].send(sender)
        shop.signal("order_sent").send(sender)
    after_one = list(heard)
    shop.signals("order_*").disconnect(hear)
    shop["order_lost"].send("Hamburg")
    shop.signal("order_found").send("Hamburg")

    assert after_one == heard == [("Hamburg", {})] * 2


def test_disconnecting_from_one_signal_is_not_undone_by_what_others_connect(
    shop: Namespace, hear: Callable[..., None], heard: list[object]
) -> None:
    """Each signal keeps its own connections."""
    shop.signals().connect(hear)
    shop["order_paid"].disconnect(hear)
    shop.signals().connect(lambda sender, **payload: None, weak=False)
    shop["order_paid"].send("Berlin")

    assert heard == []


def test_a_receiver_or_a_sender_that_died_is_not_connected_to_later_signals(
    shop: Namespace, heard: list[object]
) -> None:
    """Both are held as weakly as by a single signal."""

    def dying(sender: object) -> None: ...

    def living(sender: object) -> None: ...

    sender = Thing("Berlin")
    shop.signals().connect(dying)
    shop.signals().connect(living, sender)
    del dying, sender
    gc.collect()

    assert shop.signal("order_sent").connections == ()


def test_what_dies_while_a_signal_is_made_is_not_connected(
    shop: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection may have been listed just before."""

    def dying(sender: object) -> None: ...

    shop.signals().connect(dying)
    [(where, template)] = shop._names.templates.items()
    kept = template.connections
    monkeypatch.setattr(type(template), "connections", property(lambda it: kept))
    del dying
    gc.collect()
    shop._names.templates[where] = template

    assert shop.signal("order_sent")._registry.connections() == []


def test_a_signal_that_a_finalizer_makes_is_connected_right_after(shop: Namespace) -> None:
    """It may run in the middle of a change to connections, and then has to wait for its end."""

    def receiver(sender: object) -> None:
        """Hear it."""

    shop.signals("refund_*").connect(receiver)
    under_lock(shop.signal, "refund_paid")

    assert shop["refund_paid"].receivers == (receiver,)


def test_whoever_cannot_take_one_of_the_payloads_is_connected_to_none(shop: Namespace) -> None:
    """All or nothing; and the error names the signal."""

    @shop.declare
    def order_found(sender: str, *, where: str) -> None: ...

    def narrow(sender: object) -> None: ...

    with pytest.raises(ReceiverError, match="narrow cannot be connected to signal 'order_found'"):
        shop.signals("order_*").connect(narrow)
    with pytest.raises(ReceiverError, match="'hear' cannot be connected to signal 'order_paid'"):
        shop.signals("order_*").connect("hear")  # type: ignore[type-var]  # No receiver.
    shop.signal("order_sent")

    assert [it.connections for it in shop.signals()] == [()] * 6


@pytest.mark.parametrize("method", ["connect", "connect_via"])
def test_a_misspelt_option_of_a_pattern_is_refused(shop: Namespace, method: str) -> None:
    """With the nearest one that there is, as by a single signal."""

    def hear(sender: object) -> None: ...

    with pytest.raises(ArgumentError) as caught:
        getattr(shop.signals("order_*"), method)(hear, prioritty=1)

    who = "A receiver" if method == "connect_via" else describe_callable(hear)
    assert str(caught.value) == (
        f"{who} cannot be connected to signal 'order_*'. {method}() has no option 'prioritty'. "
        "Did you mean 'priority'?"
    )
    assert [it.connections for it in shop.signals()] == [()] * 4


def test_a_pattern_refuses_what_cannot_be_held_weakly(shop: Namespace) -> None:
    """Then it is connected to none of the signals."""

    class Slotted:
        """A receiver without weak references."""

        __slots__ = ()

        def __call__(self, sender: object) -> None:
            """Hear."""

    with pytest.raises(ReceiverError, match=r"to signal '\*'\. It cannot be held weakly"):
        shop.signals().connect(Slotted())

    assert [it.connections for it in shop.signals()] == [()] * 4


def test_options_that_do_not_exist_connect_nothing(shop: Namespace) -> None:
    """As with a single signal."""

    def hear(sender: object) -> None: ...

    with pytest.raises(ArgumentError, match=r"hear cannot be connected to signal '\*'.*'shout'"):
        shop.signals().connect(hear, on_error="shout")  # type: ignore[arg-type]  # That is refused.

    assert [it.connections for it in shop.signals()] == [()] * 4


def test_a_declaration_that_somebody_who_stands_by_cannot_take_is_refused(
    shop: Namespace,
) -> None:
    """Nothing is declared then, and the error names both."""

    def narrow(sender: object) -> None: ...

    shop.signals("order_*").connect(narrow)

    def order_found(sender: str, *, where: str) -> None: ...

    with pytest.raises(ReceiverError, match="narrow cannot be connected to signal 'order_found'"):
        shop.declare(order_found)

    assert "order_found" not in shop
    assert shop.declarations == ()


def test_a_signal_that_is_asked_for_meanwhile_is_the_one_that_is_declared() -> None:
    """Another thread may do so while those who stand by are looked at."""
    shop = Namespace("shop")

    class Asking:
        @property
        def __signature__(self) -> Signature:
            shop.signal("order_found")
            return signature(self.__call__)

        def __call__(self, sender: object, **payload: object) -> None:
            """Take everything."""

    receiver = Asking()
    shop.signals("order_*").connect(receiver)

    def order_found(sender: str, *, where: str) -> None:
        """An order was found."""

    found = shop.declare(order_found)

    assert (found is shop["order_found"], found.receivers) == (True, (receiver,))
    assert found.declaration is not None
    assert found.__doc__ == found.declaration.doc == "An order was found."


@pytest.mark.parametrize("pattern", ["", "order_[", "[!]", 7, None])
def test_a_pattern_that_is_none_is_refused(shop: Namespace, pattern: Any) -> None:
    """The error says how one is written."""
    with pytest.raises(ArgumentError) as caught:
        shop.signals(pattern)

    assert str(caught.value) == (
        f"{pattern!r} is not a pattern for names of signals: use a string in which * stands for "
        "any characters, ? for one, and [abc] for one of these."
    )


@fast_switching()
def test_a_signal_that_is_made_meanwhile_is_not_missed() -> None:
    """Whether connecting or making came first, both are done in the end."""
    for _ in range(100):
        shop = Namespace()
        receivers = [lambda sender, at=at: at for at in range(3)]
        barrier = threading.Barrier(2)

        def connect(
            shop: Namespace = shop,
            barrier: threading.Barrier = barrier,
            receivers: list[Any] = receivers,
        ) -> None:
            barrier.wait()
            for receiver in receivers:
                shop.signals("p*").connect_via(ANY)(receiver)

        thread = threading.Thread(target=connect)
        thread.start()
        barrier.wait()
        made = [shop.signal(name) for name in ("paid", "packed", "posted")]
        thread.join()

        assert [set(it.receivers) for it in made] == [set(receivers)] * 3


def test_a_pattern_that_nobody_stands_by_is_forgotten(shop: Namespace) -> None:
    """Making a signal costs the same after any number of them."""

    def hear(sender: object) -> None: ...

    for number in range(200):
        shop.signals(f"{number}*").connect(hear)
        shop.signals(f"{number}*").disconnect(hear)
    shop.signals("lost*").disconnect(hear)

    assert shop._names.templates == {}


@pytest.mark.parametrize("weak", [True, False])
def test_a_pattern_is_forgotten_when_the_last_who_stands_by_has_died(
    shop: Namespace, weak: bool
) -> None:
    """Be it the receiver or the sender; and not before."""

    def hear(sender: object) -> None: ...

    sender, pattern = Thing("Berlin"), shop.signals("found*")
    pattern.connect(hear, sender, weak=weak)
    pattern.connect(hear, "Hamburg", weak=weak)
    del sender
    gc.collect()
    kept = list(shop._names.templates)
    pattern.disconnect(hear, "Hamburg")
    pattern.connect(hear, weak=weak)
    later = shop.signal("found it")
    del hear
    gc.collect()

    assert (kept, len(later.connections)) == ([("", "found*")], int(not weak))
    assert len(shop._names.templates) == int(not weak)


def test_a_pattern_that_is_forgotten_meanwhile_is_not_missed(
    shop: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one may leave, and another one come, while a receiver is being connected."""
    pattern = shop.signals("found*")
    receivers = [lambda sender, at=at: at for at in range(3)]
    pattern.connect(receivers[0], weak=False)
    connect = Signal._connect_with
    steps = [receivers[0]]

    def meddling(signal: Signal, *args: Any) -> Any:
        while steps:
            pattern.disconnect(steps.pop())
            pattern.connect(receivers[1], weak=False)
        return connect(signal, *args)

    monkeypatch.setattr(Signal, "_connect_with", meddling)
    pattern.connect(receivers[2], weak=False)

    assert set(shop.signal("found it").receivers) == set(receivers[1:])


@fast_switching()
def test_threads_that_connect_and_leave_miss_nothing() -> None:
    """Who connects while the last one leaves stands by all the same."""
    shop = Namespace()
    barrier = threading.Barrier(3)
    missed: list[str] = []

    def stand_by(at: int) -> None:
        def hear(sender: object) -> None: ...

        for number in range(150):
            pattern = shop.signals("p*")
            pattern.connect(hear)
            if hear not in shop.signal(f"p-{at}-{number}").receivers:
                missed.append(f"p-{at}-{number}")
            pattern.disconnect(hear)
        barrier.wait()

    threads = [threading.Thread(target=stand_by, args=(at,)) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (missed, shop._names.templates) == ([], {})
