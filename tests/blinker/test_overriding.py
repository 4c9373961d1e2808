"""Methods that others replace or override are asked, as Blinker's source has it."""

from __future__ import annotations

import gc
from functools import wraps
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

import heliograph
from heliograph.blinker import ANY, NamedSignal, Namespace, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _receiver(sender: object, **payload: object) -> object:
    return sender


def _other(sender: object, **payload: object) -> object:
    return sender


def _traced(original: Callable[[Any], Iterator[Any]], log: list[object]) -> Any:
    """Wrap `receivers_for` as tracing libraries do."""

    def receivers_for(sender: object) -> Iterator[Any]:
        log.append(sender)
        for receiver in original(sender):
            yield _wrapped(receiver, log)

    return receivers_for


def _wrapped(receiver: Any, log: list[object]) -> Any:
    def call(sender: object, **payload: object) -> object:
        log.append(receiver)
        return receiver(sender, **payload)

    return call


def test_receivers_for_replaced_on_an_instance_is_asked_by_send() -> None:
    """A tracing library wraps the receivers and calls the original."""
    signal = Signal()
    log: list[object] = []
    signal.connect(_receiver, "a")
    signal.receivers_for = _traced(signal.receivers_for, log)  # type: ignore[method-assign]

    assert [value for _, value in signal.send("a")] == ["a"]
    assert log == ["a", _receiver]
    assert signal.receivers_for.__name__ == "receivers_for"


async def test_receivers_for_replaced_on_an_instance_is_asked_by_send_async() -> None:
    """The two ways of sending have the same seam."""
    signal = Signal()
    log: list[object] = []
    signal.connect(_receiver)
    signal.receivers_for = _traced(signal.receivers_for, log)  # type: ignore[method-assign]
    await signal.send_async("a")

    assert log == ["a", _receiver]


def test_receivers_for_replaced_on_an_instance_is_asked_though_nobody_is_connected() -> None:
    """It may know receivers of its own."""
    signal = Signal()
    signal.receivers_for = lambda sender: iter([_other])  # type: ignore[method-assign]

    assert signal.send("a") == [(_other, "a")]
    assert signal.has_receivers_for("a")


def test_deleting_the_replacement_restores_the_method() -> None:
    """As it is with an attribute of an instance."""
    signal = Signal()
    signal.connect(_receiver)
    replaced = "receivers_for" in vars(signal)
    signal.receivers_for = lambda sender: iter([])  # type: ignore[method-assign]
    silent = signal.send("a")
    del signal.receivers_for

    assert (replaced, silent, signal.send("a")) == (False, [], [(_receiver, "a")])

    with pytest.raises(AttributeError, match="it was not replaced"):
        del signal.receivers_for


def test_setting_the_method_itself_restores_it() -> None:
    """So tracing libraries end their work, and sends are fast again."""
    signal = Signal()
    signal.connect(_receiver)
    original = signal.receivers_for
    signal.receivers_for = lambda sender: iter([])  # type: ignore[method-assign]
    signal.receivers_for = original  # type: ignore[method-assign]

    assert "receivers_for" not in vars(signal)
    assert not signal._registry.overridden
    assert signal.send("a") == [(_receiver, "a")]


def test_receivers_for_can_be_patched_and_nested() -> None:
    """`mock.patch.object` puts back what it found, twice."""
    signal = Signal()
    signal.connect(_receiver)
    with mock.patch.object(signal, "receivers_for", return_value=[_other]):
        outer = signal.send("a")
        with mock.patch.object(signal, "receivers_for", return_value=[]):
            inner = signal.send("a")
        again = signal.send("a")

    assert (outer, inner, again) == ([(_other, "a")], [], [(_other, "a")])
    assert signal.send("a") == [(_receiver, "a")]


