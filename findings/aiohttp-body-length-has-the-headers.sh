#!/usr/bin/env bash
# `StreamResponse.body_length` of aiohttp is not the length of the body: it counts the status line
# and the headers as well, and of a chunked response the sizes of its chunks.
#
# Package: aiohttp 3.14.5.
#
# Behaviour: When a response has ended, `body_length` is what its writer has handed to the
# transport, the head included. Before the end it is 0.
#
# Seen:
#   a body of 5 bytes           body_length is not 5: the head is part of it
#   no body, status 204         body_length is not 0
#   before the end of a stream  0
#
# Why it matters: Metrics and access logs that take it for the size of what was downloaded are too
# high by some 150 bytes for each response, and say that a 204 had a body.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check aiohttp==3.14.5

cat >seen.py <<'PY'
import asyncio

from aiohttp import ClientSession, web

responses = {}


async def body(request):
    responses["body"] = web.Response(body=b"hello")
    return responses["body"]


async def nothing(request):
    responses["nothing"] = web.Response(status=204)
    return responses["nothing"]


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"hello")
    responses["before"] = response.body_length
    return response


async def main():
    app = web.Application()
    app.add_routes([web.get("/body", body), web.get("/nothing", nothing), web.get("/stream", stream)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with ClientSession() as session:
        for path in ("body", "nothing", "stream"):
            async with session.get(f"http://127.0.0.1:{port}/{path}") as answer:
                await answer.read()
    await runner.cleanup()


asyncio.run(main())
more = responses["body"].body_length - 5
print(f"a body of 5 bytes           {'the head is counted' if more > 50 else more}")
more = responses["nothing"].body_length
print(f"no body, status 204         {'the head is counted' if more > 50 else more}")
print(f"before the end of a stream  {responses['before']}")
PY

cat >expected <<'TEXT'
a body of 5 bytes           the head is counted
no body, status 204         the head is counted
before the end of a stream  0
TEXT

venv/bin/python seen.py | tee seen
diff expected seen
