"""What stands between a relay and a NATS server: its URL, its password, its rights, its line."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nats.errors import MaxPayloadError, NoRespondersError
from nats.errors import TimeoutError as NoAnswerError
from nats.js.errors import APIError, ServiceUnavailableError

from heliograph import ArgumentError
from heliograph.relay.channels import Channel, Group
from heliograph.relay.errors import FullError, RefusedError, RelayError, UnavailableError
from heliograph.relay.nats import connection as nats_connection
from heliograph.relay.nats.address import NatsAddress, address_of
from heliograph.relay.nats.answers import answers
from heliograph.relay.nats.line import Line
from heliograph.relay.nats.transport import NatsTransport
from tests.lifecycle.served import free_port
from tests.relay.collecting import Heard, Watched, Worked, until
from tests.relay.nats_server import nats_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

PRICES = Channel("shop", "prices", "broadcast")
RATES = Channel("shop", "rates", "replay")
ORDERS = Channel("shop", "orders", "durable")


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[NatsTransport]:
    """Give an open transport."""
    transport = NatsTransport(url, **options)
    await transport.open(Watched())
    try:
        yield transport
    finally:
        await transport.close(0.5)


# --- URLs


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("nats://localhost", {}, NatsAddress((("localhost", 4222),))),
        ("nats://127.0.0.1:1234/", {}, NatsAddress((("127.0.0.1", 1234),))),
        ("nats://[::1]:1234", {}, NatsAddress((("::1", 1234),))),
        ("nats://a%40b:p%2Fw@localhost", {}, NatsAddress((("localhost", 4222),), "a@b", "p/w")),
        ("nats://word@localhost", {}, NatsAddress((("localhost", 4222),), None, None, "word")),
        (
            "tls://me:pw@one,tls://two:1",
            {},
            NatsAddress((("one", 4222), ("two", 1)), "me", "pw", encrypted=True),
        ),
        ("nats://far:1", {"insecure": True}, NatsAddress((("far", 1),))),
        ("nats://far:1", {"encrypted": True}, NatsAddress((("far", 1),), encrypted=True)),
    ],
)
def test_a_url_names_servers_and_who_we_are(
    url: str, options: dict[str, bool], expected: NatsAddress
) -> None:
    """Names and passwords are percent-encoded; one password is enough for several servers."""
    assert address_of(url, **options) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://secret@localhost", "begins with nats:// or tls://"),
        ("localhost:4222", "begins with nats:// or tls://"),
        ("nats://secret@", "no host and port"),
        ("nats://secret@localhost:port", "no host and port"),
        ("nats://secret@localhost:4222/path", "no host and port"),
        ("nats://secret@local host", "no host and port"),
        ("nats://secret@[::1", "no host and port"),
        ("nats://secret@10.0.0.1", "'10.0.0.1' could be read and changed"),
        ("nats://secret@localhost,far.example", "'far.example' could be read and changed"),
        ("tls://secret@one,tls://other@two", "write them once"),
    ],
)
def test_a_url_that_does_not_do_is_refused(url: str, words: str) -> None:
    """The message says why, and never shows what may be a password."""
    with pytest.raises(ArgumentError, match=words) as caught:
        NatsTransport(url)

    assert "secret" not in str(caught.value)


def test_an_address_is_shown_without_what_is_secret() -> None:
    """It is part of messages."""
    address = address_of("tls://me:secret@one,two:1")

    assert str(address) == "tls://one:4222,two:1"
    assert "secret" not in repr(address)
    assert "secret" not in repr(address_of("nats://secret@localhost"))


# --- who answers


async def test_no_server_is_an_error_and_open_may_be_called_again() -> None:
    """It is there later, and then it does."""
    with nats_server() as server:
        server.kill()
        transport, watched = NatsTransport(server.url), Watched()
        with pytest.raises(UnavailableError, match=f"No NATS server answers at .*{server.port}"):
            await transport.open(watched)
        assert watched.told == []
        with pytest.raises(UnavailableError, match="no connection to nats://"):
            await transport.publish(PRICES, b"")

        server.start_again()
        await transport.open(watched)

        assert watched.told == [True]
        await transport.close(1)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    """It may be known later: a name server can be away."""
    transport = NatsTransport("tls://nobody.invalid:4222")

    with pytest.raises(UnavailableError, match=r"No NATS server answers at nobody\.invalid"):
        await transport.open(Watched())


async def test_one_of_several_servers_is_enough() -> None:
    """They are tried one after the other, whichever comes first."""
    with nats_server() as server:
        hosts = [f"127.0.0.1:{it}" for it in (free_port(), free_port(), server.port)]
        for _ in range(20):
            async with opened(f"nats://{','.join(hosts)}") as transport:
                await transport.publish(PRICES, b"")


@asynccontextmanager
async def answering(greeting: bytes, answer: bytes, *, end: bool = False) -> AsyncIterator[int]:
    """Run what says something at first, and something else when it is spoken to."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        if not end:
            while answer and await reader.read(1024):
                writer.write(answer)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


