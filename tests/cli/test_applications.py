"""What APP may be: whatever `flask --app` takes, found and loaded as Flask does."""

from __future__ import annotations

import os
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.children import heliograph, trace, write

FACTORY = """
    from flask import Flask, abort

    def create_app(name="app", pages=("/",)):
        app = Flask(name)
        for page in pages:
            app.add_url_rule(page, page, lambda: name)
        return app

    def make_shop(name, *, page="/"):
        return create_app(name, [page])
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
HOW = "Write APP as for `flask --app`: MODULE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS).\n"


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("missing", "", ": {cwd} has no such module or file."),
        ("shop.missing", "", ": {cwd} has no such module or file."),
        ("sub/missing.py", "", ": {cwd} has no such module or file."),
        (
            "shop",
            "app = None",
            (
                ". Failed to find Flask application or factory in module 'shop'. "
                "Use 'shop:name' to specify one."
            ),
        ),
        (
            "shop",
            "from flask import Flask; a = Flask('a'); b = Flask('b')",
            (
                ". Detected multiple Flask applications in module 'shop'. "
                "Use 'shop:name' to specify the correct one."
            ),
        ),
        ("shop:app", "", ". Failed to find attribute 'app' in 'shop'."),
        ("shop:", "", ". Failed to parse '' as an attribute name or function call."),
        ("shop:a.b", "", ". Failed to parse 'a.b' as an attribute name or function call."),
        ("shop:f(x)", "", ". Failed to parse arguments as literal values: 'f(x)'."),
        ("shop:app", "app = 3", ". A valid Flask application was not obtained from 'shop:app'."),
        (
            "shop:make",
            "def make(): return 3",
            ". A valid Flask application was not obtained from 'shop:make'.",
        ),
        (
            "shop",
            "def create_app(name): ...",
            (
                ". Detected factory 'create_app' in module 'shop', but could not call it without "
                "arguments. Use 'shop:create_app(args)' to specify arguments."
            ),
        ),
        (
            "shop:make('a', 'b')",
            "def make(name): ...",
            (
                ". The factory \"make('a', 'b')\" in module 'shop' could not be called with the "
                "specified arguments."
            ),
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
    assert ended.err == f"Error: There is no Flask application for {name!r}{said} {HOW}"
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
    assert second == (
        f"It was raised at {place}. `flask --app {shlex.quote(name)} routes` shows the whole "
        "traceback."
    )
    assert (ended.status, ended.out) == (1, "")
