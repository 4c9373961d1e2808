"""What holds for every test: the loop of async tests, and the examples in the documentation."""

from __future__ import annotations

from doctest import ELLIPSIS
from typing import TYPE_CHECKING

import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

if TYPE_CHECKING:
    from sybil.typing import Parser

# The pages and the README in one namespace per page, docstrings in that of their module.
# `<!-- skip: next -->` above a block in Markdown leaves it out.
_page: list[Parser] = [PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), SkipParser()]
_docstring: list[Parser] = [DocTestParser(ELLIPSIS)]

pytest_collect_file = SybilCollection(
    [
        Sybil(_page, filenames=["README.md"]),
        Sybil(_page, path="docs", patterns=["*.md"]),
        Sybil(_docstring, path="src", patterns=["*.py"]),
    ]
).pytest()


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
