"""Sending signals: a sender, a payload, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from blinker import Namespace
from flask import current_app

if TYPE_CHECKING:
    from flask import Flask

my_signals = Namespace()
model_saved = my_signals.signal("model-saved")


class Model:
    """The model of Flask's documentation, but equal to another one with the same number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)

    def save(self) -> None:
        """Tell that it is saved."""
        model_saved.send(self)


def test_a_class_that_sends_passes_self() -> None:
    """A receiver without a sender hears every instance."""
    saved: list[Model] = []

    def note(sender: Model, **extra: object) -> None:
        saved.append(sender)

    first, second = Model(1), Model(2)
    with model_saved.connected_to(note):
        first.save()
        second.save()

    assert saved == [first, second]


def test_a_receiver_can_hear_one_instance() -> None:
    """The sender is compared by identity: an equal instance is another one."""
    saved: list[Model] = []

    def note(sender: Model, **extra: object) -> None:
        saved.append(sender)

    mine, equal = Model(1), Model(1)
    with model_saved.connected_to(note, mine):
        equal.save()
        assert saved == []
        mine.save()

    assert [id(sender) for sender in saved] == [id(mine)]


def test_keyword_arguments_are_forwarded() -> None:
    """Whatever is given to `send` beside the sender reaches the receivers."""
    heard: list[dict[str, object]] = []

    def note(sender: str, **payload: object) -> None:
        heard.append(payload)

    with model_saved.connected_to(note):
        model_saved.send("shop", created=True, fields=["name"])
        model_saved.send("shop")

    assert heard == [{"created": True, "fields": ["name"]}, {}]


def test_send_returns_what_the_receivers_returned() -> None:
    """It gives pairs of receiver and value, in the order of calling."""

    def index(sender: Model, **extra: object) -> str:
        return f"indexed {sender.number}"

    def ignore(sender: Model, **extra: object) -> None:
        """Return nothing."""

    with model_saved.connected_to(index), model_saved.connected_to(ignore):
        assert model_saved.send(Model(3)) == [(index, "indexed 3"), (ignore, None)]
    assert model_saved.send(Model(3)) == []


def test_a_function_in_a_request_passes_the_real_app(app: Flask) -> None:
    """`current_app._get_current_object()` is what receivers for that app hear."""
    heard: list[tuple[object, str]] = []

    def note(sender: Flask, *, path: str, **extra: object) -> None:
        heard.append((sender, path))

    @app.get("/save")
    def save() -> str:
        # Typed as what it stands for.
        real = current_app._get_current_object()  # type: ignore[attr-defined, unused-ignore]
        model_saved.send(real, path="/save")
        return "Saved."

    with model_saved.connected_to(note, app):
        app.test_client().get("/save")

    assert heard == [(app, "/save")]
    assert type(heard[0][0]) is type(app)


def test_an_error_of_a_receiver_reaches_the_one_who_sends(app: Flask) -> None:
    """An exception of a receiver comes out of `send`, when everybody has been called."""
    called: list[str] = []

    def refuse(sender: Model, **extra: object) -> None:
        called.append("refuse")
        msg = "disk full"
        raise OSError(msg)

    def note(sender: Model, **extra: object) -> None:
        called.append("note")

    with (
        model_saved.connected_to(refuse),
        model_saved.connected_to(note),
        pytest.raises(OSError, match="disk full"),
    ):
        Model(1).save()

    assert called == ["refuse", "note"]
