"""A trace of an application of each framework: the same requests, the same tree."""

from __future__ import annotations

import re
from importlib.util import find_spec
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.cli.client import Sent
from heliograph.cli.serving_asgi import Server, scope_of
from tests.cli.children import heliograph, trace, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS = """
    from heliograph import Signal
    from heliograph.lifecycle import app_started, app_stopping, request_started, response_sent
    paid, known = Signal("paid"), Signal("known")
    @paid.connect
    def thank(sender, item): ...
    def watch():
        app_started.connect(note)
        app_stopping.connect(note)
        response_sent.connect(note)
    def note(sender, **extra): ...
    def tell(kind, body):
        '''Send what has arrived as the name of a payload.'''
        name = kind.partition(";")[0].replace("/", "_")
        known.send(**{f"{name}_{len(body)}_{body[:1].hex()}": 1})
"""

APPS = {
    "flask": """
        from flask import Flask, request
        from signals import paid, known, tell
        app = Flask(__name__)
        @app.post("/pay")
        def pay():
            paid.send(item=request.form["item"])
            return "", 202, {"Set-Cookie": "user=ada; Path=/; Secure"}
        @app.get("/me")
        def me():
            known.send(user=request.cookies["user"], way=request.args["way"])
            return ""
        @app.route("/tell", methods=["PUT", "POST"])
        def tell_all():
            tell(request.content_type, request.get_data())
            return {"told": True}
        @app.get("/broken")
        def broken(): raise LookupError("stuck")
    """,
    "quart": """
        from quart import Quart, request
        from signals import paid, known, tell
        app = Quart(__name__)
        @app.post("/pay")
        async def pay():
            paid.send(item=(await request.form)["item"])
            return "", 202, {"Set-Cookie": "user=ada; Path=/; Secure"}
        @app.get("/me")
        async def me():
            known.send(user=request.cookies["user"], way=request.args["way"])
            return ""
        @app.route("/tell", methods=["PUT", "POST"])
        async def tell_all():
            tell(request.content_type, await request.get_data())
            return {"told": True}
        @app.get("/broken")
        async def broken(): raise LookupError("stuck")
    """,
    "starlette": """
        from urllib.parse import parse_qs
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route
        from signals import paid, known, tell
        async def pay(request):
            form = parse_qs((await request.body()).decode())
            paid.send(item=form["item"][0])
            return Response(status_code=202, headers={"Set-Cookie": "user=ada; Path=/; Secure"})
        def me(request):
            known.send(user=request.cookies["user"], way=request.query_params["way"])
            return Response()
        async def tell_all(request):
            tell(request.headers["content-type"], await request.body())
            return Response(b'{"told":true}', media_type="application/json")
        async def broken(request): raise LookupError("stuck")
        app = Starlette(routes=[
            Route("/pay", pay, methods=["POST"]), Route("/me", me), Route("/broken", broken),
            Route("/tell", tell_all, methods=["PUT", "POST"]),
        ])
    """,
    "fastapi": """
        from urllib.parse import parse_qs
        from fastapi import FastAPI, Request, Response
        from signals import paid, known, tell
        def create_app():
            app = FastAPI()
            @app.post("/pay", status_code=202)
            async def pay(request: Request, response: Response):
                paid.send(item=parse_qs((await request.body()).decode())["item"][0])
                response.set_cookie("user", "ada", secure=True)
            @app.get("/me")
            def me(request: Request, way: str): known.send(user=request.cookies["user"], way=way)
            @app.api_route("/tell", methods=["PUT", "POST"])
            async def tell_all(request: Request):
                tell(request.headers["content-type"], await request.body())
                return {"told": True}
            @app.get("/broken")
            async def broken(): raise LookupError("stuck")
            return app
    """,
    "litestar": """
        from urllib.parse import parse_qs
        from litestar import Litestar, Request, Response, get, post, route
        from signals import paid, known, tell
        @post("/pay", status_code=202)
        async def pay(request: Request) -> Response[None]:
            paid.send(item=parse_qs((await request.body()).decode())["item"][0])
            return Response(None, headers={"Set-Cookie": "user=ada; Path=/; Secure"})
        @get("/me", sync_to_thread=False)
        def me(request: Request, way: str) -> None:
            known.send(user=request.cookies["user"], way=way)
        @route("/tell", http_method=["PUT", "POST"], status_code=200)
        async def tell_all(request: Request) -> dict[str, bool]:
            tell(request.headers["content-type"], await request.body())
            return {"told": True}
        @get("/broken")
        async def broken() -> None: raise LookupError("stuck")
        shop = Litestar([pay, me, tell_all, broken])
    """,
    "aiohttp": """
        from aiohttp import web
        from signals import paid, known, tell
        async def pay(request):
            paid.send(item=(await request.post())["item"])
            return web.Response(status=202, headers={"Set-Cookie": "user=ada; Path=/; Secure"})
        async def me(request):
            known.send(user=request.cookies["user"], way=request.query["way"])
            return web.Response()
        async def tell_all(request):
            tell(request.headers["content-type"], await request.read())
            return web.json_response({"told": True})
        async def broken(request): raise LookupError("stuck")
        app = web.Application()
        app.router.add_route("*", "/tell", tell_all)
        app.add_routes([web.post("/pay", pay), web.get("/me", me), web.get("/broken", broken)])
    """,
    "falcon": """
        import falcon
        from signals import paid, known, tell
        class Pay:
            def on_post(self, request, response):
                paid.send(item=request.get_media()["item"])
                response.status = 202
                response.set_cookie("user", "ada", secure=True)
        class Me:
            def on_get(self, request, response):
                known.send(user=request.cookies["user"], way=request.params["way"])
        class Tell:
            def on_put(self, request, response):
                tell(request.content_type, request.stream.read())
                response.media = {"told": True}
            on_post = on_put
        class Broken:
            def on_get(self, request, response): raise LookupError("stuck")
        app = falcon.App()
        for kind in Pay, Me, Tell, Broken:
            app.add_route(f"/{kind.__name__.lower()}", kind())
    """,
    "falcon.asgi": """
        import falcon.asgi
        from signals import paid, known, tell
        class Pay:
            async def on_post(self, request, response):
                paid.send(item=(await request.get_media())["item"])
                response.status = 202
                response.set_cookie("user", "ada", secure=True)
        class Me:
            async def on_get(self, request, response):
                known.send(user=request.cookies["user"], way=request.params["way"])
        class Tell:
            async def on_put(self, request, response):
                tell(request.content_type, await request.stream.read())
                response.media = {"told": True}
            on_post = on_put
        class Broken:
            async def on_get(self, request, response): raise LookupError("stuck")
        app = falcon.asgi.App()
        for kind in Pay, Me, Tell, Broken:
            app.add_route(f"/{kind.__name__.lower()}", kind())
    """,
    "django": """
        from django.conf import settings
        from django.core.asgi import get_asgi_application
        from django.core.wsgi import get_wsgi_application
        from django.http import HttpResponse, JsonResponse
        from django.urls import path
        from signals import paid, known, tell
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"], SECRET_KEY="x")
        def pay(request):
            paid.send(item=request.POST["item"])
            response = HttpResponse(status=202)
            response.set_cookie("user", "ada", secure=True)
            return response
        def me(request):
            known.send(user=request.COOKIES["user"], way=request.GET["way"])
            return HttpResponse()
        def tell_all(request):
            tell(request.headers["content-type"], request.body)
            return JsonResponse({"told": True})
        def broken(request): raise LookupError("stuck")
        urlpatterns = [path("pay", pay), path("me", me), path("broken", broken)]
        urlpatterns.append(path("tell", tell_all))
        application = get_wsgi_application()
        asgi = get_asgi_application()
    """,
    "wsgi": """
        from urllib.parse import parse_qs
        from signals import paid, known, tell
        def app(environ, start_response):
            if environ["PATH_INFO"] == "/pay":
                length = int(environ["CONTENT_LENGTH"])
                form = parse_qs(environ["wsgi.input"].read(length).decode())
                paid.send(item=form["item"][0])
                start_response("202 Accepted", [("Set-Cookie", "user=ada; Secure")])
            elif environ["PATH_INFO"] == "/me":
                way = parse_qs(environ["QUERY_STRING"])["way"][0]
                known.send(user=environ["HTTP_COOKIE"].partition("=")[2], way=way)
                start_response("200 OK", [])
            elif environ["PATH_INFO"] == "/tell":
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                tell(environ["CONTENT_TYPE"], body)
                start_response("200 OK", [("Content-Type", "application/json")])
                return [b'{"told"', b': true}']
            else:
                start_response("500 Internal Server Error", [])
            return [b"hello"]
    """,
    "asgi": """
        from urllib.parse import parse_qs
        from signals import paid, known, tell
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            status, headers = 500, []
            if scope["path"] == "/pay":
                form = parse_qs((await receive())["body"].decode())
                paid.send(item=form["item"][0])
                status, headers = 202, [(b"set-cookie", b"user=ada; Secure")]
            elif scope["path"] == "/me":
                way = parse_qs(scope["query_string"].decode())["way"][0]
                cookie = dict(scope["headers"])[b"cookie"].decode()
                known.send(user=cookie.partition("=")[2], way=way)
                status = 200
            elif scope["path"] == "/tell":
                kind = dict(scope["headers"])[b"content-type"].decode()
                tell(kind, (await receive())["body"])
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b'{"told"', "more_body": True})
                await send({"type": "http.response.body", "body": b': true}'})
                return
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"he", "more_body": True})
            await send({"type": "http.response.body", "body": b"llo"})
    """,
}