INFO = b'INFO {"version": "2.10.0", "headers": true, "max_payload": 1048576}\r\n'


STRANGERS: list[tuple[bytes, bytes, type[RelayError], str]] = [
    (b"SSH-2.0-OpenSSH_9.2\r\n", b"", RefusedError, "is no NATS server"),
    (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", RefusedError, "is no NATS server"),
    (b"", b"+PONG\r\n", RefusedError, "is no NATS server"),
    (b"\x4a\x00\x00\x00\x0a8.0.35", b"", RefusedError, "is no NATS server"),
    (b"x" * 200_000, b"", RefusedError, "is no NATS server"),
    (b"INFO no JSON\r\n", b"", UnavailableError, "breaks off"),
    (b"", b"", UnavailableError, "says nothing"),
    (INFO, b"-ERR 'maximum connections exceeded'\r\n", UnavailableError, "breaks off"),
]


async def test_what_is_no_nats_server_is_told_from_one_that_is_away() -> None:
    """A program with a wrong port learns that at its start, and not from silence."""

    async def meet(greeting: bytes, answer: bytes, error: type[RelayError], words: str) -> None:
        async with answering(greeting, answer) as port:
            with pytest.raises(error, match=words):
                await NatsTransport(f"nats://127.0.0.1:{port}").open(Watched())

    await asyncio.gather(*(meet(*it) for it in STRANGERS))


async def test_a_server_that_ends_the_connection_at_once_is_away() -> None:
    """So does one that begins or ends to run."""
    async with answering(b"", b"", end=True) as port:
        with pytest.raises(UnavailableError, match="says nothing"):
            await NatsTransport(f"nats://127.0.0.1:{port}").open(Watched())


async def test_a_server_that_takes_no_connection_is_given_up_soon() -> None:
    """A machine behind a firewall that drops packets answers nothing at all."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # It has room for one.
            before = time.monotonic()
            with pytest.raises(UnavailableError, match="No NATS server answers"):
                await NatsTransport(f"nats://127.0.0.1:{port}").open(Watched())
            assert time.monotonic() - before < 10

            opening = asyncio.create_task(NatsTransport(f"nats://127.0.0.1:{port}").open(Watched()))
            await asyncio.sleep(0.1)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening


# --- passwords and rights


async def test_a_wrong_password_is_refused() -> None:
    """The message names the server, and not the password."""
    with nats_server("--user", "me", "--pass", "p@ss") as server:
        host = f"127.0.0.1:{server.port}"
        for who in ("me:secret@", "secret@", ""):
            with pytest.raises(RefusedError, match=f"at {host} refuses our user") as caught:
                await NatsTransport(f"nats://{who}{host}").open(Watched())
            assert "secret" not in str(caught.value)

        async with opened(f"nats://me:p%40ss@{host}") as transport:
            await transport.publish(PRICES, b"")


async def test_a_token_opens_as_well() -> None:
    """It is one word before the @."""
    with nats_server("--auth", "word") as server:
        async with opened(f"nats://word@127.0.0.1:{server.port}") as transport:
            await transport.publish(PRICES, b"")


RIGHTS = """
jetstream {{ store_dir: {folder} }}
authorization {{
  users = [
    {{ user: me, password: pw, permissions: {{
      publish: {{ deny: ["heliograph.>"] }}, subscribe: {{ deny: ["heliograph.>"] }}
    }} }}
  ]
}}
"""


async def test_what_a_user_may_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server tells nobody in particular: who sends learns it from the next send on."""
    monkeypatch.setattr(nats_connection, "_REQUEST", 0.5)
    config = tmp_path / "config"
    config.write_text(RIGHTS.format(folder=json.dumps(str(tmp_path))))
    with nats_server("-c", str(config), jetstream=False) as server:
        async with opened(f"nats://me:pw@127.0.0.1:{server.port}") as transport:
            heard = Heard()
            with pytest.raises(RefusedError, match=r"may not hear 'heliograph\.shop"):
                await transport.listen(PRICES, heard.hear, heard.miss)
            await transport.publish(PRICES, b"")
            with pytest.raises(RefusedError, match=r"may not send to 'heliograph\.shop"):
                await refused(transport)
            with pytest.raises(RefusedError, match=r"may not send to 'heliograph\.shop"):
                await transport.store(RATES, "id-0", b"0")


async def refused(transport: NatsTransport) -> None:
    """Publish until that fails."""
    async with asyncio.timeout(20):
        while True:
            await transport.publish(PRICES, b"")
            await asyncio.sleep(0.01)


async def test_a_server_without_jetstream_can_only_broadcast() -> None:
    """The message says what to do."""
    with nats_server(jetstream=False) as server:
        async with opened(server.url) as transport:
            heard, worked = Heard(), Worked()
            await transport.listen(PRICES, heard.hear, heard.miss)
            await transport.publish(PRICES, b"0")
            assert await heard.first(1) == [b"0"]

            for failing in (
                transport.prepare(RATES),
                transport.store(RATES, "id-0", b"0"),
                transport.follow(RATES, "", heard.hear, heard.miss),
                transport.consume(ORDERS, Group("billing"), worked.work),
                transport.backlog(ORDERS),
                transport.channels("shop"),
            ):
                with pytest.raises(RefusedError, match=r"run it with JetStream \(-js\)"):
                    await failing


async def test_more_copies_than_there_are_servers_are_refused() -> None:
    """The server's own words say why."""
    with nats_server() as server:
        async with opened(server.url, replicas=3) as transport:
            with pytest.raises(RefusedError, match="replicas > 1 not supported"):
                await transport.prepare(RATES)


async def test_a_channel_that_wants_more_room_than_there_is_is_refused() -> None:
    """A stream reserves its room when it is made."""
    with nats_server() as server:
        async with opened(server.url) as transport:
            with pytest.raises(FullError, match="no room at the NATS server"):
                await transport.prepare(Channel("shop", "rates", "replay", keep_bytes=10**15))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (APIError(503, "JetStream system temporarily unavailable", 10008), UnavailableError),
        (APIError(503, "maximum messages exceeded", 10077), FullError),
        (ServiceUnavailableError(503, "not enabled", 10039), RefusedError),
        (APIError(400, "invalid JSON", 10025), RefusedError),
        (NoRespondersError(), RefusedError),
        (MaxPayloadError(), RefusedError),
        (NoAnswerError(), UnavailableError),
        (ConnectionResetError(), UnavailableError),
    ],
)
def test_errors_of_the_client_library_are_ours(
    error: Exception, expected: type[RelayError]
) -> None:
    """Who sends knows whether another try may succeed."""
    with pytest.raises(expected) as caught, answers():
        raise error

    assert type(caught.value) is expected


