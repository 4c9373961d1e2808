"""Where signals are sent, as the source of a program tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.inspector import found_in, read
from tests.cli.children import write

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.inspector.conftest import Program

SIGNALS = """
    from heliograph import Namespace, Signal
    shop = Namespace("shop")
    paid = shop.signal("paid")
    class Stock:
        low = Signal("low")
"""


def sends(modules: list[ModuleType]) -> dict[str, list[tuple[str, str]]]:
    """Return who sends each signal, and where."""
    catalogue = read("", found_in(modules), modules)
    return {
        signal.name: [(it.name, it.location) for it in signal.sends]
        for namespace in catalogue.namespaces
        for signal in namespace.signals
        if signal.sends
    }


@pytest.mark.parametrize(
    "line",
    [
        "with imported('shop', path='a'): pass",
        "async with imported('shop', path='a'): pass",
        "imported.wrap('shop', path='a')(print)",
        "imported.each_call(print)",
    ],
)
def test_who_makes_a_span_sends_its_signals(program: Program, line: str) -> None:
    """All three are listed there, although an end is only ever one of two."""
    signals = """
        from heliograph import Namespace
        shop = Namespace("shop")
        @shop.span
        def imported(sender: object, *, path: str) -> None: ...
    """
    web = f"from signals import imported\nasync def web():\n    {line}"
    modules = program({"signals.py": signals, "web.py": web})

    names = ("imported.started", "imported.finished", "imported.failed")
    assert sends(modules) == {name: [("web.web", "web.py:3")] for name in names}


@pytest.mark.parametrize(
    "source",
    [
        "from signals import paid\npaid.send()",
        "from signals import paid as settled\nsettled.send_async()",
        "import signals\nsignals.paid.send('shop', total=3)",
        "import signals as ours\nours.paid.send()",
        "from signals import *\npaid.send()",
        "from signals import shop\nshop['paid'].send()",
        "from signals import shop\nshop.signal('paid').send()",
        "import signals\nsignals.shop.signal('paid', 'A text.').send()",
        "from functools import partial\nfrom signals import paid\npartial(paid.send, 3)()",
    ],
)
def test_a_send_is_found_if_it_names_the_signal(program: Program, source: str) -> None:
    """By a variable, an import, or a namespace; also if it is called later."""
    body = source.splitlines()
    module = "\n".join([*body[:-1], "def web():", f"    {body[-1]}"])
    modules = program({"signals.py": SIGNALS, "web.py": module})

    assert sends(modules) == {"paid": [("web.web", f"web.py:{len(body) + 1}")]}


def test_sends_are_found_in_every_kind_of_place(program: Program) -> None:
    """Modules, functions, methods, what is nested in them, in the order of the source."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Signal
                paid = Signal("paid")
                class Shop:
                    class Till:
                        def pay(self):
                            paid.send(self)
                    async def pay(self):
                        await paid.send_async(self)
                    calls = [lambda self: paid.send(self)]
                def make():
                    def pay():
                        paid.send()
                    class Local:
                        def pay(self):
                            paid.send()
                    return [paid.send(it) for it in ()]
                paid.send("here") and paid.send("there")
            """
        }
    )

    assert sends(modules) == {
        "paid": [
            ("shop.Shop.Till.pay", "shop.py:7"),
            ("shop.Shop.pay", "shop.py:9"),
            ("shop.Shop", "shop.py:10"),
            ("shop.make.<locals>.pay", "shop.py:13"),
            ("shop.make.<locals>.Local.pay", "shop.py:16"),
            ("shop.make", "shop.py:17"),
            ("shop", "shop.py:18"),
        ]
    }


def test_a_signal_of_a_class_is_found_by_self(program: Program) -> None:
    """Also if the class inherits it, and also by the name of the class."""
    modules = program(
        {
            "signals.py": SIGNALS,
            "web.py": """
                from signals import Stock
                class Shelf(Stock):
                    def take(self):
                        self.low.send(self)
                    @classmethod
                    def clear(cls):
                        def later():
                            cls.low.send(cls)
                def close():
                    Stock.low.send()
            """,
        }
    )

    assert sends(modules) == {
        "low": [
            ("web.Shelf.take", "web.py:5"),
            ("web.Shelf.clear.<locals>.later", "web.py:9"),
            ("web.close", "web.py:11"),
        ]
    }


def test_a_function_may_import_the_signal_itself(program: Program) -> None:
    """Relative imports too, as circles are avoided that way."""
    modules = program(
        {
            "shop/__init__.py": "",
            "shop/signals.py": SIGNALS,
            "shop/web.py": """
                def one():
                    from .signals import paid
                    paid.send()
                def two():
                    from . import signals
                    signals.paid.send()
                def three():
                    import shop.signals
                    shop.signals.paid.send()
                def four():
                    import shop.signals as ours
                    ours.paid.send()
            """,
        }
    )

    assert sends(modules) == {
        "paid": [
            ("shop.web.one", "shop/web.py:4"),
            ("shop.web.two", "shop/web.py:7"),
            ("shop.web.three", "shop/web.py:10"),
            ("shop.web.four", "shop/web.py:13"),
        ]
    }


@pytest.mark.parametrize(
    "function",
    [
        "def web(paid): paid.send()",
        "def web(*paid): paid.send()",
        "def web():\n    paid = other()\n    paid.send()",
        "def web():\n    for paid in (): paid.send()",
        "def web():\n    with open('') as paid: paid.send()",
        "def web():\n    try: ...\n    except OSError as paid: paid.send()",
        "def web(it):\n    match it:\n        case [*_] as paid: paid.send()",
        "def web():\n    def paid(): ...\n    paid.send()",
        "def web():\n    class paid: ...\n    paid.send()",
        "def web():\n    from nowhere import paid\n    paid.send()",
        "def web():\n    from ..nowhere import paid\n    paid.send()",
        "def web(paid):\n    def inner(): paid.send()",
        "web = lambda paid: paid.send()",
        "def web(): other.send()",
        "def web(): other().send()",
        "def web(): shop['lost'].send()",
        "def web(): shop.signal(3).send()",
        "def web(): len('paid').send()",
        "def web(): paid.connect(print)",
    ],
)
def test_what_only_looks_like_a_send_of_a_signal_is_none(program: Program, function: str) -> None:
    """A name that a function binds is its own, and what cannot be told is left out."""
    modules = program(
        {
            "signals.py": SIGNALS,
            "web.py": f"from signals import paid, shop\nother = print\n{function}",
        }
    )

    assert sends(modules) == {}


def test_a_function_that_assigns_a_global_means_the_global(program: Program) -> None:
    """The statement `global` says so."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Signal
                paid = Signal("paid")
                def renew():
                    global paid
                    paid.send()
                    paid = Signal("paid")
            """
        }
    )

    assert sends(modules) == {"paid": [("shop.renew", "shop.py:6")]}


def test_a_signal_that_is_asked_for_by_name_is_found(program: Program) -> None:
    """In the default namespace of Heliograph, and in that of Blinker."""
    modules = program(
        {
            "shop.py": """
                import heliograph
                from heliograph import signal
                from heliograph.blinker import signal as blinkers
                one = signal("one of test_sending")
                two = blinkers("two of test_sending")
                def pay():
                    signal("one of test_sending").send()
                    heliograph.signal("one of test_sending").send()
                    blinkers("two of test_sending").send()
            """
        }
    )

    assert sends(modules) == {
        "one of test_sending": [("shop.pay", "shop.py:8"), ("shop.pay", "shop.py:9")],
        "two of test_sending": [("shop.pay", "shop.py:10")],
    }


def test_a_signal_of_a_nested_namespace_is_found(program: Program) -> None:
    """Also if it is reached through the outer one; what is not there is not made."""
    modules = program(
        {
            "shop.py": """
                from heliograph import Namespace
                shop = Namespace("shop")
                invoiced = shop.namespace("billing").signal("invoiced")
                def pay(other):
                    shop.namespace("billing")["invoiced"].send()
                    shop.namespace("billing").signal("invoiced").send()
                    shop["billing.invoiced"].send()
                    shop.namespace("packing")["packed"].send()
                    other.namespace("billing")["invoiced"].send()
            """
        }
    )

    assert sends(modules) == {
        "billing.invoiced": [("shop.pay", f"shop.py:{line}") for line in (6, 7, 8)]
    }


def test_a_source_may_be_deeper_than_pythons_stack(program: Program) -> None:
    """As a long sum is, which is no nesting for who reads it."""
    total = " + ".join(["1"] * 900)
    modules = program(
        {"shop.py": f"from heliograph import Signal\npaid = Signal('paid')\nt = {total}"}
    )

    assert sends(modules) == {}


def test_a_source_that_has_changed_for_the_worse_is_left_out(
    program: Program, tmp_path: Path
) -> None:
    """Nothing can be told of it any more, and nothing breaks."""
    modules = program({"signals.py": SIGNALS, "web.py": "from signals import paid\npaid.send()"})
    write(tmp_path / "web.py", "from signals import (")

    assert sends(modules) == {}
