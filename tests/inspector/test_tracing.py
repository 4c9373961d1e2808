"""A block of code that is traced, and functions each call of which is."""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Signal, StateError
from heliograph.inspector import Trace, trace
from heliograph.inspector.perfetto import problems_of
from heliograph.redaction import Redaction
from tests.cli.children import child, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

HERE = "tests/inspector/test_tracing.py"

paid, packed = Signal("order-paid"), Signal("order-packed")


def line_of(function: Any, offset: int) -> str:
    """Return a line of this file, counted from that of a function."""
    return f"{HERE}:{function.__code__.co_firstlineno + offset}"


def pack(sender: object, **extra: object) -> None:
    """Send another signal."""
    packed.send(sender, boxes=2)


def test_a_block_is_shown_as_a_tree_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """On the standard error, with the line of the block as its title."""
    with paid.connected_to(pack), trace() as traced:
        paid.send("shop", total=12)

    here = test_a_block_is_shown_as_a_tree_at_its_end
    shown = without_times(capsys.readouterr().err)
    assert shown == (
        f"trace at {line_of(here, 2)}  # ms\n"
        f"├── order-paid (total)  from a str at {line_of(here, 3)}\n"
        f"│   └── {__name__}.pack  {line_of(pack, 0)}  # ms\n"
        "└── 1 signal nobody hears: order-packed\n\n"
    )
    assert without_times(str(traced)) == without_times(traced.tree()) == shown
    assert [(it.signal, it.parent) for it in traced.emissions] == [
        ("order-packed", 0),
        ("order-paid", None),
    ]
    assert re.fullmatch(r"<Trace 'trace at [\w/.:]+': 2 sends in [\d.]+ .s>", repr(traced))


def test_a_block_may_be_shown_elsewhere_or_not_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that has few letters gets the tree in those."""
    small = io.TextIOWrapper(io.BytesIO(), "ascii")
    with paid.connected_to(pack), trace("größe", file=small, unheard=True):
        paid.send(None)
    with trace(show=False):
        paid.send("shop")
    small.seek(0)

    here = line_of(test_a_block_may_be_shown_elsewhere_or_not_at_all, 4)
    assert capsys.readouterr().err == ""
    assert re.sub(r"\d[\d.]* .?.s\n", "# ms\n", small.read()) == (
        "gr\\xf6\\xdfe  # ms\n"
        f"`-- order-paid  at {here}\n"
        f"    `-- {__name__}.pack  {line_of(pack, 0)}  # ms\n"
        f"        `-- order-packed (boxes)  no receivers  at {line_of(pack, 2)}\n\n"
    )


def send_and_fail() -> None:
    """Send, and raise."""
    paid.send("shop")
    raise LookupError(3)


def test_an_error_that_ends_the_block_is_told_and_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was sent until then is shown."""
    with pytest.raises(LookupError), trace("import"):
        send_and_fail()

    line = line_of(send_and_fail, 3)
    shown = without_times(capsys.readouterr().err)
    assert shown.startswith(f"import  raised LookupError: 3  {line}  # ms\n")
    assert "order-paid" in shown


def test_a_function_is_traced_in_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    """With the function as the title; what it returns and raises stays."""

    @trace()
    def pay(total: int) -> int:
        paid.send("shop", total=total)
        return total

    @trace("failing")
    def fail() -> None:
        raise LookupError

    assert (pay(1), pay(total=2)) == (1, 2)
    with pytest.raises(LookupError):
        fail()

    titles = [it for it in capsys.readouterr().err.splitlines() if it[:1] not in ("", "└", "├")]
    assert [it.split("  ")[0] for it in titles] == [
        f"{__name__}.{pay.__qualname__}()",
        f"{__name__}.{pay.__qualname__}()",
        "failing",
    ]


