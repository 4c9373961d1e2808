"""Signals as values, and examples: what was wrong is right."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import (
    ReceiverError,
    blinker,
)
from tests.blinker.receivers import Thing, heard, q, r

if TYPE_CHECKING:
    Signals = type[heliograph.Signal]


def test_a_signal_is_in_no_reference_cycle(signals: Signals) -> None:
    """It is freed when it is dropped, whatever was connected."""
    signal = signals()
    thing = Thing()
    signal.connect(thing.receive)
    signal.connect(r, thing)
    signal.connect(q, "a", weak=False)
    signal.send(thing)
    alive = weakref.ref(signal)
    gc.disable()
    try:
        del signal
        found = alive()
    finally:
        gc.enable()

    assert found is None


class _Owner:
    def __init__(self, signal: Any) -> None:
        self.signal = signal


def test_a_copy_of_a_signal_has_receivers_of_its_own(signals: Signals) -> None:
    """It has the same documentation, and nobody is connected."""
    signal = signals()
    signal.__doc__ = "Documented."
    signal.connect(r)
    for made in (copy.copy(signal), copy.deepcopy(_Owner(signal)).signal):
        made.connect(q)

        assert (heard(signal, "a"), heard(made, "a")) == (["r"], ["q"])
        assert (type(made), made.__doc__) == (signals, "Documented.")


@pytest.mark.parametrize(
    "made", [heliograph.Signal("paid"), blinker.Signal("Paid."), blinker.NamedSignal("paid")]
)
def test_a_signal_can_be_pickled_though_it_is_connected(made: heliograph.Signal) -> None:
    """It comes back with its name and documentation, without receivers."""
    made.connect(lambda sender: None, weak=False)
    found = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own bytes.

    assert (type(found), found.name, found.__doc__) == (type(made), made.name, made.__doc__)
    assert not found.receivers


def test_equal_partials_disconnect_each_other(signal: heliograph.Signal) -> None:
    """A partial that makes the very same call is the same receiver."""
    payload = object()
    signal.connect(functools.partial(r, x=payload), weak=False)
    signal.disconnect(functools.partial(r, x=payload))

    assert signal.connections == ()


def test_an_object_and_its_call_are_one_receiver(signal: heliograph.Signal) -> None:
    """Both are called as the object is."""

    class Callable:
        def __call__(self, sender: object) -> str:
            return "called"

    it = Callable()
    signal.connect(it)
    signal.connect(it.__call__)

    assert heard(signal, "a") == ["called"]

    signal.disconnect(it.__call__)

    assert heard(signal, "a") == []


@pytest.mark.parametrize("wrong", [None, "r", 1, Thing()])
def test_what_cannot_be_called_is_refused_when_it_is_connected(
    signal: heliograph.Signal, wrong: Any
) -> None:
    """Not when it is too late."""
    with pytest.raises(ReceiverError, match="It is not callable"):
        signal.connect(wrong)

    assert signal.connections == ()


def test_what_takes_no_sender_is_refused_when_it_is_connected(signal: heliograph.Signal) -> None:
    """A receiver is called with the sender by position."""

    def wrong(*, total: int) -> None: ...

    with pytest.raises(ReceiverError, match="takes no positional argument"):
        signal.connect(wrong)

    assert signal.connections == ()


@pytest.mark.parametrize("kind", [heliograph.Namespace, blinker.Namespace])
def test_documentation_that_comes_later_is_kept(kind: Any) -> None:
    """The first that is given, not only the first call's."""
    names = kind()
    made = names.signal("paid")
    names.signal("paid", "First.")
    names.signal("paid", "Second.")

    assert made.__doc__ == "First."


def test_a_namespace_takes_signals_only() -> None:
    """Whatever else is set is refused with what to do."""
    names = blinker.Namespace()
    wrong: Any = "oops"
    with pytest.raises(TypeError, match=r"Use namespace.signal\(name\)"):
        names["x"] = wrong
    with pytest.raises(TypeError, match="it is not a signal"):
        names.setdefault("x", wrong)
    names["y"] = blinker.NamedSignal("y")

    assert list(names) == ["y"]


def test_the_example_of_async_receivers_runs(signal: heliograph.Signal) -> None:
    """The wrapper that Blinker's documentation shows, with the receiver's value."""

    async def receiver(sender: object) -> str:
        return f"heard {sender}"

    def async_to_sync(receiver: Any) -> Any:
        return lambda *args, **payload: asyncio.run(receiver(*args, **payload))

    signal.connect(receiver)

    assert signal.send("a", _async_wrapper=async_to_sync) == [(receiver, "heard a")]


async def test_the_example_of_sync_receivers_runs(signal: heliograph.Signal) -> None:
    """Inside of a running loop one sends with `send_async`."""

    def receiver(sender: object) -> str:
        return f"heard {sender}"

    def sync_to_async(receiver: Any) -> Any:
        async def call(*args: Any, **payload: Any) -> Any:
            return receiver(*args, **payload)

        return call

    signal.connect(receiver)

    assert await signal.send_async("a", _sync_wrapper=sync_to_async) == [(receiver, "heard a")]