CASES = [(name, "shop") for name in APPS] + [("django", "shop:asgi")]
REQUESTS = ("POST /pay item=3", "GET /me way=home", "GET /broken")


def project(tmp_path: Path, name: str, more: str = "") -> None:
    """Write an application, and what it sends."""
    package = name.partition(".")[0]
    if package not in ("wsgi", "asgi") and find_spec(package) is None:
        pytest.skip(f"{package} is not installed")  # Wheels are tested with few frameworks.
    write(tmp_path / "signals.py", SIGNALS)
    write(tmp_path / "shop.py", dedent(APPS[name]) + dedent(more))


def essence(shown: str) -> list[str]:
    """Return titles and the signals of the application itself, without branches and places.

    Some frameworks answer and raise, so that a server knows; others answer alone.
    """
    left_out = r"^[│├└─ ]+|  shop\.py:\d+|  # ms$|, raised LookupError: stuck"
    lines = [re.sub(left_out, "", it) for it in shown.splitlines()]
    wanted = [it for it in lines if re.match(r"(POST|GET|paid|known|signals) ?", it)]
    # Werkzeug writes reasons in capitals.
    return [
        it.replace("ACCEPTED", "Accepted").replace("INTERNAL SERVER ERROR", "Internal Server Error")
        for it in wanted
    ]


