"""What an object is, its type says: what it says of itself is looked at, and never taken apart."""

from __future__ import annotations

import gc
from functools import partial, wraps
from types import MethodType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

from heliograph import ArgumentError, Connection, ReceiverError, ReceiverWarning, Signal
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable


@wrapt.decorator
def audited(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Decorate as tracing, retrying and deprecating libraries do."""
    return "audited", wrapped(*args, **kwargs)


class Shop:
    """An object with decorated methods."""

    @audited
    def receive(self, sender: object, **payload: object) -> object:
        """Return who sent."""
        return sender

    @audited
    @classmethod
    def receive_all(cls, sender: object, **payload: object) -> object:
        """Return who sent."""
        return sender

    @audited
    async def receive_later(self, sender: object, **payload: object) -> object:
        """Return who sent, later."""
        return sender

    def plain(self, sender: object, **payload: object) -> object:
        """Return who sent."""
        return sender


class Kiosk(Shop):
    """Overrides a method, and can get the other one by `super()`."""

    @audited
    def receive(self, sender: object, **payload: object) -> object:
        """Return nothing."""

    def inherited(self) -> Callable[..., Any]:
        """Return the method that was overridden."""
        return super().receive


class Stall:
    """An object to which there are no weak references."""

    __slots__ = ()

    @audited
    def receive(self, sender: object) -> object:
        """Return who sent."""
        return sender


def values(signal: Signal, sender: object = "a") -> list[object]:
    """Send, and return what the receivers returned."""
    return [value for _, value in signal.send(sender)]


# --- decorators that claim to be what they wrap ------------------------------------------


@pytest.mark.parametrize("weak", [True, False])
def test_a_decorated_method_is_called_with_its_decorator(*, weak: bool) -> None:
    """A wrapper that claims to be a method is no method: nobody takes it apart."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop.receive, weak=weak)

    assert values(signal) == [("audited", "a")]
    assert [receiver(1) for receiver in signal.receivers] == [("audited", 1)]


async def test_a_decorated_method_is_awaited_with_its_decorator() -> None:
    """It is async if it says so, as what it wraps is."""
    signal, shop = Signal("paid"), Shop()

    @wrapt.decorator
    async def awaited(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return "awaited", await wrapped(*args, **kwargs)

    class Later:
        @awaited
        async def receive(self, sender: object) -> object:
            return sender

    later = Later()
    signal.connect(later.receive)
    signal.connect(shop.receive)

    results = await signal.send_async("a")
    assert [value for _, value in results] == [("awaited", "a"), ("audited", "a")]


@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("look", [lambda shop: shop.receive, lambda shop: shop.receive_all])
def test_each_look_at_a_decorated_method_is_the_same_receiver(
    look: Callable[[Shop], Callable[..., Any]], *, weak: bool
) -> None:
    """It is connected once, and can be disconnected."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(look(shop), weak=weak)
    signal.connect(look(shop), weak=weak)
    once = values(signal)
    signal.disconnect(look(shop))

    assert (once, signal.connections) == ([("audited", "a")], ())


def test_decorated_methods_of_two_objects_are_two_receivers() -> None:
    """They are told apart by their objects, as other methods are."""
    signal, one, other = Signal("paid"), Shop(), Shop()
    signal.connect(one.receive)
    signal.connect(other.receive)
    signal.disconnect(one.receive)

    assert [receiver.__self__ for receiver in signal.receivers] == [other]  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess] # It has one.


def test_a_decorated_method_is_held_by_its_object() -> None:
    """Connected weakly, it is heard for as long as its object lives."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(shop.receive)
    gc.collect()
    heard = values(signal)
    del shop

    assert (heard, signal.connections) == ([("audited", "a")], ())


def test_a_decorated_method_that_was_overridden_is_not_taken_for_the_other_one() -> None:
    """What `super()` gave is not found at the object again, and is held as it is."""
    signal, kiosk = Signal("paid"), Kiosk()
    inherited = kiosk.inherited()
    signal.connect(inherited)
    signal.connect(kiosk.receive)

    assert values(signal) == [("audited", "a"), ("audited", None)]

    del inherited

    assert values(signal) == [("audited", None)]


def test_a_decorated_method_of_an_object_without_weak_references_is_held_by_whoever_has_it() -> (
    None
):
    """As methods that are written in C are; if nobody has it, that is warned of."""
    signal, stall = Signal("paid"), Stall()
    receive = stall.receive
    signal.connect(receive)
    heard = values(signal)
    signal.disconnect(stall.receive)

    assert (heard, signal.connections) == ([("audited", "a")], ())
    with pytest.warns(ReceiverWarning, match="nothing else holds it"):
        signal.connect(stall.receive)


def test_a_decorated_function_is_a_receiver_like_others() -> None:
    """There is one of it, and it is held weakly itself."""
    signal = Signal("paid")

    @audited
    def receive(sender: object) -> object:
        return sender

    signal.connect(receive)
    heard = values(signal)
    del receive

    assert (heard, signal.connections) == ([("audited", "a")], ())


def test_a_method_that_is_kept_on_its_object_is_held_by_it() -> None:
    """Each look at the object finds the very same one: it is like any other callable."""
    signal, shop = Signal("paid"), Shop()
    vars(shop)["receive"] = shop.receive
    signal.connect(shop.receive)
    heard = values(signal)
    vars(shop).clear()
    gc.collect()

    assert (heard, signal.connections) == ([("audited", "a")], ())


# --- mocks, proxies, and whatever else is not what it claims to be -------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: mock.Mock(spec=Shop().plain),
        lambda: mock.MagicMock(spec=Shop().plain),
        lambda: mock.Mock(spec=lambda sender: None),
        lambda: mock.MagicMock(spec=lambda sender: None),
        lambda: mock.MagicMock(spec=partial(print)),
        lambda: mock.Mock(spec=[].append),
        lambda: mock.Mock(spec=Shop().receive),
        lambda: mock.Mock(wraps=Shop().receive),
        lambda: mock.MagicMock(spec=Connection),
    ],
)
@pytest.mark.parametrize("weak", [True, False])
def test_a_mock_with_a_spec_is_a_plain_receiver(make: Callable[[], Any], *, weak: bool) -> None:
    """It claims to be what it is a mock of, and is called all the same."""
    signal, receiver = Signal("paid"), make()
    signal.connect(receiver, weak=weak)
    signal.connect(receiver, weak=weak)
    signal.send("a", total=1)
    signal.disconnect(receiver)
    signal.send("b")

    assert receiver.mock_calls == [mock.call("a", total=1)]
    assert signal.connections == ()


