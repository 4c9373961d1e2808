"""Annotations can be evaluated when a program runs, with the names that type checkers import."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

import heliograph.blinker
import heliograph.describe
import heliograph.testing
from heliograph import annotating
from heliograph.blinker import annotating as blinker_annotating
from heliograph.testing import annotating as testing_annotating

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = {
    heliograph: annotating,
    heliograph.describe: annotating,
    heliograph.blinker: blinker_annotating,
    heliograph.testing: testing_annotating,
}


def functions(package: Any) -> Iterator[tuple[str, FunctionType]]:
    """Give the public functions and methods of a package that are ours, by their names."""
    for name in dir(package):
        it = getattr(package, name)
        if inspect.isclass(it) and name[0] != "_":
            found = {f"{name}.{key}": inspect.getattr_static(it, key) for key in dir(it)}
        else:
            found = {name: it}
        for title, thing in found.items():
            function = thing
            for unwrap in ("__func__", "fget", "func"):
                function = getattr(function, unwrap, function)
            public = not title.rpartition(".")[2].startswith("_") or title.endswith("__")
            ours = str(getattr(function, "__module__", None)).startswith("heliograph")
            if public and ours and isinstance(function, FunctionType):
                yield title, function


@pytest.mark.parametrize("package", PACKAGES, ids=lambda it: it.__name__)
def test_the_annotations_of_all_that_is_public_can_be_evaluated(package: Any) -> None:
    """Those of every function and method, with the names in the package's `annotating`."""
    failed = {}
    seen = dict(functions(package))
    for title, function in seen.items():
        try:
            typing.get_type_hints(function, localns=vars(PACKAGES[package]))
        except (NameError, TypeError) as error:
            failed[title] = error

    assert failed == {}
    assert len(seen) >= 20


def test_annotations_name_the_classes_of_their_package() -> None:
    """A signal of Blinker's kind is made by its namespaces, and is what its meta-signals are."""

    def returned(function: Any, names: Any) -> object:
        return typing.get_type_hints(function, localns=vars(names))["return"]

    ours, theirs = heliograph.Namespace, heliograph.blinker.Namespace
    meta: Any = inspect.getattr_static(heliograph.blinker.Signal, "receiver_connected")
    assert returned(ours.signal, annotating) == heliograph.Signal[...]
    assert returned(theirs.signal, blinker_annotating) is heliograph.blinker.NamedSignal
    assert returned(meta.func, blinker_annotating) is heliograph.blinker.Signal


def test_what_evaluates_annotations_is_imported_by_nothing() -> None:
    """It loads `typing`, and much besides."""
    program = (
        "import sys, heliograph, heliograph.blinker, heliograph.testing\n"
        "print([it for it in sys.modules if it.endswith('.annotating')])"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert output == "[]\n"
    assert import_module("heliograph.annotating") is annotating
