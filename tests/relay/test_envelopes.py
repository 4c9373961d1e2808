"""Envelopes: what is written can be read, and whatever else may arrive is refused."""

from __future__ import annotations

import json
import sys
from time import perf_counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.relay import EnvelopeError, Limits
from heliograph.relay.envelopes import Envelope, is_deeper, read, readable, write

LIMITS = Limits()


def envelope(**changes: Any) -> dict[str, Any]:
    """Return the fields of an envelope."""
    fields = {"v": 1, "id": "1", "signal": "paid", "origin": "a", "time": 1.5, "payload": {"n": 1}}
    return {**fields, **changes}


def as_bytes(**changes: Any) -> bytes:
    """Return an envelope as bytes."""
    return json.dumps(envelope(**changes)).encode()


def refusal(data: bytes, limits: Limits = LIMITS) -> tuple[str, str]:
    """Return why some bytes are no envelope: what is counted, and what is said."""
    with pytest.raises(EnvelopeError) as caught:
        read(data, limits)
    return caught.value.reason, str(caught.value)


def test_what_was_written_can_be_read() -> None:
    """With all its fields; the payload stays as it was written."""
    sent = Envelope(
        v=1,
        id="1",
        signal="paid",
        origin="a",
        sender="shop",
        time=1.5,
        seq=7,
        hops=2,
        traceparent="00-1-2-01",
        tracestate="x=1",
        dropped=3,
        payload=msgspec.Raw(b'{"n":1}'),
    )

    assert read(write(sent), LIMITS) == sent
    assert readable(sent) == {
        "v": 1,
        "id": "1",
        "signal": "paid",
        "origin": "a",
        "sender": "shop",
        "time": 1.5,
        "seq": 7,
        "hops": 2,
        "traceparent": "00-1-2-01",
        "tracestate": "x=1",
        "dropped": 3,
        "notice": False,
        "payload": {"n": 1},
    }


def test_a_payload_that_nobody_can_read_is_shown_as_none() -> None:
    """People look at whatever has arrived."""
    found = Envelope(v=1, id="1", signal="paid", origin="a", time=1.5, payload=msgspec.Raw(b"{"))

    assert readable(found)["payload"] is None


def test_fields_of_a_later_program_are_ignored() -> None:
    """Within one version, fields may be added."""
    assert read(as_bytes(colour="red"), LIMITS) == read(as_bytes(), LIMITS)


def test_an_older_envelope_lacks_what_came_later() -> None:
    """What has a default may be missing."""
    found = read(as_bytes(), LIMITS)

    assert (found.seq, found.sender, found.hops, found.notice) == (None, None, 0, False)


def test_of_two_fields_of_one_name_the_last_one_counts() -> None:
    """For every look at it, as it is read once."""
    twice = as_bytes()[:-1] + b', "origin": "b", "payload": {"n": 2}}'
    found = read(twice, LIMITS)

    assert (found.origin, found.payload) == ("b", msgspec.Raw(b'{"n": 2}'))


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "lost by the broker", "The broker has lost it."),
        (b"\x00", "malformed", "It is no envelope: JSON is malformed: invalid character (byte 0)."),
        (b"[]", "malformed", "It is no envelope: Expected `object`, got `array`."),
        (b"{}", "malformed", "It is no envelope: Object missing required field `id`."),
        (
            as_bytes(v=2),
            "version",
            "It is of version 2, and this process reads up to 1: upgrade it.",
        ),
        (
            as_bytes(v=0),
            "version",
            "It is of version 0, and this process reads up to 1: upgrade it.",
        ),
        (as_bytes(hops=9), "hops", "9 processes have passed it on, and 8 may: it is a loop."),
        (
            as_bytes(hops=-1),
            "malformed",
            "It is no envelope: Expected `int` >= 0 - at `$.hops`.",
        ),
        (
            as_bytes(seq=2**60),
            "malformed",
            f"It is no envelope: Expected `int` <= {2**53} - at `$.seq`.",
        ),
        (
            as_bytes(payload="x" * 70_000),
            "too large",
            "It has 70,080 bytes, and 65,536 are allowed.",
        ),
        (
            as_bytes(payload=json.loads("[" * 40 + "]" * 40)),
            "too deep",
            "It is nested deeper than 32 levels.",
        ),
        (b"[" * 10_000, "too deep", "It is nested deeper than 32 levels."),
        (
            as_bytes(seq="7"),
            "malformed",
            "It is no envelope: Expected `int | null`, got `str` - at `$.seq`.",
        ),
        (
            as_bytes().replace(b"1.5", b"1" + b"0" * 5000),
            "malformed",
            "It is no envelope: Number out of range - at `$.time`.",
        ),
        (
            as_bytes().replace(b'"a"', b'"\xff"'),
            "malformed",
            (
                "It is no envelope: 'utf-8' codec can't decode byte 0xff in position 0: "
                "invalid start byte."
            ),
        ),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, reason: str, said: str) -> None:
    """Under a reason that can be counted, and in words that say what to do."""
    assert refusal(data) == (reason, said)


def test_the_limits_are_those_of_the_reader() -> None:
    """Whatever the sender was allowed."""
    assert refusal(as_bytes(hops=3), Limits(hops=2))[0] == "hops"
    assert refusal(as_bytes(payload={"n": [1]}), Limits(depth=1))[0] == "too deep"
    assert read(as_bytes(payload={"n": [1]}), Limits(depth=2)).hops == 0


def test_brackets_in_texts_are_no_levels() -> None:
    r"""Nor those after a quote that is written as \\" there."""
    texts = json.dumps(["[" * 50, '"[{', "\\", "]"]).encode()

    assert not is_deeper(texts, 1)
    assert is_deeper(texts, 0)


@pytest.mark.parametrize("end", [b"", b"\\", b"\\\n", b'"'])
def test_to_measure_the_depth_takes_no_longer_than_reading(end: bytes) -> None:
    """No text makes the search for its end begin again and again; it once took 90 seconds."""
    started = perf_counter()
    is_deeper(b"[" * 40 + b'"' + b'\\"' * 33_000 + end, 33)

    assert perf_counter() - started < 2.0


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(data: bytes) -> None:
    """They are an envelope, or refused; and nothing is imported for them."""
    before = {*sys.modules}
    try:
        found = read(data, LIMITS)
    except EnvelopeError as error:
        assert error.reason in {"lost by the broker", "malformed", "too deep", "version", "hops"}  # noqa: PT017 - both are right.
    else:
        assert 0 <= found.hops <= LIMITS.hops

    assert {*sys.modules} == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*Envelope.__struct_fields__, "x"]), JSON))
def test_no_fields_do_harm(changes: dict[str, Any]) -> None:
    """Each field may be of any type, and be missing."""
    data = json.dumps({**envelope(), **changes}).encode()
    try:
        found = read(data, LIMITS)
    except EnvelopeError:
        return

    assert isinstance(found.payload, msgspec.Raw)
    assert (found.v, type(found.signal), type(found.origin)) == (1, str, str)


@given(st.data())
def test_no_damage_does_harm(data: st.DataObject) -> None:
    """Bytes of an envelope that were lost, changed or repeated."""
    whole = bytearray(as_bytes(seq=1, sender="shop"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        assert read(bytes(whole), LIMITS).v == 1
    except EnvelopeError:
        return
