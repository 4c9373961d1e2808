"""Who is the same sender, and who is the same receiver."""

from __future__ import annotations

import gc
from enum import IntEnum, StrEnum
from functools import partial
from types import MethodType
from weakref import ref

import pytest

from heliograph import ANY, Signal
from heliograph.core.identity import Symbol, _kinds, _type_died, key_function
from tests.core.diary import Diary
from tests.core.proxies import Proxy
from tests.ids import without_address
from tests.threads import CLASSES_STAY


class Fruit(IntEnum):
    """An int by inheritance."""

    APPLE = 1


class Vegetable(IntEnum):
    """An int by inheritance, of another class."""

    LEEK = 1


class Shade(StrEnum):
    """A string by inheritance."""

    RED = "red"


class Text(str):
    """A string that has no hash, and is equal to nothing."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


class Slotted:
    """An object to which there are no weak references."""

    __slots__ = ("value",)


class AlwaysEqual:
    """An object that is equal to everything, and has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class Shop:
    """An ordinary object with a method."""

    def __init__(self, name: str = "shop") -> None:
        self.name = name

    def receive(self, sender: object, **payload: object) -> str:
        """Return the name."""
        return self.name

    def __call__(self, sender: object, **payload: object) -> str:
        """Return the name."""
        return self.name


class Log(list[object]):
    """A list to which there can be weak references."""


_thing = Shop()
STRANGERS: list[tuple[object, object]] = [
    (0, False),
    (0, None),
    (0, ""),
    (0, 0.0),
    (1, True),
    (1, Fruit.APPLE),
    (Fruit.APPLE, Vegetable.LEEK),
    ("1", 1),
    ("", None),
    (None, False),
    (_thing, id(_thing)),
    (Shop(), Shop()),
    (AlwaysEqual(), AlwaysEqual()),
    (Shop, _thing),
    ([], []),
    ({}, {}),
    (Slotted(), Slotted()),
    (1.5, float("1.5")),
]


@pytest.mark.parametrize(("one", "other"), STRANGERS, ids=without_address)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_sender_is_never_taken_for_another_one(
    one: object, other: object, *, swapped: bool
) -> None:
    """Keys are typed, and objects are compared by identity: no two senders share a key."""
    sender, stranger = (other, one) if swapped else (one, other)
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, sender)

    assert signal.send(stranger) == []
    assert not signal.has_receivers_for(stranger)
    assert signal.send(sender) == [(receiver, "r")]
    assert signal.has_receivers_for(sender)


@pytest.mark.parametrize(("one", "other"), STRANGERS, ids=without_address)
def test_disconnecting_for_a_sender_leaves_every_other_one(one: object, other: object) -> None:
    """`disconnect` for a sender, 0 and False included, never means another sender."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, one)

    signal.disconnect(receiver, other)

    assert signal.send(one) == [(receiver, "r")]


@pytest.mark.parametrize("sender", [0, False, "", None])
def test_no_sender_is_taken_for_any(sender: object) -> None:
    """`ANY` as a sender reaches those who hear everybody, and nobody else."""
    signal, diary = Signal("paid"), Diary()
    everybody = diary.receiver("everybody")
    signal.connect(diary.receiver("r"), sender)
    signal.connect(everybody)

    assert signal.send(ANY) == [(everybody, "everybody")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("red", "-red"[1:]),
        ("red", Shade.RED),
        ("red", Text("red")),
        (Text("red"), Text("red")),
        (10**30, 10**29 * 10),
        (0, -0),
        (Fruit.APPLE, Fruit(1)),
        (Slotted, Slotted),
        (None, None),
    ],
    ids=without_address,
)
def test_strings_and_integers_are_the_same_sender_by_value(one: object, other: object) -> None:
    """Strings are compared by value, and integers by value and type."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, one)

    assert signal.send(other) == [(receiver, "r")]

    signal.disconnect(receiver, other)

    assert signal.send(one) == []


@pytest.mark.parametrize("sender", [None, 0, False, "", [], {}, Slotted(), Fruit.APPLE, ANY])
def test_a_receiver_for_any_hears_every_sender(sender: object) -> None:
    """`ANY` stands for every sender, also for those that are false."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)

    assert signal.send(sender) == [(receiver, "r")]


def test_sending_without_a_sender_is_sending_from_none() -> None:
    """`None` is an ordinary sender, and what `send` takes when it is given none."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, sender=None)

    assert signal.send() == [(receiver, "r")]
    assert signal.send("shop") == []
    assert [connection.sender for connection in signal.connections] == [None]


