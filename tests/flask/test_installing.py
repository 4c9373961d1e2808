"""Heliograph is the engine, whichever of install() and Flask came first."""

from __future__ import annotations

import gc
import sys
from importlib import metadata
from pathlib import Path

import blinker
import flask
import pytest

import heliograph
import heliograph.blinker
from tests.flask import connected_early
from tests.flask.conftest import ALREADY_IMPORTED
from tests.flask.core_signals import CORE_SIGNALS
from tests.flask.releases import FLASK


def test_flasks_signals_are_heliographs() -> None:
    """Each of the signals that Flask's namespace holds is a Heliograph signal."""
    found: dict[str, object] = dict(flask.signals._signals)

    assert set(found.values()) == set(CORE_SIGNALS.values())
    assert [
        name for name, signal in found.items() if not isinstance(signal, heliograph.Signal)
    ] == []
    assert {signal.name for signal in CORE_SIGNALS.values()} == {
        name.replace("_", "-") for name in CORE_SIGNALS
    }


def test_the_module_blinker_is_heliographs() -> None:
    """What imports Blinker's names now gets Heliograph's."""
    assert sys.modules["blinker"] is heliograph.blinker
    assert vars(blinker)["Namespace"] is heliograph.blinker.Namespace


def test_flask_is_the_release_that_the_environment_is_for() -> None:
    """The environment named after Flask 2.3 has it, and the others have Flask 3.1 or later."""
    old = Path(sys.prefix).name.endswith("-flask23")

    assert metadata.version("flask").startswith("2.3.") if old else FLASK >= (3, 1)


def test_flask_was_imported_when_it_was_asked_for(asked_for: str) -> None:
    """Nobody imports Flask or Blinker earlier: the first receivers met the engine in question."""
    engines = {"before": "heliograph.blinker.base", "after": "blinker.base"}

    assert ALREADY_IMPORTED == []
    assert engines[asked_for] == connected_early.ENGINE


def test_the_first_connections_are_still_there() -> None:
    """Receivers that were connected before all else stay: weak, strong, by sender and for all."""
    started = {
        (connection.receiver.__name__, connection.sender, connection.weak)
        for connection in CORE_SIGNALS["request_started"].connections
        if connection.sender in {connected_early.first_app, connected_early.second_app}
        and connection.receiver is not None
    }
    assert isinstance(connected_early.parcel_sent, heliograph.Signal)
    parcels = [(c.receiver, c.sender, c.weak) for c in connected_early.parcel_sent.connections]

    assert started == {
        ("held", connected_early.first_app, False),
        ("greet", connected_early.first_app, True),
        ("count", connected_early.first_app, True),
        ("count", connected_early.second_app, True),
    }
    assert sorted(parcels, key=repr) == sorted(
        [
            (connected_early.stamp, heliograph.ANY, False),
            (connected_early.sort, "desk", True),
            (connected_early.sort, 7, True),
        ],
        key=repr,
    )


@pytest.mark.parametrize(
    ("app", "heard"),
    [
        (
            connected_early.first_app,
            [("held", "first"), ("greet", "first"), ("count", "first"), ("watch", "first")],
        ),
        (connected_early.second_app, [("count", "second"), ("watch", "second")]),
    ],
    ids=["first app", "second app"],
)
def test_the_first_connections_are_heard(app: flask.Flask, heard: list[tuple[str, str]]) -> None:
    """A request reaches them, in the order of connecting, and the wrong senders' do not."""
    connected_early.heard.clear()
    app.test_client().get("/")

    assert connected_early.heard == heard


@pytest.mark.parametrize(
    ("sender", "heard"),
    [
        ("desk", [("stamp", "'desk'"), ("sort", "'desk'")]),
        (7, [("stamp", "7"), ("sort", "7")]),
        ("cellar", [("stamp", "'cellar'")]),
        (8, [("stamp", "8")]),
    ],
)
def test_the_first_senders_by_value_are_heard(
    sender: str | int, heard: list[tuple[str, str]]
) -> None:
    """Strings and numbers as senders survive as well."""
    connected_early.heard.clear()
    connected_early.parcel_sent.send(sender)

    assert sorted(connected_early.heard) == sorted(heard)


def test_a_first_connection_can_be_ended() -> None:
    """What was connected on one engine is disconnected on the other."""
    connected_early.heard.clear()
    flask.request_started.disconnect(connected_early.count, connected_early.second_app)
    try:
        connected_early.second_app.test_client().get("/")

        assert connected_early.heard == [("watch", "second")]
    finally:
        flask.request_started.connect(connected_early.count, connected_early.second_app)


def test_a_first_connection_ends_with_its_sender() -> None:
    """A sender that was there before may go as ever."""
    assert isinstance(connected_early.letter_sent, heliograph.Signal)
    assert [c.sender for c in connected_early.letter_sent.connections] == [connected_early.customer]

    connected_early.customer = connected_early.Customer()
    gc.collect()

    assert connected_early.letter_sent.connections == ()
    connected_early.letter_sent.connect(connected_early.stamp, connected_early.customer)


def test_the_first_namespaces_make_heliograph_signals() -> None:
    """A class that somebody got hold of early makes signals of the new engine now."""
    fresh = connected_early.PostOffice().signal("fresh")

    assert isinstance(fresh, heliograph.Signal)
    assert isinstance(connected_early.post_office.signal("fresh"), heliograph.Signal)
    assert connected_early.post_office.signal("parcel-sent") is connected_early.parcel_sent


def test_the_default_namespace_is_one() -> None:
    """A name that was given early is the same signal for those who come late."""
    assert blinker.signal("heliograph-tests-letter-sent") is connected_early.letter_sent
