"""The reference page has every name of `heliograph.testing`, with the signature that it has."""

from __future__ import annotations

import re
from inspect import Parameter, isfunction, signature
from pathlib import Path
from typing import Any

import pytest

from heliograph import testing
from heliograph.testing import Capture

PAGE = Path(__file__).parents[2].joinpath("docs", "reference.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## `heliograph.testing`\n")[2].partition("\n## ")[0]
METHODS = ["assert_sent", "assert_not_sent", "assert_order", "one", "of", "sent_by", "where"]


def written(call: Any) -> str:
    """Return the signature as the page writes it."""
    parts = [
        it.replace(annotation=Parameter.empty)
        for it in signature(call).parameters.values()
        if it.name != "self"
    ]
    shown = str(signature(call).replace(parameters=parts, return_annotation=Parameter.empty))
    name: str = call.__name__
    return name + shown.replace("'", '"')


def test_every_public_name_is_on_the_page() -> None:
    """What can be imported can be looked up, and nothing else."""
    cells = " ".join(
        re.findall(r"^\| (`.*?) \|", SECTION.partition("\n\n`Emissions`")[0], re.MULTILINE)
    )
    names = set(re.findall(r"`(\w+)", cells))

    assert names == set(testing.__all__)


def test_the_wing_has_its_names_and_no_others() -> None:
    """The mix-in for unittest as well, which is imported when it is asked for."""
    with pytest.raises(AttributeError, match=r"^module 'heliograph.testing' has no attribute 'X'"):
        testing.X  # type: ignore[attr-defined]  # noqa: B018 - it raises.

    assert [it for it in dir(testing) if not it.startswith("__")] == sorted(testing.__all__)
    assert testing.SignalsMixin.__module__ == "heliograph.testing.case"


@pytest.mark.parametrize("name", [it for it in testing.__all__ if isfunction(getattr(testing, it))])
def test_the_signatures_on_the_page_are_those_of_the_functions(name: str) -> None:
    """Names, order, kinds and defaults."""
    assert f"`{written(getattr(testing, name))}`" in SECTION


@pytest.mark.parametrize("name", [*METHODS, "wait", "wait_async"])
def test_the_signatures_on_the_page_are_those_of_the_methods(name: str) -> None:
    """Of sequences of emissions, and of captures."""
    assert f"`{written(getattr(Capture, name))}`" in SECTION
