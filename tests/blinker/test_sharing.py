"""Blinker's names and Heliograph's are names of the same signals.

Nothing is imported here that would import either.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.blinker.processes import in_a_fresh_process


@in_a_fresh_process
def test_a_name_means_one_signal_to_both_sides() -> None:
    """Whoever asked first, before or after `install`, and whichever `signal` was imported."""
    import blinker

    import heliograph
    from heliograph import signal as our_signal

    their_signal: Any = blinker.signal
    heard: list[object] = []

    def hear(sender: object) -> None:
        heard.append(sender)

    made: dict[str, Any] = {
        "theirs before": their_signal("theirs before"),
        "ours before": our_signal("ours before"),
        "ours nested": heliograph.default_namespace.namespace("ours").signal("before"),
    }
    for it in made.values():
        it.connect(hear)

    import heliograph.blinker

    heliograph.blinker.install()
    made |= {
        "theirs after": their_signal("theirs after"),
        "ours after": our_signal("ours after"),
    }
    made["ours.before"] = made.pop("ours nested")
    asked: list[Any] = [our_signal, their_signal, heliograph.blinker.signal]

    assert [{ask(name) is it for ask in asked} for name, it in made.items()] == [{True}] * 5
    assert {type(it) for it in made.values()} == {heliograph.blinker.NamedSignal}
    assert all(isinstance(it, blinker.NamedSignal) for it in made.values())
    for name in made:
        our_signal(name).send(name)
    assert heard == ["theirs before", "ours before", "ours.before"]


@in_a_fresh_process
def test_without_blinker_the_names_are_one_from_the_first_import_on() -> None:
    """What was made by Heliograph's name before is found by Blinker's, too."""
    import heliograph

    before = heliograph.signal("before")
    kind = type(before)

    import heliograph.blinker

    assert (kind, type(before)) == (heliograph.Signal, heliograph.blinker.NamedSignal)
    assert heliograph.blinker.signal("before") is before
    assert heliograph.blinker.signal("after") is heliograph.signal("after")
    assert heliograph.blinker.default_namespace == dict(heliograph.default_namespace)


@in_a_fresh_process
def test_a_shared_signal_behaves_as_blinkers_do() -> None:
    """Its name, its receivers and its meta-signals are those that unchanged programs know."""
    import heliograph

    before: Any = heliograph.signal("before")
    strict = before._registry.strict

    import heliograph.blinker

    told: list[object] = []

    def tell(signal: object, /, **payload: object) -> None:
        told.append(payload)

    def hear(sender: object) -> None: ...

    before.receiver_connected.connect(tell)
    before.connect(hear, "shop")

    assert (strict, before._registry.strict) == (True, False)
    assert next(iter(before.receivers.values()))() is hear
    assert told == [{"receiver": hear, "sender": "shop", "weak": True}]


@in_a_fresh_process
def test_a_signal_whose_meta_signals_are_heard_stays_as_it_is() -> None:
    """Its receivers would be called with another payload; it is shared all the same."""
    import heliograph

    told: list[object] = []
    signal: Any = heliograph.signal("before")

    def tell(sender: object, *, connection: object) -> None:
        told.append(connection)

    signal.receiver_connected.connect(tell)

    import heliograph.blinker

    def hear(sender: object) -> None: ...

    heliograph.blinker.signal("before").connect(hear)

    assert type(signal) is heliograph.Signal
    assert told == list(signal.connections)


@in_a_fresh_process
def test_a_name_that_blinker_knows_can_be_declared_by_heliographs_namespace() -> None:
    """Whoever is connected stays connected, and has to take the payload."""
    import blinker

    import heliograph
    from heliograph.blinker import install

    signal: Any = blinker.signal("order-paid")
    heard: list[object] = []

    def bill(sender: object, **payload: object) -> None:
        heard.append(payload)

    signal.connect(bill)
    install()

    @heliograph.default_namespace.declare(name="order-paid")
    def order_paid(sender: str, *, total: int) -> None:
        """An order was paid."""

    order_paid.send("shop", total=7)

    assert (order_paid is signal, heard) == (True, [{"total": 7}])
    with pytest.raises(TypeError, match="does not take 'total'"):
        signal.connect(lambda sender: None, weak=False)


@in_a_fresh_process
def test_who_stands_by_a_pattern_hears_signals_of_either_name() -> None:
    """Also those that Blinker's side makes later."""
    import blinker

    import heliograph
    from heliograph.blinker import install

    heard: list[object] = []

    def hear(sender: object) -> None:
        heard.append(sender)

    heliograph.default_namespace.signals("order-*").connect(hear)
    blinker.signal("order-lost")
    install()
    for name in ("order-lost", "order-paid", "page-seen"):
        blinker.signal(name).send(name)
    heliograph.signal("order-sent").send("order-sent")

    assert heard == ["order-paid", "order-sent"]


@in_a_fresh_process
def test_names_that_are_no_strings_are_blinkers_alone() -> None:
    """Heliograph's namespace leaves them out."""
    import heliograph.blinker

    names: list[Any] = [7, None, ("a", "b"), "paid"]
    for name in names:
        heliograph.blinker.signal(name)
    ours = heliograph.default_namespace

    assert list(heliograph.blinker.default_namespace) == names
    assert (list(ours), len(ours), repr(ours)) == (["paid"], 1, "<Namespace 'default': paid>")
    assert [it.name for it in ours.signals()] == ["paid"]
    assert [it in ours for it in names] == [False, False, False, True]


@in_a_fresh_process
def test_without_install_a_name_that_blinker_has_too_is_warned_of() -> None:
    """While programs are developed, and whoever of the two came first."""
    import os
    import warnings

    import blinker

    import heliograph

    blinker.signal("both")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        os.environ["HELIOGRAPH_CHECK"] = "0"
        heliograph.signal("both")
        used = list(caught)
        os.environ["HELIOGRAPH_CHECK"] = "1"
        for name in ("both", "both", "ours"):  # One place: it is warned of there once.
            heliograph.signal(name)
        heliograph.default_namespace.signal("both")
        heliograph.Namespace("shop").signal("both")

    assert used == []
    assert [str(it.message).partition(":")[0] for it in caught] == [
        "Blinker has another signal 'both'"
    ] * 2


@in_a_fresh_process
def test_after_install_nobody_is_warned_of_a_name_that_both_have() -> None:
    """It is one signal."""
    import os

    os.environ["HELIOGRAPH_CHECK"] = "1"

    import blinker

    import heliograph
    from heliograph.blinker import install

    before: Any = blinker.signal("both")
    install()

    assert heliograph.signal("both") is before
