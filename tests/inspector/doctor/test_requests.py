"""What receivers do while requests run: raise, take long, connect, and change a payload."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from time import sleep
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.describe import location_of
from heliograph.inspector.doctor import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.inspector.doctor import Finding

pytestmark = pytest.mark.once

HERE = os.path.realpath(__file__)
PLACE = "tests/inspector/doctor/test_requests.py"


def observed(*requests: Callable[[], object], slow: float = 0.1) -> list[Finding]:
    """Return what an observer finds of requests."""
    with Observer() as observer:
        for request in requests:
            observer.next_request()
            request()
    return list(observer.find(slow))


def told(found: list[Finding]) -> list[tuple[str, str]]:
    """Return the checks and what they say."""
    return [(it.check, it.message) for it in found]


def test_a_receiver_that_raises_is_found_with_the_line_that_raised() -> None:
    """Once for each error, whether it is raised or logged; a receiver that was cancelled is not."""
    paid = Signal("paid")

    @paid.connect
    def book(sender: object, total: int, **extra: object) -> None:
        if total < 0:
            msg = "a negative total"
            raise ValueError(msg)

    @paid.connect(on_error="log")
    def count(sender: object, total: int, **extra: object) -> None:
        raise LookupError

    @paid.connect(sender="end")
    def leave(sender: object, **extra: object) -> None:
        raise KeyboardInterrupt

    def pay(total: int, sender: str = "kiosk") -> None:
        with suppress(ValueError, KeyboardInterrupt):
            paid.send(sender, total=total)

    found = observed(partial(pay, 1), partial(pay, -1), partial(pay, -2), partial(pay, 1, "end"))
    first = book.__code__.co_firstlineno

    assert told(found) == [
        (
            "raising-receiver",
            (
                f"{book.__module__}.{book.__qualname__}, a receiver of signal 'paid', raised "
                f"ValueError: a negative total at {PLACE}:{first + 4}; "
                "2 of 4 calls."
            ),
        ),
        (
            "raising-receiver",
            (
                f"{count.__module__}.{count.__qualname__}, a receiver of signal 'paid', raised "
                f"LookupError at {PLACE}:"
                f"{count.__code__.co_firstlineno + 2}; 4 of 4 calls."
            ),
        ),
    ]
    assert [it.location for it in found] == [f"{HERE}:{first}", location_of(count)]


def test_a_receiver_that_is_always_slow_is_found_without_what_it_sends() -> None:
    """One that was slow once only is not: it may have imported something."""
    paid, booked = Signal("paid"), Signal("booked")
    first: list[object] = []

    @paid.connect
    def book(sender: object) -> None:
        booked.send(sender)

    @paid.connect
    def slow_at_first(sender: object) -> None:
        if not first:
            first.append(sender)
            sleep(0.02)

    @booked.connect
    def slow(sender: object) -> None:
        sleep(0.02)

    found = observed(partial(paid.send, "kiosk"), partial(paid.send, "kiosk"), slow=0.015)

    assert [(it.check, it.location) for it in found] == [("slow-receiver", location_of(slow))]
    assert found[0].message.endswith(" ms or more, in each of 2 calls.")
    assert told(observed(partial(booked.send, "kiosk"), slow=10)) == []
    assert observed(partial(booked.send, "kiosk"), slow=0.015)[0].message.endswith(" ms.")


def test_connections_that_requests_leave_behind_are_found() -> None:
    """Not those that one request makes once for all, nor those that end with the request."""
    paid, kept = Signal("paid"), list[object]()

    def grow() -> None:
        def leaking(sender: object, **extra: object) -> None: ...

        paid.connect(leaking, weak=False)

    def once() -> None:
        if not kept:

            def lazily(sender: object, **extra: object) -> None: ...

            paid.connect(lazily, weak=False)
            kept.append(lazily)

    def always(sender: object, **extra: object) -> None: ...

    def for_a_while() -> None:
        def temporary(sender: object, **extra: object) -> None: ...

        paid.connect(temporary)
        paid.send("kiosk")
        paid.disconnect(temporary)
        paid.connect(always)
        paid.connect(always)

    with Observer() as observer:
        grow()  # The application starts.
        for request in (grow, grow, grow, once, once, for_a_while, for_a_while):
            observer.next_request()
            request()
    [found] = observer.find()

    assert (found.check, found.location) == (
        "connect-in-request",
        f"{HERE}:{grow.__code__.co_firstlineno + 3}",
    )
    assert found.message == (
        f"3 requests have connected {__name__}.{grow.__qualname__}.<locals>.leaking to signal "
        "'paid', and 3 connections are left."
    )


def test_a_payload_that_a_receiver_has_changed_is_found() -> None:
    """Of values that can change; with several receivers it is not known which."""
    paid, seen = Signal("paid"), Signal("seen")

    @paid.connect
    def add(sender: object, lines: list[int], **extra: object) -> None:
        lines.append(1)

    @seen.connect
    def look(sender: object, **extra: object) -> None: ...

    @seen.connect
    def put(sender: object, context: dict[str, int], **extra: object) -> None:
        context["total"] = 2

    found = observed(
        lambda: paid.send("kiosk", lines=[], kinds={1}),
        lambda: seen.send("kiosk", context={"total": 1}, total=1),
    )

    assert told(found) == [
        (
            "changed-payload",
            (
                f"{add.__module__}.{add.__qualname__} has changed 'lines' in the payload of signal "
                "'paid'."
            ),
        ),
        (
            "changed-payload",
            "One of 2 receivers has changed 'context' in the payload of signal 'seen'.",
        ),
    ]
    assert [it.location for it in found] == [location_of(add), location_of(look)]


def test_what_has_no_line_is_told_without_one() -> None:
    """Receivers in C, for instance."""
    paid: Signal[...] = Signal("paid")
    paid.connect(vars, weak=False)
    seen: Signal[...] = Signal("seen")
    seen.connect(list.reverse, weak=False)

    found = observed(partial(_ignoring, TypeError, paid), partial(seen.send, [1, 2]))

    assert [(it.check, it.location) for it in found] == [("raising-receiver", None)]


def _ignoring(kind: type[Exception], signal: Signal[...]) -> None:
    with pytest.raises(kind):
        signal.send("kiosk")


def test_what_began_before_it_was_watched_has_no_beginning() -> None:
    """An observer that is added inside of a send sees its end alone."""
    paid = Signal("paid")
    observer = Observer()

    @paid.connect
    def watch(sender: object, **extra: object) -> None:
        observer.__enter__()

    @paid.connect
    def send_more(sender: object, **extra: object) -> None:
        if sender != "inner":
            paid.send("inner")

    paid.send("kiosk")
    observer.__exit__(None, None, None)

    assert list(observer.find()) == []
