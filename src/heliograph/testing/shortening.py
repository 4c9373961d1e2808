"""Values as messages show them: short, but never without what tells two of them apart."""

from __future__ import annotations

import functools
from types import CodeType
from typing import Any

from heliograph.testing.sent import where

_WIDTH = 72
_AROUND = 12
"""Characters that are left of what two long values have in common, on each side."""


def shown(value: Any) -> str:
    """Return the whole representation of a value, or of a matcher."""
    try:
        if issubclass(type(value), type):
            return str(value.__qualname__)
        code = getattr(value, "__code__", None)
        if type(code) is CodeType:  # Others have an answer to every question.
            return f"{value.__qualname__} at {where(code.co_filename, code.co_firstlineno)}"
        if isinstance(value, functools.partial):
            return f"partial of {shown(value.func)}"
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the message is about something else.
        return f"<{type(value).__qualname__} whose repr raises {type(error).__qualname__}>"


def short(value: Any) -> str:
    """Return the representation of a value, without its middle if it is long."""
    text = shown(value)
    if len(text) <= _WIDTH:
        return text
    return f"{text[: _WIDTH - 2 * _AROUND]} … {text[-_AROUND:]}"


def hung(lead: str, text: str) -> str:
    """Return a text behind what leads to it; where it has several lines, each begins there."""
    return lead + text.replace("\n", "\n" + " " * len(lead))


def said(error: BaseException | None) -> str:
    """Return the type and the message of an error."""
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the message is about something else.
        return f"{kind} whose message cannot be shown"
    return f"{kind}: {text}" if text else kind


def apart(one: Any, other: Any) -> tuple[str, str]:
    """Return the representations of two values, without most of what they have in common."""
    texts = [shown(one), shown(other)]
    if max(map(len, texts)) <= _WIDTH or texts[0] == texts[1]:
        return short(one), short(other)
    begin = _alike(*texts)
    end = _alike(*(text[begin:][::-1] for text in texts))
    return _cut(texts[0], begin, end), _cut(texts[1], begin, end)


def _alike(one: str, other: str) -> int:
    """Return with how many characters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cut(text: str, begin: int, end: int) -> str:
    """Leave out what is more than a few characters away from where the difference is."""
    head, tail = text[:begin], text[len(text) - end :]
    if len(head) > 2 * _AROUND:
        head = f"{head[:_AROUND]} … {head[-_AROUND:]}"
    if len(tail) > 2 * _AROUND:
        tail = f"{tail[:_AROUND]} … {tail[-_AROUND:]}"
    return head + text[begin : len(text) - end] + tail
