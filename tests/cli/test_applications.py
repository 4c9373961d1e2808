"""What APP may be: whatever `flask --app` takes, found and loaded as Flask does, of any kind."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.children import child, heliograph, trace, write

FACTORY = """
    from flask import Flask, abort

    def create_app(name="app", pages=("/",)):
        app = Flask(name)
        for page in pages:
            app.add_url_rule(page, page, lambda: name)
        return app

    def make_shop(name, *, page="/"):
        return create_app(name, [page])

    class Shops:
        make = staticmethod(create_app)
"""
MANY = """
    from flask import Flask
    other = Flask("other")
    application = Flask("app")
    application.add_url_rule("/", "page", lambda: "")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write applications into modules, packages and folders."""
    app = "from flask import Flask\napp = Flask(__name__)\napp.add_url_rule('/', 'i', lambda: '')\n"
    write(tmp_path / "single.py", app)
    write(tmp_path / "unusual.py", app.replace("app", "shop"))
    write(tmp_path / "two.py", app.replace("app", "first") + app.replace("app", "second"))
    write(tmp_path / "package" / "__init__.py", app)
    write(tmp_path / "package" / "web.py", app)
    write(tmp_path / "src" / "with blank" / "shop.py", app)
    write(tmp_path / "factory.py", FACTORY)
    write(tmp_path / "many.py", MANY)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "single",
        "single.py",
        "./single.py",
        "single:app",
        "unusual",
        "unusual:shop",
        "two:second",
        "package",
        "package/__init__.py",
        "package.web",
        "package/web.py:app",
        "src/with blank/shop.py",
        "factory",
        "factory:create_app",
        "factory:create_app()",
        "factory:make_shop('kiosk')",
        "factory:Shops.make",
        "factory:Shops.make('kiosk')",
        "many",
        "factory.py:make_shop('kiosk', page='/')",
    ],
)
def test_an_application_is_given_as_flask_takes_it(project: Path, name: str) -> None:
    """A module or a file, then the application or the factory, with literal arguments."""
    assert trace(name, "GET /", cwd=project) == "GET /  200 OK  # ms\n\n"


def test_an_application_may_be_named_by_its_whole_path(project: Path) -> None:
    """The working directory need not be the project's."""
    assert trace(f"{project / 'single.py'}:app", "GET /", cwd=Path.home()) == (
        "GET /  200 OK  # ms\n\n"
    )


def test_a_module_that_starts_a_server_is_traced_instead(tmp_path: Path) -> None:
    """`app.run()` at the end of a module does nothing, as under `flask`."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        app = Flask(__name__)
        app.run(port=0)
        """,
    )

    assert "GET /  404 NOT FOUND  # ms\n" in trace("shop", "GET /", cwd=tmp_path)


SETTINGS = """
    import os
    from flask import Flask
    app = Flask(__name__)
    app.add_url_rule("/" + os.environ.get("HELIOGRAPH_PAGE", "none"), "page", lambda: "")
"""


@pytest.mark.skipif(find_spec("dotenv") is not None, reason="python-dotenv is installed")
def test_settings_that_cannot_be_loaded_are_pointed_out(tmp_path: Path) -> None:
    """Without python-dotenv, Flask says that it passes over a .env."""
    write(tmp_path / ".env", "HELIOGRAPH_PAGE=set\n")
    write(tmp_path / "shop.py", SETTINGS)

    ended = heliograph("trace", "shop", "GET /none", cwd=tmp_path)

    assert ended.status == 0
    assert "python-dotenv" in ended.err


def test_settings_in_dotenv_files_are_left_alone_if_that_is_asked_for(tmp_path: Path) -> None:
    """FLASK_SKIP_DOTENV means the same as for `flask`."""
    write(tmp_path / ".env", "HELIOGRAPH_PAGE=set\n")
    write(tmp_path / "shop.py", SETTINGS)

    assert trace("shop", "GET /none", cwd=tmp_path, FLASK_SKIP_DOTENV="1") == (
        "GET /none  200 OK  # ms\n\n"
    )


