#!/usr/bin/env bash
# Django 5.2's GZipMiddleware makes a gzip member of its own of each chunk of an asynchronous
# stream; browsers and HTTP clients decode the first one and drop the rest, mostly without an error.
#
# Package: Django 5.2.19. Django 6 makes one member, flushed for each chunk.
#
# Behaviour: for a StreamingHttpResponse with an asynchronous iterator, the middleware compresses
# each chunk by a call of its own, and sends what each call gives. That is a valid file of gzip
# (RFC 1952 lets members follow one another), but not what decoders of Content-Encoding expect.
# A synchronous stream becomes one member.
#
# Seen:
#   asynchronous  3 members; a decoder of one reads 'first ' and leaves 133 bytes
#   synchronous   1 member;  a decoder of one reads 'first second third ' and leaves 0 bytes
#
# Why it matters: a page that reads events from such a stream shows one of them, and then nothing.
# Chromium's fetch and EventSource, httpx and curl all decode the first member alone; only curl says
# that something is left. A response that says Content-Encoding: identity is left alone, so whoever
# makes a stream under other people's middleware can say that.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    django==5.2.19 asgiref==3.11.0 sqlparse==0.5.4

cat >streams.py <<'PY'
import asyncio
import zlib

import django
from django.conf import settings
from django.http import StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import RequestFactory

settings.configure()
django.setup()

PARTS = [b"first ", b"second ", b"third "]


async def later():
    for part in PARTS:
        yield part


async def read(stream):
    return b"".join([part async for part in stream])


def compressed(content):
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    return GZipMiddleware(lambda _: StreamingHttpResponse(content))(request).streaming_content


def told(kind, body):
    one = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text, left, members = one.decompress(body).decode(), one.unused_data, 1
    rest = left
    while rest:
        another = zlib.decompressobj(zlib.MAX_WBITS | 16)
        another.decompress(rest)
        rest, members = another.unused_data, members + 1
    noun = "member; " if members == 1 else "members;"
    print(f"{kind:<13} {members} {noun} a decoder of one reads {text!r} and leaves {len(left)} bytes")


told("asynchronous", asyncio.run(read(compressed(later()))))
told("synchronous", b"".join(compressed(PARTS)))
PY

cat >expected <<'TEXT'
asynchronous  3 members; a decoder of one reads 'first ' and leaves 133 bytes
synchronous   1 member;  a decoder of one reads 'first second third ' and leaves 0 bytes
TEXT

venv/bin/python streams.py | tee seen
# Django pads with a name of random length, against BREACH: how much is left differs.
diff <(sed 's/[0-9]* bytes/# bytes/' expected) <(sed 's/[0-9]* bytes/# bytes/' seen)
