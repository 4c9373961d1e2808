"""The plugin beside the plugins of others, each in a run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.children import write
from tests.testing.runs import run

if TYPE_CHECKING:
    from pathlib import Path

# What the plugins warn of is their own affair; pytest-asyncio wants to be told this.
PLAIN = "asyncio_default_fixture_loop_scope = function"
SETTINGS = f"{PLAIN}\nsignals_rules = true"


def test_beside_pytest_asyncio(tmp_path: Path) -> None:
    """Tests, fixtures and their tasks, on a loop of their own and on one that outlives them."""
    tests = """
    import asyncio
    import pytest_asyncio

    pytestmark = pytest.mark.asyncio

    @pytest_asyncio.fixture
    async def connected():
        placed.connect(receive)
        yield
        await asyncio.sleep(0)

    async def test_a_task(signals, connected):
        asyncio.create_task(placed.send_async("task"))
        sent = await signals.wait_async(placed)
        assert [it.receiver for it in sent.deliveries] == [receive]

    async def test_nothing_is_left():
        assert not placed.receivers

    async def test_observer_fails():
        placed.connect(fail, on_error="log")
        await placed.send_async("task")

    @pytest.mark.no_signals
    async def test_mark_fails():
        await placed.send_async("task")

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def worker():
        placed.connect(receive, "worker")
        go_on, sent = asyncio.Event(), asyncio.Event()

        async def work():
            while True:
                await go_on.wait()
                go_on.clear()
                placed.send("worker")

        task = asyncio.create_task(work())
        yield go_on
        task.cancel()

    @pytest.fixture
    def captured(capture_signals):
        return capture_signals(placed)

    later = []

    @pytest.mark.asyncio(loop_scope="module")
    async def test_left_running(worker):
        async def straggle():
            await later[0].wait()
            placed.send("straggler")
            later[1].set()

        later[:] = asyncio.Event(), asyncio.Event(), asyncio.create_task(straggle())

    @pytest.mark.asyncio(loop_scope="module")
    async def test_what_is_left_running_does_not_count(worker, signals, captured):
        later[0].set()
        await later[1].wait()
        assert not captured
        worker.set()
        await signals.wait_async(placed, sender="worker")
        assert [it.sender for it in signals] == ["worker"]
        assert [it.sender for it in placed.connections] == ["worker"]
    """
    ended = run(tmp_path, tests, settings=SETTINGS)

    assert ended.passed == [
        "test_a_task",
        "test_left_running",
        "test_nothing_is_left",
        "test_what_is_left_running_does_not_count",
    ], ended.out
    assert (ended.failed, ended.errors) == (["test_mark_fails", "test_observer_fails"], [])


def test_beside_pytest_xdist(tmp_path: Path) -> None:
    """Each worker has its own tests, and sends home what they have sent."""
    tests = """
    @pytest.mark.parametrize("number", range(8))
    def test_number(number, signals):
        placed.connect(receive)
        placed.send(number)
        assert signals.one().sender == number
        assert len(placed.connections) == 1

    def test_fails():
        placed.send("shop")
        assert False

    def test_observer_fails():
        placed.connect(fail, on_error="log")
        placed.send("shop")
    """
    ended = run(tmp_path, tests, "-n", "2", "--signals", settings=SETTINGS)

    assert ended.passed == [f"test_number[{number}]" for number in range(8)], ended.out
    assert ended.failed == ["test_fails", "test_observer_fails"]
    assert "'order-placed', sent at test_it.py:12; received by nobody\n" in ended.out
    assert "Receivers connected with on_error='log' failed:\n" in ended.out


def test_beside_pytest_flask(tmp_path: Path) -> None:
    """With its fixtures `app` and `client`, and its own contexts; on Blinker and on Heliograph."""
    write(
        tmp_path / "conftest.py",
        """
        import flask, pytest

        @pytest.fixture
        def app():
            app = flask.Flask("shop")
            app.secret_key = "only a test"

            @app.get("/")
            def index():
                flask.flash("Welcome!")
                return flask.render_template_string("{{ total }}", total=12)

            return app
        """,
    )
    tests = """
    import flask

    def test_page(client, templates, flashes):
        assert client.get("/").status_code == 200
        assert templates.context(None)["total"] == 12
        assert flashes.messages == ["Welcome!"]

    def test_signals(client, capture_signals, app):
        started = capture_signals(flask.request_started, sender=app)
        client.get("/")
        client.get("/")
        assert len(started) == 2

    @pytest.mark.no_signals
    def test_the_context_of_the_plugin_is_no_part_of_the_test(client):
        assert flask.current_app
    """
    names = [
        "test_page",
        "test_signals",
        "test_the_context_of_the_plugin_is_no_part_of_the_test",
    ]
    # pytest-django has a fixture `client` as well.
    options = ("-p", "no:django")
    ended = run(tmp_path, tests, *options, settings=SETTINGS)
    on_heliograph = run(tmp_path, tests, *options, "--signals-install", settings=SETTINGS)

    assert ended.passed == names, ended.out
    assert on_heliograph.passed == names, on_heliograph.out


DJANGO = """
SECRET_KEY = "only a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
"""


def test_beside_pytest_django(tmp_path: Path) -> None:
    """With its database, and with Django's own signals, captured as they are."""
    write(tmp_path / "settings.py", DJANGO)
    tests = """
    import asyncio
    from django.contrib.auth.models import Group
    from django.db.models.signals import post_save, pre_save
    from django.dispatch import Signal
    from heliograph import ArgumentError
    from heliograph.testing import ExpectationError, capture, expect, mute

    def test_a_model_is_saved(db, capture_signals):
        saved = capture_signals(pre_save, post_save, sender=Group)
        group = Group.objects.create(name="shop")
        sent = saved.assert_sent(post_save, times=1, created=True).one()
        assert sent["instance"] is group
        assert "signal" not in sent.payload
        assert not sent.location.startswith("django/dispatch")
        saved.assert_order(pre_save, post_save, how="exact")
        placed.send(group)

    def test_nothing_is_left():
        assert not post_save.has_listeners(Group)

    def test_a_signal_of_ones_own():
        done = Signal()
        with expect(done, total=12) as sent:
            done.send("shop", total=12)
        with capture(done) as sent_async:
            asyncio.run(done.asend("shop", total=12))
        assert (sent.one().sender, len(sent_async)) == ("shop", 1)
        assert sent.one().location == f"{__file__}:27"

    def test_a_signal_is_called_by_its_variable():
        with pytest.raises(ExpectationError) as told, expect(post_save):
            pass
        assert str(told.value) == (
            "Expected django.db.models.signals.post_save.\\nNo signal was sent at all."
        )
        with pytest.raises(ArgumentError, match="is a signal of Django, and mute"):
            mute(post_save)
    """
    ended = run(tmp_path, tests, "--ds=settings", settings=SETTINGS)

    assert ended.passed == [
        "test_a_model_is_saved",
        "test_a_signal_is_called_by_its_variable",
        "test_a_signal_of_ones_own",
        "test_nothing_is_left",
    ], ended.out


def test_beside_all_of_them_at_once(tmp_path: Path) -> None:
    """Quart's templates and flashes too, in an async test."""
    tests = """
    import quart

    app = quart.Quart("shop")
    app.secret_key = "only a test"

    @app.get("/")
    async def index():
        await quart.flash("Welcome!")
        return await quart.render_template_string("{{ total }}", total=12)

    @pytest.mark.asyncio
    async def test_page(templates, flashes):
        await app.test_client().get("/")
        assert templates.context(None)["total"] == 12
        assert flashes.messages == ["Welcome!"]
    """
    assert run(tmp_path, tests, "-n", "1", settings=SETTINGS).passed == ["test_page"]
