"""Blinker's names, signatures and values, documented or not, are all there."""

from __future__ import annotations

import copy
import inspect
import pickle
import weakref
from enum import IntEnum
from typing import Any

import pytest

import heliograph
from heliograph import blinker
from heliograph.blinker import ANY, NamedSignal, Namespace, Signal, _utilities, base
from tests.blinker.processes import in_a_fresh_process


def test_the_package_offers_blinkers_six_names() -> None:
    """`from heliograph.blinker import *` gives what `from blinker import *` gives."""
    assert sorted(blinker.__all__) == [
        "ANY",
        "NamedSignal",
        "Namespace",
        "Signal",
        "default_namespace",
        "signal",
    ]


@in_a_fresh_process
def test_every_public_name_of_blinker_is_there() -> None:
    """What code imports from Blinker's package and its two modules exists here as well."""
    import importlib

    missing: list[str] = []
    for name in ("blinker", "blinker.base", "blinker._utilities"):
        theirs = importlib.import_module(name)
        ours = importlib.import_module(f"heliograph.{name}")
        for public, it in vars(theirs).items():
            own = str(getattr(it, "__module__", "blinker")).startswith("blinker")
            if own and not inspect.ismodule(it) and not hasattr(ours, public):
                missing.append(public)

    assert missing == []


def test_the_module_base_has_what_extensions_import_from_it() -> None:
    """`blinker.base` is imported directly by several packages."""
    assert [it for it in (*base.__all__, "_PNamespaceSignal") if not hasattr(base, it)] == []
    assert (base.ANY_ID, base.Symbol, base.Signal) == (0, _utilities.Symbol, Signal)


@in_a_fresh_process
def test_every_method_takes_what_blinkers_takes() -> None:
    """Blinker's parameters have their names, kinds and defaults; ours are given by keyword."""
    import inspect

    import blinker as theirs

    import heliograph.blinker as ours

    collecting = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

    def shapes(method: Any) -> dict[tuple[str, object], bool]:
        """Return whether it has a default, by name and kind of the parameter."""
        parameters = inspect.signature(method).parameters.values()
        return {
            ("" if it.kind in collecting else it.name, it.kind): it.default is not it.empty
            for it in parameters
        }

    differing = []
    for cls in (theirs.Signal, theirs.NamedSignal, theirs.Namespace):
        for name, method in vars(cls).items():
            if inspect.isfunction(method) and not name.startswith("_make_cleanup"):
                wanted = shapes(method)
                found = shapes(getattr(getattr(ours, cls.__name__), name))
                lost = [it for it in wanted if it not in found or wanted[it] > found[it]]
                # Ours collect what is misspelt or has no name, to say so.
                ours_alone = (inspect.Parameter.KEYWORD_ONLY, *collecting)
                added = [it for it in found.keys() - wanted if it[1] not in ours_alone]
                required = [it for it in found.keys() - wanted if it[0] and not found[it]]
                if lost or added or required:
                    differing.append((cls.__name__, name))

    assert differing == []


@in_a_fresh_process
def test_defaults_that_are_constants_are_blinkers() -> None:
    """`connect` is weak, `connect_via` is strong, and `send` is from None."""
    import inspect

    import blinker as theirs

    import heliograph.blinker as ours

    def defaults(signal: Any) -> dict[str, dict[str, object]]:
        methods = ("connect", "connect_via", "connected_to", "disconnect", "send", "send_async")
        return {
            method: {
                name: repr(it.default)
                for name, it in inspect.signature(getattr(signal, method)).parameters.items()
                if name in {"sender", "weak", "_async_wrapper", "_sync_wrapper"}
            }
            for method in methods
        }

    assert defaults(ours.Signal) == defaults(theirs.Signal)


def test_signals_say_what_they_take() -> None:
    """`help` shows the arguments of a signal, not those of some machinery."""
    assert list(inspect.signature(Signal).parameters) == ["doc"]
    assert list(inspect.signature(NamedSignal).parameters) == ["name", "doc"]


def test_any_is_one_symbol_everywhere() -> None:
    """ANY can be compared by identity, wherever it was got from."""
    assert Signal.ANY is ANY
    assert base.ANY is heliograph.ANY is ANY
    assert repr(ANY) == "ANY"


def test_any_survives_copying_and_pickling_as_itself() -> None:
    """ANY that went through another process is still ANY."""
    assert pickle.loads(pickle.dumps(ANY)) is ANY  # noqa: S301 - our own bytes.
    assert copy.deepcopy([ANY]) == [ANY]
    assert copy.copy(ANY) is ANY


