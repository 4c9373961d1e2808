"""What is behind the page's addresses, for each kind of visitor."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from heliograph.inspector.page import cursors
from heliograph.inspector.page.access import Door
from heliograph.inspector.page.document import document
from heliograph.inspector.page.news import MOST, news
from heliograph.inspector.page.site import Site
from heliograph.inspector.page.visits import ALWAYS, Answer, Visit
from heliograph.inspector.perfetto import problems_of
from heliograph.inspector.process import is_running, process_name
from tests.inspector.page.seen_values import a_request, an_emission

TOKEN = "open sesame"  # noqa: S105 - it opens nothing but a test.


@dataclass(frozen=True)
class Picture:
    """What workers have told."""

    seen: list[Any]
    cursor: dict[str, int]
    lost: dict[str, int] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)


class Workers:
    """Workers that have seen something, each as a list."""

    def __init__(
        self,
        seen: dict[str, list[Any]],
        gone: dict[str, str] | None = None,
        *,
        sees_all_workers: bool = True,
    ) -> None:
        self.seen = seen
        self.gone = gone or {}
        self.sees_all_workers = sees_all_workers

    def attend(self) -> bool:
        """Always."""
        return True

    def picture(self, cursor: dict[str, int], *, most: int) -> Picture:
        """Tell what each has seen."""
        told = {it: all_of[cursor.get(it, 0) :][:most] for it, all_of in self.seen.items()}
        places = {it: cursor.get(it, 0) + len(seen) for it, seen in told.items()}
        return Picture([it for seen in told.values() for it in seen], places, {}, self.gone)


def site(
    workers: Workers | None = None, *, token: str | None = None, developed: bool = True
) -> Site:
    """Return a page."""
    return Site(workers or Workers({}), Door(token, lambda: developed))


def ask(page: Site, path: str, method: str = "GET", **more: Any) -> Answer:
    """Visit a page that is there."""
    answer = page.answer(Visit(method, path, called="_signals", **more))
    assert answer is not None
    return answer


def test_every_answer_keeps_compression_and_caches_away() -> None:
    """Whatever stands around the application."""
    for path, method in (("/", "GET"), ("/news", "GET"), ("/nowhere", "GET"), ("/test", "GET")):
        assert set(ALWAYS) <= set(ask(site(), path, method).headers)


def test_the_page_is_one_file_that_nothing_else_can_run_in() -> None:
    """Its policy names the hashes of its own script and style."""
    found = ask(site(), "/")

    assert (found.status, found.body) == (200, document().body)
    assert dict(found.headers)["Content-Security-Policy"] == document().policy
    assert document().policy.startswith("default-src 'none'; script-src 'sha256-")


def test_the_page_ends_with_a_slash() -> None:
    """Its own addresses are relative, so that any prefix may be before them."""
    found = ask(site(), "")

    assert (found.status, dict(found.headers)["Location"]) == (303, "_signals/")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "GET", 404), ("/news", "POST", 405), ("/test", "GET", 405), ("/", "HEAD", 200)],
)
def test_other_addresses_and_methods_are_refused(path: str, method: str, status: int) -> None:
    """By the words of HTTP."""
    assert ask(site(), path, method).status == status


def test_where_the_page_is_off_the_application_answers(caplog: pytest.LogCaptureFixture) -> None:
    """And the log says once how to turn it on."""
    page = site(developed=False)
    with caplog.at_level(logging.WARNING, "heliograph"):
        assert page.answer(Visit("GET", "/")) is None
        assert page.answer(Visit("GET", "/news")) is None

    [record] = caplog.records
    assert "make the Inspector with a token" in record.getMessage()
    assert not page.welcomes(Visit("GET"))


def test_who_has_no_token_is_told_of_it() -> None:
    """In plain text, and with a status that says so."""
    found = ask(site(token=TOKEN, developed=False), "/")

    assert (found.status, found.body[:25]) == (403, b"This page needs the token")


@pytest.mark.parametrize(("path", "to"), [("", "_signals/"), ("/", "./"), ("/news", "./")])
def test_the_token_leaves_the_address(path: str, to: str) -> None:
    """It does not stay in the browser's history."""
    found = ask(site(token=TOKEN, developed=False), path, query={"token": TOKEN})

    headers = dict(found.headers)
    assert (found.status, headers["Location"]) == (303, to)
    assert headers["Set-Cookie"].startswith("heliograph-")


def test_news_come_once() -> None:
    """The cursor says how far a browser has come in each process."""
    workers = Workers({"1-a": [a_request(), an_emission(0)], "2-b": [an_emission(1)]})

    first = news(workers, "")
    second = news(workers, first["cursor"])

    assert (len(first["requests"]), len(first["emissions"])) == (1, 2)
    assert first["cursor"] == "1-a:2,2-b:1"
    assert (first["picture"], first["workers"]) == ("2 workers", ["1-a", "2-b"])
    assert (second["requests"], second["emissions"], second["more"]) == ([], [], False)


def test_a_large_answer_comes_in_pieces() -> None:
    """No request is long, however much there is."""
    workers = Workers({"1-a": [an_emission(it, process="1-a") for it in range(MOST + 5)]})

    first = news(workers, "")
    second = news(workers, first["cursor"])

    assert (len(first["emissions"]), first["more"]) == (MOST, True)
    assert ([it["id"] for it in second["emissions"]], second["more"]) == (
        [*range(MOST, MOST + 5)],
        False,
    )


