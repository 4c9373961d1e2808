"""`heliograph top`: what the receivers of a running application take."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import Signal
from heliograph.inspector.attaching.door import Door
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.inspector import Inspector
from tests.cli.children import heliograph, without_times
from tests.cli.servers import awaited, got
from tests.cli.test_watch import answers, place, running

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["place"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")

paid, lonely = Signal("order-paid"), Signal("order-lost")


def note(sender: object, **extra: object) -> None:
    """Receive."""


def fail(sender: object, **extra: object) -> None:
    """Raise."""
    raise ValueError


def here(function: Any) -> str:
    """Return the place of a function of this file."""
    return f"tests/cli/test_top.py:{function.__code__.co_firstlineno}"


def send_some() -> None:
    """Send to both, and to nobody."""
    for _ in range(3):
        with pytest.raises(ValueError):  # noqa: PT011 - it has no message.
            paid.send("shop")
    lonely.send("shop")


def test_what_was_counted_is_a_table(place: Path) -> None:
    """With what reached nobody below it."""
    with (
        paid.connected_to(note),
        paid.connected_to(fail),
        Inspector(attach="shop", folder=place, counts=True),
    ):
        send_some()
        options = ("--folder", str(place), "--for", "0s")
        table = heliograph("top", *options, "--sort", "errors", cwd=place.parent)
        first = heliograph("top", "shop", *options, "--most", "1", cwd=place.parent)
        told = heliograph("top", *options, "--json", cwd=place.parent)

    assert (table.status, table.err) == (0, "")
    rows = [it.split() for it in without_times(table.out).splitlines() if "order-paid" in it]
    times = ["#", "ms"] * 4
    assert [row[:-1] for row in rows] == [
        ["order-paid", f"{__name__}.fail", here(fail), "3", "3", "ValueError", *times],
        ["order-paid", f"{__name__}.note", here(note), "3", *times],
    ]
    assert "4 emissions, 2 receivers\norder-lost: 1 reached no receiver\n" in table.out
    assert "4 emissions, 2 receivers, 1 of them not shown" in first.out
    totals = json.loads(told.out)
    assert totals["unheard"] == {"order-lost": 1}
    assert {it["receiver"]: it["count"] for it in totals["receivers"]} == {
        f"{__name__}.note": 3,
        f"{__name__}.fail": 3,
    }


def test_all_workers_are_summed(tmp_path: Path, place: Path) -> None:
    """They count from the first look on."""
    log = tmp_path / "server.log"
    with running("gunicorn", tmp_path, place) as address:
        awaited(lambda: answers(address), log)
        options = ("--folder", str(place), "--json")
        heliograph("top", *options, "--for", "0s", cwd=tmp_path)
        for _ in range(30):
            got(address)
        ended = heliograph("top", *options, "--for", "0s", cwd=tmp_path)

    totals = json.loads(ended.out)
    assert [(it["receiver"], it["count"]) for it in totals["receivers"]] == [("shop.note", 30)]


def test_it_waits_for_those_that_begin_to_count(place: Path) -> None:
    """And looks again meanwhile, or they would stop."""
    with Inspector(attach="shop", folder=place):
        ended = heliograph("top", "--folder", str(place), "--for", "2.1s", cwd=place.parent)

    assert ended.status == 0
    assert "0 emissions, 0 receivers" in ended.out


def test_processes_that_cannot_be_asked_are_named(place: Path) -> None:
    """The others are summed."""
    refusing = Door("shop", Folder(place), {}, lambda: {"process": "1-a"})
    refusing.open()
    options = ("--folder", str(place), "--for", "0s")
    try:
        none = heliograph("top", *options, cwd=place.parent)
        with Inspector(attach="shop", folder=place):
            some = heliograph("top", *options, cwd=place.parent)
    finally:
        refusing.close()

    why = f"process {os.getpid()} is not among them: this process does not know what 'counts' is"
    assert (none.status, some.status) == (1, 0)
    assert why in none.err
    assert "No process can be asked what it has counted." in none.err
    assert some.err == f"{why}\n"


def test_an_answer_that_is_none_is_told(place: Path) -> None:
    """It may be of another version."""
    other = Door("shop", Folder(place), {"counts": lambda _: {}}, lambda: {"process": "1-a"})
    other.open()
    try:
        ended = heliograph("top", "--folder", str(place), "--for", "0s", cwd=place.parent)
    finally:
        other.close()

    assert ended.status == 1
    assert "These are no counts" in ended.err


def test_nobody_to_attach_to_is_said(place: Path) -> None:
    """With what to do."""
    ended = heliograph("top", "--folder", str(place), cwd=place.parent)

    assert ended.status == 1
    assert "HELIOGRAPH_ATTACH=1" in ended.err


def test_several_applications_have_to_be_told_apart(place: Path) -> None:
    """As for watch."""
    with Inspector(attach="shop", folder=place), Inspector(attach="kiosk", folder=place):
        ended = heliograph("top", "--folder", str(place), cwd=place.parent)

    assert ended.status == 2
