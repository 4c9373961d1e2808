"""The pytest plugin, in runs of its own, as its users have it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import child, heliograph, write
from tests.testing.runs import PLAIN, RULES, run, run_here

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.once


def test_the_fixtures_capture_and_mute(pytester: pytest.Pytester) -> None:
    """From set-up to the end of the test; and nothing of one test is left for the next."""
    tests = """
    def test_signals(signals):
        placed.send("shop", total=12)
        paid.send("shop")
        signals.assert_order(placed, paid, how="exact")

    def test_signals_are_those_of_the_test(signals):
        assert len(signals) == 0

    def test_capture(capture_signals):
        sent = capture_signals(placed, sender="shop")
        placed.send("shop", total=12)
        placed.send("kiosk")
        assert sent.one()["total"] == 12

    def test_mute(mute_signals):
        placed.connect(fail)
        mute_signals(placed, paid)
        assert placed.is_muted and paid.is_muted

    def test_nothing_is_muted():
        assert not placed.is_muted
    """
    assert run_here(pytester, tests).passed == [
        "test_capture",
        "test_mute",
        "test_nothing_is_muted",
        "test_signals",
        "test_signals_are_those_of_the_test",
    ]


def test_templates_and_flashes_are_fixtures(tmp_path: Path) -> None:
    """On plain Blinker as well as on Heliograph."""
    tests = """
    import flask
    app = flask.Flask("shop")
    app.secret_key = "only a test"

    @app.get("/")
    def index():
        flask.flash("Welcome!")
        return flask.render_template_string("{{ total }}", total=12)

    def test_a_page(templates, flashes):
        app.test_client().get("/")
        assert templates.context(None)["total"] == 12
        assert flashes.messages == ["Welcome!"]
        assert type(flask.template_rendered).__module__ == ENGINE
    """
    blinker = run(tmp_path, f"ENGINE = 'blinker.base'\n{tests}".replace("\n    ", "\n"))
    ours = f"ENGINE = 'heliograph.blinker.base'\n{tests}".replace("\n    ", "\n")

    assert blinker.passed == ["test_a_page"]
    assert run(tmp_path, ours, "--signals-install").passed == ["test_a_page"]


def test_heliograph_is_installed_before_the_first_file_is_imported(tmp_path: Path) -> None:
    """A conftest that imports Blinker gets Heliograph, if the setting or the option says so."""
    write(tmp_path / "conftest.py", "import blinker\nENGINE = blinker.Signal.__module__\n")
    tests = """
    def test_engine():
        import conftest
        assert conftest.ENGINE == "heliograph.blinker.base"
    """
    option = run(tmp_path, tests, "--signals-install")
    without = run(tmp_path, tests)
    setting = run(tmp_path, tests, settings="signals_install = true")

    assert (option.passed, without.failed) == (["test_engine"], ["test_engine"])
    assert setting.passed == ["test_engine"]


# --- isolation -------------------------------------------------------------------------

SCOPES = """
import shop

@pytest.fixture(scope="session", autouse=True)
def application():
    placed.connect(receive, "session")

@pytest.fixture(scope="module")
def module():
    placed.connect(receive, "module")

@pytest.fixture(scope="class")
def of_class():
    placed.connect(receive, "class")

@pytest.fixture
def function():
    placed.connect(receive, "function")
    yield
    placed.connect(receive, "tear-down")

def senders():
    return [it.sender for it in placed.connections]

placed.connect(receive, "import")

class TestFirst:
    def test_1(self, module, of_class, function):
        placed.connect(receive, "test")
        import late
        assert senders() == ["import", "session", "module", "class", "function", "test", "late"]

    def test_2(self):
        assert senders() == ["import", "session", "module", "class", "late"]

def test_3():
    assert senders() == ["import", "session", "module", "late"]

@pytest.fixture(params=[1, 2], scope="session")
def number(request):
    paid.connect(receive, request.param)
    return request.param

def test_4(number):
    assert [it.sender for it in paid.connections] == [number]
"""


def test_connections_end_with_the_fixture_that_made_them(pytester: pytest.Pytester) -> None:
    """Those of a session stay for it, those of an import for ever, those of a test end with it."""
    write(pytester.path / "late.py", "import shop\nshop.placed.connect(shop.receive, 'late')\n")
    assert run_here(pytester, SCOPES, settings=RULES).passed == [
        "test_1",
        "test_2",
        "test_3",
        "test_4[1]",
        "test_4[2]",
    ]


# --- the rules -------------------------------------------------------------------------

BREAKS_EACH = """
from heliograph.testing import expect

