"""The reference page: nothing that is public is missing on it, and its signatures are so."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cached_property
from inspect import Parameter, getmembers, isroutine, signature
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import Connection, Delivery, Emission, Namespace, Signal, development, inspector
from heliograph.core.declared.declaration import Argument, Declaration
from heliograph.core.patterns import SignalPattern
from heliograph.core.spans.span import Span
from heliograph.core.streams.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2].joinpath("docs", "reference.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return what stands below the heading, up to the next one of its rank."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def attributes(text: str) -> dict[str, list[str]]:
    """Return the attributes that are listed beside the names of values."""
    found = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$", text, re.MULTILINE)
    return {name: re.findall(r"\w+", listed) for name, listed in found}


def rows(text: str) -> set[str]:
    """Return the names that rows of tables begin with, without their arguments."""
    return set(re.findall(r"^\| `(\w+)", text, re.MULTILINE))


def public(kind: type) -> set[str]:
    """Return the methods, properties and annotated attributes of a class without an underscore.

    What is neither in a class is for the engine alone.
    """
    described = (FunctionType, property, cached_property)
    ours = [part for part in kind.__mro__ if part.__module__.startswith("heliograph")]
    members = {
        name
        for part in ours
        for name, it in vars(part).items()
        if isinstance(it, described) or isroutine(it)  # It may be in C.
    }
    annotated = {name for part in ours for name in vars(part).get("__annotations__", {})}
    absent = {"disconnect"} if kind is Connection else set()  # It says who does that instead.
    return {name for name in members | annotated if not name.startswith("_")} - absent


def written(call: Callable[..., object]) -> str:
    """Return the signature as the page writes it: without types, and what only catches errors."""
    parts = [
        it.replace(annotation=Parameter.empty)
        for it in signature(call).parameters.values()
        if it.name not in {"self", "misspelt", "unnamed"}
    ]
    shown = str(signature(call).replace(parameters=parts, return_annotation=Parameter.empty))
    return call.__name__ + shown.replace("'", '"')


def test_every_public_name_is_on_the_page() -> None:
    """What can be imported from the front door can be looked up."""
    names = rows(section("The names of `heliograph`")) | rows(section("Errors"))

    assert names == set(heliograph.__all__)


VALUES = ("Catalogue", "Explanation")


def test_every_name_of_the_inspector_is_on_the_page() -> None:
    """And every attribute of what it knows, in their order: they are the keys of the JSON."""
    text = section("`heliograph.inspector`")
    known = [it for it in inspector.__all__ if it in VALUES or it.endswith(("Info", "Health"))]

    assert rows(text) == set(inspector.__all__)
    assert attributes(text) == {
        name: [it.name for it in fields(getattr(inspector, name))] for name in known
    }


def test_every_name_of_development_is_on_the_page() -> None:
    """With its arguments."""
    text = section("`heliograph.development`")
    calls = [getattr(development, name) for name in development.__all__]

    assert rows(text) == set(development.__all__)
    assert [it for it in map(written, calls) if f"`{it}`" not in text] == []


KINDS = [Signal, Stream, Span, Connection, Emission, Delivery, Declaration, Argument]
CALLED = {
    Signal: "Signal",
    Stream: "Stream",
    Span: "Span",
    Namespace: "Namespace",
    SignalPattern: "Namespace",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_attribute_is_on_the_page(kind: type) -> None:
    """All that a user can read or call, and nothing that is not there."""
    text = section(kind.__name__).partition("### ")[0]

    assert rows(text) == public(kind)


@pytest.mark.parametrize(
    ("title", "call"),
    [
        (title, it)
        for kind, title in CALLED.items()
        for name, it in getmembers(kind, callable)
        if not name.startswith("_")
    ],
)
def test_the_signatures_on_the_page_are_those_of_the_methods(
    title: str, call: Callable[..., object]
) -> None:
    """Names, order, kinds and defaults."""
    assert f"`{written(call)}`" in section(title)