@pytest.mark.parametrize(("name", "app"), CASES)
def test_an_application_of_any_framework_is_traced(tmp_path: Path, name: str, app: str) -> None:
    """Forms, queries and cookies arrive; a view that fails is an answer."""
    project(tmp_path, name)

    assert essence(trace(app, *REQUESTS, cwd=tmp_path)) == [
        "POST /pay item=3  202 Accepted",
        "paid (item)",
        "signals.thank  signals.py:5",
        "GET /me way=home  200 OK",
        "known (user, way)  no receivers",
        "GET /broken  500 Internal Server Error",
    ]


@pytest.mark.parametrize(("name", "app"), [it for it in CASES if it[0] not in ("wsgi", "asgi")])
def test_the_error_of_a_view_is_told_with_its_message(tmp_path: Path, name: str, app: str) -> None:
    """In the line of the request where the framework raises after its answer, or below."""
    project(tmp_path, name)

    assert "LookupError: stuck" in trace(app, "--lifecycle", "GET /broken", cwd=tmp_path)


@pytest.mark.parametrize(("name", "app"), CASES)
def test_bodies_of_every_kind_arrive_and_the_response_is_shown(
    tmp_path: Path, name: str, app: str
) -> None:
    """JSON, files, forms in parts and raw bytes; what comes back is shown if asked for."""
    project(tmp_path, name)
    write(tmp_path / "cat.png", "meow")

    shown = trace(
        app,
        "--response",
        "-H",
        "X-Way: home",
        "POST /tell text=hi big:=3",
        "PUT /tell @cat.png",
        "POST /tell a=1 photo@cat.png",
        """POST /tell Content-Type:application/vnd.x+json '{"a": 1}'""",
        cwd=tmp_path,
    )

    told = re.findall(r"known \((\w+\W?\w+\W?\w*)\)", shown)
    assert told == [
        "application_json_24_7b",
        "image_png_4_6d",
        "multipart_form-data_241_2d",
        "application_vnd.x+json_8_7b",
    ]
    assert shown.count('{\n  "told": true\n}\n') == 4


