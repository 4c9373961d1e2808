"""The canonical encoding: one value, one text, on every Python and every database."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.audit import PayloadError
from heliograph.audit.encoding import (
    Plain,
    digest_of_data,
    digest_of_entry,
    encode,
    one_line,
)
from heliograph.redaction import Redaction


class Markup(str):
    """A text of a template engine."""

    __slots__ = ()


class Colour(enum.Enum):
    """A choice."""

    RED = "red"


class Level(enum.IntEnum):
    """A number with a name."""

    HIGH = 3


class Number(int):
    """A number of somebody's."""


@dataclass
class Point:
    """Something with fields."""

    x: int
    password: str


class Thing:
    """Something that has no encoding."""

    def __repr__(self) -> str:
        return "<Thing token=s3cret\0>"


def plain(value: Any) -> tuple[Any, list[str]]:
    """Return a value made plain, and what was changed."""
    made = Plain(Redaction())
    return made.value(value, "it"), made.notes


@pytest.mark.parametrize(
    ("value", "expected", "notes"),
    [
        (None, None, []),
        (True, True, []),
        (2**70, 2**70, []),
        (Number(7), 7, []),
        (Level.HIGH, 3, []),
        (1.5, "1.5", []),
        (1e16, "1e+16", []),
        (-0.0, "-0.0", []),
        (float("nan"), "nan", ["it: not a number"]),
        (float("-inf"), "-inf", ["it: not a number"]),
        (Decimal("1.10"), "1.10", []),
        ("a\nb", "a\nb", []),
        (Markup("<b>"), "<b>", []),
        ("a\0b", "a\ufffdb", ["it: replaced"]),
        ("\ud800", "\ufffd", ["it: replaced"]),
        ("x" * 10_001, "x" * 10_000 + "…", ["it: cut"]),
        (Colour.RED, "red", []),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001", []),
        (dt.date(2026, 1, 2), "2026-01-02", []),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00", []),
        (b"\xff", "/w==", []),
        ("Bearer s3cret-t0ken", "Bearer [redacted]", ["it: redacted"]),
        ((1, [2]), [1, [2]], []),
        (frozenset({"a"}), ["a"], []),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}, []),
        ({1: "one", None: 2, Markup("m"): 3}, {"1": "one", "null": 2, "m": 3}, []),
        ({"api_key": "k", "n": 1}, {"api_key": "[redacted]", "n": 1}, ["it.api_key: redacted"]),
        (Point(1, "p"), {"x": 1, "password": "[redacted]"}, ["it.password: redacted"]),
        (Thing(), "<Thing token=[redacted]", ["it: as text"]),
        (len, "builtins.len", ["it: as text"]),
        (Point, "tests.audit.test_encoding.Point", ["it: as text"]),
    ],
    ids=str,
)
def test_a_value_is_made_plain_and_what_was_changed_is_noted(
    value: Any, expected: Any, notes: list[str]
) -> None:
    """Without loss where JSON has a value for it, and with a note where there is a loss."""
    assert plain(value) == (expected, notes)
    encode(plain(value)[0])


def test_a_number_that_python_does_not_write_is_kept_as_a_text() -> None:
    """It writes none of more than 4,300 digits in decimals."""
    assert plain(1 << 20_000) == ("0x1" + "0" * 5_000, ["it: as text"])


def test_keys_that_become_one_text_are_refused() -> None:
    """One of the two would be lost."""
    with pytest.raises(PayloadError, match="two keys of it become the same text, '1'"):
        plain({1: "a", "1": "b"})


def test_what_never_ends_is_cut() -> None:
    """A list that contains itself."""
    endless: list[Any] = []
    endless.append(endless)

    made, notes = plain(endless)

    assert json.dumps(made).count("[") == 17
    assert notes == ["it" + "[0]" * 17 + ": cut"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_encoded_has_one_text(value: Any) -> None:
    """Reading it and encoding it again gives the same bytes, whatever reads."""
    made, _ = plain(value)
    data = encode(made)

    assert encode(json.loads(data)) == data
    assert "\0" not in data.decode()


def test_a_digest_tells_apart_what_is_told_from_what_frames_it() -> None:
    """What is told can be erased, and the rest still be verified."""
    data = digest_of_data(b"salt", b"{}")

    assert data != digest_of_data(b"other", b"{}")
    assert digest_of_entry(["a"], data) != digest_of_entry(["b"], data)
    assert digest_of_entry(["a"], data).hex() == (
        digest_of_entry(["a"], digest_of_data(b"salt", b"{}")).hex()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada\r\nlovelace", "ada\ufffd\ufffdlovelace"),
        ("x" * 300, "x" * 200),
        ("é\u2028", "é\ufffd"),
    ],
    ids=["lines", "long", "separator"],
)
def test_a_header_is_one_line(text: str, expected: str) -> None:
    """Nothing in it can begin a line of somebody else's log."""
    assert one_line(text) == expected


def test_a_set_has_one_order() -> None:
    """Whatever order it has in this process."""
    assert plain({"b", "a", "c"}) == (["a", "b", "c"], [])
