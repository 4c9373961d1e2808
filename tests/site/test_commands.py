"""The commands that pages tell to type: each is there, with the options that it is given."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from heliograph.cli.commands import heliograph
from scripts.site.commands import called
from scripts.site.markdown import DOCS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$? ?((?:\w+=\S+ )*heliograph .*(?:\\\n.*)*)", re.MULTILINE)
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]


def typed() -> Iterator[str]:
    """Yield each command of Heliograph that a page has in a block for a shell."""
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            yield from _COMMAND.findall(block)


def words(command: str) -> list[str]:
    """Return what the program gets of a command in a shell."""
    found = shlex.split(command.replace("\\\n", " "), comments=True)
    ends = [at for at, it in enumerate(found) if it in {"&", "|", "&&", ";"} or it[0] in "<>"]
    return found[found.index("heliograph") + 1 : min(ends, default=None)]


def parsed(command: click.Command, given: list[str], parent: click.Context | None = None) -> None:
    """Parse a command without running it.

    Raises:
        click.UsageError: If there is no such command, or no such option.
    """
    context = called(command, command.name or "", parent)
    _, left, _ = command.make_parser(context).parse_args(list(given))
    if isinstance(command, click.Group) and left:
        _, found, rest = command.resolve_command(context, left)
        assert found is not None
        parsed(found, rest, context)


@pytest.mark.parametrize("command", sorted(set(typed())))
def test_a_command_on_a_page_can_be_typed(command: str) -> None:
    """A misspelt option would be found by whoever types it."""
    parsed(heliograph, words(command))


@pytest.mark.parametrize("command", ["heliograph trase shop", "heliograph list shop --owned"])
def test_a_command_that_is_not_there_is_found(command: str) -> None:
    """Otherwise the test above would find nothing."""
    with pytest.raises(click.UsageError, match="No such"):
        parsed(heliograph, words(command))