def test_1():
    placed.connect(receive)

def test_isolation():
    assert not placed.receivers

def test_logged_errors():
    with placed.connected_to(fail, on_error="log"):
        placed.send("shop")

def test_forgotten_expect():
    expect(placed)
"""


@pytest.mark.parametrize(
    ("setting", "broken"),
    [
        ("", ["test_isolation"]),
        ("signals_rules = false", ["test_isolation"]),
        ("signals_rules = true", ["test_forgotten_expect", "test_logged_errors"]),
        ("signals_rules = isolation", []),
        ("signals_rules = logged_errors", ["test_isolation", "test_logged_errors"]),
        ("signals_rules = isolation, forgotten_expect", ["test_forgotten_expect"]),
        ("signals_rules =\n  isolation\n  logged_errors", ["test_logged_errors"]),
    ],
)
def test_tests_are_held_to_the_rules_that_the_settings_name(
    pytester: pytest.Pytester, setting: str, broken: list[str]
) -> None:
    """To all of them, to some by name, and to none unless anybody asks."""
    assert run_here(pytester, BREAKS_EACH, settings=setting).failed == broken


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("tool.pytest.ini_options", "true"),
        ("tool.pytest.ini_options", '"isolation logged_errors"'),
        ("tool.pytest", '"isolation logged_errors"'),
        pytest.param(
            "tool.pytest",
            "true",
            marks=pytest.mark.skipif(
                pytest.version_tuple < (9, 2), reason="this pytest takes one type for a setting"
            ),
        ),
    ],
)
def test_the_rules_can_be_set_in_pyproject_toml(
    pytester: pytest.Pytester, table: str, value: str
) -> None:
    """In both of pytest's tables; the names are one string."""
    config = write(pytester.path / "pyproject.toml", f"[{table}]\nsignals_rules = {value}\n")
    ended = run_here(pytester, BREAKS_EACH, "-c", str(config), "-W", "error")

    assert "test_logged_errors" in ended.failed, ended.out
    assert "test_isolation" in ended.passed


@pytest.mark.parametrize("setting", ["isolation, modules", "fixture", "True isolation"])
def test_an_unknown_rule_is_an_error(pytester: pytest.Pytester, setting: str) -> None:
    """The error names those that there are."""
    ended = run_here(pytester, "", "-o", f"signals_rules={setting}")
    [wrong] = [it for it in ("modules", "fixture", "True") if it in setting]

    assert ended.out.rstrip() == (
        f"ERROR: signals_rules = {setting}: there is no rule {wrong!r}. "
        "Use true for all rules, or some of: isolation logged_errors forgotten_expect."
    )


def test_an_observer_that_fails_fails_the_test(pytester: pytest.Pytester) -> None:
    """In set-up and tear-down too; unless the test says that it expects it."""
    tests = """
    from heliograph.testing import expect, expect_logged

    @pytest.fixture(autouse=True)
    def observer():
        placed.connect(fail, on_error="log")

    def test_fails():
        placed.send("shop")

    def test_expects():
        with expect_logged(OSError, match="disk"):
            placed.send("shop")

    @pytest.fixture
    def at_setup(observer):
        placed.send("shop")

    def test_at_setup(at_setup):
        pass

    @pytest.fixture
    def at_teardown(observer):
        yield
        placed.send("shop")

    def test_at_teardown(at_teardown):
        pass

    def test_forgets():
        expect(placed)

    def test_has_another_reason():
        expect(placed)
        placed.send("shop")
        assert False

    def test_is_not_blamed_for_it():
        pass
    """
    ended = run_here(pytester, tests, settings=RULES)

    assert (ended.passed, ended.failed, ended.errors) == (
        ["test_at_teardown", "test_expects", "test_is_not_blamed_for_it"],
        ["test_fails", "test_forgets", "test_has_another_reason"],
        ["test_at_setup", "test_at_teardown"],
    )
    assert (
        " test_fails __________________________________\n"
        "Receivers connected with on_error='log' failed:\n"
        "  shop.fail, connected at test_it.py:8, on 'order-placed', sent at test_it.py:11: "
        "OSError: The disk is full.\n"
        "If the test expects this, write `with expect_logged(OSError): ...`.\n"
    ) in ended.out
    assert (
        " test_forgets _________________________________\n"
        "The expect() at test_it.py:33 was never entered: write `with expect(...):`.\n"
    ) in ended.out