@pytest.mark.parametrize(("name", "app"), CASES)
def test_the_life_cycle_is_traced_if_that_is_asked_for(tmp_path: Path, name: str, app: str) -> None:
    """With --lifecycle it is installed for the application; without, nothing is installed."""
    project(tmp_path, name, "from signals import watch; watch()")

    ended = heliograph("trace", "--lifecycle", "--unheard", app, "GET /broken", cwd=tmp_path)
    plain_one = trace(app, "GET /broken", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    names = re.findall(r"── ([a-z]+-[a-z]+(?:-[a-z]+)*)", ended.out)
    mine = [it for it in names if not it.startswith(("appcontext", "got", "websocket"))]
    # Servers of WSGI have no life span, and so has an ASGI application that knows none.
    ends = ["app-stopping"] if "stop of the application" in ended.out else []
    request = ["request-started", "request-finished", "request-tearing-down", "response-sent"]
    assert sorted(mine) == sorted(["app-started", *request, *ends])
    assert "response-sent" not in plain_one


@pytest.mark.parametrize("name", ["flask", "starlette", "django", "wsgi", "asgi", "aiohttp"])
def test_what_has_its_life_cycle_installed_is_not_installed_again(
    tmp_path: Path, name: str
) -> None:
    """It is shown as it is, with --lifecycle and without."""
    own = {
        "django": "from heliograph.lifecycle.django import install; "
        "application = install(application)",
        "wsgi": "from heliograph.lifecycle.wsgi import Middleware; app = Middleware(app)",
        "asgi": "from heliograph.lifecycle.asgi import Middleware; app = Middleware(app)",
    }
    install = f"from heliograph.lifecycle.{name} import install; install(app)"
    project(tmp_path, name, own.get(name, install))

    installed = heliograph("trace", "shop", "GET /me way=a Cookie:user=b", cwd=tmp_path)
    both = heliograph("trace", "--lifecycle", "shop", "GET /me way=a Cookie:user=b", cwd=tmp_path)

    assert without_times(installed.out) == without_times(both.out)
    assert installed.out.count("response-sent") == 1
    assert (installed.err, both.err) == ("", "")


def test_nothing_is_installed_by_running_a_program(tmp_path: Path) -> None:
    """`heliograph run` puts the engine in Blinker's place, and nothing else."""
    write(
        tmp_path / "program.py",
        """
        import sys
        import flask
        flask.Flask("shop").test_client().get("/")
        print([name for name in sys.modules if name.startswith("heliograph.lifecycle.")])
        """,
    )

    ended = heliograph("run", "python", "program.py", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert "heliograph.lifecycle.flask" not in ended.out
    assert "heliograph.lifecycle.signals" not in ended.out


LIFE = """
    from signals import paid
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            {startup}
            scope["state"]["item"] = 7
            await send({{"type": "lifespan.startup.complete"}})
            {until}
            paid.send(item="last")
            await send({{"type": "lifespan.shutdown.complete"}})
        else:
            paid.send(item=scope["state"].get("item"))
            {answer}
"""
ANSWER = """await send({"type": "http.response.start", "status": 299})
            await send({"type": "http.response.body"})
            await receive()
            assert await receive() == {"type": "http.disconnect"}"""


def living(
    tmp_path: Path, startup: str = "", until: str = "await receive()", answer: str = ANSWER
) -> None:
    """Write an application with a life span."""
    write(tmp_path / "signals.py", SIGNALS)
    write(tmp_path / "shop.py", LIFE.format(startup=startup, until=until, answer=answer))


def test_an_application_is_started_and_stopped_once_around_all_requests(tmp_path: Path) -> None:
    """What is sent then is shown; the state of its life span is in each request."""
    living(tmp_path, startup="paid.send(item='first')")

    assert trace("shop", "GET /", "GET /", cwd=tmp_path) == dedent("""\
        start of the application  # ms
        └── paid (item)
            └── signals.thank  signals.py:5  # ms

        GET /  299  # ms
        └── paid (item)
            └── signals.thank  signals.py:5  # ms

        GET /  299  # ms
        └── paid (item)
            └── signals.thank  signals.py:5  # ms

        stop of the application  # ms
        └── paid (item)
            └── signals.thank  signals.py:5  # ms

        """)


@pytest.mark.parametrize(
    ("startup", "said"),
    [
        (
            "await send({'type': 'lifespan.startup.failed', 'message': 'no money'}); return",
            "no money",
        ),
        ("await send({'type': 'lifespan.startup.failed'}); return", ""),
        (
            "await send({'type': 'lifespan.startup.failed'}); raise LookupError('no till')",
            "LookupError: no till\nIt was raised at shop.py:6.",
        ),
    ],
)
def test_an_application_that_does_not_start_is_not_asked(
    tmp_path: Path, startup: str, said: str
) -> None:
    """What it says about it is said, and the status is 1."""
    living(tmp_path, startup=startup)

    ended = heliograph("trace", "shop", "GET /", cwd=tmp_path)

    assert re.sub("start[:.]", "start", ended.err).strip() == (
        f"Error: The application does not start {said}".strip()
    )
    assert (ended.status, ended.out) == (1, "")


def test_an_application_whose_life_span_ends_early_is_served(tmp_path: Path) -> None:
    """Servers do the same."""
    living(tmp_path, until="return")

    assert trace("shop", "GET /", cwd=tmp_path).count("299") == 1


def test_an_application_that_fails_as_it_stops_is_pointed_out(tmp_path: Path) -> None:
    """Servers log it; the requests were answered."""
    living(tmp_path, until="await receive(); raise LookupError('no till')")

    ended = heliograph("trace", "shop", "GET /", cwd=tmp_path)

    assert ended.err == (
        "The application failed as it stopped: LookupError: no till\nIt was raised at shop.py:9.\n"
    )
    assert (ended.status, ended.out.count("299")) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("return", "no response"),
        ("raise LookupError('stuck')", "raised LookupError: stuck  shop.py:14"),
        ("raise SystemExit(3)", "raised SystemExit: 3  shop.py:14"),
        (
            "await send({'type': 'http.response.start', 'status': 200}); raise OSError('cut')",
            "200 OK, raised OSError: cut  shop.py:14",
        ),
    ],
)
def test_an_asgi_application_that_does_not_answer_is_shown_and_asked_again(
    tmp_path: Path, answer: str, title: str
) -> None:
    """What it has raised stands in place of the answer, with its line."""
    living(tmp_path, answer=answer)

    shown = trace("shop", "GET /", "GET /", cwd=tmp_path)

    assert shown.count(f"GET /  {title}  # ms\n") == 2


