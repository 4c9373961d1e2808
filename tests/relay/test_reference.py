"""The reference page has every public name of the wing, with the options that it takes."""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest

from heliograph import relay
from heliograph.relay import Health, Limits, Relay
from heliograph.relay.inbox import Inbox
from heliograph.relay.outbox import Outbox

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## `heliograph.relay`\n")[2].partition("\n## ")[0]
METHODS = [Relay.broadcast, Relay.replay, Relay.durable, Relay.connect, Relay.send_confirmed]


def written(call: Any, name: str) -> str:
    """Return the signature as the page writes it."""
    parts = [
        it.replace(annotation=Parameter.empty)
        for it in signature(call).parameters.values()
        if it.name != "self"
    ]
    shown = str(signature(call).replace(parameters=parts, return_annotation=Parameter.empty))
    return name + shown.replace("'", '"')


def test_every_public_name_is_on_the_page() -> None:
    """What can be imported can be looked up, and nothing else."""
    cells = " ".join(re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE))
    names = set(re.findall(r"`(\w+)[`(]", cells))

    assert names == set(relay.__all__)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Relay, "Relay"),
        (Limits, "Limits"),
        (Inbox, "inbox.Inbox"),
        (Outbox, "outbox.Outbox"),
        *((it, it.__qualname__.replace("Declares", "Relay")) for it in METHODS),
    ],
)
def test_the_signatures_on_the_page_are_those_of_the_wing(call: Any, name: str) -> None:
    """Names, order, kinds and defaults."""
    assert f"`{written(call, name)}`" in SECTION


def test_every_method_of_a_relay_is_on_the_page() -> None:
    """With its properties."""
    names = {it for it in dir(Relay) if not it.startswith("_")}

    assert {it for it in names if not re.search(rf"[`.]{it}[`(]", SECTION)} == set()


def test_all_that_is_counted_is_explained() -> None:
    """In the table of the how-to."""
    page = (DOCS / "relay.md").read_text(encoding="utf-8")
    table = page.partition("\n## What is counted\n")[2].partition("\n## ")[0]

    assert [it.name for it in fields(Health) if f"`{it.name}`" not in table] == []
