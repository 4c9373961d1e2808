"""A declaration that is made again at its place is the same one, edited maybe; others are not."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import sys
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, ReceiverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DECLARED = dedent("""\
    from __future__ import annotations
    from dataclasses import dataclass
    from shared import shop

    class Shop: ...

    @shop.declare
    def paid(sender: Shop, *, total: int) -> None:
        '''An order was paid.'''

    @dataclass(kw_only=True)
    class Lost:
        order: int

    lost = shop.declare_payload("lost", Lost)

    @shop.span
    def resize(sender: Shop, *, path: str) -> None: ...
    """)
EDITED = DECLARED.replace("class Shop: ...", "class Shop:\n    '''Sells.'''\n").replace(
    "total: int", "total: int, note: str = ''"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that modules are imported from, with one that has a namespace."""
    (tmp_path / "shared.py").write_text("import heliograph; shop = heliograph.Namespace('shop')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def written(folder: Path, name: str, source: str) -> str:
    """Write a module, and return where it stands."""
    path = folder / f"{name}.py"
    path.write_text(source)
    importlib.invalidate_caches()
    return str(path)


def loaded(name: str) -> Any:
    """Return a module, which is imported if it is not there."""
    return importlib.import_module(name)


NAMES = ["paid", "lost", "resize.started", "resize.finished", "resize.failed"]


def test_a_module_that_is_reloaded_declares_the_same_signals(folder: Path) -> None:
    """Whoever has them keeps them, and everybody stays connected."""
    written(folder, "app", DECLARED)
    app = loaded("app")
    heard: list[object] = []
    paid, shop = app.paid, app.shop
    signals = [shop[name] for name in NAMES]
    paid.connect(lambda sender, **payload: heard.append(payload), weak=False)
    importlib.reload(app)
    app.paid.send(app.Shop(), total=7)

    assert [shop[name] for name in NAMES] == signals
    assert (app.paid, app.lost, app.resize.started) == (paid, signals[1], signals[2])
    assert heard == [{"total": 7}]


def test_a_program_that_is_imported_by_its_name_declares_the_same_signals(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both runs made a class of the senders, and either may send."""
    path = written(folder, "app", DECLARED)
    main: Any = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(compile(DECLARED, path, "exec"), vars(main))  # noqa: S102 - as Python runs a program.
    app = loaded("app")

    assert (app.paid, app.lost) == (main.paid, main.lost)
    assert app.resize.started is main.resize.started
    for shop in (main.Shop(), app.Shop()):
        assert app.paid.send(shop, total=7) == []
    with pytest.raises(ArgumentError, match="'sender' is of type str, not Shop"):
        app.paid.send("Berlin", total=7)


def test_an_edited_declaration_takes_the_place_of_the_earlier_one(folder: Path) -> None:
    """At another line, too."""
    written(folder, "app", DECLARED)
    app = loaded("app")
    paid = app.paid

    def narrow(sender: object, *, total: int) -> None: ...

    paid.connect(narrow)
    before = paid.declaration
    path = written(folder, "app", EDITED)
    importlib.reload(app)
    after = paid.declaration

    assert (app.paid, after.signature) == (paid, "(sender: Shop, *, total: int, note: str = '')")
    assert [it.location for it in (before, after)] == [f"{path}:7", f"{path}:9"]
    assert paid.send(app.Shop(), total=7, note="thanks") == [(narrow, None)]
    assert [it.name for it in app.shop.declarations] == NAMES


def test_receivers_that_do_not_fit_an_edited_declaration_are_named(folder: Path) -> None:
    """The earlier one stays then, for all signals of a span."""
    written(folder, "app", DECLARED)
    app = loaded("app")

    def narrow(sender: object, *, total: int) -> None: ...

    def resized(
        sender: object, *, path: str, span: object, duration: float, attributes: object
    ) -> None:
        """Name all that is there."""

    app.paid.connect(narrow)
    app.resize.finished.connect(resized)
    before = {name: app.shop[name].declaration for name in NAMES}
    written(folder, "app", DECLARED.replace("total: int", "total: int, note: str"))
    with pytest.raises(ReceiverError, match=r"narrow, connected at .*, could not take it"):
        importlib.reload(app)
    written(folder, "app", DECLARED.replace("path: str", "path: str, size: int"))
    with pytest.raises(ReceiverError, match=r"resized, connected at .*, could not take it"):
        importlib.reload(app)

    assert {name: app.shop[name].declaration for name in NAMES} == before
    assert app.paid.send(app.Shop(), total=7) == [(narrow, None)]


def test_two_places_are_two_declarations(folder: Path) -> None:
    """In two modules, though they declare the same; and in one, though it runs again."""
    first = written(folder, "app", DECLARED)
    second = written(folder, "views", DECLARED)
    app = loaded("app")
    with pytest.raises(ArgumentError) as caught:
        loaded("views")

    assert str(caught.value) == (
        f"signal 'paid' is declared already, at {first}:7: declare it once, or use another name "
        f"at {second}:7."
    )
    twice = "\n@shop.declare\ndef paid(sender: Shop, *, total: int) -> None: ...\n"
    written(folder, "app", DECLARED + twice)
    for _ in range(2):
        with pytest.raises(ArgumentError, match=r"app.py:7: declare it once, .*app.py:20\.$"):
            importlib.reload(app)


def test_two_functions_of_one_module_are_two_places() -> None:
    """Each may run as often as it likes."""
    shop = Namespace("shop")

    def one() -> Any:
        @shop.declare
        def paid(sender: str, *, total: int) -> None: ...

        return paid

    def other() -> Any:
        @shop.declare
        def paid(sender: str, *, total: int) -> None: ...

        return paid

    assert one() is one()
    with pytest.raises(ArgumentError, match="declared already"):
        other()


def test_a_class_and_a_helper_are_places_as_well() -> None:
    """It counts where the function stands, not what passed it on."""
    shop = Namespace("shop")

    def declared(stub: Callable[..., None]) -> Any:
        return shop.declare(stub)

    def run() -> Any:
        class Signals:
            @declared
            def paid(sender: str, *, total: int) -> None: ...  # noqa: N805 - no method.

            lost = shop.declare_payload("lost", Lost)

        return Signals

    assert (run().paid, run().lost) == (shop["paid"], shop["lost"])
    with pytest.raises(ArgumentError, match="declared already"):

        @declared
        def paid(sender: str, *, total: int) -> None: ...


def test_a_line_that_declares_classes_is_a_place_for_each() -> None:
    """The same class again is the same declaration, and another one is another."""
    shop = Namespace("shop")

    def declared(payload: Any) -> Any:
        return shop.declare_payload("lost", payload)

    def edited(payload: Any) -> Any:
        payload.__init__ = lambda self, *, order, reason="none": None
        return payload

    class SignalGroup:
        def __init__(self, *, order: int) -> None: ...

    class Again(Lost):
        __module__, __qualname__ = Lost.__module__, Lost.__qualname__

    assert declared(Lost) is declared(Lost) is declared(edited(Again))
    assert shop["lost"].declaration is not None
    assert shop["lost"].declaration.names == ("order", "reason")
    with pytest.raises(ArgumentError, match="declared already"):
        declared(SignalGroup)


class Lost:
    """What is declared."""

    def __init__(self, *, order: int) -> None: ...


@pytest.mark.parametrize("names", [("<stdin>", "<stdin>"), ("cell_1", "cell_2")])
def test_a_cell_that_is_run_again_edits_its_declaration(names: tuple[str, str]) -> None:
    """A shell and a notebook call each piece of source what they like."""
    shop = Namespace("shop")
    module = {"shop": shop, "__name__": "__main__"}
    source = "@shop.declare\ndef paid(sender, *, total{}): ..."
    for name, more in zip(names, ("", ", note=None"), strict=True):
        exec(compile("\n" * len(more) + source.format(more), name, "exec"), module)  # noqa: S102 - a cell.

    assert [it.signature for it in shop.declarations] == ["(sender, *, total, note=None)"]


def test_a_stub_that_is_declared_where_it_does_not_stand_is_at_its_own_place() -> None:
    """Nothing is known of the code around it, but its name."""
    shop = Namespace("shop")
    stubs: list[Any] = [stub() for stub in (stub_of, stub_of)]

    assert shop.declare(stubs[0]) is shop.declare(stubs[1])


def stub_of() -> Callable[..., None]:
    """Return a function without a body."""

    def paid(sender: str, *, total: int) -> None: ...

    return paid


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_declaration_is_itself(copied: Callable[[Any], Any]) -> None:
    """It never changes."""
    declaration = Namespace().declare(stub_of()).declaration

    assert copied(declaration) is declaration


def test_a_declaration_that_names_a_class_of_a_function_can_be_pickled() -> None:
    """What comes back shows the same."""

    class Local:
        """A class that cannot be found by its name."""

    made = Namespace().declare_payload("lost", Lost, sender=Local).declaration
    assert made is not None
    assert made.classes["sender"] == (Local,)
    found = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own.

    assert (found, found.classes) == (made, {"order": (int,)})


def test_a_signal_that_is_declared_meanwhile_is_looked_at_again() -> None:
    """Another thread may do so while receivers are asked for their signatures."""
    shop = Namespace("shop")
    signal = shop.signal("paid")
    receivers: list[object] = []

    class Meddling:
        @property
        def __signature__(self) -> Any:
            if not receivers:
                receivers.append(narrow)
                signal.connect(narrow)
            return inspect.signature(self.__call__)

        def __call__(self, sender: object, **payload: object) -> None:
            """Take everything."""

    def narrow(sender: object) -> None: ...

    meddling = Meddling()
    signal.connect(meddling)
    with pytest.raises(ReceiverError, match="narrow, connected at"):
        shop.declare(stub_of())

    assert (signal.declaration, signal.receivers) == (None, (meddling, narrow))
