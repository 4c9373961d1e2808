"""The page of a trail: who may see it, what it shows, and that it changes nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from heliograph import ArgumentError, Signal
from heliograph.audit import Trail
from heliograph.audit.page.html import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "open sesame"  # noqa: S105 - of the tests alone.
HOSTILE = "<script>alert(1)</script>\"'&\u202e"


@pytest.fixture
def paid() -> Signal:
    """Give a signal."""
    return Signal("paid")


@pytest.fixture
def trail(tmp_path: Path, paid: Signal) -> Iterator[Trail]:
    """Give an open trail that records the signal."""
    with Trail(f"sqlite:///{tmp_path / 'trail.db'}", service="shop") as made:
        made.record(paid, actor="user", target=("order", "n"), outcome=lambda _, it: it["outcome"])
        yield made


def fill(paid: Signal, several: int) -> None:
    """Send so many times."""
    for n in range(several):
        paid.send("shop", n=n, user="ada" if n % 2 else HOSTILE,
                  outcome="denied" if n == 3 else "success")  # fmt: skip


def app(environ: Any, start_response: Any) -> list[bytes]:
    """Answer as the application."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]


def opened(trail: Trail, **options: Any) -> Client:
    """Return a browser that has the token."""
    client = Client(trail.wsgi(app, token=TOKEN, **options))
    assert client.get("/_trail/?token=open+sesame").status_code == 303
    return client


def test_without_the_token_the_page_is_closed(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says what to do; the application's own addresses are not touched."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    client = Client(trail.wsgi(app, token=TOKEN))
    refused = client.get("/_trail/")

    assert (refused.status_code, "needs the token that the program gave" in refused.text) == (
        403, True,
    )  # fmt: skip
    assert client.get("/_trail/?token=guess").status_code == 403
    assert client.get("/_trailer").text == "the application"
    assert client.get("/").text == "the application"
    header = {"Authorization": "Bearer open sesame"}
    assert client.get("/_trail/", headers=header).status_code == 200


def test_in_production_without_a_token_there_is_no_page(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application answers."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")

    assert Client(trail.wsgi(app)).get("/_trail/").text == "the application"


def test_in_development_this_machine_sees_it(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")
    client = Client(trail.wsgi())

    assert client.get("/").status_code == 200
    assert client.get("/", base_url="http://evil.example/").status_code == 403


def test_it_shows_entries_and_escapes_them(trail: Trail, paid: Signal) -> None:
    """Whatever was recorded, nothing of it is HTML; and nothing may run or be loaded."""
    fill(paid, 5)
    page = opened(trail).get("/_trail/")

    assert "5 entries, 0 seals, 5 not sealed yet. Nothing can be changed here." in page.text
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "\u202e" not in page.text
    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["Cache-Control"] == "no-store"
    assert '<td class="bad">denied</td>' in page.text


def test_it_searches(trail: Trail, paid: Signal) -> None:
    """By the fields of the form; what is no time is said."""
    fill(paid, 5)
    client = opened(trail)

    def numbers(query: str) -> list[str]:
        return re.findall(r'entry=(\d+)"', client.get(f"/_trail/?{query}").text)

    assert numbers("") == ["5", "4", "3", "2", "1"]
    assert numbers("actor=ada") == ["4", "2"]
    assert numbers("outcome=denied&since=1h") == ["4"]
    assert numbers("target=order:2") == ["3"]
    assert numbers("until=2020-01-01") == []
    assert "No entry matches." in client.get("/_trail/?actor=eve").text
    wrong = client.get("/_trail/?since=yesterday")
    assert wrong.status_code == 400
    assert wrong.text.startswith("'yesterday' is no time: write 2026-01-31")


def test_it_goes_on_to_older_entries(trail: Trail, paid: Signal) -> None:
    """Page by page, with what was searched for."""
    fill(paid, 120)
    client = opened(trail)
    seen: list[str] = []
    address: str | None = "?signal=paid"
    while address:
        text = client.get(f"/_trail/{address}").text
        seen += re.findall(r'entry=(\d+)"', text)
        found = re.search(r'<a href="([^"]+)">Older', text)
        address = found and found[1].replace("&amp;", "&")

    assert seen == [str(n) for n in range(120, 0, -1)]


def test_it_shows_one_entry(trail: Trail, paid: Signal) -> None:
    """With all that it tells; or that this was erased."""
    fill(paid, 2)
    client = opened(trail)
    assert "user: ada" in client.get("/_trail/?entry=2").text
    trail.erase("ada", reason="asked")
    assert "What it told was erased" in client.get("/_trail/?entry=2").text
    assert ">erased<" in client.get("/_trail/?actor=ada").text
    assert client.get("/_trail/?entry=99").status_code == 404
    assert client.get("/_trail/?entry=x").status_code == 404


def test_other_addresses_and_methods_are_refused(trail: Trail) -> None:
    """There is one address, and it is only read."""
    client = opened(trail)

    assert client.get("/_trail").headers["Location"].endswith("_trail/")
    assert client.get("/_trail/other").status_code == 404
    assert client.post("/_trail/").status_code == 405


def test_over_asgi_it_is_the_same(trail: Trail, paid: Signal) -> None:
    """In a thread, so that the loop goes on."""
    fill(paid, 1)
    sent: list[Any] = []
    scope = {
        "type": "http", "method": "GET", "path": "/_trail/", "query_string": b"",
        "headers": [(b"authorization", b"Bearer open sesame")], "client": ("10.0.0.1", 1),
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(trail.asgi(None, token=TOKEN)({**scope, "path": "/"}, receive, send))

    assert sent[0]["status"] == 200
    assert b"1 entry, 0 seals" in sent[1]["body"]


@pytest.mark.parametrize("path", ["trail", "/trail/", ""])
def test_a_path_that_is_none_is_refused(trail: Trail, path: str) -> None:
    """Before anything is served."""
    with pytest.raises(ArgumentError, match="is no path for the page: begin it with a slash"):
        trail.wsgi(app, path=path)