def test_a_tracers_wrapper_of_the_method_takes_its_place_until_it_is_unwrapped() -> None:
    """It claims to be the method, and is equal to it; it is neither."""
    signal, log = Signal(), list[object]()

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        log.append(args[0])
        return [_wrapped(receiver, log) for receiver in wrapped(*args, **kwargs)]

    signal.connect(_receiver, "a")
    wrapt.wrap_function_wrapper(signal, "receivers_for", wrapper)
    claims = signal.receivers_for
    signal.send("a")
    claimed = list(log)
    signal.receivers_for = claims.__wrapped__  # type: ignore[attr-defined, method-assign]  # wrapt's.
    signal.send("a")

    assert (claimed, log) == (["a", _receiver], ["a", _receiver])
    assert "receivers_for" not in vars(signal)


def test_a_tracers_wrapper_of_another_method_takes_its_place() -> None:
    """`send` and `connect` are looked up at the instance, as Blinker's are."""
    signal, log = Signal(), list[str]()

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        log.append(wrapped.__name__)
        return wrapped(*args, **kwargs)

    for name in ("connect", "send", "disconnect"):
        wrapt.wrap_function_wrapper(signal, name, wrapper)
    signal.connect_via("a")(_receiver)
    with signal.connected_to(_other, "a"):
        signal.send("a")
    signal.disconnect(_receiver)

    assert log == ["connect", "connect", "send", "disconnect"]


