"""Imports Flask and connects receivers before anybody else does: on Blinker, if that is there."""

from __future__ import annotations

import blinker
import flask
from flask import Flask

ENGINE = type(flask.request_started).__module__
"""Where the signals came from when the receivers below were connected."""

heard: list[tuple[str, str]] = []
"""Receiver and sender, for each time that a receiver of this module was called."""

first_app = Flask("first")
second_app = Flask("second")


class Desk:
    """Holds a receiver that is a method."""

    def greet(self, sender: Flask, **extra: object) -> None:
        """Hear the first app."""
        heard.append(("greet", sender.name))


class Customer:
    """A sender that can go."""


def count(sender: Flask, **extra: object) -> None:
    """Hear both apps."""
    heard.append(("count", sender.name))


def watch(sender: Flask, **extra: object) -> None:
    """Hear every app."""
    heard.append(("watch", sender.name))


def sort(sender: str | int, **extra: object) -> None:
    """Hear one desk of the post office by name, and one by number."""
    heard.append(("sort", repr(sender)))


def stamp(sender: str | int, **extra: object) -> None:
    """Hear everybody in the post office."""
    heard.append(("stamp", repr(sender)))


def _connect_nested_functions() -> None:
    def held(sender: Flask, **extra: object) -> None:
        heard.append(("held", sender.name))

    def dropped(sender: Flask, **extra: object) -> None:
        heard.append(("dropped", sender.name))

    flask.request_started.connect(held, first_app, weak=False)
    flask.request_started.connect(dropped, first_app)


desk = Desk()
customer = Customer()
PostOffice = blinker.Namespace
post_office = PostOffice()
parcel_sent = post_office.signal("parcel-sent", doc="A parcel has left the desk.")
letter_sent = blinker.signal("heliograph-tests-letter-sent")

_connect_nested_functions()
flask.request_started.connect(desk.greet, first_app)
flask.request_started.connect(count, first_app)
flask.request_started.connect(count, second_app)
# On a signal of which no other test asks who is connected.
flask.appcontext_popped.connect(watch)
parcel_sent.connect(stamp, weak=False)
parcel_sent.connect(sort, "desk")
parcel_sent.connect(sort, 7)
letter_sent.connect(stamp, customer)