def test_the_application_runs_on_heliograph_from_its_first_import_on(tmp_path: Path) -> None:
    """Whatever the module imports as blinker is Heliograph."""
    write(
        tmp_path / "shop.py",
        """
        import blinker
        from flask import Flask, request_started
        app = Flask(__name__)
        app.add_url_rule(f"/{blinker.__name__}/{isinstance(request_started, blinker.Signal)}",
                         "page", lambda: "")
        """,
    )

    shown = trace("shop", "GET /heliograph.blinker/True", cwd=tmp_path)

    assert shown == "GET /heliograph.blinker/True  200 OK  # ms\n\n"


DEEP = """
    import flask
    def connect():
        raise RuntimeError("no database")
    connect()
"""
HOW = "Write APP as MODULE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS).\n"
_NEITHER = (
    ", which is neither called as WSGI applications are (environ, start_response) nor as those "
    "of ASGI are (scope, receive, send)."
)


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("missing", "", "{cwd} has no such module or file."),
        ("shop.missing", "", "{cwd} has no such module or file."),
        ("sub/missing.py", "", "{cwd} has no such module or file."),
        (".shop", "", "{cwd} has no such module or file."),
        ("shop", "app = None", "the module has none, and neither create_app nor make_app."),
        (
            "shop",
            "from flask import Flask; a = Flask('a'); b = Flask('b'); c = a",
            "the module has several: a, b, c.",
        ),
        ("shop:app", "", "module 'shop' has no 'app'."),
        ("shop:a.b", "a = 3", "module 'shop' has no 'a.b'."),
        ("shop:", "", "'' is neither a name nor the call of a factory."),
        ("shop:a b", "", "'a b' is neither a name nor the call of a factory."),
        ("shop:a[0]", "", "'a[0]' is neither a name nor the call of a factory."),
        ("shop:f(x)", "def f(x): ...", "the arguments of 'f(x)' must be literals."),
        ("shop:f()", "f = 3", "'f' cannot be called."),
        ("shop:app", "app = 3", f"'app' is a int{_NEITHER}"),
        ("shop:make", "def make(): return 3", f"'make' is a int{_NEITHER}"),
        (
            "shop:make()",
            "def make(): return len",
            f"'make()' is a builtin_function_or_method{_NEITHER}",
        ),
        ("shop:make()", "def make(): return type", f"'make()' is a type{_NEITHER}"),
        ("shop:make()", "class A: pass\ndef make(): return A", f"'make()' is a type{_NEITHER}"),
        (
            "shop:make()",
            "class A:\n    def __init__(self, a, b): ...\ndef make(): return A",
            f"'make()' is a type{_NEITHER}",
        ),
        (
            "shop:make()",
            "def make(): return lambda *, a, b: 3",
            f"'make()' is a function{_NEITHER}",
        ),
        (
            "shop:make()",
            "def make(): return iter",
            f"'make()' is a builtin_function_or_method{_NEITHER}",
        ),
        (
            "shop",
            "def create_app(name): ...",
            (
                "create_app() does not work. create_app() missing 1 required positional argument: "
                "'name'."
            ),
        ),
        (
            "shop:make('a', b=2)",
            "def make(name): ...",
            "make('a', b=2) does not work. make() got an unexpected keyword argument 'b'.",
        ),
        (
            "shop:make",
            "async def make(): ...",
            "'make' is async, and nothing runs yet that could await it.",
        ),
        (
            "shop:make",
            "import asyncio\nmake = lambda loop=asyncio.new_event_loop(): loop.create_future()",
            "'make' is async, and nothing runs yet that could await it.",
        ),
    ],
)
def test_where_no_application_is_the_reason_is_said(
    tmp_path: Path, name: str, source: str, problem: str
) -> None:
    """It says which, why, and how to write it, without a traceback; the status is 1."""
    write(tmp_path / "shop.py", source)

    ended = heliograph("trace", name, "GET /", cwd=tmp_path)

    said = problem.format(cwd=os.path.realpath(tmp_path))
    assert ended.err == f"Error: There is no application for {name!r}: {said} {HOW}"
    assert (ended.status, ended.out) == (1, "")