async def test_an_async_function_is_traced_until_it_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Awaiting included."""

    @trace("pay")
    async def pay() -> str:
        await paid.send_async("shop")
        return "done"

    assert await pay() == "done"
    assert "1 signal nobody hears: order-paid" in capsys.readouterr().err


def test_while_a_block_lasts_what_was_sent_so_far_is_told() -> None:
    """What has not ended yet is among it."""
    told: list[str] = []

    def look(sender: object) -> None:
        told.append(traced.tree())

    with paid.connected_to(look), trace(show=False) as traced:
        paid.send("shop")

    assert "order-paid  from a str at" in told[0]
    assert "still under way" in told[0]


def test_all_threads_are_traced() -> None:
    """Not only the one of the block."""
    with trace(show=False) as traced:
        thread = threading.Thread(target=paid.send, name="till")
        thread.start()
        thread.join()

    assert [it.thread for it in traced.emissions] == ["till"]


def test_signals_values_and_names_to_hide_can_be_chosen() -> None:
    """Values are shown if that is asked for."""
    with trace(signals=iter([paid]), values=True, redaction=Redaction(["who"]), show=False) as it:
        paid.send("shop", total=12, who="Ada", cookie="x")
        packed.send("shop")

    assert [dict(one.payload) for one in it.emissions] == [
        {"total": "12", "who": "[redacted]", "cookie": "[redacted]"}
    ]


def test_a_slow_receiver_stands_out_from_when_it_is_said() -> None:
    """With 0, all of them."""
    with paid.connected_to(pack), trace(slow=0, show=False) as traced:
        paid.send("shop")

    assert " slow\n" in traced.tree()


@pytest.mark.parametrize("slow", [-1, float("nan"), "5ms", None, True])
def test_what_is_no_time_is_refused(slow: Any) -> None:
    """Before the block begins."""
    with pytest.raises(ArgumentError, match="is no number of seconds"):
        trace(slow=slow)


def test_a_trace_is_for_one_block() -> None:
    """It tells when it has not begun, or was used."""
    traced = trace(show=False)
    before = repr(traced), str(traced), traced._repr_html_()
    with pytest.raises(StateError, match="This trace has not begun"):
        traced.tree()
    with traced:
        pass
    with pytest.raises(StateError, match="This trace has been used"), traced:
        pass

    assert before == (
        "<Trace that has not begun>",
        "<Trace that has not begun>",
        '<pre style="line-height: 1.25"></pre>',
    )


def test_a_notebook_shows_it_with_colours() -> None:
    """Whatever names and values are, they are text."""
    with trace("<b>&", show=False, values=True) as traced, paid.connected_to(pack):
        paid.send("shop", html="<script>")

    shown = traced._repr_html_()
    assert shown.startswith(
        '<pre style="line-height: 1.25"><span style="font-weight: bold">&lt;b&gt;&amp;</span>'
    )
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_it_is_saved_for_perfetto(tmp_path: Path) -> None:
    """As trace events that keep the rules."""
    with trace("GET /", show=False) as traced, paid.connected_to(pack):
        paid.send("shop")
    traced.save(tmp_path / "trace.json")

    document = json.loads((tmp_path / "trace.json").read_text())
    assert problems_of(document) == []
    assert [it["name"] for it in document["traceEvents"] if it["ph"] == "X"] == [
        "GET /",
        "order-paid",
        f"{__name__}.pack",
        "order-packed",
    ]


def test_it_needs_neither_click_nor_rich(tmp_path: Path) -> None:
    """A job or a notebook has no command line."""
    write(
        tmp_path / "job.py",
        """
        import sys
        sys.modules["click"] = sys.modules["rich"] = None
        from heliograph import Signal
        from heliograph.inspector import trace
        with trace("job"):
            Signal("paid").send()
        """,
    )

    ended = child(sys.executable, "job.py", cwd=tmp_path)

    assert (ended.status, ended.out) == (0, "")
    assert ended.err.startswith("job  ")
    assert ended.err.endswith("└── 1 signal nobody hears: paid\n\n")


def test_trace_returns_what_it_says() -> None:
    """A `Trace`."""
    assert type(trace()) is Trace
