"""What is read of signals in a source: who makes them, who sends them, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.inspector.migration import Found, FoundSignal, signals_in
from tests.cli.children import write

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, modules: dict[str, str]) -> Found:
    """Read modules, none of which can be imported."""
    for name, source in modules.items():
        write(folder / f"{name}.py", f"{source}\n    raise SystemExit\n")
    return signals_in(sorted(folder.rglob("*.py")))


def one(folder: Path, source: str) -> FoundSignal:
    """Read a module that makes one signal."""
    [found] = read(folder, {"shop": source}).signals
    return found


def types(folder: Path, source: str, *expressions: str) -> list[str | None]:
    """Return the types that are read of expressions, sent at the end of a source."""
    payload = ", ".join(f"p{number}={it}" for number, it in enumerate(expressions))
    ahead = "\n    from blinker import signal\n    saved = signal('saved')\n"
    # It goes on where the source ends, in its last function.
    [send] = one(folder, f"{ahead}{source}saved.send(1, {payload})").sends
    return [None if it is None else it.text for it in send.payload.values()]


@pytest.mark.parametrize(
    ("imports", "made", "group", "name"),
    [
        ("from blinker import signal", "signal('a-b')", "", "a-b"),
        ("from blinker import signal", "signal('a-b', doc='A text.')", "", "a-b"),
        ("import blinker", "blinker.signal('a-b')", "", "a-b"),
        ("import blinker as b", "b.default_namespace.signal('a-b')", "", "a-b"),
        ("from heliograph import signal", "signal('a-b')", "", "a-b"),
        ("from blinker import Namespace; n = Namespace()", "n.signal('a-b')", "shop.n", "a-b"),
        ("import blinker; n: N = blinker.Namespace()", "n.signal('a-b')", "shop.n", "a-b"),
        ("from blinker import Signal", "Signal()", None, "shop.paid"),
        ("from blinker import NamedSignal", "NamedSignal('a')", None, "shop.paid"),
        ("from django.dispatch import Signal", "Signal()", None, "shop.paid"),
        ("from django import dispatch", "dispatch.Signal()", None, "shop.paid"),
        (
            "from blinker import Signal\n    class S(Other, Signal): ...\n    class T(S, S): ...",
            "T()",
            None,
            "shop.paid",
        ),
        (
            "try: from blinker import signal\n    except ImportError: signal = None",
            "signal('a-b')",
            "",
            "a-b",
        ),
    ],
)
def test_signals_are_found_however_they_are_made(
    imports: str, made: str, group: str | None, name: str, tmp_path: Path
) -> None:
    """With Blinker's and Django's names, however these are imported, and with classes of them."""
    found = one(tmp_path, f"\n    {imports}\n    paid = {made}")

    path = None if found.made.group is None else found.made.group.path
    assert (path, found.made.name, found.variable) == (group, name, "paid")


def test_other_calls_make_no_signal(tmp_path: Path) -> None:
    """Nor do circles of names, and names that nothing binds, or only a loop or an error."""
    source = """
    import signal as system
    from here import *
    from . import nothing
    a = b = c
    c = a
    for it in []: paid = it.send(1)
    class Signal: ...
    paid, sent = Signal(), a.signal("paid")
    system.signal(1, None)
    import shop
    found = shop()
    from blinker import Namespace
    Namespace()["unmade"].send()
    unknown["paid"].send()
    (lambda: 1).send()
    None.signal("paid")
    try: ...
    except ValueError as paid: paid.send()
    """

    assert read(tmp_path, {"shop": source}).signals == []


def test_what_only_a_run_tells_is_listed(tmp_path: Path) -> None:
    """Signals whose names are computed, signals of objects, and files that are no text."""
    (tmp_path / "latin.py").write_bytes(b"# signal \xe9")
    write(tmp_path / "broken.py", "signal = (")
    source = """
    from blinker import Namespace, Signal
    names = Namespace()
    for it in "ab":
        names.signal(it)

    class Order:
        def __init__(self):
            self.paid = Signal()
    """

    found = read(tmp_path, {"shop": source})

    places = [it.rpartition("/")[2] for it in found.unnamed + found.fleeting]
    assert (places, found.unread) == (["shop.py:5", "shop.py:9"], [tmp_path / "latin.py"])
    assert found.signals == []


def test_sends_are_followed_through_modules(tmp_path: Path) -> None:
    """By imports of every kind, attributes, namespaces, classes and what these inherit."""
    found = read(
        tmp_path,
        {
            "shop/__init__": "    from .signals import paid as order_paid, names",
            "shop/signals": """
    from blinker import Namespace
    names = Namespace()
    paid = names.signal("paid")
    """,
            "shop/all": "    from shop.signals import *",
            "shop/deep/web": "    nothing",
            "shop/web": """
    import shop
    import shop.signals as ours
    from shop import order_paid, signals, all
    from ..shop.signals import paid as again

    class Web:
        paid = order_paid
        def send(self): self.paid.send(1)
        @classmethod
        def sent(cls): cls.paid.send(2)
        @staticmethod
        def alone(it): it.paid.send(0)

    class Site(Base, Web):
        def send(self): self.paid.send(3); self.unpaid.send(0)

    def send():
        from shop.signals import paid
        paid.send(4)
        shop.signals.paid.send_async(5)
        ours.paid.send(6)
        signals.paid.send(7)
        all.paid.send(8)
        shop.names["paid"].send(9)
        shop.names.signal("paid").send(10)
        Site().paid.send(11)
        Site.paid.send(12)
        make().paid.send(0)

    def shadowed(order_paid): order_paid.send(0)
    """,
        },
    )

    [paid] = found.signals
    assert len(paid.sends) == 12
    by = [it.by for it in paid.sends]
    assert by[:3] + by[-1:] == ["Web.send", "Web.sent", "Site.send", "send"]


def test_a_payload_is_what_the_sends_write(tmp_path: Path) -> None:
    """Wrappers are none of it, and what cannot be read is kept as it is written."""
    source = """
    from blinker import signal
    saved = signal("saved")
    saved.send("a", _async_wrapper=None, x=1, **{"y": "", "z": later}, **dict(w=None))
    saved.send(sender="b", **more, **{"no-name": 1}, **dict([]), **{**more})
    saved.send(*given)
    saved.send()
    """
    found = one(tmp_path, source)

    assert [it.by for it in found.sends] == ["the module shop"] * 4
    assert [list(it.payload) for it in found.sends] == [["x", "y", "z", "w"], [], [], []]
    assert [it.unread for it in found.sends] == [
        "",
        '**more, **{"no-name": 1}, **dict([]), **{**more}',
        "*given",
        "",
    ]
    senders = [it.sender and it.sender.text for it in found.sends]
    assert senders == ["str", "str", None, "None"]


def test_a_text_of_a_signal_is_its_documentation_or_the_comment_above(tmp_path: Path) -> None:
    """As Sphinx reads it; any other comment says something else."""
    source = """
    from blinker import Namespace, Signal
    names = Namespace()
    #: When it is paid,
    #: in full.
    a = names.signal("a")
    b = names.signal("b", '''When it
        is sent.''')
    c = Signal(doc="A text.")
    # A remark.
    d = Signal("Another.")
    names.signal("e").send()
    e = names.signal("e", "The variable counts.")
    """

    assert [(it.variable, it.doc) for it in read(tmp_path, {"shop": source}).signals] == [
        ("a", "When it is paid, in full."),
        ("b", "When it is sent."),
        ("c", "A text."),
        ("d", "Another."),
        ("e", "The variable counts."),
    ]


def test_types_are_those_that_an_expression_shows(tmp_path: Path) -> None:
    """Constants, displays, calls of classes and of a few functions; not what others return."""
    source = """
    from decimal import Decimal
    import cart.models
    class Order: ...
    order = Order()
    """
    shown = {
        "1": "int",
        "None": "None",
        "f''": "str",
        "...": None,
        "[1]": "list[Any]",
        "{}": "dict[Any, Any]",
        "(1, 2)": "tuple[Any, ...]",
        "not a": "bool",
        "1 in a": "bool",
        "a.__class__": "type",
        "-a": None,
        "int(a)": "int",
        "len(a)": "int",
        "print(a)": None,
        "unknown": None,
        "Decimal(1)": "Decimal",
        "Decimal.from_float(1)": None,
        "Order()": "Order",
        "Order": "type",
        "order": "Order",
        "cart.models.Cart()": "Cart",
        "Decimal": None,
    }

    assert dict(zip(shown, types(tmp_path, source, *shown), strict=True)) == shown


def test_types_of_parameters_and_variables_are_their_annotations(tmp_path: Path) -> None:
    """With names that can be imported; a variable that is bound twice has none."""
    write(tmp_path / "kinds.py", "class Kind: ...\nkind = Kind()\n")
    source = """
    import typing as t
    from typing import Any
    from flask import current_app
    from kinds import kind
    from collections.abc import Callable
    T = t.TypeVar("T")
    class Order:
        class Inner: ...
        @classmethod
        def send(
            cls, a: int, b: "Order | None", c: t.Optional[int], d: dict[str, list[int]],
            e: Callable[[int], str], f: T, g: Any, h: object, i: Order.Inner, j: 1, k: "(",
            *args, l: tuple[int, ...], m: f(), **more,
        ):
            n: int = later
            o = kind
            p = current_app._get_current_object()
            q = 1
            q = 2
            r = 1
            r += a
            (t, u), w = later
            aa = o; bb = aa; cc = bb; dd = cc
            def inner(): ...
            """
    shown = {
        "cls": "type",
        "a": "int",
        "b": "Order | None",
        "c": "Optional[int]",
        "d": "dict[str, list[int]]",
        "e": "Callable[[int], str]",
        **dict.fromkeys("fghijk"),
        "args": None,
        "l": "tuple[int, ...]",
        "m": None,
        "n": "int",
        "o": "Kind",
        "p": "Flask",
        "current_app": "Flask",
        "kind": "Kind",
        "q": "int",
        "r": None,
        "w": None,
        "bb": "Kind",
        "dd": None,
        "inner": None,
    }

    assert dict(zip(shown, types(tmp_path, source, *shown), strict=True)) == shown


def test_sources_are_read_as_python_reads_them(tmp_path: Path) -> None:
    """With the mark of an encoding, and without warnings of what is in them."""
    source = "from blinker import signal\n\"\\d\"\nsaved = signal('é')\n"
    (tmp_path / "marked.py").write_text(source, encoding="utf-8-sig")
    (tmp_path / "latin.py").write_bytes(f"# coding: latin-1\n{source}".encode("latin-1"))

    [found] = signals_in(sorted(tmp_path.glob("*.py"))).signals

    assert (found.made.name, found.module) == ("é", "latin")


def test_an_expression_may_be_nested_deeper_than_the_stack(tmp_path: Path) -> None:
    """What is found elsewhere is found all the same."""
    chains = "; ".join(f"a{'.b()' * deep}.send()" for deep in range(70, 20, -1))
    source = f"""
    from blinker import signal
    {chains}
    a = b = signal("a")
    c{".b()" * 300}.send()
    b.send(**{"a | " * 500} a)
    a.send()
    """

    assert [it.place[-4:] for it in one(tmp_path, source).sends] == ["py:6", "py:7"]
