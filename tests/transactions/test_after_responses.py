"""Commits of FastAPI's dependencies and Flask's streams, which come when the response has gone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import flask
import pytest
import uvicorn
from celery import Celery
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine, NullPool, create_engine, event, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from heliograph import Signal
from heliograph.lifecycle import fastapi, request_tearing_down
from heliograph.transactions.sqlalchemy import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATE = "have waited for a commit that came after the response of their request"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Give a database with orders, and lines that are refused at the commit without one."""
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=NullPool)

    @event.listens_for(made, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    with made.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
        wanted = "n INTEGER REFERENCES orders DEFERRABLE INITIALLY DEFERRED"
        connection.execute(text(f"CREATE TABLE lines ({wanted})"))
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs be developed."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")


def rows(engine: Engine) -> list[int]:
    """Return what a second connection sees."""
    with engine.connect() as connection:
        return [*connection.scalars(text("SELECT n FROM orders ORDER BY n"))]


@contextmanager
def serving(app: FastAPI) -> Iterator[int]:
    """Serve an application, and give the port."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    thread = threading.Thread(target=server.run, args=([door],))
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        door.close()


def ask(port: int, path: str, most: int = 1 << 20) -> bytes:
    """Ask for a path; hang up after *most* bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.0\r\nHost: shop\r\n\r\n".encode())
        answer = b""
        while len(answer) < most and (part := line.recv(65536)):
            answer += part
    return answer


def shop(engine: Engine, paid: Signal, scope: Any) -> FastAPI:
    """Return an application whose sessions are committed by a dependency."""
    app = FastAPI()
    fastapi.install(app)

    def opened() -> Iterator[Session]:
        with Session(engine) as made:
            yield made
            made.commit()

    needed = Depends(opened, scope=scope)

    def pay(session: Session, n: int) -> None:
        session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
        paid.send("shop", n=n)

    @app.get("/plain")
    async def plain(session: Session = needed) -> int:
        pay(session, 1)
        return 1

    @app.get("/background")
    async def background(tasks: BackgroundTasks, session: Session = needed) -> int:
        pay(session, 2)
        tasks.add_task(fail)
        return 2

    @app.get("/stream")
    async def stream(session: Session = needed) -> StreamingResponse:
        pay(session, 3)
        return StreamingResponse(iter(["a", "b"]))

    @app.get("/refused")
    async def refused(session: Session = needed) -> int:
        pay(session, 5)
        session.execute(text("INSERT INTO lines VALUES (99)"))
        return 5

    @app.get("/gone")
    def gone(session: Session = needed) -> StreamingResponse:
        pay(session, 4)
        return StreamingResponse(slowly())

    return app


def fail() -> None:
    """Do not do what was to be done in the background."""
    msg = "nothing is done in the background"
    raise RuntimeError(msg)


def slowly() -> Iterator[str]:
    """Give a body that nobody waits for."""
    for _ in range(20):
        yield "x" * 1000
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("scope", "path", "status", "delivered", "is_late"),
    [
        ("function", "/plain", 200, [1], False),
        ("function", "/background", 200, [2], False),
        ("function", "/stream", 200, [3], False),
        ("function", "/gone", 200, [4], False),
        ("function", "/refused", 500, [], False),
        ("request", "/plain", 200, [1], True),
        ("request", "/background", 200, [], False),
        ("request", "/stream", 200, [3], True),
        ("request", "/gone", 200, [4], True),
        ("request", "/refused", 200, [], False),
    ],
)
def test_what_is_delivered_is_what_was_committed(
    scope: str, path: str, status: int, delivered: list[int], is_late: bool, engine: Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """In both scopes of FastAPI's dependencies; a commit after the response is named.

    Whoever commits after the response has told its client that all is done, whatever comes.
    """
    paid, heard, over = Signal("order-paid"), list[int](), threading.Event()
    app = shop(engine, paid, scope)

    @paid.connect(when="after_commit")
    def receive(sender: object, *, n: int) -> None:
        heard.append(n)

    def end(sender: object, **_: object) -> None:
        over.set()

    with install(), request_tearing_down.connected_to(end), serving(app) as port:
        answer = ask(port, path, 1000 if path == "/gone" else 1 << 20)
        assert over.wait(10)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert heard == rows(engine) == delivered
    assert (LATE in caplog.text) == is_late


def test_what_a_flask_view_left_open_before_its_stream_is_dropped_and_named(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """The session of the view ends before the body, as with Flask-SQLAlchemy."""
    paid, heard = Signal("order-paid"), list[int]()
    sessions = scoped_session(sessionmaker(engine), lambda: id(flask.g._get_current_object()))
    app = flask.Flask("shop")

    @app.teardown_appcontext
    def remove(error: BaseException | None) -> None:
        sessions.remove()

    @app.get("/")
    def view() -> flask.Response:
        sessions.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop", n=1)
        if "commit" in flask.request.args:
            sessions.commit()
        return flask.Response(flask.stream_with_context(iter(["a", "b"])))

    @paid.connect(when="after_commit")
    def receive(sender: object, *, n: int) -> None:
        heard.append(n)

    with install() as commits:
        assert app.test_client().get("/").data == b"ab"
        assert heard == rows(engine) == []
        assert commits.health().dropped == 1
        assert "In Flask, a streamed response closes the session before its body" in caplog.text
        assert app.test_client().get("/?commit=1").data == b"ab"

    assert heard == rows(engine) == [1]


def test_flask_commits_half_of_a_view_that_fails_if_it_does_so_after_each_request(
    engine: Engine,
) -> None:
    """What is delivered is what was committed, and that is more than was meant."""
    paid, heard = Signal("order-paid"), list[int]()
    session = Session(engine)
    app = flask.Flask("shop")

    @app.after_request
    def commit(response: flask.Response) -> flask.Response:
        session.commit()
        return response

    @app.get("/")
    def view() -> str:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop", n=1)
        raise LookupError

    @paid.connect(when="after_commit")
    def receive(sender: object, *, n: int) -> None:
        heard.append(n)

    with install(), session:
        assert app.test_client().get("/").status_code == 500

    assert heard == rows(engine) == [1]


def test_a_task_that_celery_runs_at_once_is_part_of_the_transaction(engine: Engine) -> None:
    """Its eager mode waits for no commit; a receiver that enqueues after the commit does."""
    app, placed = Celery("shop", broker="memory://"), Signal("order-placed")
    app.conf.task_always_eager = True
    seen: list[tuple[str, list[int]]] = []

    def look(how: str) -> None:
        seen.append((how, rows(engine)))

    mail: Any = app.task(look)

    @placed.connect(when="after_commit")
    def enqueue(sender: object, *, n: int) -> None:
        mail.delay("after the commit")

    with install(), Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        mail.delay("at once")
        placed.send("shop", n=1)
        session.commit()

    assert seen == [("at once", []), ("after the commit", [1])]
