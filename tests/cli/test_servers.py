"""`heliograph run` with the servers that Flask applications run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.children import write
from tests.cli.servers import awaited, got, served

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write an application that tells on which engine it is, and a note for each process."""
    write(
        tmp_path / "shop.py",
        """
        import os
        from pathlib import Path
        import blinker
        from flask import Flask, request_started
        app = Flask(__name__)
        heard = []
        request_started.connect(lambda sender: heard.append("started"), weak=False)
        @app.get("/")
        def index():
            reloaded = os.environ.get("WERKZEUG_RUN_MAIN", "not")
            return f"{blinker.__name__}, {heard}, {reloaded} reloaded"
        Path(f"process-{os.getpid()}").write_text(blinker.__name__)
        """,
    )
    return tmp_path


def test_flask_s_server_runs_on_heliograph(project: Path) -> None:
    """`heliograph run flask run` serves."""
    with served("flask", "--app", "shop", "run", "--port", "0", cwd=project) as address:
        assert got(address) == "heliograph.blinker, ['started'], not reloaded"


def test_the_child_of_flask_s_reloader_runs_on_heliograph(project: Path) -> None:
    """In debug mode another Python serves, which the first one starts."""
    command = ["flask", "--app", "shop", "--debug", "run", "--port", "0"]

    with served(*command, cwd=project) as address:
        assert got(address) == "heliograph.blinker, ['started'], true reloaded"


def test_every_worker_of_gunicorn_runs_on_heliograph(project: Path) -> None:
    """Each worker imports the application for itself, and each gets Heliograph."""
    command = ["gunicorn", "shop:app", "--workers", "2", "--bind", "127.0.0.1:0"]

    with served(*command, cwd=project) as address:
        answer = got(address)
        log = project / "server.log"
        notes = awaited(lambda: _if_two([*project.glob("process-*")]), log)
        engines = [awaited(note.read_text, log) for note in notes]

    assert answer == "heliograph.blinker, ['started'], not reloaded"
    assert engines == ["heliograph.blinker", "heliograph.blinker"]


def _if_two(notes: list[Path]) -> list[Path] | None:
    return notes if len(notes) == 2 else None
