"""The commands on the program that runs them: under `flask`, `quart` and `manage.py`."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.cli.children import Ended, child, write

SCRIPTS = Path(sysconfig.get_path("scripts"))
FLASK = """
    from flask import Flask, request_started

    def create_app():
        print("making")
        app = Flask("notes")
        app.kept = lambda sender, **extra: None
        request_started.connect(app.kept, app)
        app.add_url_rule("/", "index", lambda: "")
        return app
"""


def flask(*arguments: str, cwd: Path, command: str = "flask") -> Ended:
    """Run `flask` or `quart` to the end."""
    return child(str(SCRIPTS / command), *arguments, cwd=cwd)


@pytest.mark.parametrize("command", ["flask", "quart"])
def test_the_application_that_flask_has_loaded_is_listed(tmp_path: Path, command: str) -> None:
    """Under `quart` likewise; its factory has run once."""
    write(tmp_path / "notes.py", FLASK.replace("flask", command).replace("Flask", command.title()))

    ended = flask(
        "--app", "notes:create_app", "signals", "list", "*request-started", "--json",
        cwd=tmp_path, command=command,
    )  # fmt: skip

    assert (ended.status, ended.err) == (0, "making\n")
    found = json.loads(ended.out)
    signals = [it for namespace in found["namespaces"] for it in namespace["signals"]]
    [receiver] = [receiver for it in signals for receiver in it["receivers"]]
    assert found["target"] == command
    assert (receiver["name"], receiver["sender"]) == (
        "notes.create_app.<locals>.<lambda>",
        f"a {command.title()}",
    )


def test_a_trace_drives_the_application_that_flask_has_loaded(tmp_path: Path) -> None:
    """Each argument is a request then."""
    write(tmp_path / "notes.py", FLASK)

    ended = flask("--app", "notes", "signals", "trace", "GET /", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert "GET /  200 OK" in ended.out


def test_an_application_that_flask_cannot_load_is_explained(tmp_path: Path) -> None:
    """By Flask where it knows, and else with the error and its place."""
    write(tmp_path / "broken.py", "raise RuntimeError('no database')")

    missing = flask("--app", "nowhere", "signals", "list", cwd=tmp_path)
    broken = flask("--app", "broken", "signals", "list", cwd=tmp_path)
    other = flask("--app", "broken", "signals", "list", "--app", "shop", cwd=tmp_path)

    assert (missing.status, missing.out) == (2, "")
    assert "Error: Could not import 'nowhere'.\n" in missing.err
    assert broken == Ended(
        1,
        "",
        "Error: 'broken' cannot be loaded: RuntimeError: no database\n"
        "It was raised at broken.py:1. `flask --app broken routes` shows the whole traceback.\n",
    )
    assert other.err.endswith(
        "Error: `flask` has its program already, so --app cannot name one here.\n"
    )


WITHOUT_RICH = """
import sys
for name in {missing!r}, "heliograph.cli.nothing":
    sys.modules[name] = None
sys.argv = ["flask", *{arguments!r}]
from flask.cli import main
main()
"""


def test_flask_runs_where_our_commands_cannot(tmp_path: Path) -> None:
    """They are loaded when they are asked for, and say what they need."""

    def without(missing: str, *arguments: str) -> Ended:
        program = WITHOUT_RICH.format(missing=missing, arguments=arguments)
        return child(sys.executable, "-c", program, cwd=tmp_path)

    write(tmp_path / "app.py", "from flask import Flask\napp = Flask('app')")
    routes = without("rich", "routes")
    ours = without("rich", "signals", "list")
    broken = without("heliograph.cli.target", "signals", "list")

    assert (routes.status, routes.err) == (0, "")
    assert ours == Ended(
        1,
        "",
        "Error: These commands need rich, which is not installed: pip install 'heliograph[cli]'.\n",
    )
    assert "import of heliograph.cli.target halted" in broken.err


def test_only_what_looks_at_a_program_is_a_command_of_flask(tmp_path: Path) -> None:
    """`run` starts programs, and this one runs already; the help needs no application."""
    ended = flask("signals", "--help", cwd=tmp_path)

    commands = ended.out.partition("Commands:\n")[2]
    assert ended.status == 0
    assert "  list " in commands
    assert "  run " not in commands


SETTINGS = """
    SECRET_KEY = "a"
    INSTALLED_APPS = ["heliograph.cli.django", "notes"]
    ROOT_URLCONF = "project.urls"
    WSGI_APPLICATION = "project.wsgi.application"