def test_a_connection_ends_when_its_sender_dies() -> None:
    """A sender is held weakly where it can be, and takes its connections with it."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)
    [connection] = signal.connections

    del shop

    assert signal.connections == ()
    assert not signal.receivers
    assert not connection.connected
    assert connection.sender is None


def test_the_death_of_one_sender_leaves_the_connections_for_others() -> None:
    """When a sender dies, only what was connected for it ends."""
    signal, diary, shop, kiosk = Signal("paid"), Diary(), Shop(), Shop()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    for sender in (shop, kiosk):
        signal.connect(receiver, sender)
        signal.connect(other, sender)

    del sender, shop

    assert signal.send(kiosk) == [(receiver, "r"), (other, "other")]
    assert len(signal.connections) == 2


def test_a_sender_that_cannot_be_held_weakly_is_held_strongly() -> None:
    """Otherwise its id could be given to a new object, which would be taken for it."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, Slotted())

    assert all(signal.send(Slotted()) == [] for _ in range(1000))
    assert [type(connection.sender) for connection in signal.connections] == [Slotted]


def test_a_sender_that_died_leaves_its_id_to_others() -> None:
    """A new object at the address of a dead sender is heard by nobody."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for _ in range(100):
        signal.connect(receiver, Shop())

        assert signal.send(Shop()) == []


def test_a_sender_in_a_cycle_ends_its_connections_when_it_is_collected() -> None:
    """Senders that only the garbage collector can free are as good as others."""
    signal, diary, ring = Signal("paid"), Diary(), Log()
    receiver = diary.receiver("r")
    ring.append(ring)
    signal.connect(receiver, ring)

    del ring
    gc.collect()

    assert signal.connections == ()


def test_any_is_one_and_the_same_symbol() -> None:
    """A symbol is interned by its name, and says it."""
    assert Symbol("ANY") is ANY
    assert Symbol("ANYBODY") is not ANY
    assert (repr(ANY), ANY.name) == ("ANY", "ANY")


@pytest.mark.skipif(CLASSES_STAY, reason="classes stay here once a thread has been started")
def test_a_type_that_is_gone_is_not_remembered() -> None:
    """What is known of a sender's type is forgotten with the type, as its id is used again."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    kind = type("Passing", (), {})
    signal.send(kind())
    key = id(kind)
    key_function(kind)  # In C, a send that is plain does not ask.
    known = key in _kinds

    del kind
    signal.send()  # The last type that was sent from is kept at hand.
    gc.collect()

    assert (known, key in _kinds) == (True, False)


def test_types_that_die_with_the_interpreter_are_not_forgotten() -> None:
    """What would have to be called for it may be gone by then."""
    key = id(Shop)
    Signal("paid").send(Shop())
    known = key_function(Shop)

    _type_died(key, None, lambda: True)

    assert (key in _kinds, known) == (True, id)


def test_each_look_at_a_bound_method_is_the_same_sender() -> None:
    """Bound methods are compared by object and function as senders, too, and kept alive."""
    signal, diary, shop, kiosk = Signal("paid"), Diary(), Shop(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop.receive)

    assert signal.send(shop.receive) == [(receiver, "r")]
    assert [signal.send(other) for other in (shop, kiosk.receive, shop.__call__)] == [[], [], []]
    assert [connection.sender for connection in signal.connections] == [shop.receive]


# --- receivers -------------------------------------------------------------------------


def test_connecting_a_receiver_twice_for_one_sender_connects_it_once() -> None:
    """The same receiver for the same sender is one connection."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for _ in range(2):
        signal.connect(receiver)
        signal.connect(receiver, "shop")

    assert len(signal.connections) == 2
    assert signal.send("shop") == [(receiver, "r")]


def test_each_look_at_a_bound_method_is_the_same_receiver() -> None:
    """Bound methods are compared by object and function, as Python makes a new one each time."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop.receive)
    signal.connect(shop.receive)

    assert signal.send() == [(shop.receive, "shop")]

    signal.disconnect(shop.receive)

    assert signal.send() == []


def test_methods_of_two_objects_are_two_receivers() -> None:
    """Bound methods of objects that are equal are still receivers of their own."""
    signal, one, other = Signal("paid"), Shop("one"), Shop("other")
    signal.connect(one.receive)
    signal.connect(other.receive)

    signal.disconnect(one.receive)

    assert signal.send() == [(other.receive, "other")]


