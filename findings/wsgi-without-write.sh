#!/usr/bin/env bash
# Four ways of serving a WSGI application hand it a `start_response` that returns None, where
# PEP 3333 asks for the function `write(data)`: an application that uses it ends with a TypeError.
#
# Packages: granian 2.8.9, hypercorn 0.18.0, asgiref 3.13.0, Starlette 1.10.0; beside a2wsgi 1.10.10,
# which returns one.
#
# Behaviour: PEP 3333, "The start_response() Callable": it "must return a write(body_data) callable".
#
# Seen:
#   granian    None
#   hypercorn  None
#   asgiref    None
#   starlette  None
#   a2wsgi     a function
#
# Why it matters: Applications and middleware that write, or pass `write` on, work on gunicorn,
# waitress and the standard library's server, and fail on these with "'NoneType' object is not
# callable".
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    granian==2.8.9 hypercorn==0.18.0 asgiref==3.13.0 starlette==1.10.0 a2wsgi==1.10.10

cat >app.py <<'PY'
def app(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a function" if callable(write) else repr(write).encode()]
PY

cat >seen.py <<'PY'
import asyncio
import socket
import subprocess
import sys
import time
import warnings
from urllib.request import urlopen

from app import app

warnings.simplefilter("ignore")
SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
    "scheme": "http", "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"",
    "headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
}


def granian():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "app:app"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                return urlopen(f"http://127.0.0.1:{port}/", timeout=2).read().decode()
            except OSError:
                time.sleep(0.1)
    finally:
        server.terminate()
        server.wait()


async def ask(served):
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    await served(dict(SCOPE), receive, send)
    return body.decode()


async def hypercorn():
    from hypercorn.app_wrappers import WSGIWrapper

    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    async def to_thread(function, *arguments):
        return await asyncio.to_thread(function, *arguments)

    loop = asyncio.get_running_loop()

    def call_soon(function, *arguments):
        asyncio.run_coroutine_threadsafe(function(*arguments), loop).result()

    await WSGIWrapper(app, 2**16)(dict(SCOPE), receive, send, to_thread, call_soon)
    return body.decode()


from a2wsgi import WSGIMiddleware as OfA2wsgi
from asgiref.wsgi import WsgiToAsgi
from starlette.middleware.wsgi import WSGIMiddleware as OfStarlette

print("granian   ", granian())
print("hypercorn ", asyncio.run(hypercorn()))
print("asgiref   ", asyncio.run(ask(WsgiToAsgi(app))))
print("starlette ", asyncio.run(ask(OfStarlette(app))))
print("a2wsgi    ", asyncio.run(ask(OfA2wsgi(app))))
PY

cat >expected <<'TEXT'
granian    None
hypercorn  None
asgiref    None
starlette  None
a2wsgi     a function
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