def test_what_was_given_up_is_counted_for_whoever_was_there() -> None:
    """A browser that has just come has missed nothing."""

    class Lossy(Workers):
        def picture(self, cursor: dict[str, int], *, most: int) -> Picture:
            return Picture([], {"1-a": 9}, {"1-a": 4})

    assert news(Lossy({}), "")["lost"] == 0
    assert news(Lossy({}), "1-a:2")["lost"] == 4


def test_a_worker_that_has_ended_stays_in_the_cursor() -> None:
    """It may be one that could not be reached for a while."""
    assert news(Workers({"2-b": []}), "1-a:7,2-b:0")["cursor"] == "1-a:7,2-b:0"


@pytest.mark.parametrize("cursor", ["", "nonsense", "1-a:x", "1-a:1,", "../../etc:1", "1-a:-1"])
def test_a_cursor_of_nobody_is_at_the_beginning(cursor: str) -> None:
    """It comes over the network."""
    assert cursors.read(cursor) == {}


def test_a_cursor_does_not_grow_for_ever() -> None:
    """Each reload makes a new process."""
    places = {f"{it}-a": it for it in range(100)}

    assert cursors.read(cursors.written(places)) == dict(list(places.items())[-cursors.MOST :])


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (Workers({"1-a": []}), "1 worker"),
        (Workers({"1-a": []}, {"2": "it does not answer"}), "1 of 2 workers"),
        (Workers({"1-a": []}, sees_all_workers=False), "process 1"),
    ],
)
def test_the_page_says_of_whom_the_picture_is(workers: Workers, said: str) -> None:
    """A picture of one worker is not taken for that of all."""
    found = news(workers, "")

    assert (found["picture"], found["workers"]) == (said, ["1-a"])
    gone = workers.gone.items()
    assert found["notes"] == [f"Worker {it} has not told: {why}." for it, why in gone]


def test_workers_that_take_turns_are_counted_as_they_come() -> None:
    """Without a socket, each request meets one of them; those that have ended do not count."""
    here, parent = process_name(), f"{os.getppid()}-1a"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = news(
        Workers({here: []}, sees_all_workers=False), f"{parent}:3,{ended.pid}-1:2,{here}:0"
    )

    assert found["workers"] == [here, parent]
    assert found["picture"] == (
        f"process {os.getpid()}, one of 2 that take turns: Inspector(attach=True) shows all"
    )


def test_a_process_of_somebody_else_is_running() -> None:
    """The first process of a machine never ends."""
    assert is_running("1-0")


def test_the_pages_own_requests_are_no_news() -> None:
    """It may stand inside of what tells of requests."""
    own = a_request(id="own", path="/shop/_signals/news")
    seen = [own, an_emission(0, request="own"), a_request(), an_emission(1)]
    found = news(Workers({"1-a": seen}), "", "/shop/_signals")

    assert [it["id"] for it in found["requests"]] == ["r1"]
    assert [it["request"] for it in found["emissions"]] == ["r1"]


def post(page: Site, path: str, value: object, kind: str = "application/json") -> Answer:
    """Post a value as JSON."""
    return ask(page, path, "POST", body=json.dumps(value).encode(), content_type=kind)


def trace() -> dict[str, Any]:
    """Return what a browser posts."""
    return {"request": a_request().as_dict(), "emissions": [an_emission().as_dict()]}


def test_a_trace_comes_back_as_a_test() -> None:
    """The browser has the trace, so any worker can write it."""
    found = post(site(), "/test", trace())
    outside = post(site(), "/test", {**trace(), "request": None}, "application/json; charset=utf-8")

    assert (found.status, outside.status) == (200, 200)
    assert 'client.get("/orders")' in json.loads(found.body)["test"]
    assert "# Sent at shop/views.py:9." in json.loads(outside.body)["test"]


@pytest.mark.parametrize(
    "value", [None, [], {}, {"request": 3, "emissions": []}, {"request": None, "emissions": [{}]}]
)
def test_what_is_no_trace_is_refused(value: object) -> None:
    """With a reason, and no traceback."""
    assert post(site(), "/test", value).status == 400


def test_a_form_of_another_site_posts_nothing() -> None:
    """Forms cannot send JSON's type."""
    assert post(site(), "/test", trace(), "text/plain").status == 415


def test_the_wiring_is_told() -> None:
    """For the views of what was not called."""
    assert "signals" in json.loads(ask(site(), "/wiring").body)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"error": "ValueError: no", "status": 500},
        {"status": None, "duration": None},
        {"status": None, "error": "ValueError: no"},
    ],
)
def test_a_trace_comes_back_as_a_file_for_perfetto(changes: dict[str, Any]) -> None:
    """In a format that our validator accepts."""
    found = post(site(), "/perfetto", {**trace(), "request": a_request(**changes).as_dict()})

    written = json.loads(found.body)
    assert problems_of(written) == []
    names = [it["name"] for it in written["traceEvents"]]
    assert {"GET /orders", "order-placed", "shop.mail.send_receipt"} <= set(names)


def test_what_was_sent_outside_of_requests_is_a_file_too() -> None:
    """Also if there is nothing."""
    nothing: list[Any] = []
    for emissions in (trace()["emissions"], nothing):
        found = post(site(), "/perfetto", {"request": None, "emissions": emissions})
        assert problems_of(json.loads(found.body)) == []