def test_marks_hold_a_test_to_signals(pytester: pytest.Pytester) -> None:
    """What its function sends counts, and not what its fixtures send."""
    tests = """
    @pytest.fixture(autouse=True)
    def sending():
        paid.send("fixture")

    @pytest.mark.only_signals(placed, "order-p*")
    def test_only():
        placed.send("shop")

    @pytest.mark.only_signals(paid)
    def test_only_fails():
        placed.send("shop")

    @pytest.mark.no_signals
    def test_none():
        pass

    @pytest.mark.no_signals
    def test_none_fails():
        placed.send("shop")

    @pytest.mark.no_signals("order-*")
    class TestClass:
        @pytest.mark.only_signals()
        def test_both_fail(self):
            placed.send("shop")

    @pytest.mark.no_signals(signals=[placed])
    def test_keywords_fail():
        pass
    """
    ended = run_here(pytester, tests, "--strict-markers")

    assert (ended.passed, ended.failed) == (
        ["test_none", "test_only"],
        ["test_both_fail", "test_keywords_fail", "test_none_fails", "test_only_fails"],
    )
    assert "\nThe mark no_signals takes signals and patterns of names, but no key" in ended.out
    assert "\nOnly 'order-paid' may be sent in this test. These were sent:\n" in ended.out
    assert (
        " TestClass.test_both_fail ___________________________\n"
        "No signal may be sent in this test. These were sent:\n"
        "  1. 'order-placed' at test_it.py:28\n"
        "     from 'shop'; received by nobody\n"
        "'order-*' must not be sent in this test. These were sent:\n"
    ) in ended.out


def test_a_fixture_may_give_a_test_its_mark(pytester: pytest.Pytester) -> None:
    """It is held to it as to one that is written above it, and the next test is not."""
    tests = """
    @pytest.fixture
    def quiet(request):
        request.node.add_marker(pytest.mark.no_signals)

    def test_fails(quiet):
        placed.send("shop")

    def test_passes():
        placed.send("shop")
    """
    ended = run_here(pytester, tests)

    assert (ended.passed, ended.failed) == (["test_passes"], ["test_fails"])


@pytest.mark.parametrize("settings", [PLAIN, RULES])
def test_a_capture_leaves_out_what_another_captured_test_has_left_running(
    pytester: pytest.Pytester, settings: str
) -> None:
    """What a fixture of the session has started works for every test."""
    tests = """
    from contextvars import copy_context

    contexts = []

    @pytest.fixture(scope="session")
    def worker():
        return copy_context()

    def test_first(signals, request):
        contexts.append(copy_context())
        request.getfixturevalue("worker").run(placed.send, "worker")
        placed.send("first")
        assert [it.sender for it in signals] == ["worker", "first"]

    def test_second(capture_signals, worker):
        sent = capture_signals(placed)
        contexts[0].run(placed.send, "left running")
        worker.run(placed.send, "worker")
        copy_context().run(placed.send, "second")
        assert [it.sender for it in sent] == ["worker", "second"]
    """
    assert run_here(pytester, tests, settings=settings).passed == ["test_first", "test_second"]


