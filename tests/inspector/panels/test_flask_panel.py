"""The panel in a real Flask-DebugToolbar, and where the toolbar has to stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, redirect
from flask_compress import Compress
from flask_debugtoolbar import DebugToolbarExtension

from heliograph import Namespace, remove_instrument
from heliograph.inspector.panels import collecting
from heliograph.inspector.panels import flask as of_flask

if TYPE_CHECKING:
    from collections.abc import Iterator

PANEL = "heliograph.inspector.panels.flask.HeliographPanel"
SIGNED_WITH = "nothing of worth"
PAGE = "<!doctype html><html><body>hello</body></html>"
shop = Namespace("shop of the toolbar")
placed, packed = shop.signal('order-placed <b> "&'), shop.signal("packed")


@placed.connect
def pack(sender: object) -> None:
    """Pack twice."""
    for _ in range(2):
        packed.send(sender)


@packed.connect
def check(sender: object) -> None:
    """Check."""


@pytest.fixture(autouse=True, scope="module")
def _usual_panels() -> None:
    """Let an application show the usual panels, before others show ours alone.

    Panels add pages to the toolbar's one blueprint when they are imported. Later than the first
    application of a process they are refused that, and so would be each application of
    another test that shows them.
    """
    app = Flask("usual")
    app.config.update(SECRET_KEY=SIGNED_WITH, DEBUG_TB_ENABLED=True)
    DebugToolbarExtension(app)


@pytest.fixture(autouse=True)
def _one_process() -> Iterator[None]:
    """Take the panels' instrument away, which a program that shows them keeps to its end."""
    yield
    remove_instrument(collecting._CONTEXTS)
    collecting._CURRENT.set(None)


def application(*, toolbar: bool = True) -> Flask:
    """Return an application with the toolbar."""
    app = Flask("shop")
    app.config.update(
        SECRET_KEY=SIGNED_WITH,
        DEBUG_TB_ENABLED=True,
        DEBUG_TB_PANELS=[PANEL],
        DEBUG_TB_INTERCEPT_REDIRECTS=False,
    )

    @app.get("/")
    def page() -> str:
        placed.send("shop")
        return PAGE

    @app.get("/json")
    def as_json() -> dict[str, int]:
        placed.send("shop")
        return {"a": 1}

    @app.get("/stream")
    def as_stream() -> Response:
        placed.send("shop")
        return Response(iter(["a", "b"]))

    @app.get("/away")
    def away() -> Any:
        return redirect("/")

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError

    @app.get("/quiet")
    def quiet() -> str:
        return PAGE

    if toolbar:
        DebugToolbarExtension(app)
    return app


def statuses(app: Flask) -> dict[str, int]:
    """Return how each page is answered."""
    client = app.test_client()
    paths = ("/", "/json", "/stream", "/away", "/nowhere", "/broken", "/quiet")
    return {it: client.get(it).status_code for it in paths}


def panel_of(html: str) -> str:
    """Return the panel's part of a page."""
    pattern = r'id="flDebugHeliographPanel-content".*?flDebugScroll">(.*?)</div>'
    found = re.search(pattern, html, re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_the_toolbar_shows_what_the_signals_did() -> None:
    """Signals with their receivers, and what these sent, folded."""
    html = application().test_client().get("/").text

    panel = panel_of(html)
    assert re.findall(r"<small>(.*?)</small>", html) == ["3 sent"]
    space = "&nbsp;" * 4
    assert re.findall(r"<tr><td>(.*?)</td>", panel) == [
        "<strong>order-placed &lt;b&gt; &quot;&amp;</strong>",
        f"{space}{__name__}.pack",
        f"{space * 2}<strong>packed</strong> × 2",
        f"{space * 3}{__name__}.check",
    ]


def test_a_page_without_signals_says_so() -> None:
    """And has nothing of the page before it."""
    client = application().test_client()
    client.get("/json")  # The toolbar does not tell its panels how that ended.

    assert "No signal was sent until the response was ready." in panel_of(client.get("/quiet").text)


def test_the_panel_links_to_the_page() -> None:
    """Where one is served."""
    client = application().test_client()
    found = client.get("/", environ_overrides={"heliograph.page": '/_signals/"'})

    assert '<a href="/_signals/&quot;">All requests, live</a>' in panel_of(found.text)
    assert "There is no page to look further" in panel_of(client.get("/").text)


def test_other_answers_are_as_they_are_without_the_toolbar() -> None:
    """JSON, streams, redirects, errors."""
    assert statuses(application()) == statuses(application(toolbar=False))


@pytest.mark.parametrize("name", ["begin", "end"])
def test_a_panel_that_could_not_collect_says_why(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the page is as it was."""
    monkeypatch.setattr(collecting.Collection, name, broken)
    html = application().test_client().get("/").text

    assert re.findall(r"<small>(.*?)</small>", html) == ["failed"]
    assert panel_of(html).startswith(
        "<p><strong>This panel has failed</strong>: OSError: it &lt;fails&gt;</p>"
    )


def test_a_panel_in_which_everything_fails_changes_no_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever raises: collecting, describing, showing."""
    for name in ("rows_of", "as_html", "summary"):
        monkeypatch.setattr(of_flask, name, broken)
    monkeypatch.setattr(of_flask, "Collection", broken)
    app = application()

    assert statuses(app) == statuses(application(toolbar=False))
    assert panel_of(app.test_client().get("/").text) == "This panel has failed; the log tells more."


def broken(*arguments: object, **more: object) -> Any:
    """Fail."""
    msg = "it <fails>"
    raise OSError(msg)


def test_a_response_without_a_request_before_it_is_no_error() -> None:
    """The toolbar may have been made in between."""
    panel = of_flask.HeliographPanel(None)
    nothing: Any = None
    panel.process_response(nothing, nothing)

    assert (panel.problem, panel.url(), panel.title()) == (None, "", "Signals")


@pytest.mark.parametrize(("first", "status"), [(Compress, 200), (DebugToolbarExtension, 500)])
def test_the_toolbar_stands_after_compression(first: Any, status: int) -> None:
    """The other order answers 500 to every browser; the documentation says so."""
    app = application(toolbar=False)
    app.config["COMPRESS_MIN_SIZE"] = 1
    second = DebugToolbarExtension if first is Compress else Compress
    first(app)
    second(app)

    found = app.test_client().get("/", headers={"Accept-Encoding": "br, gzip"})
    assert found.status_code == status
