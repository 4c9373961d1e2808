"""Which signals are found in modules, and in which namespace."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import heliograph.blinker
from heliograph import Namespace, Signal
from heliograph.inspector import SignalGroup, as_namespace, found_in, loaded, never_loaded
from tests.cli.children import write

if TYPE_CHECKING:
    import pytest

    from tests.inspector.conftest import Program


def shown(found: list[SignalGroup]) -> list[tuple[str | None, str, list[str | None]]]:
    """Return what was found, with the names of signals."""
    return [(it.name, it.variable, [signal.name for signal in it.signals]) for it in found]


def test_a_namespace_is_found_with_all_its_signals(program: Program) -> None:
    """In the order in which they were made, whether or not they have variables."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Namespace
                shop = Namespace("the shop")
                shop.signal("z")
                a = shop.signal("a")
                unnamed = Namespace()
                unnamed.signal("b")
            """
        }
    )

    assert shown(found_in(modules)) == [
        ("the shop", "shop.shop", ["z", "a"]),
        ("shop.unnamed", "shop.unnamed", ["b"]),
    ]


def test_signals_in_no_namespace_come_last_and_once(program: Program) -> None:
    """Those of the default namespace are among them, as it belongs to no module."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Namespace, Signal, signal
                paid = also_paid = Signal("paid")
                sent = signal("sent in test_finding")
                shop = Namespace("shop")
                packed = shop.signal("packed")
                class Stock:
                    low = Signal("low")
            """
        }
    )

    assert shown(found_in(modules)) == [
        ("shop", "shop.shop", ["packed"]),
        (None, "", ["paid", "sent in test_finding", "low"]),
    ]


def test_what_a_module_imports_is_not_its_own(program: Program) -> None:
    """Neither by name, nor by star, nor in a condition; what it gives a new name is."""
    source = {
        "makers.py": """
            from heliograph import Namespace, Signal
            shop = Namespace("shop")
            paid = shop.signal("paid")
            lost = Signal("lost")
        """,
        "stars.py": """
            from heliograph import Signal
            star = Signal("star")
        """,
        "takers.py": """
            import sys
            from makers import shop, paid as settled
            if sys:
                from makers import lost
            from stars import *
            import makers, makers as others
            renamed = makers.lost
        """,
    }
    program(source)

    assert shown(found_in(loaded(["takers"]))) == [(None, "", ["lost"])]


def test_a_nested_namespace_is_a_part_of_the_outer_one(program: Program) -> None:
    """It has no place of its own, and neither has another variable for the same one."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Namespace
                shop = Namespace("shop")
                billing = shop.namespace("billing")
                same = shop
                shop.signal("paid")
                billing.signal("sent")
                empty = Namespace("empty")
            """
        }
    )

    assert shown(found_in(modules)) == [("shop", "shop.shop", ["paid", "billing.sent"])]


def test_namespaces_of_blinker_are_found(program: Program) -> None:
    """They are dicts of signals; other dicts are not."""
    modules = program(
        {
            "shop.py": """
                from heliograph.blinker import Namespace
                shop = Namespace()
                shop.signal("paid")
                prices = {"paid": 3}
                nothing = {}
            """
        }
    )

    assert shown(found_in(modules)) == [("shop.shop", "shop.shop", ["paid"])]


def test_what_is_no_namespace_is_told_from_one() -> None:
    """A namespace may be empty; a dict has to hold a signal to be one."""
    assert as_namespace("shop", Namespace()) == SignalGroup("shop", "shop", ())
    assert as_namespace("shop", {}) is None
    assert as_namespace("shop", {"a": Signal(), "b": 3}) is None
    assert as_namespace("shop", Signal("paid")) is None


def test_lazy_objects_are_not_asked_what_they_stand_for(program: Program) -> None:
    """Looking at a module loads nothing, and breaks at nothing."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Signal
                class Lazy:
                    @property
                    def __class__(self):
                        raise RuntimeError
                    def __getattr__(self, name):
                        raise RuntimeError
                lazy = Lazy()
                def send():
                    lazy.paid.send()
                paid = Signal("paid")
            """
        }
    )

    assert shown(found_in(modules)) == [(None, "", ["paid"])]


def test_a_module_without_a_source_has_only_own_variables() -> None:
    """Nobody can tell what it imports."""
    module = ModuleType("shop")
    module.__dict__["paid"] = Signal("paid")

    assert shown(found_in([module])) == [(None, "", ["paid"])]


def test_modules_are_loaded_if_they_are_below_a_name(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name; what only begins alike, or is no module, is not among them."""
    program({"shop/__init__.py": "", "shop/z.py": "", "shop/a.py": "", "shopping.py": ""})
    monkeypatch.setitem(sys.modules, "shop.hidden", None)

    assert [it.__name__ for it in loaded(["shop"])] == ["shop", "shop.a", "shop.z"]


def test_a_signal_of_blinkers_default_namespace_is_in_no_namespace(program: Program) -> None:
    """The namespace is not the module's."""
    modules = program(
        {"shop.py": "from heliograph.blinker import signal\npaid = signal('paid in test_finding')"}
    )

    assert shown(found_in(modules)) == [(None, "", ["paid in test_finding"])]
    assert heliograph.blinker.default_namespace.pop("paid in test_finding").name


def test_modules_of_receivers_that_wait_to_be_loaded_are_named(program: Program) -> None:
    """Of all lazy imports, those below the names whose source connects; looking loads nothing."""
    program({"shop/__init__.py": "", "shop/used.py": ""})
    for name in ("receivers", "values", "deep/__init__", "deep/receivers", "torn"):
        source = "" if name == "values" else "raise RuntimeError  # It would connect."
        write(Path("shop", f"{name}.py"), source)
    Path("shop", "torn.py").write_bytes(b"# coding: nothing\nconnect")
    lazy = {
        "shop.used",
        "shop.used.attribute",
        "shop.receivers",
        "shop.receivers.thank",
        "shop.values",
        "shop.deep.receivers",
        "shop.torn",
        "shop.nowhere",
        "nowhere",
        "shopping",
        "json.tool",
        "itertools",
    }

    assert never_loaded(["shop", "nowhere", "itertools"], lazy) == [
        "shop.deep.receivers",
        "shop.receivers",
    ]
    assert [it for it in sys.modules if it.startswith("shop.")] == ["shop.used"]


def test_without_lazy_imports_nothing_waits() -> None:
    """Python has them from 3.15 on, and keeps a list."""
    assert never_loaded(["tests", "heliograph"]) == []


def test_what_blinkers_names_and_heliographs_share_is_listed_once(program: Program) -> None:
    """A namespace of Blinker's is one of Heliograph's, too; and a name may be no string."""
    modules = program(
        {
            "shop.py": """
                import heliograph
                import heliograph.blinker
                theirs = heliograph.blinker.Namespace()
                theirs.signal("paid")
                theirs.signal(7)
                nested = theirs.namespace("billing")
                nested.signal("sent")
                default, same = heliograph.default_namespace, heliograph.blinker.default_namespace
                shared = heliograph.signal("shared by both")
            """
        }
    )
    [found, default] = found_in(modules)

    assert shown([found]) == [("shop.theirs", "shop.theirs", ["paid", 7, "billing.sent"])]
    assert [it.name for it in default.signals].count("shared by both") == 1
