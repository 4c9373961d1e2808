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
    DeadInfo,
    NamespaceInfo,
    ReceiverInfo,
    SendInfo,
    SignalGroup,
    SignalInfo,
    UnloadedInfo,
    found_in,
    read,
)
from heliograph.inspector.catalogue import receiver_info

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
    dead=(),
    unknown=(),
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
                                connected="thanks.py:8",
                                sender="'till'",
                                weak=False,
                                priority=7,
                                on_error="log",
                                is_async=True,
                                inline=False,
                                takes_extra=True,
                            ),
                            ReceiverInfo(
                                name="thanks.thank",
                                location="thanks.py:6",
                                connected="thanks.py:6",
                                sender="ANY",
                                weak=True,
                                priority=0,
                                on_error="raise",
                                is_async=False,
                                inline=False,
                                takes_extra=False,
                            ),
                        ),
                        dead=(),
                        unknown=(),
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


def test_what_died_or_was_not_imported_is_known(program: Program) -> None:
    """Who is gone, and which modules would connect to a signal of its name."""
    modules = program(
        {
            "kiosk/__init__.py": "",
            "kiosk/signals.py": """
                from heliograph import Namespace
                kiosk = Namespace("kiosk")
                order_paid = kiosk.signal("paid")
                def forget():
                    @order_paid.connect
                    def thank(sender): ...
                    return None
                forget()
            """,
        }
    )
    lacking = [
        UnloadedInfo("kiosk.mail", frozenset({"order_paid"}), makes=False),
        UnloadedInfo("kiosk.audit", frozenset({"paid", "sent"}), makes=False),
        UnloadedInfo("kiosk.more", frozenset({"sent"}), makes=True),
        UnloadedInfo("kiosk.database", frozenset({"sqlite3"}), makes=False),
    ]

    catalogue = read("kiosk", found_in(modules), modules, lacking)

    [signal] = catalogue.namespaces[0].signals
    assert signal.dead == (DeadInfo("kiosk.signals.forget.<locals>.thank", "kiosk/signals.py:6"),)
    assert signal.unknown == ("kiosk.mail", "kiosk.audit")
    assert catalogue.not_loaded == ("kiosk.mail", "kiosk.audit", "kiosk.more")


def test_a_receiver_that_waits_for_the_commit_is_told_from_the_others() -> None:
    """It is called later than those below it, or never."""
    paid = Signal("paid")

    def thank(sender: object) -> None: ...

    paid.connect(thank, when="after_commit")
    paid.connect(thank, sender="shop")

    assert [receiver_info(it).when for it in paid.connections] == ["after_commit", None]
    assert [receiver_info(it).time for it in paid.connections] == ["after the commit", ""]