def test_a_test_that_is_run_again_starts_from_nothing(pytester: pytest.Pytester) -> None:
    """As plugins do that give a failing test another chance, within the same protocol."""
    write(
        pytester.path / "conftest.py",
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, log=False)
            item._initrequest()
            for report in runtestprotocol(item, log=False):
                item.ihook.pytest_runtest_logreport(report=report)
            return True
        """,
    )
    tests = """
    def test_fails():
        assert not placed.receivers
        placed.connect(fail, on_error="log")
        placed.send("shop")
    """
    ended = run_here(pytester, tests, "--signals", settings=RULES)

    # pytest's own summary at the end may repeat the message: some versions show it whole.
    report, _, _ = ended.out.partition("short test summary info")
    assert report.count("Receivers connected with on_error='log' failed:") == 1, ended.out
    assert report.count("\n'order-placed', sent at test_it.py:7") == 1


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """A process may go on, and run pytest again."""
    tests = """
    def test_it(signals):
        placed.connect(receive)
        raise KeyboardInterrupt
    """
    run(tmp_path, tests)
    program = (
        "import pytest, shop\n"
        "from heliograph.core.observing.wishes import EVERYWHERE\n"
        "status = pytest.main(['-o', 'signals_rules=true', '--signals', 'test_it.py'])\n"
        "print(status, shop.placed.connections, EVERYWHERE)\n"
    )
    ended = child(sys.executable, "-c", program, cwd=tmp_path)

    assert ended.out.splitlines()[-1] == "2 () []"


# --- reports ---------------------------------------------------------------------------


def test_a_failing_test_shows_what_was_sent(pytester: pytest.Pytester) -> None:
    """As a tree, if it is wanted: what receivers sent stands below them."""
    tests = """
    @pytest.fixture
    def observers():
        placed.connect(pay)
        placed.connect(fail)
        paid.connect(fail, on_error="log")

    def test_fails(observers, mute_signals):
        with pytest.raises(OSError):
            placed.send("shop", total=12, to="Ada")
        mute_signals(paid)
        paid.send("shop")
        assert False

    def test_passes():
        placed.send("shop")
    """
    ended = run_here(pytester, tests, "--signals", settings=RULES)

    assert (ended.passed, ended.failed) == (["test_passes"], ["test_fails"])
    assert (
        " Signals sent ---------------------------------\n"
        "'order-placed' (total, to), sent at test_it.py:12\n"
        "  to shop.pay\n"
        "    'order-paid', sent at shop.py:7\n"
        "      to shop.fail, which logged OSError: The disk is full.\n"
        "  to shop.fail, which raised OSError: The disk is full.\n"
        "'order-paid', sent at test_it.py:14; muted\n"
    ) in ended.out
    assert ended.out.count("Signals sent") == 1
    assert "Signals sent" not in run_here(pytester, tests).out


def test_a_tree_shows_what_a_receiver_has_left_running(pytester: pytest.Pytester) -> None:
    """What is sent when the send is over stands for itself."""
    tests = """
    from contextvars import copy_context

    def test_fails():
        contexts = []

        def leave(sender, **payload):
            contexts.append(copy_context())
            paid.send("inside")
            raise SystemExit

        placed.connect(leave)
        with pytest.raises(SystemExit):
            placed.send("shop")
        contexts[0].run(paid.send, "later")
        assert False
    """
    ended = run_here(pytester, tests, "--signals")

    assert (
        "'order-placed', sent at test_it.py:16\n"
        "  to test_it.test_fails.<locals>.leave, which raised SystemExit\n"
        "    'order-paid', sent at test_it.py:11; received by nobody\n"
        "'order-paid', sent at test_it.py:17; received by nobody\n"
    ) in ended.out


def test_what_is_no_function_is_held_to_the_rules_too(pytester: pytest.Pytester) -> None:
    """A doctest, for one."""
    tests = '''
    def example():
        """
        >>> placed.connect(fail, on_error="log") is fail
        True
        >>> _ = placed.send("shop")
        """

    def test_nothing_is_left():
        assert not placed.receivers
    '''
    ended = run_here(pytester, tests, "--doctest-modules", settings=RULES)

    assert (ended.passed, ended.failed) == (["test_nothing_is_left"], ["test_it"])
    assert "Receivers connected with on_error='log' failed:\n  shop.fail" in ended.out


# --- what it costs, and where else it runs ---------------------------------------------


def test_a_run_that_asks_for_nothing_is_not_touched(tmp_path: Path) -> None:
    """Nothing of Heliograph is imported, and no hook of ours is around a test."""
    tests = """
    import sys

    def test_it(request):
        plugin = request.config.pluginmanager.get_plugin("heliograph")
        hooks = [it.name for it in request.config.pluginmanager.get_hookcallers(plugin)]
        assert sorted(hooks) == [
            "pytest_addoption",
            "pytest_configure",
            "pytest_load_initial_conftests",
            "pytest_runtest_setup",
        ]
        assert [name for name in sys.modules if name.startswith("heliograph")] == []
    """
    write(tmp_path / "test_it.py", tests)
    ended = child(sys.executable, "-m", "pytest", "-W", "error", cwd=tmp_path)

    assert ended.status == 0, ended.out


def test_all_rules_share_one_hook_for_each_step_of_a_test(pytester: pytest.Pytester) -> None:
    """Each further one would be paid for by every test."""
    tests = """
    def test_it(request):
        manager = request.config.pluginmanager
        ours = [
            (name, sorted(hook.name for hook in manager.get_hookcallers(plugin)))
            for name, plugin in manager.list_name_plugin()
            if name.startswith("heliograph-")
        ]
        assert ours == [
            (
                "heliograph-belonging",
                [
                    "pytest_fixture_post_finalizer",
                    "pytest_fixture_setup",
                    "pytest_runtest_call",
                    "pytest_runtest_logfinish",
                    "pytest_runtest_protocol",
                    "pytest_runtest_setup",
                    "pytest_runtest_teardown",
                    "pytest_runtestloop",
                ],
            )
        ]
    """
    ended = run_here(pytester, tests, settings=RULES)

    assert ended.passed == ["test_it"], ended.out


@pytest.mark.parametrize("options", [(), ("-p", "heliograph"), ("-p", "no:heliograph")])
def test_the_engine_may_come_before_pytest(tmp_path: Path, options: tuple[str, ...]) -> None:
    """As it does under `heliograph run`; pytest warns of what it cannot rewrite any more."""
    write(
        tmp_path / "test_it.py",
        """
        import blinker

        def test_engine():
            assert blinker.Signal.__module__ == "heliograph.blinker.base"
        """,
    )
    command = ("python", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *options)
    ended = heliograph("run", *command, cwd=tmp_path)

    assert (ended.status, ended.err) == (0, ""), ended.out
    assert "1 passed" in ended.out
    assert "warning" not in ended.out


def test_heliograph_testing_needs_no_pytest(tmp_path: Path) -> None:
    """Nor does it import anything else that has to be installed."""
    program = (
        "import sys, sysconfig\n"
        "import heliograph.testing\n"
        "installed = sysconfig.get_path('purelib')\n"
        "files = [(name, getattr(it, '__file__', None)) for name, it in sys.modules.items()]\n"
        "print(*[name for name, file in files if file and file.startswith(installed)])\n"
    )
    ended = child(sys.executable, "-S", "-c", program, cwd=tmp_path, PYTHONPATH=_source())

    assert (ended.status, ended.out, ended.err) == (0, "\n", "")


def _source() -> str:
    import heliograph

    return heliograph.__file__.rpartition("heliograph")[0]


def test_the_plugin_can_be_left_out(pytester: pytest.Pytester) -> None:
    """Then a run is as if it were not installed."""
    tests = """
    def test_no_fixture(request):
        with pytest.raises(pytest.FixtureLookupError):
            request.getfixturevalue("signals")
    """
    assert run_here(pytester, tests, "-p", "no:heliograph").passed == ["test_no_fixture"]


def test_a_run_without_tests_is_left_alone(pytester: pytest.Pytester) -> None:
    """Nothing has to be undone then."""
    assert " no tests ran in " in run_here(pytester, "", "--signals").out


@pytest.mark.parametrize("base", ["TestCase", "IsolatedAsyncioTestCase"])
def test_a_test_case_of_unittest_has_the_rules_of_the_plugin(
    pytester: pytest.Pytester, base: str
) -> None:
    """With the mixin, and without; what fails is told once."""
    tests = f"""
    import unittest
    from heliograph.testing import SignalsMixin

    class Plain(unittest.{base}):
        def setUp(self):
            placed.connect(fail, on_error="log")

        def test_plain_fails(self):
            placed.send("shop")

    class Mixed(SignalsMixin, Plain):
        def test_mixed(self):
            self.mute_signals(placed)
            placed.send("shop")
            self.signals.assert_sent(placed, times=1)

        def test_mixed_fails(self):
            placed.send("shop")

    def test_nothing_is_left():
        assert not placed.receivers
    """
    ended = run_here(pytester, tests, settings=RULES)

    assert ended.passed == ["test_mixed", "test_nothing_is_left"]
    assert ended.failed == ["test_mixed_fails", "test_plain_fails", "test_plain_fails"]
    assert ended.errors == []


def test_async_tests_of_anyio_are_held_to_the_rules(pytester: pytest.Pytester) -> None:
    """Captures see what their tasks and threads send, and their connections are undone."""
    tests = """
    import anyio

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.fixture
    async def connected():
        placed.connect(receive)
        yield
        await anyio.sleep(0)

    async def test_tasks(signals, connected):
        async with anyio.create_task_group() as group:
            group.start_soon(placed.send_async, "task")
            await anyio.to_thread.run_sync(placed.send, "thread")
            await signals.wait_async(placed, sender="task")
        assert sorted(it.sender for it in signals) == ["task", "thread"]

    async def test_fails():
        placed.connect(fail, on_error="log")
        await placed.send_async("task")

    def test_nothing_is_left():
        assert not placed.receivers
    """
    ended = run_here(pytester, tests, settings=RULES)

    assert (ended.passed, ended.failed, ended.errors) == (
        ["test_nothing_is_left", "test_tasks"],
        ["test_fails"],
        [],
    )
