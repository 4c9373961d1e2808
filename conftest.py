"""What holds for every test: what none leaves behind, the loop of async ones, the examples."""

from __future__ import annotations

from doctest import ELLIPSIS
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

from tests.leftovers import Leftovers

if TYPE_CHECKING:
    from sybil.typing import Parser

# However busy the machine is: what takes long is no fault.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# The pages and the README in one namespace per page, docstrings in that of their module.
# `<!-- skip: next -->` above a block in Markdown leaves it out.
_page: list[Parser] = [PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), SkipParser()]
_docstring: list[Parser] = [DocTestParser(ELLIPSIS)]


def _end(namespace: dict[str, Any]) -> None:
    """End the program that a page is: nobody holds its receivers any more."""
    namespace.clear()


pytest_collect_file = SybilCollection(
    [
        Sybil(_page, filenames=["README.md"], teardown=_end),
        # The tutorial is typed in as a whole: tests/site does it.
        Sybil(_page, path="docs", patterns=["*.md"], excludes=["tutorial/*"], teardown=_end),
        Sybil(_docstring, path="src", patterns=["*.py"], teardown=_end),
    ]
).pytest()


def pytest_configure(config: pytest.Config) -> None:
    """Let no test leave behind what a later one would notice."""
    config.pluginmanager.register(Leftovers(), Leftovers.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the examples of a page in their order, as each goes on from those above it."""
    places = [at for at, item in enumerate(items) if isinstance(item, SybilItem)]
    examples = [item for item in items if isinstance(item, SybilItem)]
    examples.sort(key=lambda it: (it.path, it.example.line))
    for at, example in zip(places, examples, strict=True):
        items[at] = example


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, the loop of the frameworks that send signals."""
    return "asyncio"