def test_a_wsgi_application_that_fails_is_shown(tmp_path: Path) -> None:
    """An error that it passes to the server, one that it raises, and one of its body."""
    write(
        tmp_path / "shop.py",
        """
        import sys
        class Body:
            def __iter__(self): yield b"hello"
            def close(self): raise OSError("full")
        def app(environ, start_response):
            if environ["PATH_INFO"] == "/": raise LookupError("stuck")
            if environ["PATH_INFO"] == "/int": start_response(2, [])
            write = start_response("200 OK", [])
            write(b"hello")
            if environ["PATH_INFO"] == "/body": return Body()
            try: raise ValueError("late")
            except ValueError: start_response("500 Oh no", [], sys.exc_info())
            return []
        """,
    )

    shown = trace("shop", "GET /", "GET /int", "GET /body", "GET /late", cwd=tmp_path)

    assert shown.replace("start_response() takes a status such as ", "") == dedent("""\
        GET /  raised LookupError: stuck  shop.py:7  # ms

        GET /int  raised TypeError: '200 OK', and not 2.  shop.py:8  # ms

        GET /body  200 OK, raised OSError: full  shop.py:5  # ms

        GET /late  500 Oh no, raised ValueError: late  shop.py:12  # ms

        """)


def test_an_application_of_aiohttp_that_does_not_start_is_not_asked(tmp_path: Path) -> None:
    """Its error is said, with its line; one that cuts a response has answered so far."""
    project(
        tmp_path,
        "aiohttp",
        """
        async def start(app): raise LookupError("no till")
        async def cut(request):
            response = web.StreamResponse(headers={"Content-Length": "9"})
            await response.prepare(request)
            await response.write(b"hello")
            request.transport.abort()
            return response
        bad = web.Application()
        bad.on_startup.append(start)
        app.router.add_get("/cut", cut)
        """,
    )

    ended = heliograph("trace", "shop:bad", "GET /", cwd=tmp_path)
    cut = heliograph("trace", "shop:app", "GET /cut", cwd=tmp_path)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "Error: The application does not start: LookupError: no till\n"
        "It was raised at shop.py:18.\n"
    )
    assert cut.out.startswith("GET /cut  200 OK, raised ClientPayloadError: ")


