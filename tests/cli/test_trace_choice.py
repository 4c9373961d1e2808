"""What of a trace is shown, in which form, and what makes it fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from heliograph.inspector.perfetto import problems_of
from tests.cli.children import heliograph, without_origins, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    import time
    from flask import Flask
    from heliograph import Namespace, Signal
    app = Flask(__name__)
    shop = Namespace("shop")
    @shop.declare
    def paid(sender: str, *, total: int, card: str) -> None: ...
    packed, moved = Signal("packed"), Signal("moved")
    @paid.connect
    def pack(sender, **extra):
        for _ in range(200):
            packed.send()
            moved.send()
    @paid.connect_via("till", on_error="log")
    def audit(sender, **extra): raise OSError("no paper")
    @packed.connect
    def wait(sender): ...
    @paid.connect
    def think(sender, **extra): time.sleep(0.5)
    @app.get("/")
    def index():
        paid.send("till", total=12, card="1234")
        return {"paid": True}
    @app.get("/moved")
    def move():
        moved.send()
        return ""
    @app.get("/broken")
    def broken(): raise LookupError
    @app.get("/wrong")
    def wrong():
        paid.send("till", totl=1)
        return ""
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Write an application, and return its folder."""
    write(tmp_path / "shop.py", SHOP)
    return tmp_path


def shown(*arguments: str, cwd: Path) -> list[str]:
    """Return the lines of a trace."""
    ended = heliograph("trace", "--no-check", "--slow", "400ms", "shop", *arguments, cwd=cwd)

    assert (ended.status, ended.err) == (0, "")
    return without_origins(without_times(ended.out)).splitlines()


PAID = [
    "├── paid (total, card)  # ms",
    "│   ├── shop.pack  shop.py:10  # ms",
    "│   │   └── packed  × 200, # ms",
    "│   │       └── shop.wait  shop.py:17  # ms",
    "│   ├── shop.audit  shop.py:15  # ms",
    "│   │   logged OSError: no paper  shop.py:16",
    "│   └── shop.think  shop.py:19  # ms slow",
]


def test_what_repeats_itself_and_what_nobody_hears_is_folded(shop: Path) -> None:
    """Rounds of a loop become one line for each send, and a slow receiver stands out."""
    title, *lines, unheard, empty = shown("GET /", cwd=shop)

    assert title == "GET /  200 OK  # ms"
    assert lines == PAID
    assert unheard.startswith("└── 7 signals nobody hears: appcontext-pushed, request-started, ")
    assert "moved × 200" in unheard
    assert empty == ""


def test_what_nobody_hears_is_shown_where_it_was_sent_if_that_is_asked_for(shop: Path) -> None:
    """In its order."""
    lines = shown("--unheard", "GET /", cwd=shop)

    assert "│   │   ├── packed  × 200, # ms" in lines
    assert "│   │   └── moved  no receivers  × 200, # ms" in lines


@pytest.mark.parametrize(
    ("choice", "lines"),
    [
        (
            ["--signal", "packed"],
            [
                "└── paid (total, card)",
                "    └── shop.pack  shop.py:10  # ms",
                "        └── packed  × 200, # ms",
                "            └── shop.wait  shop.py:17  # ms",
            ],
        ),
        (
            ["--signal", "shop.p*", "--receiver", "audit"],
            [
                "└── paid (total, card)",
                "    └── shop.audit  shop.py:15  # ms",
                "        logged OSError: no paper  shop.py:16",
            ],
        ),
        (
            ["--only", "slow"],
            ["└── paid (total, card)", "    └── shop.think  shop.py:19  # ms slow"],
        ),
        (
            ["--only", "slow", "--only", "failed"],
            [
                "└── paid (total, card)  # ms",
                "    ├── shop.audit  shop.py:15  # ms",
                "    │   logged OSError: no paper  shop.py:16",
                "    └── shop.think  shop.py:19  # ms slow",
            ],
        ),
    ],
)
def test_signals_and_receivers_can_be_chosen(
    shop: Path, choice: list[str], lines: list[str]
) -> None:
    """What was sent around them stays, and steps without any are counted."""
    got = shown(*choice, "GET /", "GET /moved", cwd=shop)

    assert got == [
        "GET /  200 OK  # ms",
        *lines,
        "",
        "1 step sent nothing of what is shown here.",
    ]


