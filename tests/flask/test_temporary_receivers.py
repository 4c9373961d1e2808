"""Temporary receivers with local=True: what one request hears, the one beside it does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, render_template
from jinja2 import DictLoader

from tests.flask.core_signals import request_finished, template_rendered

if TYPE_CHECKING:
    from jinja2 import Template

PEOPLE = ["ada", "bob"]
ROUNDS = 20


class Recorder:
    """Writes down the names of rendered templates."""

    def __init__(self) -> None:
        self.names: list[str | None] = []

    def __call__(self, sender: Flask, template: Template, **extra: object) -> None:
        """Receive template_rendered."""
        self.names.append(template.name)


@pytest.fixture
def meeting() -> Barrier:
    """Make a place where two requests wait for each other."""
    return Barrier(2, timeout=30)


@pytest.fixture
def app(meeting: Barrier) -> Flask:
    """Open an app with a page for each person, which two have to ask for at the same time."""
    app = Flask("meeting")
    app.jinja_loader = DictLoader({f"{name}.html": name for name in PEOPLE})

    @app.get("/<name>")
    def page(name: str) -> str:
        meeting.wait()
        text = render_template(f"{name}.html")
        meeting.wait()
        return text

    @app.get("/seen/<name>")
    def page_that_records(name: str) -> list[str | None]:
        recorder = Recorder()
        with template_rendered.connected_to(recorder, app, local=True):
            page(name)
        return recorder.names

    return app


def at_once(function: Any) -> list[Any]:
    """Call the function for both people in two threads; return what it gave for each."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, PEOPLE))


def test_two_tests_at_once_see_their_own_templates(app: Flask) -> None:
    """Each thread records what its own request renders, although both are for the same app."""

    def record(name: str) -> list[str | None]:
        recorder = Recorder()
        for _ in range(ROUNDS):
            with template_rendered.connected_to(recorder, app, local=True):
                app.test_client().get(f"/{name}")
        return recorder.names

    assert at_once(record) == [[f"{name}.html"] * ROUNDS for name in PEOPLE]


def test_two_requests_at_once_see_their_own_templates(app: Flask) -> None:
    """Views that connect while they run do not see what the other one renders."""

    def ask(name: str) -> list[Any]:
        return [app.test_client().get(f"/seen/{name}").json for _ in range(ROUNDS)]

    assert at_once(ask) == [[[f"{name}.html"]] * ROUNDS for name in PEOPLE]


def test_without_local_both_are_heard(app: Flask, meeting: Barrier) -> None:
    """A temporary receiver of the plain kind hears the app, in every thread."""

    def record(name: str) -> list[str | None]:
        recorder = Recorder()
        with template_rendered.connected_to(recorder, app):
            meeting.wait()
            app.test_client().get(f"/{name}")
            meeting.wait()
        return sorted(recorder.names, key=str)

    assert at_once(record) == [["ada.html", "bob.html"]] * 2


def test_muting_for_one_request_leaves_the_other(app: Flask) -> None:
    """`muted(local=True)` swallows what its own thread sends."""
    recorder = Recorder()

    def ask(name: str) -> int:
        if name == "bob":
            return app.test_client().get(f"/{name}").status_code
        with template_rendered.muted(local=True):
            return app.test_client().get(f"/{name}").status_code

    with template_rendered.connected_to(recorder, app):
        assert at_once(ask) == [200, 200]

    assert recorder.names == ["bob.html"]


def test_nothing_local_is_left_behind(app: Flask) -> None:
    """After the blocks, the app has no more receivers than before."""

    def record(name: str) -> bool:
        with request_finished.connected_to(lambda sender, **extra: None, app, local=True):
            app.test_client().get(f"/{name}")
            return request_finished.has_receivers_for(app)

    assert at_once(record) == [True, True]
    assert not request_finished.has_receivers_for(app)
    assert [c for c in request_finished.connections if c.sender is app] == []
