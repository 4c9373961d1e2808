"""Creating signals: named signals in a namespace of one's own, made with Blinker's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blinker import Namespace, signal

import heliograph
import heliograph.blinker

if TYPE_CHECKING:
    from flask import Flask


def test_a_custom_namespace_makes_signals() -> None:
    """The lines of Flask's documentation, as they are: the signals are Heliograph's."""
    my_signals = Namespace()
    model_saved = my_signals.signal("model-saved")

    assert isinstance(my_signals, heliograph.blinker.Namespace)
    assert isinstance(model_saved, heliograph.Signal)


def test_the_name_makes_the_signal_unique() -> None:
    """A name is one signal within its namespace, and another one in another namespace."""
    my_signals = Namespace()
    your_signals = Namespace()
    model_saved = my_signals.signal("model-saved")

    assert my_signals.signal("model-saved") is model_saved
    assert my_signals.signal("model-deleted") is not model_saved
    assert your_signals.signal("model-saved") is not model_saved
    assert list(my_signals) == ["model-saved", "model-deleted"]


def test_the_name_can_be_read_and_shows_while_debugging() -> None:
    """The signal's name is in `name`, and in what the signal looks like."""
    model_saved = Namespace().signal("model-saved", doc="A model is in the database now.")

    assert model_saved.name == "model-saved"
    assert repr(model_saved).endswith("; 'model-saved'>")
    assert model_saved.__doc__ == "A model is in the database now."


def test_namespaces_do_not_hear_each_other() -> None:
    """What is sent in one namespace is not heard in another one under the same name."""
    heard: list[object] = []

    def note(sender: object, **extra: object) -> None:
        heard.append(sender)

    mine, yours = Namespace().signal("model-saved"), Namespace().signal("model-saved")
    mine.connect(note)
    yours.send("yours")
    mine.send("mine")

    assert heard == ["mine"]


def test_the_default_namespace_is_shared() -> None:
    """`signal` gives everybody who asks for a name the same signal."""
    shared: object = signal("heliograph-tests-shared")
    again: object = heliograph.blinker.signal("heliograph-tests-shared")

    assert shared is again


def test_heliographs_own_namespace_serves_flask_as_well(app: Flask) -> None:
    """Signals made by `heliograph.Namespace` take apps as senders just as well."""
    model_saved = heliograph.Namespace().signal("model-saved")
    heard: list[object] = []

    def note(sender: Flask, *, model: str, **extra: object) -> None:
        heard.append((sender, model))

    model_saved.connect(note, app)
    model_saved.send(app, model="lamp")

    assert heard == [(app, "lamp")]
