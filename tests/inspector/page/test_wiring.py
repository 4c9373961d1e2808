"""Which signals and receivers the program says it has."""

from __future__ import annotations

import sys

from heliograph import Namespace, Signal, default_namespace
from heliograph.inspector.page.wiring import as_dicts, held_signals

module = sys.modules[__name__]
kiosk = Namespace("kiosk of a test")


@kiosk.declare
def bell_rung(sender: str, *, times: int) -> None:
    """Somebody wants to be served."""


only_in_namespace = "bell-broken"
kiosk.signal(only_in_namespace)
loose = Signal()


def answer(sender: object, times: int) -> None:
    """Answer."""


async def answer_later(sender: object, **extra: object) -> None:
    """Answer later."""


def test_each_signal_is_told_with_where_a_test_imports_it_from() -> None:
    """From the module that made it, or by its namespace; not from one that has imported it."""
    mine = [it for it in held_signals() if it.namespace == "kiosk of a test"]

    assert [(it.label, it.variable, it.holder) for it in mine] == [
        ("bell_rung", f"{__name__}.bell_rung", f"{__name__}.kiosk"),
        ("bell-broken", "", f"{__name__}.kiosk"),
    ]
    [nameless] = [it for it in held_signals() if it.signal is loose]
    assert (nameless.label, nameless.namespace) == (f"{__name__}.loose", None)


def test_receivers_are_told_in_calling_order() -> None:
    """With what decides how they are called."""
    bell_rung.connect(answer)
    bell_rung.connect(answer_later, "front desk", weak=False, priority=3, on_error="log")
    [told] = as_dicts(it for it in held_signals() if it.signal is bell_rung)

    assert {it: told[it] for it in ("name", "doc", "declared", "payload")} == {
        "name": "bell_rung",
        "doc": "Somebody wants to be served.",
        "declared": True,
        "payload": [{"name": "times", "type": "int"}],
    }
    keys = ("name", "sender", "priority", "on_error", "is_async", "weak")
    assert [tuple(it[key] for key in keys) for it in told["receivers"]] == [
        (f"{__name__}.answer_later", "a str", 3, "log", True, False),
        (f"{__name__}.answer", "ANY", 0, "raise", False, True),
    ]
    assert all(__file__.endswith(it["location"].partition(":")[0]) for it in told["receivers"])


def test_signals_of_no_declaration_are_told_too() -> None:
    """What is unknown of them is left out."""
    default_namespace.signal("a-signal-of-this-test")
    [told] = as_dicts(it for it in held_signals() if it.label == "a-signal-of-this-test")

    assert (told["declared"], told["payload"], told["receivers"]) == (False, [], [])