def test_the_log_of_a_wsgi_application_comes_with_the_logs(tmp_path: Path) -> None:
    """What it writes to the server's errors is a log as well."""
    write(
        tmp_path / "shop.py",
        """
        def app(environ, start_response):
            environ["wsgi.errors"].write("the view is here")
            start_response("200 OK", [])
            return []
        """,
    )

    assert heliograph("trace", "shop", "GET /", cwd=tmp_path).err == ""
    assert heliograph("trace", "--logs", "shop", "GET /", cwd=tmp_path).err == "the view is here"


def test_headers_and_forms_arrive_as_they_are_written(tmp_path: Path) -> None:
    """A form in parts, a host, a cookie of one's own, a header twice, letters of any script."""
    write(
        tmp_path / "shop.py",
        """
        import warnings
        from heliograph import Signal
        warnings.simplefilter("ignore")  # Names like these read like documentation.
        def app(environ, start_response):
            keys = ["HTTP_HOST", "HTTP_COOKIE", "HTTP_X_WAY", "PATH_INFO", "QUERY_STRING"]
            for key in keys:
                if key in environ: Signal(f"{key} {environ[key]!r}").send()
            if environ.get("CONTENT_TYPE", "").startswith("multipart/"):
                Signal("parts").send()
                assert len(environ["wsgi.input"].read()) == int(environ["CONTENT_LENGTH"])
            start_response("200 OK", [("Set-Cookie", "kept=1")])
            return []
        """,
    )

    shown = trace(
        "shop",
        "GET '/ä b?c=d e' X-Way:a X-Way:b Cookie:own=2",
        "POST / item=3 Content-Type:multipart/form-data Host:shop.example",
        "GET /",
        cwd=tmp_path,
    )

    assert [
        line.split(" ", 1)[1].removesuffix("  no receivers")
        for line in shown.splitlines()
        if "──" in line
    ] == [
        "HTTP_HOST 'localhost'",
        "HTTP_COOKIE 'own=2'",
        "HTTP_X_WAY 'a, b'",
        "PATH_INFO '/Ã¤ b'",
        "QUERY_STRING 'c=d%20e'",
        "HTTP_HOST 'shop.example'",
        "PATH_INFO '/'",
        "QUERY_STRING ''",
        "parts",
        "HTTP_HOST 'localhost'",
        "HTTP_COOKIE 'kept=1'",
        "PATH_INFO '/'",
        "QUERY_STRING ''",
    ]


def test_a_scope_has_what_a_server_makes_of_a_request() -> None:
    """The path unquoted and quoted, the query quoted, headers in lower case, a state of its own."""
    state = {"till": "open"}
    sent = Sent("POST", "/ä b%2F?c=d e", [("X-Way", "hö")], b"hello")

    scope = scope_of(sent, state)

    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/ä b/",
        "raw_path": b"/%C3%A4%20b%2F",
        "query_string": b"c=d%20e",
        "root_path": "",
        "headers": [(b"x-way", "hö".encode("latin-1"))],
        "state": {"till": "open"},
        "client": ("127.0.0.1", 50_000),
        "server": ("localhost", 80),
    }
    assert scope["state"] is not state


def test_messages_of_other_kinds_are_passed_over() -> None:
    """Extensions have some, of which a trace shows nothing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await send({"type": "http.response.debug", "info": {}})
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"hello"})

    with Server(app) as server:
        reply = server.serve(Sent("GET", "/", [], b""))

    assert reply.status == "200 OK"