def test_symbols_of_the_same_name_are_the_same_symbol() -> None:
    """Symbols are interned by name."""
    one = _utilities.Symbol("blinker-test")

    assert _utilities.Symbol("blinker-test") is one
    assert pickle.loads(pickle.dumps(one)) is one  # noqa: S301 - our own bytes.
    assert (one.name, repr(one)) == ("blinker-test", "blinker-test")
    assert _utilities.Symbol.symbols["blinker-test"] is one


class _Shop:
    def receive(self, sender: object) -> None: ...


def test_make_id_gives_blinkers_keys() -> None:
    """Strings and integers are their own keys, bound methods two ids, all else its id."""
    shop = _Shop()
    colour = IntEnum("colour", ["RED"])

    assert _utilities.make_id("a") == "a"
    assert _utilities.make_id(0) == 0
    assert _utilities.make_id(True) is True
    assert _utilities.make_id(colour(1)) is colour(1)
    assert _utilities.make_id(shop) == id(shop)
    assert _utilities.make_id(shop.receive) == (id(_Shop.receive), id(shop))


def test_make_ref_refers_to_bound_methods_too() -> None:
    """A reference to a bound method lives as long as its object."""
    shop = _Shop()
    died: list[object] = []
    method = _utilities.make_ref(shop.receive, died.append)
    plain = _utilities.make_ref(shop)

    assert isinstance(method, weakref.WeakMethod)
    assert (method(), plain()) == (shop.receive, shop)

    del shop

    assert (method(), plain(), died) == (None, None, [method])


def test_a_signal_takes_its_documentation() -> None:
    """`Signal(doc)` sets the docstring, and without one the class's stays."""
    assert Signal("Sent now.").__doc__ == "Sent now."
    assert Signal(doc="Sent now.").__doc__ == "Sent now."
    assert Signal().__doc__ == Signal.__doc__


def test_a_named_signal_shows_its_name() -> None:
    """The name is an attribute and the end of the representation."""
    named = NamedSignal("order-paid", "Sent when paid.")

    assert (named.name, named.__doc__) == ("order-paid", "Sent when paid.")
    assert (
        repr(named)
        == f"<heliograph.blinker.base.NamedSignal object at {id(named):#x}; 'order-paid'>"
    )
    assert repr(Signal()).startswith("<heliograph.blinker.base.Signal object at 0x")
    assert isinstance(named, Signal)


def test_a_blinker_signal_is_a_heliograph_signal() -> None:
    """Tools that look for Heliograph's signals find these as well."""
    assert isinstance(Signal(), heliograph.Signal)


def test_a_namespace_is_a_dict() -> None:
    """A namespace can be looked at and changed as any dict."""
    names = Namespace()
    paid = names.signal("order-paid")

    assert isinstance(names, dict)
    assert dict(names) == {"order-paid": paid}
    assert names.pop("order-paid") is paid
    assert names == {}


def test_a_namespace_makes_each_signal_once() -> None:
    """Asking for the same name gives the same signal."""
    names = Namespace()
    paid = names.signal("order-paid", "Sent when paid.")

    assert type(paid) is NamedSignal
    assert names.signal("order-paid", doc="Something else.") is paid
    assert (paid.name, paid.__doc__) == ("order-paid", "Sent when paid.")


@pytest.mark.parametrize("name", ["order-paid", "", 0, None, ("shop", "paid")])
def test_a_namespace_accepts_any_hashable_name(name: Any) -> None:
    """Blinker never asked for strings."""
    names = Namespace()
    made = names.signal(name)

    assert (names[name], made.name) == (made, name)


@in_a_fresh_process
def test_the_function_signal_makes_signals_in_the_default_namespace() -> None:
    """`signal` is the method of `default_namespace`, where nothing is installed."""
    made = blinker.signal("order-paid")

    assert blinker.default_namespace == {"order-paid": made}
    assert type(blinker.default_namespace) is Namespace


def test_the_documentation_of_a_signal_does_not_have_to_come_first() -> None:
    """The first docstring that is given counts, also if the signal was made without."""
    names = Namespace()
    names.signal("order-paid")

    assert names.signal("order-paid", "Sent when paid.").__doc__ == "Sent when paid."


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    """Blinker ships `py.typed`."""
    from importlib.resources import files

    assert files("heliograph").joinpath("py.typed").is_file()
