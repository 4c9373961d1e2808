"""Copies and pickles: of signals, which come out unconnected, and of what says who is meant."""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, Namespace, Signal, default_namespace
from heliograph.core.identity import Symbol
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pickled(thing: Any) -> Any:
    """Return what comes back from a pickle."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own.


COPIES = [copy.copy, copy.deepcopy, pickled]


class Paid(Signal):
    """A signal of a class of its own."""


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("kind", [Signal, Paid])
def test_a_copy_of_a_signal_is_an_unconnected_one_of_the_same_name(
    kind: type[Signal], copied: Callable[[Any], Any]
) -> None:
    """Connections are to the very signal that they were made with."""
    signal, diary = kind("paid", "When money came."), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    signal.receiver_connected.connect(diary.receiver("told"))
    made = copied(signal)

    assert (type(made), made.name, made.__doc__) == (kind, "paid", "When money came.")
    assert (made is signal, made.connections, made.send()) == (False, (), [])
    assert signal.send() == [(receiver, "r")]

    made.connect(diary.receiver("other"))

    assert signal.receivers == (receiver,)
    assert diary.lines == ["r"]


@pytest.mark.parametrize("copied", COPIES)
def test_a_signal_without_name_and_documentation_can_be_copied(
    copied: Callable[[Any], Any],
) -> None:
    """Nothing is made up for the copy."""
    made = copied(Signal())

    assert (made.name, "__doc__" in vars(made)) == (None, False)


def test_an_object_with_a_signal_can_be_copied() -> None:
    """The copy has a signal of its own, to which nobody is connected."""

    class Shop:
        def __init__(self) -> None:
            self.paid = Signal("paid")

    shop, diary = Shop(), Diary()
    shop.paid.connect(diary.receiver("r"))
    other = copy.deepcopy(shop)

    assert (other.paid is shop.paid, other.paid.send()) == (False, [])


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("symbol", [ANY, Symbol("ANYBODY")], ids=repr)
def test_a_copy_of_a_symbol_is_the_symbol(symbol: Symbol, copied: Callable[[Any], Any]) -> None:
    """`ANY` stays `ANY`, wherever it travels."""
    assert copied(symbol) is symbol


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_a_namespace_has_signals_of_its_own(copied: Callable[[Any], Any]) -> None:
    """They have the same names, and nobody is connected to them."""
    shop, diary = Namespace("shop"), Diary()
    shop.signal("paid").connect(diary.receiver("r"))
    made = copied(shop)

    assert (made.name, list(made)) == ("shop", ["paid"])
    assert (made["paid"] is shop["paid"], made["paid"].send()) == (False, [])


@pytest.mark.parametrize("copied", COPIES)
def test_a_connection_cannot_be_copied(copied: Callable[[Any], Any]) -> None:
    """It says what is connected; a second one would not be."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with pytest.raises(TypeError, match="Connection"):
        copied(signal.connections[0])


class Shelved(Signal):
    """A subclass with an argument of its own."""

    def __init__(self, shelf: int, *, label: str) -> None:
        super().__init__(f"shelf-{shelf}")
        self.shelf, self.label = shelf, label


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_subclass_has_its_attributes(copied: Callable[[Signal], Any]) -> None:
    """However its `__init__` is called."""
    signal, diary = Shelved(3, label="tea"), Diary()
    signal.connect(diary.receiver("r"))
    made = copied(signal)

    assert (type(made), made.name, made.shelf, made.label) == (Shelved, "shelf-3", 3, "tea")
    assert made.connections == ()


def test_a_subclass_that_skips_the_initialization_has_no_name() -> None:
    """It is a signal all the same."""

    class Bare(Signal):
        def __init__(self) -> None: ...

    assert (Bare().name, repr(Bare()), Bare().send()) == (None, "<Bare without a name>", [])


# --- what can be imported comes out of a pickle as itself --------------------------------------