# --- encrypted lines


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Give a certificate for localhost that nobody has signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = str(folder / "certificate"), str(folder / "key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


async def test_an_encrypted_line_is_used_as_it_is(certificate: tuple[str, str]) -> None:
    """A certificate that Python does not know is refused, unless it is told about it."""
    path, key = certificate
    with nats_server("--tls", "--tlscert", path, "--tlskey", key, "--auth", "word") as server:
        url = f"127.0.0.1:{server.port}"
        for scheme in ("nats", "tls"):
            with pytest.raises(RefusedError, match="No encrypted line"):
                await NatsTransport(f"{scheme}://word@{url}").open(Watched())

        tls = ssl.create_default_context(cafile=path)
        async with opened(f"tls://word@{url}", tls=tls) as transport:
            heard = Heard()
            await transport.listen(PRICES, heard.hear, heard.miss)
            await transport.publish(PRICES, b"0")
            assert await heard.first(1) == [b"0"]
        async with opened(f"nats://word@{url}", tls=tls) as transport:
            await transport.publish(PRICES, b"0")


@pytest.mark.parametrize("who", ["me:secret@", "secret@", ""])
async def test_no_password_leaves_over_a_line_that_is_not_encrypted(who: str) -> None:
    """The client library would take the server's word for it, or that of one in between."""
    said = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while part := await reader.read(1024):
            said.extend(part)
            writer.write(b"PONG\r\n" * part.count(b"PING"))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RefusedError, match="does not encrypt"):
            await NatsTransport(f"tls://{who}127.0.0.1:{port}").open(Watched())

    assert b"secret" not in said


