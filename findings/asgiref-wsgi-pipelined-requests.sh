#!/usr/bin/env bash
# `WsgiToAsgi` of asgiref fails the second of two pipelined requests: uvicorn answers it with 500.
#
# Package: asgiref 3.13.0, with uvicorn 0.54.0.
#
# Behaviour: Two requests are sent on one connection, the second one before the first is answered.
# Uvicorn begins the second from within the task of the first, in a copy of its context; asgiref
# finds the executor of the first call there, which has quit: `RuntimeError: CurrentThreadExecutor
# already quit or is broken`. One after the other, both are answered.
#
# Seen:
#   pipelined            200, 500
#   one after the other  200, 200
#
# Why it matters: The application is never called for the second request, so no middleware for WSGI
# can tell of it, and a proxy that pipelines gets errors that depend on timing.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check asgiref==3.13.0 uvicorn==0.54.0

cat >app.py <<'PY'
from asgiref.wsgi import WsgiToAsgi


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


adapted = WsgiToAsgi(app)
PY

cat >seen.py <<'PY'
import re
import socket
import subprocess
import sys
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [sys.executable, "-m", "uvicorn", "app:adapted", "--port", str(port), "--lifespan", "off"]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def statuses(pause):
    with connected() as connection:
        connection.sendall(b"GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(pause)
        connection.sendall(b"GET /two HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return ", ".join(re.findall(r"HTTP/1.1 (\d+)", answer.decode()))


def connected():
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not listen")


try:
    print("pipelined          ", statuses(0))
    print("one after the other", statuses(0.5))
finally:
    server.terminate()
    server.wait()
PY

cat >expected <<'TEXT'
pipelined           200, 500
one after the other 200, 200
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
