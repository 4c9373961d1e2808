"""What a run adds to the declarations that were read from the source."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from heliograph.inspector.migration import Watched, declarations, signals_in
from tests.cli.children import write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """\
from heliograph.blinker import Namespace, Signal, signal
shop = Namespace()
paid = shop.signal("paid")
alone = Signal()
here, there = shop.signal("twice"), signal("twice")
quiet = shop.signal("quiet")
empty = shop.signal("empty")

def pay(order, **more):
    paid.send(
        order,
        **more,
    )
    alone.send(order, number=order, text=more or "")

def send(it, **more):
    it.send(**more)
"""


def declared(folder: Path, *lines: str) -> str:
    """Run lines after the shop while it is watched, and return what is declared then."""
    file = write(folder / "shop.py", SHOP)
    found = signals_in([file])
    with Watched() as watched:
        names: dict[str, Any] = {"Decimal": Decimal}
        source = "\n".join([SHOP, *lines])
        exec(compile(source, str(file), "exec"), names)  # noqa: S102 - it is written above.
    text = declarations(watched.added_to(found), "shop")
    place = next(it for it in text.split() if "shop.py:" in it).partition("shop.py:")[0]
    return text.replace(place, "")


def test_a_run_tells_what_the_source_does_not(tmp_path: Path) -> None:
    """Payloads that are passed on, and types; each place is named once."""
    text = declared(
        tmp_path, "pay(1, total=Decimal(2))", "pay(2, total=Decimal(3), gift=None)", "pay(3)"
    )

    assert (
        "# Made at shop.py:3.\n"
        "# Sent at shop.py:10 with **more: declared is what a run has shown.\n"
        "# Some sends leave out total and gift.\n"
        "@shop.declare\n"
        "def paid(sender: int, *, total: Decimal = ..., gift: None = ...) -> None:\n"
        '    """Sent by pay."""\n'
    ) in text
    assert "    from decimal import Decimal\n" in text
    assert (
        "# Sent at shop.py:14.\n"
        "@shop_2.declare\n"
        "def alone(sender: int, *, number: int, text: dict[Any, Any] | str) -> None:\n"
    ) in text


def test_a_run_tells_who_sends_what_nothing_in_the_source_does(tmp_path: Path) -> None:
    """By the name of the signal, unless two signals have it."""
    text = declared(
        tmp_path,
        "class Local: pass",
        "send(quiet, late=Local())",
        "send(here, late=1)",
        "send(signal('unread'), late=1)",
        "send(Signal(), late=1)",
        "send(empty, **{'no name': 1, 'class': 2})",
    )

    assert (
        "# Sent at shop.py:17, as a run has shown.\n"
        "@shop.declare\n"
        "def quiet(sender: None, *, late: Any) -> None:\n"
        '    """Sent in a run."""\n'
    ) in text
    assert (
        "# Sent at shop.py:17 with **{'no name': …}, **{'class': …}, which the "
        "source does not show: add it here.\n"
        "@shop.declare\n"
        "def empty(sender: None) -> None:\n"
    ) in text
    assert text.count("Nothing that was read sends it.") == 2
