"""`heliograph top`: what receivers take over many requests."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from heliograph.cli.ranking import print_totals
from heliograph.inspector import Total, Totals
from tests.cli.children import heliograph, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    from flask import Flask
    from heliograph import Signal
    app = Flask(__name__)
    paid, packed, lost = Signal("paid"), Signal("packed"), Signal("lost")
    @paid.connect
    def pack(sender):
        packed.send()
        packed.send()
    @packed.connect_via(None, on_error="log")
    def wrap(sender): raise OSError("no paper")
    @app.get("/")
    def index():
        paid.send()
        lost.send()
        return ""
    @app.get("/broken")
    def broken(): raise LookupError
    @app.cli.command("pay")
    def pay(): paid.send()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Write an application, and return its folder."""
    write(tmp_path / "shop.py", SHOP)
    return tmp_path


def test_all_receivers_are_counted_over_many_requests(shop: Path) -> None:
    """With calls, errors and times, and the place that sent the slowest."""
    ended = heliograph("top", "shop", "GET /", "--times", "20", "--sort", "calls", cwd=shop)

    assert (ended.status, ended.err) == (0, "")
    # Either of its two sends may be the slowest.
    shown = without_times(ended.out).replace("shop.py:9", "shop.py:8")
    lines = [re.sub(" +", " ", it).strip() for it in shown.splitlines()]
    assert [it for it in lines if "── " not in it and "──" not in it and it][:4] == [
        "signal receiver calls errors total median 99 % slowest slowest sent at",
        "packed shop.wrap shop.py:10 40 40 OSError # ms # ms # ms # ms shop.py:8",
        "paid shop.pack shop.py:6 20 # ms # ms # ms # ms shop.py:14",
        "200 emissions, 2 receivers",
    ]
    assert "lost: 20 reached no receiver" in lines


def test_only_the_first_receivers_are_shown_if_that_is_asked_for(shop: Path) -> None:
    """And how many more there are."""
    ended = heliograph("top", "shop", "GET /", "--most", "1", cwd=shop)

    assert ", 2 receivers, 1 of them not shown\n" in ended.out


def test_all_of_it_is_printed_as_json(shop: Path) -> None:
    """In the order that is asked for; what the program prints goes elsewhere."""
    write(shop / "kiosk.py", "from shop import app\nprint('hello')\n")

    ended = heliograph("top", "kiosk", "GET /", "GET /broken", "--json", "--times", "2", cwd=shop)

    document = json.loads(ended.out)
    assert {it["receiver"]: (it["count"], it["errors"]) for it in document["receivers"]} == {
        "shop.pack": (2, {}),
        "shop.wrap": (4, {"OSError": 4}),
    }
    assert document["unheard"]["lost"] == 2
    assert document["failures"] == {"GET /broken: 500 INTERNAL SERVER ERROR": 2}
    assert ended.err == "hello\nFailed 2 times: GET /broken: 500 INTERNAL SERVER ERROR\n"
    assert ended.status == 0


@pytest.mark.parametrize(("request_", "status"), [("GET /", 1), ("GET /broken", 1), ("GET /x", 0)])
def test_a_failure_is_the_exit_status_if_that_is_asked_for(
    shop: Path, request_: str, status: int
) -> None:
    """Of a receiver, or of the application."""
    assert heliograph("top", "shop", request_, "--fail", cwd=shop).status == status


def test_commands_are_counted_as_often_as_is_said(shop: Path) -> None:
    """Like requests."""
    ended = heliograph("top", "shop", "--command", "pay", "--times", "3", cwd=shop)

    assert re.search(r"paid +shop\.pack  shop\.py:6 +3 ", ended.out)


PACK = Total("paid", "shop.pack", None, 1200, {"OSError": 2}, 3.0, 0.002, 0.01, 0.1, "a.py:3")


def test_a_narrow_terminal_gets_lines_in_place_of_a_table() -> None:
    """No number is torn from its unit, and no line is too long."""
    file = io.StringIO()
    console = Console(file=file, width=40, force_terminal=True, no_color=True, highlight=False)

    print_totals(Totals(9, (PACK, PACK), {"lost": 1}, {}), console, most=1)

    shown = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert shown == (
        "paid  shop.pack  built in\n"
        "└── calls 1,200  errors 2 OSError\n"
        "      total 3.00 s  median 2.00 ms\n"
        "      99 % 10.0 ms  slowest 100 ms  sent\n"
        "      at a.py:3\n"
        "\n"
        "9 emissions, 2 receivers, 1 of them not shown\n"
        "lost: 1 reached no receiver\n"
    )


def test_what_is_not_known_is_left_out() -> None:
    """The place of the send that took longest, and errors where there were none."""
    file = io.StringIO()
    it = Total("paid", "shop.pack", "a.py:1", 1, {}, 1.0, 1.0, 1.0, 1.0, None)

    print_totals(Totals(1, (it,), {}, {}), Console(file=file, width=60, force_terminal=True))

    assert "sent at" not in file.getvalue()
    assert "errors" not in file.getvalue()


def test_a_program_without_anything_to_do_is_refused(shop: Path) -> None:
    """With --app, it is not taken for the name of one that runs."""
    ended = heliograph("top", "--app", "shop", cwd=shop)

    assert ended.status == 2
    assert ended.err.endswith("\nError: Missing argument 'REQUEST...'.\n")