"""
MANAGE = """
    import os, sys
    from django.core.management import execute_from_command_line
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    execute_from_command_line(sys.argv)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a Django project with an application whose views connect a receiver."""
    write(tmp_path / "manage.py", MANAGE)
    write(tmp_path / "project" / "__init__.py", "")
    write(tmp_path / "project" / "settings.py", SETTINGS)
    served = "from django.core.{0} import get_{0}_application\napplication = get_{0}_application()"
    for kind in ("asgi", "wsgi"):
        write(tmp_path / "project" / f"{kind}.py", served.format(kind))
    write(
        tmp_path / "project" / "urls.py",
        """
        from django.urls import path
        from notes.views import index
        urlpatterns = [path("", index)]
        """,
    )
    write(tmp_path / "notes" / "__init__.py", "")
    write(
        tmp_path / "notes" / "views.py",
        """
        from blinker import signal
        from django.http import HttpResponse
        saved = signal("note-saved")
        @saved.connect
        def audit(sender, **extra): ...
        def index(request):
            saved.send("notes")
            return HttpResponse()
        """,
    )
    return tmp_path


def manage(*arguments: str, cwd: Path) -> Ended:
    """Run `manage.py` to the end."""
    return child(sys.executable, "manage.py", *arguments, cwd=cwd)


LISTED = (
    "default  heliograph.default_namespace\n"
    "  note-saved  payload not declared\n"
    "    1 notes.views.audit  any sender  weak  notes/views.py:5\n"
    "\n"
    "1 signal, 1 receiver.\n"
)


@pytest.mark.parametrize("more", [[], ["--settings=project.settings"]])
def test_a_django_project_has_the_commands_of_the_application_that_brings_them(
    project: Path, more: list[str]
) -> None:
    """The modules of views are imported too, as they are for the first request."""
    assert manage("signals", "list", "--own", *more, cwd=project) == Ended(0, LISTED, "")


@pytest.mark.parametrize(
    "settings", ["", "ASGI_APPLICATION = 'project.asgi.application'\nWSGI_APPLICATION = None"]
)
def test_a_trace_drives_what_serves_the_project(project: Path, settings: str) -> None:
    """The application for WSGI that the settings name, or that for ASGI if there is no other."""
    with (project / "project" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{settings}\n")

    ended = manage("signals", "trace", "/", cwd=project)

    assert (ended.status, ended.err) == (0, "")
    assert "GET /  200 OK" in ended.out
    assert "notes.views.audit  notes/views.py:5" in ended.out


def test_a_project_that_cannot_be_loaded_is_explained(project: Path) -> None:
    """With the error and its place."""
    write(project / "notes" / "views.py", "raise RuntimeError('no database')")

    assert manage("signals", "list", cwd=project) == Ended(
        1,
        "",
        "Error: 'project.urls' cannot be loaded: RuntimeError: no database\n"
        "It was raised at notes/views.py:1. `python manage.py check` shows the whole traceback.\n",
    )


def test_other_code_calls_the_command_as_django_tells(project: Path) -> None:
    """`call_command` gives the arguments one by one; the help is ours as well."""
    program = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'; import django; "
        "django.setup(); from django.core.management import call_command; "
        "call_command('signals', 'list', 'note-*')"
    )

    assert child(sys.executable, "-c", program, cwd=project) == Ended(0, LISTED, "")
    told = manage("signals", "--help", cwd=project)
    assert told.out.startswith("Usage: manage.py signals [OPTIONS] COMMAND [ARGS]...\n")