def test_a_step_that_fails_is_always_shown(shop: Path) -> None:
    """Though nothing of what is chosen was sent in it."""
    got = shown("--only", "slow", "GET /broken", "GET /moved", "GET /moved", cwd=shop)

    assert got == [
        "GET /broken  500 INTERNAL SERVER ERROR  # ms",
        "",
        "2 steps sent nothing of what is shown here.",
    ]


def test_values_are_shown_if_that_is_asked_for(shop: Path) -> None:
    """But for those with names of secrets, and others that are named."""
    lines = shown("--payload", "--redact", "card", "GET /", cwd=shop)

    assert lines[1] == "├── paid (total=12, card=[redacted])  # ms"


def test_who_sent_is_shown_with_the_line(tmp_path: Path) -> None:
    """The kind of the sender, as its value may be a secret."""
    write(tmp_path / "shop.py", SHOP)
    ended = heliograph("trace", "shop", "GET /", cwd=tmp_path)

    assert "├── paid (total, card)  from a str at shop.py:23  " in ended.out
    assert "└── packed  at shop.py:13  × 200, " in ended.out


def test_what_differs_from_production_is_said_and_can_be_left_out(shop: Path) -> None:
    """A wrong payload is refused in development alone, and only where it is declared."""
    said = "\nPayloads were checked against their declarations, which production does not do;"
    checked = heliograph("trace", "shop", "GET /wrong", cwd=shop)
    right = heliograph("trace", "shop", "GET /", cwd=shop)
    unchecked = heliograph("trace", "--no-check", "shop", "GET /wrong", cwd=shop)
    undeclared = heliograph("trace", "shop", "GET /moved", cwd=shop)
    off = heliograph("trace", "shop", "GET /wrong", cwd=shop, HELIOGRAPH_CHECK="0")

    assert "500 INTERNAL SERVER ERROR" in checked.out
    assert said in right.out
    assert said not in undeclared.out
    for it in unchecked, off:
        assert "GET /wrong  200 OK" in it.out
        assert "├── paid (totl)  not as declared: 'total' is missing, and " in it.out
        assert said not in it.out


@pytest.mark.parametrize(
    ("arguments", "failures"),
    [
        (["GET /moved"], []),
        (["GET /broken"], ["GET /broken: 500 INTERNAL SERVER ERROR."]),
        (["GET /"], ["GET /: shop.audit raised OSError: no paper (shop.py:16)."]),
        (["--script", "quiet.py"], []),
        (["--script", "loud.py"], ["loud.py: exit status 2."]),
    ],
)
def test_failures_are_the_exit_status_if_that_is_asked_for(
    shop: Path, arguments: list[str], failures: list[str]
) -> None:
    """Each is told on the error output."""
    write(shop / "quiet.py", "")
    write(shop / "loud.py", "raise SystemExit(2)")
    program = [] if "--script" in arguments else ["shop"]

    ended = heliograph("trace", *program, *arguments, "--fail", cwd=shop)

    assert ended.status == bool(failures)
    assert ended.err.splitlines() == (
        ["Failed:", *(f"  {it}" for it in failures)] if failures else []
    )


def test_a_slow_receiver_is_a_failure_if_it_is_said_what_is_slow(shop: Path) -> None:
    """From that duration on."""
    slow = heliograph("trace", "shop", "GET /", "--fail", "--slow", "400ms", cwd=shop)
    quick = heliograph("trace", "shop", "GET /moved", "--fail", "--slow", "2s", cwd=shop)

    assert "  GET /: shop.think took 5" in slow.err
    assert quick.status == 0


@pytest.mark.parametrize("duration", ["", "ms", "-1ms", "5 minutes", "1h"])
def test_what_is_no_duration_is_refused(shop: Path, duration: str) -> None:
    """Before the program is loaded."""
    ended = heliograph("trace", "shop", "GET /", "--slow", duration, cwd=shop)

    assert ended.status == 2
    assert f"{duration!r} is no duration: write 5ms, 1.5s or 200us." in ended.err


