"""`heliograph explain`: what the user may call a signal and a sender, and what is answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import Ended, heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    from contextvars import ContextVar
    from flask import Flask, current_app, request_started
    from heliograph import Namespace, Signal

    shop, kiosk = Namespace("shop"), Namespace("kiosk")
    order_paid = shop.signal("paid")
    sent = shop.signal("sent"), kiosk.signal("sent")
    alone = Signal()
    till = 12
    app = Flask("app")

    @order_paid.connect(priority=1)
    def thank(sender, **extra): ...

    @order_paid.connect(sender=app)
    def count(sender, **extra): ...

    @order_paid.connect(sender="kiosk")
    def ring(sender, **extra): ...

    @order_paid.connect
    def audit(sender, **extra): ...

    order_paid.disconnect(audit)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a program whose signal has receivers of all kinds, and one module too few."""
    write(tmp_path / "shop" / "__init__.py", SHOP)
    write(tmp_path / "shop" / "mail.py", "from . import order_paid\norder_paid.connect(print)")
    return tmp_path


def test_whom_a_send_would_call_and_why_not_the_others_is_printed(project: Path) -> None:
    """In columns if these fit: a pipe is as wide as need be."""
    assert heliograph("explain", "shop", "paid", "--sender", "app", cwd=project) == Ended(
        0,
        "paid  sent by a Flask\n"
        "  called, in this order:\n"
        "    1 shop.thank  any sender    weak, priority 1  shop/__init__.py:13\n"
        "    2 shop.count  from a Flask  weak              shop/__init__.py:16\n"
        "  not called:\n"
        "    - shop.ring: it hears 'kiosk' only\n"
        "      connected at shop/__init__.py:19\n"
        "    - shop.audit: it was disconnected at shop/__init__.py:25\n"
        "      connected at shop/__init__.py:22\n"
        "    ? shop.mail is not imported and connects to it: --import shop.mail\n",
        "",
    )


def test_one_receiver_is_explained_alone(project: Path) -> None:
    """The status tells whether it would be called; who connected a function later is told."""
    write(project / "later.py", "import shop\nshop.sent[0].connect(shop.ring, 'app')")

    ring = heliograph("explain", "shop", "paid", "--receiver", "ring", cwd=project)
    later = heliograph("explain", "later", "shop.sent", cwd=project)

    assert ring == Ended(
        1,
        "paid  sent by None\n"
        "  nobody is called\n"
        "  not called:\n"
        "    - shop.ring: it hears 'kiosk' only\n"
        "      connected at shop/__init__.py:19\n"
        "    ? shop.mail is not imported and connects to it: --import shop.mail\n",
        "",
    )
    assert later == Ended(
        1,
        "sent  sent by None\n"
        "  nobody is called\n"
        "  not called:\n"
        "    - shop.ring: it hears 'app' only\n"
        "      shop/__init__.py:19, connected at later.py:2\n",
        "",
    )


@pytest.mark.parametrize(
    ("sender", "described", "called"),
    [
        ("kiosk", "'kiosk'", ["thank", "ring"]),
        ("'kiosk'", "'kiosk'", ["thank", "ring"]),
        ("app", "a Flask", ["thank", "count"]),
        ("shop:app", "a Flask", ["thank", "count"]),
        ("'app'", "'app'", ["thank"]),
        ("shop:till", "12", ["thank"]),
        ("12", "12", ["thank"]),
        ("None", "None", ["thank"]),
    ],
)
def test_a_sender_is_a_text_a_number_the_application_or_an_object(
    project: Path, sender: str, described: str, called: list[str]
) -> None:
    """Programs get what was made of it, and all the rest."""
    ended = heliograph("explain", "shop", "paid", "--sender", sender, "--json", cwd=project)

    found = json.loads(ended.out)
    assert (ended.status, found["sender"]) == (0, described)
    assert [it["name"] for it in found["called"]] == [f"shop.{name}" for name in called]
    assert {it["reason"] for it in found["omitted"]} == {"other sender", "disconnected"}


@pytest.mark.parametrize(
    "name", ["paid", "shop.paid", "order_paid", "shop.order_paid", "shop.alone", "request-started"]
)
def test_a_signal_is_called_by_its_name_or_by_its_variable(project: Path, name: str) -> None:
    """Also one of a package that the program uses."""
    ended = heliograph("explain", "--app", "shop", name, cwd=project)

    assert ended.err == ""


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (
            ["shop", "paidd"],
            1,
            "'shop' has no signal 'paidd'. Did you mean 'paid'?",
        ),
        (
            ["shop", "qqqq"],
            1,
            "'shop' has no signal 'qqqq'. `list` shows all that there are.",
        ),
        (
            ["shop", "sent"],
            1,
            "'shop' has several signals 'sent': shop.sent, kiosk.sent. Name one of them.",
        ),
        (["shop"], 2, "Name one signal: none was given."),
        (["shop", "paid", "sent"], 2, "Name one signal: several were given."),
        (
            ["shop", "paid", "--sender", "shop:tills"],
            1,
            (
                "There is no sender for 'shop:tills': module 'shop' has no 'tills'. "
                "Write text, a number, None, app for the application, or MODULE:NAME."
            ),
        ),
        (
            ["shop", "paid", "--receiver", "nobody"],
            1,
            (
                "'paid' has no receiver 'nobody'. Its receivers: shop.audit, shop.count, "
                "shop.ring, shop.thank."
            ),
        ),
        (
            ["shop", "shop.alone", "--receiver", "nobody"],
            1,
            "'shop.alone' has no receiver 'nobody'. Its receivers: none.",
        ),
    ],
)
def test_what_cannot_be_explained_is_said(
    project: Path, arguments: list[str], status: int, problem: str
) -> None:
    """With what there is instead."""
    ended = heliograph("explain", *arguments, cwd=project)

    assert ended.status == status
    assert ended.err.endswith(f"Error: {problem}\n")


def test_a_proxy_that_stands_for_nothing_is_explained(project: Path) -> None:
    """Outside of its context, no send could use it either."""
    ended = heliograph("explain", "shop", "paid", "--sender", "flask:current_app", cwd=project)

    assert ended.status == 1
    assert ended.err.startswith(
        "Error: 'flask:current_app' stands for no object here: name the object itself, as app or "
        "MODULE:NAME. RuntimeError: Working outside of application context."
    )
