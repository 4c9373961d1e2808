"""Catalogues that the tests of the graph draw, keep and compare."""

from __future__ import annotations

from dataclasses import replace

from heliograph.inspector import (
    ArgumentInfo,
    Catalogue,
    DeadInfo,
    NamespaceInfo,
    ReceiverInfo,
    SendInfo,
    SignalInfo,
)

NOTHING = SignalInfo(
    name="lost",
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
"""A signal that nobody sends or hears."""

THANK = ReceiverInfo(
    name="shop.thank",
    location="shop.py:7",
    connected="shop.py:7",
    sender="ANY",
    weak=True,
    priority=0,
    on_error="raise",
    is_async=False,
    inline=False,
    takes_extra=True,
)
COUNT = replace(
    THANK,
    name="shop.count.<locals>.<lambda>",
    location=None,
    connected="shop.py:9",
    sender="'a \"shop\"'",
    weak=False,
    priority=-1,
    on_error="log",
    is_async=True,
    inline=True,
    when="after_commit",
)
PAID = replace(
    NOTHING,
    name="paid",
    variable="shop.paid",
    doc="All is paid <b>in full</b>.",
    declared=True,
    location="shop.py:3",
    payload=(
        ArgumentInfo("total", "int", required=True, default=None, deprecated=None),
        ArgumentInfo("note", "str", required=False, default="''", deprecated=None),
        ArgumentInfo("any", "", required=False, default="1", deprecated=None),
    ),
    receivers=(THANK, COUNT),
    dead=(DeadInfo("shop.make.<locals>.log", "shop.py:12"),),
    unknown=("shop.mail",),
    sends=(SendInfo("shop.pay", "shop.py:20"), SendInfo("shop.pay", "shop.py:22")),
)
SENT = replace(
    NOTHING, name="sent", receivers=(THANK,), sends=(SendInfo("shop.pay", "shop.py:23"),)
)
STARTED = replace(NOTHING, name="request-started")
SHOP = Catalogue(
    "shop:<app>",
    (
        NamespaceInfo("shop", "shop.shop", (PAID, NOTHING)),
        NamespaceInfo(None, "", (SENT,)),
        NamespaceInfo("flask", "flask.signals._signals", (STARTED,), own=False),
    ),
    ("shop.mail",),
)
"""A program with all that there may be."""