def test_programs_get_json(shop: Path) -> None:
    """All of it, with the response; what the program prints goes elsewhere."""
    write(shop / "kiosk.py", "from shop import app\nprint('hello')\n")

    ended = heliograph("trace", "kiosk", "GET /", "GET /broken", "--json", cwd=shop)

    document = json.loads(ended.out)
    first, second = document["parts"]
    assert document["checked"] is True
    assert (first["title"], first["outcome"], first["failed"]) == ("GET /", "200 OK", False)
    assert first["failures"] == ["GET /: shop.audit raised OSError: no paper (shop.py:16)."]
    assert first["response"]["status"] == "200 OK"
    assert first["response"]["body"] == ["{", '  "paid": true', "}"]
    assert ["Content-Type", "application/json"] in first["response"]["headers"]
    [paid] = [it for it in first["emissions"] if it["signal"] == "paid"]
    assert [it["receiver"] for it in paid["deliveries"]] == [
        "shop.pack",
        "shop.audit",
        "shop.think",
    ]
    assert second["failed"] is True
    assert ended.err == "hello\n"

    script = heliograph("trace", "--script", "kiosk.py", "--json", cwd=shop)
    assert "response" not in json.loads(script.out)["parts"][0]


def test_a_file_for_perfetto_is_written(shop: Path) -> None:
    """Beside the tree; one that cannot be written is told of."""
    ended = heliograph("trace", "shop", "GET /", "GET /moved", "-o", "trace.json", cwd=shop)
    nowhere = heliograph("trace", "shop", "GET /moved", "-o", "no/trace.json", cwd=shop)

    document = json.loads((shop / "trace.json").read_text(encoding="utf-8"))
    assert ended.status == 0
    assert problems_of(document) == []
    names = [it["name"] for it in document["traceEvents"] if it["ph"] == "X"]
    assert (names.count("GET /"), names.count("packed"), names.count("moved")) == (1, 200, 201)
    assert (nowhere.status, nowhere.err) == (
        1,
        "Error: 'no/trace.json' cannot be written: No such file or directory.\n",
    )


def test_what_there_was_no_room_for_is_told(tmp_path: Path) -> None:
    """A program may send more than what is kept of it."""
    write(
        tmp_path / "many.py",
        """
        from heliograph import Signal
        many = Signal("many")
        for _ in range(200_003): many.send()
        """,
    )

    ended = heliograph("trace", "--script", "many.py", cwd=tmp_path)

    assert "sends are not shown, as there was no room to keep them\n" in ended.out


CONCURRENT = """
    import asyncio, threading
    from heliograph import Signal
    paid, packed, mailed = Signal("paid"), Signal("packed"), Signal("mailed")
    @paid.connect
    async def spread(sender):
        await asyncio.gather(*(packed.send_async(at) for at in range(4)))
    @packed.connect
    async def wait(sender):
        await asyncio.sleep(0.01 * (1 + sender))
        await asyncio.to_thread(mailed.send, sender)
    @mailed.connect
    def count(sender): threading.Event().wait(0.01)
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        async with asyncio.TaskGroup() as group:
            for _ in range(2): group.create_task(paid.send_async("shop"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
"""


def test_a_file_for_perfetto_holds_tasks_and_threads_that_overlap(tmp_path: Path) -> None:
    """Each in a track of its own, with an arrow from where it was started."""
    write(tmp_path / "shop.py", CONCURRENT)

    ended = heliograph("trace", "shop", "GET /", "GET /", "-o", "trace.json", cwd=tmp_path)

    document = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert (ended.status, ended.err) == (0, "")
    assert problems_of(document) == []
    events = document["traceEvents"]
    slices = [it["name"] for it in events if it["ph"] == "X"]
    assert [slices.count(it) for it in ("GET /", "paid", "packed", "mailed")] == [2, 4, 16, 16]
    tracks = {it["tid"] for it in events if it["name"] == "packed"}
    assert len(tracks) > 8
    assert len([it for it in events if it["ph"] == "s"]) == len(
        [it for it in events if it["ph"] == "f"]
    )