MODULE = """
from heliograph import Namespace, Signal
shop = Namespace("shop")
billing = shop.namespace("billing")
nested = [billing.signal("sent")]
listed = [shop.signal("listed")]
plain = Signal("of another name", "Sent now.")
unnamed = Signal()

@shop.declare
def paid(sender: str, *, total: int) -> None: ...

@shop.span
def resize(sender: str, *, path: str) -> None: ...
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a module with signals."""
    (tmp_path / "pickled_shop.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("pickled_shop")
    sys.modules.pop("pickled_shop", None)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_signal_of_a_module_comes_back_as_itself(module: Any, protocol: int) -> None:
    """Be it a variable, or in a namespace that is one; connections and all."""
    signals = [module.plain, module.unnamed, module.paid, module.resize.started]
    signals += [*module.nested, *module.listed, default_namespace.signal("pickled")]

    for it in [*signals, module.shop, module.billing, default_namespace]:
        assert pickle.loads(pickle.dumps(it, protocol)) is it  # noqa: S301 - our own.


def test_a_signal_of_a_module_reaches_another_process_as_itself(
    module: Any, tmp_path: Path
) -> None:
    """Its module is imported there, and whoever that connects hears it."""
    (tmp_path / "pickled_shop.py").write_text(
        MODULE + "\n@paid.connect\ndef hear(sender, *, total): return total * 2\n"
    )
    program = (
        f"import pickle, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"signal, name = pickle.loads({pickle.dumps((module.paid, module.shop))!r})\n"
        "[(_, value)] = signal.send('Berlin', total=7)\n"
        "print(value, name['paid'] is signal)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["14", "True"]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_another_one_wherever_it_was_copied_from(
    module: Any, copied: Callable[[Any], Any]
) -> None:
    """Whoever copies wants a second one; a namespace that is copied deeply has its own signals."""
    signals = [module.plain, module.unnamed, module.paid]
    made = [copied(it) for it in signals]
    shop = copied(module.shop)

    assert [(it.name, it.__doc__, it.declaration) for it in made] == [
        (it.name, it.__doc__, it.declaration) for it in signals
    ]
    assert [it is signal for it, signal in zip(made, signals, strict=True)] == [False] * 3
    assert (shop is module.shop, list(shop)) == (False, list(module.shop))
    assert (shop["paid"] is module.paid) is (copied is copy.copy)


def test_a_signal_that_is_no_longer_where_it_was_comes_back_as_a_twin(module: Any) -> None:
    """Only what is found is referred to, though it was found there before."""
    plain, listed = module.plain, module.listed[0]
    before = pickled(plain), pickled(listed)
    del module.plain
    module.shop = module.billing = None
    made = pickled(plain)

    assert before == (plain, listed)
    assert (made is plain, made.name, made.__doc__) == (False, "of another name", "Sent now.")
    assert pickled(listed) is not listed


class Told(Signal):
    """A subclass that says itself how it is pickled."""

    def __reduce__(self) -> Any:
        """Be made by name."""
        return Told, (self.name, "remade")


TOLD = Told("told")


def test_a_subclass_may_say_itself_how_it_is_pickled() -> None:
    """As any class may."""
    made = pickled(TOLD)

    assert (type(made), made.name, made.__doc__, made is TOLD) == (Told, "told", "remade", False)


class Reference:
    """Refers to itself."""

    def __init__(self) -> None:
        self.signal = Signal("paid")
        vars(self.signal)["owner"] = self


def test_a_deep_copy_of_a_circle_is_one() -> None:
    """A signal may refer to whoever has it."""
    made = copy.deepcopy(Reference())

    assert vars(made.signal)["owner"] is made


def test_what_stands_among_the_modules_and_is_none_is_no_place(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some programs put other things there."""
    monkeypatch.setitem(sys.modules, "a_thing", Reference())

    assert pickled(module.plain) is module.plain


def test_the_program_itself_is_the_last_place(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes have another one, and `multiprocessing` calls theirs by a second name."""
    monkeypatch.setitem(sys.modules, "__mp_main__", sys.modules["__main__"])
    monkeypatch.setattr(sys.modules["__main__"], "plain", module.plain, raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "own", own := Signal("own"), raising=False)

    assert b"pickled_shop" in pickle.dumps(module.plain)
    assert (pickled(module.plain), pickled(own)) == (module.plain, own)


class Counting(Signal):
    """Notes something of itself alone, and something that copies have too."""

    _not_copied = Signal._not_copied | {"sent"}

    sent = 0
    unit = "cent"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_subclass_says_what_of_its_own_is_not_copied(copied: Callable[[Any], Any]) -> None:
    """The engine knows no attribute of those who build on it."""
    signal = Counting("paid")
    signal.sent, signal.unit = 7, "euro"

    twin = copied(signal)

    assert (twin.name, twin.sent, twin.unit) == ("paid", 0, "euro")