def test_a_bound_method_is_held_by_its_object() -> None:
    """A method connected weakly is heard for as long as its object lives."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop.receive)
    heard = [value for _, value in signal.send()]

    del shop

    assert heard == ["shop"]
    assert signal.receivers == ()


def test_a_bound_method_is_gone_with_its_function() -> None:
    """A function that was bound by hand is not kept alive by the connection either."""
    signal, shop = Signal("paid"), Shop()

    def receive(self: Shop, sender: object) -> str:
        return self.name

    signal.connect(MethodType(receive, shop))
    heard = [value for _, value in signal.send()]

    del receive

    assert heard == ["shop"]
    assert signal.receivers == ()


def test_a_built_in_method_is_held_by_its_object() -> None:
    """Built-in methods have no function of their own, but the object that they belong to."""
    signal, log = Signal("paid"), Log()
    signal.connect(log.append)
    signal.connect(log.append)

    signal.send("shop")

    assert log == ["shop"]

    signal.disconnect(log.append)
    signal.send("kiosk")

    assert log == ["shop"]

    signal.connect(log.append)
    del log

    assert signal.receivers == ()


def test_a_strongly_connected_built_in_method_is_one_receiver() -> None:
    """`x.append is not x.append`, and still it is connected once and can be disconnected."""
    signal = Signal("paid")
    log: list[object] = []
    signal.connect(log.append, weak=False)
    signal.connect(log.append, weak=False)
    signal.send("shop")
    signal.disconnect(log.append)
    signal.send("kiosk")

    assert log == ["shop"]


def test_a_built_in_function_is_a_receiver() -> None:
    """A function implemented in C that belongs to a module is no method."""
    signal = Signal("paid")
    signal.connect(len)

    assert signal.send("four") == [(len, 4)]


def test_the_send_of_a_signal_lives_as_long_as_the_signal() -> None:
    """A signal's `send` can be a weakly connected receiver of another signal."""
    first, second, diary = Signal("first"), Signal("second"), Diary()
    receiver = diary.receiver("r")
    second.connect(receiver)
    first.connect(second.send)

    assert first.send("shop") == [(second.send, [(receiver, "r")])]


def test_an_object_and_its_call_are_one_receiver() -> None:
    """Whoever connects `thing.__call__` means `thing`."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop)
    signal.connect(shop.__call__)

    assert signal.receivers == (shop,)

    signal.disconnect(shop.__call__)

    assert not signal.receivers


def test_the_call_of_a_function_is_the_function() -> None:
    """`function.__call__` is made again at each look; the function is what is meant."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver.__call__)  # type: ignore[operator]

    assert signal.receivers == (receiver,)


def test_a_call_that_was_put_on_an_object_is_a_receiver_of_its_own() -> None:
    """A method that is only named `__call__` is not what calling the object would run."""
    signal, shop = Signal("paid"), Shop()

    def __call__(self: Shop, sender: object) -> str:  # noqa: N807 - the point of this test.
        return "another"

    method = MethodType(__call__, shop)
    signal.connect(method)

    assert signal.send() == [(method, "another")]


def test_another_special_method_is_a_receiver_of_its_own() -> None:
    """A method wrapper other than `__call__` is held by its object, as built-in methods are."""
    signal, log = Signal("paid"), Log(["shop"])
    signal.connect(log.__contains__)

    assert signal.send("shop") == [(log.__contains__, True)]
    assert signal.send("kiosk") == [(log.__contains__, False)]


def test_partials_that_make_the_same_call_can_disconnect_each_other() -> None:
    """Two partials of the same function with the same arguments are the same to `disconnect`."""
    signal, shop = Signal("paid"), Shop()
    first = partial(shop.receive, extra=shop)
    signal.connect(first)

    signal.disconnect(partial(shop.receive, extra=Shop()))
    signal.disconnect(partial(shop.receive))

    assert signal.receivers == (first,)

    signal.disconnect(partial(shop.receive, extra=shop))

    assert not signal.receivers


