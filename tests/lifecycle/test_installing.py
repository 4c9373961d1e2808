"""What `install` returns where it is served in place of the application."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tomllib
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi
import pytest
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from quart import Quart
from starlette.applications import Starlette

import heliograph
from heliograph import ArgumentError, ReceiverWarning
from heliograph.lifecycle import (
    asgi,
    fastapi,
    flask,
    installing,
    litestar,
    quart,
    starlette,
    wsgi,
)
from heliograph.lifecycle.falcon import install
from heliograph.lifecycle.installing import check
from tests.lifecycle.calling import heard, names
from tests.lifecycle.served import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("kind", [falcon.App, falcon.asgi.App])
def test_a_server_can_tell_what_it_serves(kind: type[Any]) -> None:
    """It asks whether a call is a coroutine, and tries a call without arguments for a factory."""
    served = install(kind())

    assert iscoroutinefunction(served.__call__) is (kind is falcon.asgi.App)
    with pytest.raises(TypeError, match="missing"):
        served()


def test_what_is_asked_of_it_is_asked_of_the_application() -> None:
    """What else a framework's tools look for."""
    app = falcon.App()

    assert install(app).req_options is app.req_options


@pytest.mark.parametrize(
    ("app", "install_to"),
    [
        (Starlette(), starlette.install),
        (FastAPI(), fastapi.install),
        (Litestar([]), litestar.install),
        (Quart("shop"), quart.install),
        (falcon.asgi.App(), install),
    ],
)
async def test_what_is_undone_does_not_say_that_it_stops(
    app: Any, install_to: Callable[[Any], Any]
) -> None:
    """Its life span may have begun while the signals were installed."""
    installation = install_to(app)
    served = installation if callable(installation) else app
    asked: asyncio.Queue[Any] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}, "app": app}
    living = asyncio.create_task(served(scope, asked.get, answers.put))
    with heard() as kept:
        await asked.put({"type": "lifespan.startup"})
        await answers.get()
        installation.uninstall()
        await asked.put({"type": "lifespan.shutdown"})
        await answers.get()
        await living

    assert [it for it in names(kept) if it.startswith("app-")] == ["app-started"]


FRAMEWORKS = {
    **{it: it for it in ("aiohttp", "celery", "django", "falcon", "fastapi", "flask", "litestar")},
    **{it: it for it in ("quart", "rq", "starlette")},
    "jinja": "jinja2",
}


@pytest.mark.parametrize(("module", "package"), FRAMEWORKS.items())
def test_without_its_framework_the_error_names_the_framework(module: str, package: str) -> None:
    """And not something that the framework depends on."""
    source = str(Path(heliograph.__file__).parents[1])
    line = f"import sys; sys.path.insert(0, {source!r}); import heliograph.lifecycle.{module}"
    # -S leaves out everything that was installed.
    command = [sys.executable, "-S", "-c", line]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    said = f"ModuleNotFoundError: No module named '{package}'"
    assert done.stderr.splitlines()[-1] == said


def test_an_application_of_another_framework_is_named_its_module() -> None:
    """FastAPI's classes are Starlette's, too: it comes first."""
    with pytest.raises(ArgumentError, match=r"use heliograph\.lifecycle\.fastapi\.install\(\)"):
        check(FastAPI(), Flask, installed=bool)
    with pytest.raises(ArgumentError, match="pass the application itself"):
        check("shop", Flask, installed=bool)


@pytest.mark.parametrize("layer", [asgi.Middleware, wsgi.Middleware])
def test_a_layer_around_nothing_is_refused(layer: type[Any]) -> None:
    """Where it is made, and not at the first request."""
    with pytest.raises(ArgumentError, match=r"^A NoneType object is no .SGI application: it is"):
        layer(None)


def test_a_framework_that_is_too_old_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed to; requests go on."""
    monkeypatch.setitem(installing._OLDEST, "flask", (99, 0))
    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: "hello")

    with pytest.warns(ReceiverWarning, match=r"not tested on flask .*99\.0 or newer") as warned:
        installation = flask.install(app)
    with installation:
        assert app.test_client().get("/").text == "hello"

    assert [it.filename for it in warned] == [__file__]


def test_a_framework_whose_release_nobody_knows_is_taken_as_it_is() -> None:
    """Programs that are packed into one file may come without what their packages say."""

    class Application:
        """Be one."""

    check(Application(), Application, installed=lambda it: False)


def test_the_oldest_releases_are_those_that_are_tested() -> None:
    """The lower bounds of the project; Falcon has a check of its own, and RQ no `install`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = [*groups["frameworks"], *groups["lifecycle"]]
    # An extra tells what users may have; the environment of the oldest Flask has no other one.
    asked += project["project"]["optional-dependencies"]["flask"]
    bounds = dict(re.sub(r"\[.*\]", "", it).split(">=") for it in asked)

    told = {name: ".".join(map(str, it)) for name, it in installing._OLDEST.items()}
    assert told == {name: bounds[name] for name in told}