# --- forks


FORKS = (
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
)


def forking(test: Any) -> Any:
    """Mark a test that forks."""
    for mark in FORKS:
        test = mark(test)
    return test


@forking
async def test_a_forked_process_lets_go_of_the_connection_of_its_parent() -> None:
    """The parent's goes on; the child's copy is closed without a word, and it has its own."""
    with nats_server() as server:
        async with opened(server.url) as transport:
            heard = Heard()
            await transport.listen(PRICES, heard.hear, heard.miss)
            line = transport._links._current
            assert line is not None
            assert line._line._socket is not None
            number = line._line._socket.fileno()

            told = in_child(lambda: child(transport, number))

            await transport.publish(PRICES, b"parent")
            await until(lambda: b"parent" in heard.data)
            assert told == ["/dev/null", "of its own"]
            assert heard.data == [b"child", b"parent"]


def child(transport: NatsTransport, number: int) -> list[str]:
    """Let go; tell what became of the socket, and whether there is one of its own."""
    found = abandoned(transport, number)

    async def publish() -> str:
        await transport.open(Watched())
        await transport.publish(PRICES, b"child")
        await transport.close(5)
        return "of its own"

    asyncio._set_running_loop(None)  # That of the parent runs, as far as Python knows.
    return [found, asyncio.run(publish())]


def abandoned(transport: NatsTransport, number: int) -> str:
    """Let go; return what an open file is then."""
    transport.abandon()
    return what_is(number)


def what_is(number: int) -> str:
    """Return what an open file is."""
    return str(Path(f"/proc/self/fd/{number}").readlink())


def in_child(told: Callable[[], object]) -> object:
    """Run a function in a forked process; return what it returned, through JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(told()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return json.loads(answer)


@forking
async def test_a_process_that_is_forked_while_it_connects_lets_go_of_that_as_well() -> None:
    """Otherwise the server would hold on to a connection that nobody speaks on."""
    async with answering(b"", b"") as port:
        transport = NatsTransport(f"nats://127.0.0.1:{port}")
        opening = asyncio.create_task(transport.open(Watched()))
        await until(lambda: any(it._socket is not None for it in transport._links._lines))
        (line,) = transport._links._lines
        assert line._socket is not None
        number = line._socket.fileno()

        assert in_child(partial(abandoned, transport, number)) == "/dev/null"
        with pytest.raises(UnavailableError):
            await opening


@forking
async def test_a_process_is_forked_after_the_connection_has_ended() -> None:
    """Its socket is closed already, and the number may be that of another file."""
    with nats_server() as server:
        async with opened(server.url) as transport:
            connection = transport._links.now()
            server.kill()
            await connection.ended.wait()
            line = connection._line._socket
            assert line is not None
            await until(lambda: line.fileno() < 0)
            transport._links._current = connection  # It may just have been told.

            assert in_child(partial(abandoned, transport, 0)) == what_is(0)


async def test_a_transport_that_was_never_open_can_be_closed_and_abandoned() -> None:
    """There is nothing to do."""
    transport = NatsTransport("nats://localhost")

    transport.abandon()
    await transport.close(1)


async def test_a_line_that_was_never_dialled_says_nothing() -> None:
    """Nobody is there to be asked."""
    line = Line()

    assert await line.asked() == b""
    assert await line.readline() == b""
