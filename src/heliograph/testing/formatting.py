"""How messages of tests are laid out: labels, indented values, and pairs that differ."""

from __future__ import annotations

from typing import Any

from heliograph.describe import full_repr, label_of, short_repr

_WIDTH = 72
_AROUND = 12
"""How many characters are kept, on each side, of what two long values have in common."""


def label(signal: Any) -> str:
    """Return what a message calls a signal: its quoted name, or the variable that holds it."""
    return label_of(signal, quoted=True)


def indent_after(lead: str, text: str) -> str:
    """Return a text behind its lead; further lines begin below the first."""
    return lead + text.replace("\n", "\n" + " " * len(lead))


def shorten_pair(one: Any, other: Any) -> tuple[str, str]:
    """Return the representations of two values, without most of what they have in common."""
    texts = [full_repr(one), full_repr(other)]
    if max(map(len, texts)) <= _WIDTH or texts[0] == texts[1]:
        return short_repr(one), short_repr(other)
    begin = _common_prefix(*texts)
    end = _common_prefix(*(text[begin:][::-1] for text in texts))
    return _cut(texts[0], begin, end), _cut(texts[1], begin, end)


def _common_prefix(one: str, other: str) -> int:
    """Return how many characters both texts begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cut(text: str, begin: int, end: int) -> str:
    """Leave out what is more than a few characters away from the difference."""
    head, tail = text[:begin], text[len(text) - end :]
    if len(head) > 2 * _AROUND:
        head = f"{head[:_AROUND]} … {head[-_AROUND:]}"
    if len(tail) > 2 * _AROUND:
        tail = f"{tail[:_AROUND]} … {tail[-_AROUND:]}"
    return head + text[begin : len(text) - end] + tail
