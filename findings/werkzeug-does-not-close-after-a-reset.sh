#!/usr/bin/env bash
# Werkzeug's server does not call `close()` of a body if the client resets the connection when all
# of it was sent.
#
# Package: Werkzeug 3.1.9.
#
# Behaviour: After the body, the server reads what the client may still have sent, in the `finally`
# block that calls `close()` afterwards. Reading from a connection that was reset raises
# ConnectionResetError, and `close()` is left out. PEP 3333 says that it must be called, "whether
# the request completed normally, or terminated early".
#
# Seen:
#   the client reads the response      closed
#   the client resets the connection   not closed
#
# Why it matters: What a framework does when a response ends, such as giving connections back to a
# pool or tearing down the context of the request, is left to the garbage collector.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check werkzeug==3.1.9

cat >seen.py <<'PY'
import gc
import socket
import struct
import threading
import time

from werkzeug.serving import WSGIRequestHandler, make_server

bodies = []
gc.disable()


class Body:
    def __init__(self):
        self.closed = False
        bodies.append(self)

    def __iter__(self):
        yield b"hello"
        time.sleep(0.5)

    def close(self):
        self.closed = True


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return Body()


def ask(reset):
    with socket.create_connection(server.server_address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if reset:
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            while connection.recv(1024):
                pass
    time.sleep(1)
    return "closed" if bodies[-1].closed else "not closed"


server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("the client reads the response     ", ask(reset=False))
print("the client resets the connection  ", ask(reset=True))
PY

cat >expected <<'TEXT'
the client reads the response      closed
the client resets the connection   not closed
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
