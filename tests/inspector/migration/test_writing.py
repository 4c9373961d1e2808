"""The declarations that are written: a module that can be imported, and what it says."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from heliograph import Namespace, Signal
from heliograph.inspector.migration import declarations, signals_in
from tests.cli.children import write


def written(folder: Path, source: str) -> str:
    """Return the declarations of a module, without their head."""
    write(folder / "shop.py", source)
    return declarations(signals_in([folder / "shop.py"]), "shop").partition('"""\n\n')[2]


def imported(text: str) -> dict[str, Any]:
    """Run a module that was written, and return its namespaces and signals."""
    names: dict[str, Any] = {"__name__": "declared"}
    exec(compile(text, "declared.py", "exec"), names)  # noqa: S102 - it was written here.
    return {it: value for it, value in names.items() if isinstance(value, (Namespace, Signal))}


def package(name: str, *below: str) -> dict[str, Any]:
    """Return what is declared for an installed package, or for some modules of it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        pytest.skip(f"{name} is not installed: pip install {name.replace('_', '-')}")
    folder = Path(spec.origin).parent
    patterns = [it for one in below or ("",) for it in (f"{one}.py", f"{one}/**/*.py".strip("/"))]
    files = sorted(file for it in patterns if it != ".py" for file in folder.glob(it))
    return imported(declarations(signals_in(files), name))


def payloads(declared: dict[str, Any]) -> dict[str, str]:
    """Return the payloads of declared signals, by the names of the signals."""
    signals = [it for it in declared.values() if isinstance(it, Signal) and it.declaration]
    return {str(it.name): str(it.declaration and it.declaration.signature) for it in signals}


def test_a_program_is_written_as_declarations(tmp_path: Path) -> None:
    """By namespace, with the places that make and send, and with what is not known."""
    source = """
    from blinker import Namespace, Signal, signal
    from decimal import Decimal

    shop = Namespace()
    #: An order was paid in full.
    paid = shop.signal("order-paid")
    saved = signal("saved")
    alone = Signal()

    def pay(order: Order, more):
        paid.send(order, total=Decimal(1), code=more)
        paid.send(order, total=Decimal(1), code=None, gift=True)
        saved.send("cart", number=1)
        saved.send(1, number=None, **more)

    for it in "ab": shop.signal(it)
    class Till: rung = [Signal() for _ in "ab"]
    def f(): it = Signal()
    """
    text = written(tmp_path, source)
    place = f"{tmp_path.name}/shop.py"
    shown = text.replace(text.partition("/shop.py")[0].rpartition(" ")[2] + "/shop.py", place)

    assert shown == dedent(
        f"""\
        from __future__ import annotations

        from typing import TYPE_CHECKING, Any

        from heliograph import Namespace, default_namespace

        if TYPE_CHECKING:
            from decimal import Decimal


        # In place of the one that is made at {place}:5.
        shop = Namespace("shop")


        # Made at {place}:7.
        # Sent at {place}:12.
        # Sent at {place}:13.
        # Some sends leave out gift.
        @shop.declare(name="order-paid")
        def paid(sender: Any, *, total: Decimal, code: Any, gift: bool = ...) -> None:
            \"\"\"An order was paid in full.\"\"\"


        # Made at {place}:8.
        # Sent at {place}:14.
        # Sent at {place}:15 with **more, which the source does not show: add it here.
        @default_namespace.declare
        def saved(sender: str | int, *, number: int | None) -> None:
            \"\"\"Sent by pay.\"\"\"


        shop_2 = Namespace("shop")


        # Made at {place}:9.
        @shop_2.declare
        def alone(sender: Any) -> None:
            \"\"\"Nothing that was read sends it.\"\"\"


        # Not declared here:
        # - {place}:17 makes a signal whose name only a run tells.
        # - {place}:19 makes a signal with each call.
        """
    )


def test_names_that_are_taken_give_way(tmp_path: Path) -> None:
    """Variables keep theirs if they can; a type that means something else here is not written."""
    source = """
    from blinker import Namespace, Signal, signal
    from there import Any as Anything, Namespace as N, paid as P
    from elsewhere import Order
    from there import Order as Other
    signals = Namespace()
    first = signals.signal("a")
    signals.signal("class").send(1)
    signals.signal("1.2").send(Order(), order=Other())
    class Web:
        first = Signal()
    Namespace = Signal()
    Web.first.send(N(), p=[])
    first.send(Order(), number=Other(), text="", none=None)
    first.send(Other(), number=1, text=None, none=None)
    """
    text = written(tmp_path, source)

    assert payloads(imported(text)) == {
        "a": "(sender: Any, *, number: Order | int, text: str | None, none: None)",
        "class": "(sender: int)",
        "1.2": "(sender: Any, *, order: Order)",
        "first_2": "(sender: Any, *, p: list[Any])",
        "Namespace_2": "(sender: Any)",
    }
    assert "from there import Order\n" in text
    assert "def signal_class(" in text
    assert "def signal_1_2(" in text


def test_texts_are_written_as_docstrings(tmp_path: Path) -> None:
    """Whatever they contain, and however long they are; long signatures have lines of their own."""
    long = ", ".join(f"argument_number_{it}=1" for it in range(6))
    source = f"""
    from blinker import signal
    a = signal("a", doc='Say "hi" or \\\\n, or \\"\\"\\"so\\"\\"\\", "now"')
    b = signal("b", doc="{"many words " * 20}")
    c = signal("c", doc=" ")
    def f(): a.send({long})
    def g(): a.send({long})
    def h(): a.send({long}); c.send()
    class I:
        def j(self): a.send({long})
    """
    declared = imported(written(tmp_path, source))

    docs = [str(declared[it].__doc__) for it in "abc"]
    assert docs[0] == "Say 'hi' or \\n, or '''so''', 'now'"
    assert docs[1].split() == ["many", "words"] * 20
    assert docs[2] == "Sent by h."
    assert len(payloads(declared)["a"]) > 100


def test_many_senders_are_not_all_named(tmp_path: Path) -> None:
    """The places above the declaration are complete."""
    sends = "\n    ".join(f"def f{it}(): a.send()" for it in range(5))
    text = written(tmp_path, f"\n    from blinker import signal\n    a = signal('a')\n    {sends}")

    assert '"""Sent by f0, f1 and 3 more."""' in text
    assert text.count("# Sent at") == 5


def test_flasks_signals_are_declared() -> None:
    """All ten, with what Flask sends."""
    found = payloads(package("flask"))

    assert list(found) == [
        "template-rendered",
        "before-render-template",
        "request-started",
        "request-finished",
        "request-tearing-down",
        "got-request-exception",
        "appcontext-tearing-down",
        "appcontext-pushed",
        "appcontext-popped",
        "message-flashed",
    ]
    assert found["template-rendered"] == "(sender: Flask, *, template: Template, context: Any)"
    assert found["got-request-exception"] == "(sender: Flask, *, exception: Exception)"
    assert found["message-flashed"] == "(sender: Any, *, message: str, category: str)"


def test_quarts_signals_are_declared() -> None:
    """Those of websockets, too."""
    found = payloads(package("quart"))

    assert len(found) == 18
    assert found["websocket-tearing-down"] == "(sender: Quart, *, exc: BaseException | None)"


def test_flask_logins_signals_are_declared() -> None:
    """With the texts that its source has above each."""
    declared = package("flask_login")

    assert payloads(declared)["logged-in"] == "(sender: Flask, *, user: Any)"
    assert str(declared["user_logged_in"].__doc__).startswith("Sent when a user is logged in.")


def test_flask_securitys_signals_are_declared() -> None:
    """Each of them is sent."""
    declared = package("flask_security")

    texts = [str(it.__doc__) for it in declared.values() if isinstance(it, Signal)]
    assert len(texts) >= 20
    assert [it for it in texts if not it.startswith("Sent by ")] == []
    expected = "(sender: Flask, *, user: UserMixin, authn_via: list[str] | None)"
    assert payloads(declared)["user-authenticated"] == expected


@pytest.mark.parametrize(
    ("modules", "names"),
    [
        ("contrib/auth", "user_logged_in user_login_failed user_logged_out"),
        (
            "core/signals core/handlers",
            "request_started request_finished got_request_exception setting_changed",
        ),
        (
            "db/models/signals db/models/base db/models/deletion",
            "class_prepared pre_init post_init pre_save post_save pre_delete post_delete",
        ),
    ],
)
def test_djangos_signals_are_declared(modules: str, names: str) -> None:
    """By name, although Django's have none; their sender is a keyword there."""
    found = payloads(package("django", *modules.split()))

    assert list(found)[:7] == names.split()
    for name, payload in {
        "user_logged_in": "(sender: type, *, request: Any, user: Any)",
        "request_started": "(sender: type, *, scope: Any = Ellipsis, environ: Any = Ellipsis)",
        "post_init": "(sender: type, *, instance: Model)",
    }.items():
        assert found.get(name, payload) == payload
