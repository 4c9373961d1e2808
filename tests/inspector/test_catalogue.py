"""What is known of a signal: its declaration, its receivers, its place."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.describe import portable_location
from heliograph.inspector import (
    ArgumentInfo,
    Catalogue,
    NamespaceInfo,
    ReceiverInfo,
    SendInfo,
    SignalGroup,
    SignalInfo,
    found_in,
    read,
)

if TYPE_CHECKING:
    from tests.inspector.conftest import Program

PLAIN = SignalInfo(
    name="",
    variable="",
    doc=None,
    declared=False,
    location=None,
    sender="",
    payload=(),
    deprecated=None,
    receivers=(),
    sends=(),
)


def hears(signal: Signal) -> list[str]:
    """Return whom each receiver of a signal hears."""
    [namespace] = read("", [SignalGroup(None, "", (signal,))], []).namespaces
    return [it.sender for it in namespace.signals[0].receivers]


def test_all_that_is_declared_of_a_signal_is_known(program: Program) -> None:
    """And who receives it, with the terms and the place, and who sends it."""
    modules = program(
        {
            "shop.py": '''
                from heliograph import ANY, Namespace
                shop = Namespace("our shop")
                @shop.declare(deprecated="use paid", deprecated_arguments={"total": "use order"})
                def settled(sender: str, *, order: int, total: int | None = None, note=""):
                    """All is paid.

                    In full:
                        the total.
                    """
                class Till:
                    paid = settled
                    def close(self):
                        settled.send("till", order=1)
            ''',
            "thanks.py": """
                import warnings
                from heliograph import ANY
                from shop import settled
                warnings.simplefilter("ignore")
                @settled.connect
                def thank(sender, *, order, total=0): ...
                @settled.connect_via("till", priority=7, on_error="log")
                async def count(sender, **extra): ...
            """,
        }
    )

    assert read("shop", found_in(modules[:1]), modules) == Catalogue(
        "shop",
        (
            NamespaceInfo(
                "our shop",
                "shop.shop",
                (
                    SignalInfo(
                        name="settled",
                        variable="shop.settled",
                        doc="All is paid.\n\nIn full:\n    the total.",
                        declared=True,
                        location="shop.py:4",
                        sender="str",
                        payload=(
                            ArgumentInfo("order", "int", True, None, None),
                            ArgumentInfo("total", "int | None", False, "None", "use order"),
                            ArgumentInfo("note", "", False, "''", None),
                        ),
                        deprecated="use paid",
                        receivers=(
                            ReceiverInfo(
                                name="thanks.count",
                                location="thanks.py:8",
                                sender="'till'",
                                priority=7,
                                on_error="log",
                                is_async=True,
                                takes_extra=True,
                            ),
                            ReceiverInfo(
                                name="thanks.thank",
                                location="thanks.py:6",
                                sender="ANY",
                                priority=0,
                                on_error="raise",
                                is_async=False,
                                takes_extra=False,
                            ),
                        ),
                        sends=(SendInfo("shop.Till.close", "shop.py:14"),),
                    ),
                ),
            ),
        ),
    )


def test_of_a_signal_that_is_not_declared_less_is_known(program: Program) -> None:
    """Its text is not that of its class, and without a name it is called by its variable."""
    modules = program(
        {
            "shop.py": '''
                from heliograph import Signal
                named = Signal("named", """A text.

                    Of two lines.""")
                class Till:
                    closed = Signal()
            '''
        }
    )

    named = {"name": "named", "variable": "shop.named", "doc": "A text.\n\nOf two lines."}
    closed = {"name": "shop.Till.closed", "variable": "shop.Till.closed"}
    assert read("shop", found_in(modules), modules) == Catalogue(
        "shop",
        (
            NamespaceInfo(
                None,
                "",
                (
                    SignalInfo(**{**vars(PLAIN), **named}),
                    SignalInfo(**{**vars(PLAIN), **closed}),
                ),
            ),
        ),
    )


def test_a_sender_is_called_the_same_in_every_process() -> None:
    """By its value or name where it has one, otherwise by its type, never by an address."""
    paid = Signal("paid")
    senders: list[object] = [hears, Path("shop"), Signal, sys, 7, "shop"]
    for sender in senders:
        paid.connect(print, sender)

    assert hears(paid) == [
        f"{__name__}.hears",
        f"a {type(Path()).__qualname__}",
        "heliograph.core.signal.Signal",
        "sys",
        "7",
        "'shop'",
    ]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (Path("{here}") / "shop" / "web.py", "shop/web.py"),
        (Path("{library}") / "flask" / "app.py", "flask/app.py"),
        (Path("{python}") / "json" / "decoder.py", "json/decoder.py"),
        (Path("{path}") / "others.py", "others.py"),
        (Path("{elsewhere}") / "lost.py", "{elsewhere}/lost.py"),
        ("<stdin>", "<stdin>"),
    ],
)
def test_a_place_is_called_the_same_on_every_machine(
    given: object, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the current folder, or from one of those that Python imports from."""
    folders = {
        "here": tmp_path / "here",
        "library": sysconfig.get_path("purelib"),
        "python": sysconfig.get_path("stdlib"),
        "path": tmp_path / "path",
        "elsewhere": tmp_path / "elsewhere",
    }
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "path")

    assert portable_location(f"{given}:7".format(**folders)) == f"{shown}:7".format(**folders)
