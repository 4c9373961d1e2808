"""The short way of connecting and disconnecting, and what takes it to the long way meanwhile."""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, Namespace, ReceiverError, Signal
from heliograph.core.lock import under_lock
from tests.core.stepping import Return, every_step

if TYPE_CHECKING:
    from collections.abc import Callable

# In C, what has an option is left to Python, so that both go these ways.
_FIRST = 1


def receive(sender: object, **payload: object) -> None:
    """Hear it."""


def other(sender: object, **payload: object) -> None:
    """Hear it, too."""


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: str, change: Callable[[], object]) -> None:
    """Let another thread change something right before the next change of a module is made."""
    there: Any = sys.modules[f"heliograph.core.connections.{module}"]
    change_under_lock = there.change_under_lock

    def meddling(*args: Any) -> Any:
        monkeypatch.setattr(there, "change_under_lock", change_under_lock)
        change()
        return change_under_lock(*args)

    monkeypatch.setattr(there, "change_under_lock", meddling)


def test_a_receiver_that_somebody_connects_meanwhile_is_known_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both connections refer to it by the same reference."""
    signal = Signal("paid")
    meanwhile(monkeypatch, "plain", lambda: signal.connect(receive, "shop"))
    signal.connect(receive, priority=_FIRST)

    assert [it.sender for it in signal.connections] == [ANY, "shop"]
    assert len({it._receiver_ref for it in signal.connections}) == 1
    signal.disconnect(receive)
    assert (signal.connections, list(signal.receivers)) == ((), [])


def test_what_a_signal_handler_connects_during_a_change_waits_for_its_end() -> None:
    """And is not lost, though the second time the receiver is new no more."""
    signal = Signal("paid")

    def handler() -> None:
        signal.connect(receive)
        signal.connect(receive, "shop", weak=False)
        signal.connect(other)
        signal.disconnect(other)

    under_lock(handler)

    found = [(it.receiver, it.sender, it.weak) for it in signal.connections]
    assert found == [(receive, ANY, True), (receive, "shop", False)]
    signal.disconnect(receive)
    assert signal.connections == ()


def test_a_receiver_that_cannot_take_what_is_declared_meanwhile_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was found to be fit for a signal without a declaration."""
    shop = Namespace("shop")
    signal = shop.signal("paid")

    def narrow(sender: object) -> None: ...

    meanwhile(
        monkeypatch, "plain", lambda: shop.declare(name="paid")(lambda sender, *, total: None)
    )
    with pytest.raises(ReceiverError, match="does not take 'total'"):
        signal.connect(narrow, priority=_FIRST)

    assert signal.connections == ()


def test_a_receiver_whose_connections_end_meanwhile_is_held_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its only connection is then a strong one, by the reference that there was."""
    signal, heard = Signal("paid"), list[object]()

    def local(sender: object, **payload: object) -> None:
        heard.append(sender)

    held = [local]
    signal.connect(local, "shop")
    meanwhile(monkeypatch, "registry", lambda: signal.disconnect(held.pop(), "shop"))
    signal.connect(local, "kiosk", weak=False, priority=_FIRST)
    del local
    gc.collect()
    signal.send("kiosk")
    signal.send("shop")

    assert heard == ["kiosk"]


def test_what_somebody_else_disconnects_meanwhile_is_disconnected() -> None:
    """Whoever comes second finds nothing to do, and no error."""
    signal = Signal("paid")
    signal.connect(receive)
    with pytest.MonkeyPatch.context() as patch:
        meanwhile(patch, "plain", lambda: signal.disconnect(receive))
        signal.disconnect(receive)

    assert signal.connections == ()


def test_a_receiver_of_several_senders_is_disconnected_from_one_or_from_all() -> None:
    """And from one for which it is not connected, which is no error."""
    signal = Signal("paid")
    for sender in ("shop", "kiosk", "stall"):
        signal.connect(receive, sender)
        signal.connect(other, sender)
    signal.disconnect(receive, "van")
    signal.disconnect(receive, "kiosk")
    senders = [it.sender for it in signal.connections if it.receiver is receive]
    signal.disconnect(receive)

    assert senders == ["shop", "stall"]
    assert {it.receiver for it in signal.connections} == {other}


def test_what_connects_while_a_receiver_is_disconnected_disturbs_nobody() -> None:
    """It is connected for one sender still, of two; the table of these may not change meanwhile."""
    for step in every_step(Return):
        signal = Signal("paid")
        signal.connect(receive, "shop")
        signal.connect(receive, "kiosk")
        signal.disconnect(receive, "kiosk")
        step.interrupt(
            partial(signal.disconnect, receive), partial(signal.connect, receive, "stall")
        )

        assert {it.sender for it in signal.connections} <= {"stall"}, step.number


def test_a_proxy_of_its_own_type_is_looked_through_each_time() -> None:
    """Some applications have the method too; what was kept of one does not hold for a proxy."""

    class App:
        def __init__(self, real: App | None = None) -> None:
            self.real = real or self

        def _get_current_object(self) -> App:
            return self.real

    signal, real = Signal("paid"), App()
    heard: list[object] = []
    signal.connect(heard.append, weak=False)
    for sender in (real, real, App(real), real, App(real)):
        signal.send(sender)

    assert heard == [real] * 5


def test_a_connection_of_a_block_is_ended_by_disconnecting_its_receiver() -> None:
    """It stands in the tables under itself, not under its receiver."""
    signal = Signal("paid")
    signal.connect(other)
    with signal.connected_to(receive):
        signal.disconnect(receive)
        inside = [it.receiver for it in signal.connections]

    assert inside == [other]
    assert [it.receiver for it in signal.connections] == [other]


def test_a_method_has_the_name_of_its_function() -> None:
    """Whatever its object is called."""

    class Shop:
        def receive(self, sender: object, **payload: object) -> None: ...

    shop, signal = Shop(), Signal("paid")
    signal.connect(shop.receive)
    signal.connect([].append, weak=False)
    names = [it.name for it in signal.connections]

    assert names == [f"{__name__}.{Shop.receive.__qualname__}", "builtins.list.append"]
