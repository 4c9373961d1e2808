"""Payloads: what is declared crosses as JSON, and nothing else does."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import msgspec
import pytest

from heliograph import ArgumentError, Namespace, Signal
from heliograph.relay import EnvelopeError, Limits
from heliograph.relay.payloads import Payload

shop = Namespace("shop")


class Colour(enum.Enum):
    """The colours that are sold."""

    RED = "red"


@dataclass
class Line:
    """One line of an order."""

    sku: str
    count: int = 1


class Address(TypedDict):
    """Where it goes."""

    city: str


class Picky:
    """Something that has no JSON."""


@dataclass
class Odd:
    """Something that fails in a way of its own."""

    n: int

    def __post_init__(self) -> None:
        if self.n:
            msg = "not that one"
            raise LookupError(msg)


@shop.declare
def paid(sender: str, *, n: int, note: str = "", colour: Colour | None = None) -> None:
    """Paid."""


@shop.declare
def everything(  # type: ignore[no-untyped-def]  # An argument may have no type.
    sender: str,
    *,
    at: dt.datetime,
    price: decimal.Decimal,
    key: uuid.UUID,
    lines: list[Line],
    address: Address,
    tags: set[str],
    raw: bytes,
    kind: Literal["a", "b"],
    any_value: Any,
    thing: object,
    untyped,
) -> None:
    """Everything that crosses."""


@shop.declare
def optional(sender: str, *, thing: object = None, any_value: Any = None, n: int = 0) -> None:
    """All of it may be missing."""


@shop.declare
def nothing(sender: str) -> None:
    """Nothing at all."""


@shop.declare
def odd(sender: str, *, it: Odd) -> None:
    """Of a type that fails."""


LIMITS = Limits()
PAID = Payload(paid, LIMITS)


def refusal(payload: dict[str, Any], limits: Limits = LIMITS, signal: Any = paid) -> str:
    """Return why a payload does not cross."""
    with pytest.raises(ArgumentError) as caught:
        Payload(signal, limits).write(payload)
    return str(caught.value)


def unread(written: bytes, signal: Any = paid) -> tuple[str, str]:
    """Return why some JSON is no payload: what is counted, and what is said."""
    with pytest.raises(EnvelopeError) as caught:
        Payload(signal, LIMITS).read(msgspec.Raw(written))
    return caught.value.reason, str(caught.value)


def test_a_payload_arrives_as_it_was_sent() -> None:
    """With the types of the declaration."""
    sent = {
        "at": dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC),
        "price": decimal.Decimal("12.50"),
        "key": uuid.UUID(int=7),
        "lines": [Line("a1", 2), Line("b2")],
        "address": {"city": "Bern"},
        "tags": {"new"},
        "raw": b"\x00\xff",
        "kind": "a",
        "any_value": {"n": [1, None, 2.5]},
        "thing": [1],
        "untyped": "x",
    }
    payload = Payload(everything, LIMITS)

    assert payload.read(payload.write(sent)) == sent


def test_what_was_not_sent_is_missing() -> None:
    """So the receiver's own default counts."""
    payload = Payload(optional, LIMITS)

    assert PAID.read(PAID.write({"n": 1})) == {"n": 1}
    assert PAID.read(PAID.write({"n": 1, "colour": Colour.RED})) == {"n": 1, "colour": Colour.RED}
    assert payload.read(payload.write({})) == {}
    assert payload.read(payload.write({"thing": 1, "n": 2})) == {"thing": 1, "n": 2}
    assert Payload(nothing, LIMITS).write({}) == msgspec.Raw(b"{}")