async def test_an_async_mock_is_awaited() -> None:
    """It is one of those that are async themselves."""
    signal, receiver = Signal("paid"), mock.AsyncMock(spec=Shop().plain, return_value="awaited")
    signal.connect(receiver)

    assert await signal.send_async("a") == [(receiver, "awaited")]


def test_an_unbound_proxy_is_a_receiver_that_fails_when_it_is_called() -> None:
    """What it stands for may be there by then. Until then its error is its own."""
    local = pytest.importorskip("werkzeug.local")
    stack = local.LocalStack()
    proxy = stack(unbound_message="working outside of a shop")
    signal = Signal("paid")
    signal.connect(proxy, weak=False)

    with pytest.raises(RuntimeError, match="outside of a shop"):
        signal.send("a")

    stack.push(Shop().receive)

    assert values(signal) == [("audited", "a")]

    signal.disconnect(proxy)

    assert signal.connections == ()


def test_a_method_whose_function_has_no_name_is_a_receiver() -> None:
    """Anything that can be called can be bound to an object."""
    signal, shop = Signal("paid"), Shop()
    function = partial(lambda word, self, sender: (word, sender), "bound")
    method = MethodType(function, shop)
    signal.connect(method)

    assert values(signal) == [("bound", "a")]


class Strange:
    """Is equal to nothing without an error, and is another object at each look."""

    def __init__(self, owner: object) -> None:
        self.__self__ = owner
        self.__name__ = "strange"

    def __call__(self, sender: object) -> object:
        """Return who sent."""
        return sender

    def __eq__(self, other: object) -> bool:
        raise ValueError

    __hash__ = None  # type: ignore[assignment]  # As for many that define equality.


class Owner:
    """Gives another strange object at each look."""

    @property
    def strange(self) -> Strange:
        """A receiver."""
        return Strange(self)


def test_a_receiver_that_cannot_be_compared_is_itself() -> None:
    """Its own identity counts, and its error reaches nobody."""
    signal, owner = Signal("paid"), Owner()
    strange = owner.strange
    signal.connect(strange)
    signal.disconnect(owner.strange)

    assert values(signal) == ["a"]

    signal.disconnect(strange)

    assert signal.connections == ()


# --- what stands for something else --------------------------------------------------------


def test_what_is_its_own_current_object_is_itself() -> None:
    """An application may offer what proxies to it offer."""
    signal = Signal("paid")

    class Application:
        def _get_current_object(self) -> Application:
            return self

    one, other = Application(), Application()

    def receive(sender: object) -> object:
        return sender

    signal.connect(receive, sender=one)

    assert (values(signal, one), values(signal, other)) == ([one], [])
    assert signal.has_receivers_for(Proxy(lambda: one))


def test_proxies_that_stand_for_each_other_are_refused() -> None:
    """Nobody can tell who is meant, and everybody who is given them says so."""
    signal = Signal("paid")
    proxies: list[Proxy] = []
    proxies += [Proxy(lambda: proxies[1]), Proxy(lambda: proxies[0])]

    def receive(sender: object) -> None:
        raise AssertionError

    signal.connect(receive)
    for attempt in (
        lambda: signal.connect(receive, sender=proxies[0]),
        lambda: signal.disconnect(receive, sender=proxies[0]),
        lambda: signal.send(proxies[1]),
        lambda: signal.receivers_for(proxies[1]),
    ):
        with pytest.raises(ArgumentError, match=r"A Proxy cannot be a sender: .* without end"):
            attempt()


def test_wrappers_that_wrap_each_other_are_followed_to_an_end() -> None:
    """What an override gives out is called, whomever it says to be a wrapper of."""
    blinker = pytest.importorskip("heliograph.blinker")
    signal = blinker.Signal()

    def connected(sender: object) -> object:
        return "connected"

    @wraps(connected)
    def one(sender: object) -> object:
        return "one"

    @wraps(one)
    def other(sender: object) -> object:
        return "other"

    one.__wrapped__ = other
    signal.connect(connected)
    signal.receivers_for = lambda sender: iter([one, other])

    assert values(signal) == ["one", "other"]


def test_a_receiver_that_cannot_be_referred_to_weakly_is_refused_by_its_type() -> None:
    """The message names the type of which there are no weak references."""
    signal = Signal("paid")

    class Till:
        __slots__ = ()

        def __call__(self, sender: object) -> None:
            """Do nothing."""

    with pytest.raises(ReceiverError, match=r"no weak references to '.*Till' objects"):
        signal.connect(Till())
    with pytest.raises(ReceiverError, match="no weak references to 'list' objects"):
        signal.connect([].__contains__)
