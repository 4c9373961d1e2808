"""Programs with the faults that the doctor is to find marked in them, and what it finds."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from heliograph.inspector.doctor import Examination, Program, examine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

_MARK = re.compile(r"#! (?P<names>[a-z -]+)$")

Found = list[tuple[str, str]]


def marked(files: Mapping[str, str]) -> Found:
    """Return the checks that are named in the lines of files, after `#!`, with the place."""
    found = []
    for file, text in files.items():
        for number, line in enumerate(dedent(text).splitlines(), 1):
            mark = _MARK.search(line)
            names = mark["names"].split() if mark else []
            found += [(name, f"{file}:{number}") for name in names]
    return sorted(found)


def looked_at(modules: Sequence[ModuleType], **how: Any) -> Examination:
    """Return the examination of a program, without what the engine of the tests adds to it."""
    app, is_async = how.pop("app", None), how.pop("is_async", False)
    blinkers = frozenset(how.pop("blinkers", ()))
    return examine(Program(tuple(modules), app, is_async, blinkers), **how)


def found(examination: Examination) -> Found:
    """Return the checks that have found something, each with its place; not those of the engine."""
    return sorted((it.check, it.location) for it in examination.findings if it.location is not None)


def messages(examination: Examination) -> list[str]:
    """Return what was found, in words; not what the engine adds."""
    return [it.message for it in examination.findings if it.location is not None]
