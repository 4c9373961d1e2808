"""Flask: its own signals are those of the wing, with a request and with the end of a response."""

from __future__ import annotations

import gc
from typing import Any

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

import heliograph.blinker
from heliograph import ArgumentError, ReceiverError, StateError
from heliograph.lifecycle import RequestInfo, current_request, request_finished, request_started
from heliograph.lifecycle.flask import install
from heliograph.testing import capture
from heliograph.testing.rules import none_of_these, only_these
from tests.lifecycle.calling import ask_wsgi, heard, names


def made() -> flask.Flask:
    """Return an application."""
    app = flask.Flask(__name__)
    app.secret_key = "for tests"  # noqa: S105 - it guards nothing.
    pages = flask.Blueprint("pages", __name__, url_prefix="/shop/<tenant>")

    @app.get("/")
    def plain() -> str:
        return "hello"

    @pages.get("/item/<int:number>")
    def item(tenant: str, number: int) -> str:
        return flask.render_template_string("{{ number }}", number=number)

    @app.get("/fails")
    def fails() -> str:
        raise LookupError

    @app.get("/refuses")
    def refuses() -> str:
        flask.abort(403)

    @app.get("/stream")
    def stream() -> flask.Response:
        def parts() -> Any:
            yield b"part"
            raise LookupError

        return flask.Response(parts())

    app.register_blueprint(pages)
    return app


def send(app: flask.Flask, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Send a request; return what was told."""
    with heard() as kept:
        ask_wsgi(app, path)
    return kept


BEGIN = ["app-started", "appcontext-pushed", "request-started"]
END = ["request-finished", "request-tearing-down", "appcontext-tearing-down", "appcontext-popped"]


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [("/", 200, "/"), ("/refuses", 403, "/refuses"), ("/nowhere", 404, None)],
)
def test_flask_sends_its_signals_and_the_end_follows(
    path: str, status: int, route: str | None
) -> None:
    """In Flask's own order, which tears down before the body is sent."""
    app = made()
    with install(app):
        kept = send(app, path)

    assert names(kept) == [*BEGIN, *END, "response-sent"]
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["aborted"], sent["request"].route) == (status, False, route)
    assert dict(kept)["request-finished"]["response"].status_code == status
    assert {it["request"] for _, it in kept if "request" in it} == {sent["request"]}


def test_a_template_is_told_with_its_request() -> None:
    """By Flask itself: once."""
    app = made()
    with install(app):
        kept = send(app, "/shop/acme/item/7")

    assert names(kept)[3:5] == ["before-render-template", "template-rendered"]
    request = dict(kept)["template-rendered"]["request"]
    assert (request.route, request.native.path) == (
        "/shop/<tenant>/item/<int:number>",
        "/shop/acme/item/7",
    )


def test_an_exception_is_told_by_flask_and_not_again() -> None:
    """The response that Flask makes of it is whole."""
    app = made()
    with install(app):
        kept = send(app, "/fails")

    assert names(kept) == [*BEGIN, "got-request-exception", *END, "response-sent"]
    told = dict(kept)["got-request-exception"]
    assert (type(told["exception"]), told["response_started"]) == (LookupError, False)
    assert (dict(kept)["response-sent"]["status"], dict(kept)["response-sent"]["reason"]) == (
        500,
        "complete",
    )


def test_an_exception_in_a_body_is_in_its_end() -> None:
    """Flask tells nobody of it."""
    app = made()
    with install(app):
        kept = send(app, "/stream")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == (
        200,
        4,
        True,
        "error",
    )
    assert type(sent["exc"]) is LookupError


def test_a_receiver_is_connected_to_both_of_two_signals() -> None:
    """To Flask's and to the wing's, before and after; and named, or not, it takes the request."""
    gc.collect()  # An application of another test keeps the two signals joined while it lives.
    app = made()
    heard_of: list[Any] = []

    def before(sender: Any, **extra: Any) -> None:
        heard_of.append(("before", sorted(extra)))

    def named(sender: Any, request: Any) -> None:
        heard_of.append(("named", request.path))

    def plain(sender: Any) -> None:
        heard_of.append("plain")

    flask.request_started.connect(before, app)
    with install(app):
        request_started.connect(named, app)
        flask.request_started.connect(plain, app)
        ask_wsgi(app, "/")
        request_started.disconnect(plain, app)
        ask_wsgi(app, "/")
        request_started.disconnect(named, app)

    assert heard_of == [
        ("before", ["request"]),
        ("named", "/"),
        "plain",
        ("before", ["request"]),
        ("named", "/"),
    ]
    heard_of.clear()
    ask_wsgi(app, "/")
    # Flask's signal goes its own way again, with all that was connected.
    assert heard_of == [("before", [])]