def test_an_old_program_ignores_what_a_new_one_sends() -> None:
    """And a new one gets no argument that an old one does not send."""
    assert PAID.read(msgspec.Raw(b'{"n":1,"currency":"EUR"}')) == {"n": 1}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (
            {},
            (
                "signal 'paid' cannot cross: 'n' is missing. It is "
                "(sender: str, *, n: int, note: str = '', colour: Colour | None = None)."
            ),
        ),
        (
            {"n": 1, "m": 2},
            (
                "signal 'paid' cannot cross: 'm' is not in it. It is "
                "(sender: str, *, n: int, note: str = '', colour: Colour | None = None)."
            ),
        ),
        (
            {"n": "secret"},
            "The payload of signal 'paid' cannot cross: Expected `int`, got `str` - at `$.n`.",
        ),
        (
            {"n": Picky()},
            (
                "The payload of signal 'paid' cannot cross: Encoding objects of type Picky is "
                "unsupported."
            ),
        ),
        (
            {"n": 1, "colour": "secret"},
            "The payload of signal 'paid' cannot cross: Invalid enum value - at `$.colour`.",
        ),
        (
            {"n": 1, "note": "x" * 70_000},
            (
                "The payload of signal 'paid' has 70,017 bytes as JSON, and 65,536 are allowed: "
                "send a key, and let receivers fetch the rest; or raise Limits(message_bytes=...)."
            ),
        ),
    ],
)
def test_what_cannot_cross_is_refused(payload: dict[str, Any], said: str) -> None:
    """The message names the argument, and shows no value."""
    assert refusal(payload) == said


def test_a_payload_that_is_nested_too_deep_is_refused() -> None:
    """Or one that contains itself."""
    within: list[Any] = []
    within.append(within)

    assert refusal({"any_value": [[[]]]}, Limits(depth=3), optional) == (
        "The payload of signal 'optional' is nested deeper than 3 levels."
    )
    assert "cannot cross: " in refusal({"any_value": within}, LIMITS, optional)
    Payload(optional, Limits(depth=4)).write({"any_value": [[[]]]})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"{}", "Object missing required field `n`"),
        (b'{"n":"x"}', "Expected `int`, got `str` - at `$.n`"),
        (b"[1]", "Expected `object`, got `array`"),
        (b'{"n":1,"colour":"\\n2026 ERROR"}', "Invalid enum value - at `$.colour`"),
        (b'{"n":1', "Input data was truncated"),
        (b'{"n":' + b"9" * 5000 + b"}", "Integer value out of range - at `$.n`"),
        (
            b'{"n":1,"note":"\xff"}',
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
    ],
)
def test_what_does_not_fit_its_declaration_is_not_read(written: bytes, said: str) -> None:
    """Whoever may have written it. What is said of it has no text of theirs."""
    expected = f"The payload of signal 'paid' does not fit its declaration: {said}."

    assert unread(written) == ("payload", expected)


def test_a_type_of_the_program_may_fail_in_its_own_way() -> None:
    """What arrived is no payload then."""
    assert unread(b'{"it":{"n":1}}', odd) == (
        "payload",
        "The payload of signal 'odd' does not fit its declaration: not that one.",
    )
    assert Payload(odd, LIMITS).read(msgspec.Raw(b'{"it":{"n":0}}')) == {"it": Odd(0)}


def test_a_signal_that_is_not_declared_does_not_cross() -> None:
    """Nobody would know what it carries."""
    with pytest.raises(
        ArgumentError,
        match=r"signal 'bare' is not declared, so nobody knows what it carries: declare it with "
        r"Namespace\.declare before it is relayed\.",
    ):
        Payload(Signal("bare"), LIMITS)


@shop.declare
def picky(sender: str, *, it: list[Picky]) -> None:
    """Of a type without JSON."""


@shop.declare
def calling(sender: str, *, call: Callable[[], None]) -> None:
    """A function."""


@shop.declare
def unclear(sender: str, *, several: list[int] | set[int]) -> None:
    """Both have the same JSON."""


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (picky, "signal 'picky' cannot cross: the type of 'it' has no JSON. Use numbers, texts, "),
        (calling, "signal 'calling' cannot cross: the type of 'call' has no JSON. Use numbers, "),
        (unclear, "signal 'unclear' cannot cross: Type unions may not contain more than one "),
    ],
)
def test_a_type_without_json_is_refused_before_anything_is_sent(signal: Any, said: str) -> None:
    """By the declaration alone."""
    with pytest.raises(ArgumentError, match=r"^The payload of ") as caught:
        Payload(signal, LIMITS)

    assert said in str(caught.value)


def test_what_crosses_is_plain_json() -> None:
    """Which any program can read."""
    written = PAID.write({"n": 1, "colour": Colour.RED})

    assert json.loads(bytes(written)) == {
        "n": 1,
        "colour": "red",
    }
