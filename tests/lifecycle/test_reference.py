"""The names of the wing: which they are, and that the reference page has all of them."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import Parameter, getdoc, signature
from pathlib import Path
from types import MemberDescriptorType
from typing import Any

import pytest

from heliograph import Signal, lifecycle
from heliograph.lifecycle import JobInfo, RequestInfo, ResponseInfo

PAGE = Path(__file__).parents[2].joinpath("docs", "reference.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## `heliograph.lifecycle`\n")[2].partition("\n## ")[0]
SIGNALS, NAMES, MODULES = SECTION.split("\n\n| ")[1:]
FRAMEWORKS = ["flask", "quart", "starlette", "fastapi", "litestar", "aiohttp", "django", "falcon"]


def rows(table: str) -> dict[str, list[str]]:
    """Return what a table says of each name, as far as it is code."""
    found = re.findall(r"^\| `(\w+).*?` \| (.*) \|$", table, re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", text) for name, text in found}


def attributes(kind: type) -> list[str]:
    """Return what a user can read of a value, or call."""
    described = (MemberDescriptorType, property)
    return sorted(
        name
        for name, it in vars(kind).items()
        if not name.startswith("_") and (isinstance(it, described) or callable(it))
    )


def written(call: Any) -> str:
    """Return the signature as the page writes it."""
    parts = [
        it.replace(annotation=Parameter.empty)
        for it in signature(call).parameters.values()
        if it.name != "native"  # It is for the frameworks' own modules.
    ]
    shown = str(signature(call).replace(parameters=parts, return_annotation=Parameter.empty))
    name: str = call.__name__
    return name + shown.replace("application,", "app,")


def test_every_public_name_is_on_the_page() -> None:
    """What can be imported can be looked up, and nothing else."""
    assert sorted([*rows(SIGNALS), *rows(NAMES)]) == sorted(lifecycle.__all__)


def test_every_signal_is_on_the_page_with_its_payload() -> None:
    """In the order of the declarations; and each is public by the name that it has."""
    signals = {name.replace("-", "_"): it for name, it in lifecycle.lifecycle.items()}

    assert {name: getattr(lifecycle, name) for name in signals} == signals
    assert [*rows(SIGNALS).items()] == [
        (name, [it for it in signal.declaration.names if it != "sender"])
        for name, signal in signals.items()
        if signal.declaration is not None
    ]


@pytest.mark.parametrize("kind", [RequestInfo, ResponseInfo, JobInfo])
def test_every_attribute_is_on_the_page(kind: type) -> None:
    """In the order of the alphabet."""
    assert rows(NAMES)[kind.__name__] == attributes(kind)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_installs_are_called_alike(framework: str) -> None:
    """As the page writes it."""
    module = import_module(f"heliograph.lifecycle.{framework}")

    assert f"`{framework}`" in MODULES
    assert f"`{written(module.install)}`" in MODULES


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_the_middleware_is_called_alike(interface: str) -> None:
    """As the page writes it."""
    module = import_module(f"heliograph.lifecycle.{interface}")

    assert f"`{written(module.Middleware)}`" in MODULES


def test_every_public_name_says_what_it_is() -> None:
    """Each signal in its declaration, all else in a docstring of its own."""
    things = {name: getattr(lifecycle, name) for name in lifecycle.__all__ if name != "lifecycle"}

    undocumented = [
        name
        for name, it in things.items()
        if not (it.declaration and it.__doc__ if isinstance(it, Signal) else getdoc(it))
    ]
    assert undocumented == []