def test_a_tracers_wrapper_of_a_receiver_keeps_the_options_of_its_connection() -> None:
    """It says what it wraps, a method that is decorated itself too."""
    signal = Signal()

    class Shop:
        @wrapt.decorator
        def audited(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: N805 - wrapt's.
            return wrapped(*args, **kwargs)

        @audited
        def receive(self, sender: object) -> None:
            raise LookupError

    shop = Shop()

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    def traced(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return [wrapt.FunctionWrapper(it, wrapper) for it in wrapped(*args, **kwargs)]

    signal.connect(shop.receive, on_error="log")  # type: ignore[call-arg, unused-ignore]  # Not Blinker's.
    wrapt.wrap_function_wrapper(signal, "receivers_for", traced)

    assert signal.send() == []
    assert [connection.receiver_failures for connection in signal.connections] == [1]


class _Twice(NamedSignal):
    """Overrides `receivers_for` and relies on `super()`."""

    def receivers_for(self, sender: Any) -> Iterator[Callable[..., Any]]:
        """Give every receiver twice."""
        for receiver in super().receivers_for(sender):
            yield receiver
            yield receiver


def test_receivers_for_overridden_in_a_subclass_is_asked() -> None:
    """With `super()` it calls the engine's."""
    signal = _Twice("twice")
    signal.connect(_receiver, "a")

    assert signal.send("a") == [(_receiver, "a"), (_receiver, "a")]
    assert signal.send("b") == []


def test_receivers_for_may_be_overridden_and_replaced() -> None:
    """The replacement calls the override, which calls the engine's, and no further."""
    signal = _Twice("twice")
    log: list[object] = []
    signal.connect(_receiver, "a")
    signal.receivers_for = _traced(signal.receivers_for, log)  # type: ignore[method-assign]
    signal.send("a")

    assert log == ["a", _receiver, _receiver]


def test_an_override_keeps_the_options_of_connections() -> None:
    """A receiver that it gives is treated as it was connected."""
    signal = _Twice("twice")

    @signal.connect
    def fail(sender: object) -> None:
        raise LookupError

    signal.connect(fail, on_error="log")

    assert signal.send("a") == []
    assert signal.connections[0].receiver_failures == 2


def test_send_overridden_in_a_subclass_may_ask_for_receivers() -> None:
    """As a well-known async variant of Blinker does."""

    class Scheduled(Signal):
        def send(self, sender: Any = None, /, **payload: Any) -> Any:
            return [(receiver, "later") for receiver in self.receivers_for(sender)]

    signal = Scheduled()
    signal.connect(_receiver, "a")

    assert (signal.send("a"), signal.send("b")) == ([(_receiver, "later")], [])


def test_send_replaced_on_the_class_is_used_by_all_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test tools record what is sent that way."""
    sent: list[object] = []
    original = Signal.send

    def send(self: Signal, *args: Any, **payload: Any) -> Any:
        sent.append((*args, payload))
        return original(self, *args, **payload)

    signal, named = Signal(), Namespace().signal("named")
    signal.connect(_receiver)
    monkeypatch.setattr(Signal, "send", send)

    assert (signal.send("a", b=1), named.send("c")) == ([(_receiver, "a")], [])
    assert sent == [("a", {"b": 1}), ("c", {})]


def test_send_replaced_on_an_instance_is_used() -> None:
    """An attribute of the instance comes first."""
    signal = Signal()
    # That is the test.
    signal.send = lambda *_, **__: ["replaced"]  # type: ignore[assignment, method-assign]

    assert signal.send("a") == ["replaced"]  # type: ignore[comparison-overlap]  # As above.


class _Counting(Signal):
    """Overrides `connect` with Blinker's signature."""

    connected = 0

    def connect(self, receiver: Any, sender: Any = ANY, weak: bool = True) -> Any:  # type: ignore[override]
        """Count, and connect."""
        self.connected += 1
        return super().connect(receiver, sender, weak)


def test_connect_overridden_in_a_subclass_is_used_by_the_other_ways_to_connect() -> None:
    """`connect_via` and `connected_to` go through `connect`."""
    signal = _Counting()
    signal.connect_via("a")(_receiver)
    with signal.connected_to(_other, sender="a"):
        inside = signal.send("a")

    assert signal.connected == 2
    assert inside == [(_receiver, "a"), (_other, "a")]
    assert signal.send("a") == [(_receiver, "a")]


def test_an_overridden_connect_does_not_cost_what_was_connected_before() -> None:
    """`connected_to` ends just what the override connected."""
    signal = _Counting()
    signal.connect(_receiver, "a")
    with signal.connected_to(_receiver, sender="a"):
        pass
    with signal.connected_to(_receiver, sender="b"):
        inside = signal.send("b")

    assert inside == [(_receiver, "b")]
    assert (signal.send("a"), signal.send("b")) == ([(_receiver, "a")], [])


def test_connect_replaced_on_an_instance_is_used_by_the_other_ways_to_connect() -> None:
    """Whatever it connects instead is what ends with the block."""
    signal = Signal()
    original = signal.connect

    def connect(receiver: Any, sender: Any = ANY, weak: bool = True) -> Any:
        wrapped = _wrapped(receiver, log)
        original(wrapped, sender, weak=False)
        return receiver

    log: list[object] = []
    signal.connect = connect  # type: ignore[method-assign, assignment]
    signal.connect_via("a")(_receiver)
    with signal.connected_to(_other, sender="a"):
        signal.send("a")
    signal.send("a")

    assert log == [_receiver, _other, _receiver]


def test_the_send_of_one_signal_may_be_a_receiver_of_another() -> None:
    """Connected weakly, it lives as long as its signal."""
    first, second = Signal(), Signal()
    second.connect(_receiver)
    first.connect(second.send)
    gc.collect()

    assert first.send("a", b=1) == [(second.send, [(_receiver, "a")])]

    del second
    gc.collect()

    assert first.send("a") == []


def test_subclasses_may_have_subclass_hooks_and_arguments() -> None:
    """`__init_subclass__` of a class beside the signal is called with its arguments."""
    made: list[object] = []

    class Registered:
        def __init_subclass__(cls, label: str = "", **kwargs: object) -> None:
            super().__init_subclass__(**kwargs)
            made.append(label)

    class Labelled(Signal, Registered, label="shop"):
        pass

    assert (made, isinstance(Labelled(), heliograph.Signal)) == (["shop"], True)


def test_namespaces_may_be_subclassed() -> None:
    """Subclasses add ways to make signals."""

    class Scoped(Namespace):
        def scoped(self, name: str) -> NamedSignal:
            return self.setdefault(name, _Twice(name))

    names = Scoped()

    assert type(names.scoped("a")) is _Twice
    assert names.signal("a") is names["a"]


def _wrapping(signal: Signal) -> None:
    """Replace `receivers_for` as tracing libraries do: wrapped receivers, lazily."""
    original = signal.receivers_for

    def traced(sender: Any) -> Iterator[Callable[..., Any]]:
        for receiver in original(sender):

            @wraps(receiver)
            def call(*args: Any, _receiver: Any = receiver, **kwargs: Any) -> Any:
                return _receiver(*args, **kwargs)

            yield call

    signal.receivers_for = traced  # type: ignore[method-assign]  # As tracing libraries do.


def test_a_wrapped_receiver_keeps_the_options_of_its_connection() -> None:
    """Whoever traces an observer must not let its errors out."""
    signal = Signal()

    def audit(sender: Any) -> None:
        raise ValueError

    signal.connect(audit, on_error="log")  # type: ignore[call-arg, unused-ignore]  # Not Blinker's.
    _wrapping(signal)

    assert signal.send() == []
    assert [connection.receiver_failures for connection in signal.connections] == [1]


def test_a_wrapped_receiver_that_is_disconnected_during_a_send_is_not_called() -> None:
    """As with receivers that nobody wraps."""
    signal, heard = Signal(), list[str]()

    def first(sender: Any) -> None:
        heard.append("first")
        signal.disconnect(second)

    def second(sender: Any) -> None:
        heard.append("second")

    signal.connect(first)
    signal.connect(second)
    _wrapping(signal)
    signal.send()

    assert heard == ["first"]


def test_a_replaced_receivers_for_is_asked_by_every_question() -> None:
    """A subclass's own and one that is set on the instance count, until it is deleted."""

    class Nobody(Signal):
        def receivers_for(self, sender: Any) -> Iterator[Any]:
            return iter([it for it in super().receivers_for(sender) if sender == "shop"])

    def answers(signal: Any, sender: object) -> tuple[bool, int, int]:
        heard = len(signal.send(sender))
        return signal.has_receivers_for(sender), len(list(signal.receivers_for(sender))), heard

    signal: Any = Nobody()
    signal.connect(_receiver)
    of_class = answers(signal, "shop"), answers(signal, "kiosk")
    plain: Any = Signal()
    plain.connect(_receiver)
    before = answers(plain, "shop")
    plain.receivers_for = lambda sender: iter(())
    replaced = answers(plain, "shop"), bool(plain.receivers)
    del plain.receivers_for

    assert of_class == ((True, 1, 1), (False, 0, 0))
    assert (before, replaced, answers(plain, "shop")) == (
        (True, 1, 1),
        ((False, 0, 0), True),
        (True, 1, 1),
    )


def test_a_subclass_may_make_receivers_for_a_property() -> None:
    """Setting it is the property's business then."""

    class Own(Signal):
        @property
        def receivers_for(self) -> Any:
            return vars(self).get("_own", lambda sender: iter(()))

        @receivers_for.setter
        def receivers_for(self, value: Any) -> None:
            vars(self)["_own"] = value

    signal: Any = Own()
    signal.connect(_receiver)
    before = signal.send()
    signal.receivers_for = lambda sender: iter([_receiver])

    assert (before, [it for it, _ in signal.send()]) == ([], [_receiver])


def test_the_table_is_kept_until_another_one_takes_its_place() -> None:
    """The signal gives the same one again and again, and the one that it had, if it is put back."""
    signal: Any = Signal()
    signal.connect(_receiver)
    before = signal.receivers
    same = before is signal.receivers
    signal.receivers = {}
    replaced = bool(signal.receivers), bool(before)
    signal.receivers = before
    after = bool(signal.receivers), signal.receivers.registry is before.registry
    with mock.patch.object(signal, "receivers", {}):
        patched = bool(signal.receivers)

    assert (same, replaced, after, patched) == (True, (False, True), (True, True), False)
    assert bool(signal.receivers)