def test_who_was_connected_to_one_of_two_signals_is_its_receiver_alone_again() -> None:
    """Other frameworks send the one, and Flask sends the other without a request."""
    gc.collect()  # As above.
    app = made()
    heard_of: list[tuple[str, bool]] = []

    class Equal:
        """Receivers that nobody can tell apart by value, and that have no hash."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]  # On purpose.

        def __call__(self, sender: Any, **extra: Any) -> None:
            heard_of.append((self.name, "request" in extra))

    def ours(sender: Any, request: Any) -> None:
        heard_of.append(("ours", True))

    theirs, both = Equal("theirs"), Equal("both")
    for it in (theirs, both):
        flask.request_started.connect(it, app)
    for each in (ours, both):
        request_started.connect(each, app)
    with install(app):
        ask_wsgi(app, "/")
    ask_wsgi(app, "/")

    assert heard_of == [
        ("ours", True),
        ("both", True),
        ("theirs", True),
        ("theirs", False),
        ("both", False),
    ]
    assert [
        it.receiver is own
        for it, own in zip(request_started.connections, (ours, both), strict=True)
    ] == [
        True,
        True,
    ]


def test_a_context_that_a_test_makes_has_a_request_too() -> None:
    """Nothing has come through the application."""
    app = made()
    with install(app), app.test_request_context("/shop/acme/item/7"):
        with heard() as kept:
            app.preprocess_request()
            flask.flash("Thank you.")
        assert current_request() is None

    told = dict(kept)["message-flashed"]
    assert (told["message"], told["request"].route) == (
        "Thank you.",
        "/shop/<tenant>/item/<int:number>",
    )


def test_two_applications_are_installed_independently() -> None:
    """The signals are parted with the last one."""
    first, second = made(), made()
    one, two = install(first), install(second)
    one.uninstall()
    kept = send(second, "/")
    two.uninstall()

    assert names(kept) == [*BEGIN, *END, "response-sent"]
    assert send(first, "/") == send(second, "/") == []


def test_an_installation_is_undone() -> None:
    """Also where somebody has put a layer of their own around it."""
    app = made()
    with install(app), pytest.raises(StateError, match=r"flask.Flask already"):
        install(app)
    installation = install(app)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]  # As documented.
    installation.uninstall()

    assert send(app, "/") == []
    with pytest.raises(StateError, match=r"flask.Flask has started to serve"):
        install(app)
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a flask.Flask"):
        install(None)  # type: ignore[arg-type]  # As somebody may.


def test_a_receiver_that_does_not_fit_is_refused_before_anything_changes() -> None:
    """It could not be called by either."""
    app = made()

    def unfit(sender: Any, nothing_like_it: Any) -> None:
        """Need what is never sent."""

    unknown = flask.request_finished.connected_to(unfit)
    with unknown, pytest.raises(ReceiverError, match=r"unfit cannot be connected to signal"):
        install(app)
    assert request_finished.connections == ()
    assert send(app, "/") == []


def test_a_receiver_that_left_while_the_signals_were_joined_is_gone() -> None:
    """It does not come back with the signal that it was connected to at first."""
    app = made()
    heard_of: list[Any] = []

    def once(sender: Any, **_: Any) -> None:
        heard_of.append(sender)

    flask.request_started.connect(once, app)
    with install(app):
        request_started.disconnect(once, app)
    ask_wsgi(app, "/")

    assert heard_of == []


def test_what_is_sent_by_hand_has_a_request_too() -> None:
    """That which somebody passes, or the current one, or None outside of requests."""
    app = made()
    mine = RequestInfo(
        kind="http", method="GET", path="/", client=None, native=None, offered_id=None
    )
    with install(app), heard() as kept:
        flask.message_flashed.send(app, message="one", category="x")
        flask.message_flashed.send(app, message="two", category="x", request=mine)

    assert [payload["request"] for _, payload in kept] == [None, mine]


def test_a_capture_of_either_of_two_joined_signals_sees_what_flask_sends() -> None:
    """Also once they have parted; and a capture of something else sees nothing."""
    app = made()
    with capture(request_started, flask.request_finished) as sent, install(app):
        app.test_client().get("/")
    with capture(request_started) as later:
        app.test_client().get("/")

    sent.assert_order(request_started, flask.request_finished, how="exact")
    assert sent.of(request_started).one().sender is app
    assert list(later) == []


def test_a_deep_capture_keeps_what_was_known_of_a_request_then() -> None:
    """Its route is found later; what the framework and the server made is not copied."""
    app = made()
    with install(app), capture(request_started, request_finished, snapshot="deep") as sent:

        @app.before_request
        def remember() -> None:
            natives.append(flask.request._get_current_object())  # type: ignore[attr-defined]  # Werkzeug documents it.

        natives: list[Any] = []
        app.test_client().get("/shop/acme/item/7")
    first, last = (
        sent.of(it).one().payload["request"] for it in (request_started, request_finished)
    )
    first.route = "/set"

    assert first is not last
    assert (first.id, first.path, first.native) == (last.id, last.path, natives[0])
    assert last.route == "/shop/<tenant>/item/<int:number>"


@pytest.mark.parametrize(("rule", "refused"), [(only_these, False), (none_of_these, True)])
def test_a_rule_for_one_of_two_joined_signals_holds_for_both(rule: Any, refused: bool) -> None:
    """What a mark of a test allows or forbids."""
    app = made()
    with install(app), capture(flask.request_started) as sent:
        app.test_client().get("/")

    assert bool(rule(sent, [request_started])) is refused


def test_a_capture_of_one_of_two_joined_signals_may_be_asked_for_the_other() -> None:
    """Both are captured."""
    app = made()
    with install(app), capture(request_started) as sent:
        app.test_client().get("/")
        found = sent.assert_sent(flask.request_started, times=1)

    assert list(found) == list(sent)


@pytest.mark.parametrize("mounted", ["", "/server"])
def test_the_route_of_an_application_inside_of_another_has_its_prefix(mounted: str) -> None:
    """That of the mount, and not that of the server."""
    inner, outer = made(), made()
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]  # As in Flask's documentation.
    with install(outer), install(inner), heard() as kept:
        outer.test_client().get(
            "/inner/shop/one/item/7", environ_overrides={"SCRIPT_NAME": mounted}
        )

    [end] = [it for name, it in kept if name == "response-sent"]
    assert end["sender"] is outer
    assert end["request"].route == "/inner/shop/<tenant>/item/<int:number>"
    assert end["request"].path == f"{mounted}/inner/shop/one/item/7"


@pytest.mark.parametrize("name", ["flask", "lifecycle"])
@pytest.mark.parametrize("joined_at_first", [False, True])
def test_a_block_ends_its_connection_though_signals_are_joined_or_parted_inside(
    name: str, joined_at_first: bool
) -> None:
    """Of either name; nothing of it is there afterwards, nor when they are joined once more."""
    heliograph.blinker.install()  # Before the block, which is then one of Heliograph's.
    app = made()
    signal: Any = flask.request_started if name == "flask" else request_started

    def hear(sender: Any, **extra: Any) -> None:
        """Be connected for a while."""

    name_of_it: list[str] = []

    def places() -> list[int]:
        both: list[Any] = [flask.request_started, request_started]
        return [[it.name for it in one.connections].count(name_of_it[0]) for one in both]

    installation = install(app) if joined_at_first else None
    with signal.connected_to(hear):
        name_of_it.append(signal.connections[-1].name)
        if installation is None:
            installation = install(app)
            assert places() == [1, 1]
        else:
            installation.uninstall()
    found = [places()]
    installation.uninstall()
    found.append(places())
    with install(made()):
        found.append(places())

    assert found == [[0, 0]] * 3