@pytest.mark.parametrize(
    ("name", "source", "problem", "place"),
    [
        ("shop", "import deep", "RuntimeError: no database", "deep.py:4"),
        ("shop", "import flask\ndef create_app(:", "SyntaxError: invalid syntax", "shop.py:2"),
        ("shop", "import json\njson.loads('')", "JSONDecodeError: Expecting value", "shop.py:2"),
        ("shop", "import sys\nsys.exit(3)", "SystemExit: 3", "shop.py:2"),
        ("shop", "raise RuntimeError", "RuntimeError", "shop.py:1"),
        ("shop", "from flask import nosuch", "ImportError: cannot import name", "shop.py:1"),
        (
            "shop",
            "import flask\nimport nosuch",
            "ModuleNotFoundError: No module named 'nosuch'",
            "shop.py:2",
        ),
        (
            "shop",
            "import ast\nast.literal_eval('(')",
            "SyntaxError: '(' was never closed",
            "shop.py:2",
        ),
        (
            "shop",
            "def create_app():\n    raise TypeError('no name')",
            "TypeError: no name",
            "shop.py:2",
        ),
        (
            "shop:make(name='a')",
            "def make(name):\n    import nosuch",
            "ModuleNotFoundError: No module named 'nosuch'",
            "shop.py:2",
        ),
    ],
)
def test_where_loading_fails_the_error_and_its_place_are_said(
    tmp_path: Path, name: str, source: str, problem: str, place: str
) -> None:
    """The last own line is named, and how to see the whole traceback; the status is 1."""
    write(tmp_path / "shop.py", source)
    write(
        tmp_path / "deep.py",
        "import flask\n\ndef connect():\n    raise RuntimeError('no database')\n\nconnect()",
    )

    ended = heliograph("trace", name, "GET /", cwd=tmp_path)

    first, second = ended.err.splitlines()
    assert first.startswith(f"Error: {name!r} cannot be loaded: {problem}")
    start, command = second.split(". `", 1)
    assert start == f"It was raised at {place}"
    again = command.removesuffix("` shows the whole traceback.").removeprefix("python ")
    shown = child(sys.executable, *shlex.split(again), cwd=tmp_path)
    assert problem in shown.err or shown.status == 3
    assert (ended.status, ended.out) == (1, "")


def test_the_whole_traceback_of_a_module_elsewhere_can_be_seen(tmp_path: Path) -> None:
    """The command that shows it finds the module as the trace does."""
    write(tmp_path / "a b" / "shop.py", "raise RuntimeError('no database')")

    ended = heliograph("trace", "a b/shop.py", "GET /", cwd=tmp_path)

    command = ended.err.splitlines()[1].split("`")[1].removeprefix("python ")
    shown = child(sys.executable, *shlex.split(command), cwd=tmp_path)
    assert shown.err.endswith("RuntimeError: no database\n")


def test_an_application_of_plain_wsgi_needs_no_framework(tmp_path: Path) -> None:
    """Objects and functions, named or not; a function that takes nothing makes one."""
    write(
        tmp_path / "shop.py",
        """
        import functools
        def app(environ, start_response):
            start_response("204 No Content", [])
            return []
        class Shop:
            def __call__(self, environ, start_response): return app(environ, start_response)
        shop = Shop()
        bound = shop.__call__
        part = functools.partial(lambda extra, *both: app(*both), 3)
        @functools.wraps(app)
        def wrapped(*args, **kwargs): return app(*args, **kwargs)
        def make(): return shop
        class Body:
            def __init__(self, environ, start_response): self.start = start_response
            def __iter__(self): return iter(app({}, self.start))
        """,
    )

    for name in (
        "shop",
        "shop:shop",
        "shop:bound",
        "shop:wrapped",
        "shop:make",
        "shop:Shop",
        "shop:Body",
    ):
        assert trace(name, "GET /", cwd=tmp_path) == "GET /  204 No Content  # ms\n\n"