def test_a_partial_disconnects_no_receiver_of_another_kind() -> None:
    """Only partials are looked through for one that makes the same call."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop.receive)
    signal.disconnect(partial(shop.receive))

    assert signal.receivers == (shop.receive,)


def test_a_receiver_that_was_never_connected_is_no_error_to_disconnect() -> None:
    """`disconnect` of a stranger changes nothing."""
    signal, diary = Signal("paid"), Diary()
    receiver, stranger = diary.receiver("r"), diary.receiver("stranger")
    signal.connect(receiver, "shop")

    signal.disconnect(stranger)
    signal.disconnect(stranger, "shop")
    signal.disconnect(receiver, "kiosk")

    assert signal.send("shop") == [(receiver, "r")]


def test_a_receiver_is_weakly_held_unless_told_otherwise() -> None:
    """A receiver that nothing else refers to is gone; one connected strongly stays."""
    signal, diary = Signal("paid"), Diary()
    weakly, strongly = diary.receiver("weakly"), diary.receiver("strongly")
    signal.connect(weakly)
    signal.connect(strongly, weak=False)
    diary.kept.clear()
    alive = ref(strongly)

    del weakly, strongly

    assert [value for _, value in signal.send()] == ["strongly"]

    signal.disconnect(signal.receivers[0])

    assert alive() is None


# --- proxies ---------------------------------------------------------------------------


def proxy_to(bound: list[Shop]) -> Shop:
    """Return a proxy to the first of a list, which is unbound while the list is empty."""

    def current() -> Shop:
        if not bound:
            msg = "working outside of shop context"
            raise RuntimeError(msg)
        return bound[0]

    return Proxy(current)  # type: ignore[return-value]


@pytest.mark.parametrize("only_any", [False, True])
def test_a_proxy_is_unwrapped_wherever_a_sender_is_given(*, only_any: bool) -> None:
    """A proxy stands for its object in connect, disconnect, send and every query."""
    signal, shop = Signal("paid"), Shop()
    senders: list[object] = []

    def receiver(sender: object) -> None:
        senders.append(sender)

    proxy = proxy_to([shop])
    signal.connect(receiver, ANY if only_any else proxy)
    for sender in (shop, proxy, shop, proxy):
        signal.send(sender)

    assert [sender is shop for sender in senders] == [True, True, True, True]
    assert list(signal.receivers_for(proxy)) == [receiver]
    assert signal.has_receivers_for(proxy)

    signal.disconnect(receiver, ANY if only_any else proxy)

    assert signal.receivers == ()


async def test_a_proxy_is_unwrapped_in_send_async_too() -> None:
    """Async receivers get the real object as well."""
    signal, shop = Signal("paid"), Shop()
    senders: list[object] = []

    async def receiver(sender: object) -> None:
        senders.append(sender)

    signal.connect(receiver, proxy_to([shop]))
    await signal.send_async(proxy_to([shop]))

    assert [sender is shop for sender in senders] == [True]


def test_a_temporary_connection_for_a_proxy_is_one_for_its_object() -> None:
    """What the proxy is bound to when `connected_to` is called counts."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    bound = [shop]
    proxy = proxy_to(bound)
    with signal.connected_to(receiver, proxy):
        bound.clear()
        heard = signal.send(shop)

    assert heard == [(receiver, "r")]
    assert signal.connections == ()


def test_a_class_that_can_be_unwrapped_does_not_make_proxies_of_its_objects() -> None:
    """What a metaclass defines is said of the class."""

    class Kind(type):
        def _get_current_object(cls) -> object:
            raise AssertionError

    class Stall(metaclass=Kind):
        """No proxy."""

    signal, stall = Signal("paid"), Stall()
    senders: list[object] = []
    signal.connect(senders.append, stall, weak=False)
    signal.send(stall)

    assert [sender is stall for sender in senders] == [True]


def test_a_proxy_of_a_proxy_is_unwrapped_to_the_end() -> None:
    """However many proxies stand before each other, the object behind them counts."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)

    assert signal.send(proxy_to([proxy_to([shop])])) == [(receiver, "r")]


def test_a_proxy_of_a_string_is_that_string() -> None:
    """Werkzeug's says that it is whatever it stands for, and is unwrapped all the same."""
    proxies = pytest.importorskip("werkzeug.local")
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")

    assert signal.send(proxies.LocalProxy(lambda: "shop")) == [(receiver, "r")]


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_an_unbound_proxy_raises_its_own_error(sender: object) -> None:
    """Whoever passes a proxy outside of its context learns it from the proxy."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, sender)
    unbound = proxy_to([])

    for attempt in (
        lambda: signal.connect(receiver, unbound),
        lambda: signal.connected_to(receiver, unbound),
        lambda: signal.connect_via(unbound)(receiver),
        lambda: signal.disconnect(receiver, unbound),
        lambda: signal.send(unbound),
        lambda: signal.receivers_for(unbound),
        lambda: signal.has_receivers_for(unbound),
    ):
        with pytest.raises(RuntimeError, match="working outside of shop context"):
            attempt()

    assert diary.lines == []
    assert [connection.sender for connection in signal.connections] == [sender]


def test_only_the_type_makes_a_proxy() -> None:
    """An object that has every attribute, as mocks do, is a sender like others."""

    class Everything:
        def __getattr__(self, name: str) -> object:
            return lambda: "somebody else"

    signal, diary, everything = Signal("paid"), Diary(), Everything()
    receiver = diary.receiver("r")
    signal.connect(receiver, everything)

    assert signal.send(everything) == [(receiver, "r")]
