"""What a test leaves behind is named where it happens, not by a test that stumbles over it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.children import write
from tests.testing.runs import PLAIN, run

GUARD = """
from tests.leftovers import Leftovers

def pytest_configure(config):
    config.pluginmanager.register(Leftovers())
"""
TESTS = """
import flask
from heliograph import add_instrument, remove_instrument, signal
from heliograph.lifecycle import app_started
from heliograph.lifecycle.flask import install

def watch(emission):
    pass

def start(sender, **extra):
    pass

class Ends:
    def start(self, sender, **extra):
        self.me = self

installed = []

@pytest.fixture(scope="module")
def watched():
    add_instrument(watch, [placed])
    app_started.connect(start)
    yield
    app_started.disconnect(start)

def test_an_instrument():
    add_instrument(watch)

def test_that_takes_it_away():
    remove_instrument(watch)

def test_receivers():
    app_started.connect(start, "shop")
    signal("ordered").connect(start)

def test_that_disconnects_them():
    app_started.disconnect(start)
    signal("ordered").disconnect(start)

def test_an_installation():
    installed.append(install(flask.Flask("shop")))

def test_nothing():
    installed.pop().uninstall()
    app_started.connect(start, Ends())
    ends = Ends()
    app_started.connect(ends.start)
    ends.start(None)

def test_of_a_fixture(watched):
    pass

def test_after_which_the_fixture_ends(watched):
    pass
"""


def test_what_a_test_leaves_is_named(tmp_path: Path) -> None:
    """What a fixture of several tests has added may stay until the fixture ends."""
    pytest.importorskip("flask")
    write(tmp_path / "conftest.py", GUARD)
    ran = run(tmp_path, TESTS, settings=f"{PLAIN}\npythonpath = {Path(__file__).parents[1]}")

    left = re.findall(r"at teardown of (\w+) .*\n.*?(This test has left .*)", ran.out)

    assert (len(ran.passed), ran.failed) == (8, [])
    receivers = ("test_it.start as a receiver of " + it for it in ("'app-started'", "'ordered'"))
    assert [(test, re.sub(r" at 0x\w+", "", text)) for test, text in left] == [
        ("test_an_instrument", "This test has left the instrument <function watch>."),
        ("test_receivers", f"This test has left {', and '.join(receivers)}."),
        (
            "test_an_installation",
            "This test has left an application of flask that install() was called for.",
        ),
        (
            "test_after_which_the_fixture_ends",
            "This test has left the instrument <function watch>.",
        ),
    ]
