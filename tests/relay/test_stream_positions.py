"""What a reader of a stream concludes from what it reads, and from what the stream says."""

from __future__ import annotations

import pytest

from heliograph.relay.redis.positions import Position, Step, Stream, position_of, step
from heliograph.relay.transports import Gap

HERE = Position("ab", "5-0", 5)
UNKNOWN = Position("ab", "5-0", None)
OTHER = Position("cd", "0-0", 0)
AGAIN = Gap("the stream was made again")
BACK = Gap("the stream has lost its newest entries")


def dropped(lost: int | None) -> Gap:
    """Return the gap that so many entries leave."""
    return Gap("it is not stored any more", lost)


def stream(added: int, length: int, first: str, last: str, birth: str = "ab") -> Stream:
    """Return what a stream says."""
    return Stream(birth, added, length, first, last)


@pytest.mark.parametrize(
    ("at", "ids", "says", "expected"),
    [
        # Nothing new, and nothing lost.
        (HERE, [], stream(5, 5, "1-0", "5-0"), Step(HERE, None)),
        (HERE, [], stream(5, 0, "", "5-0"), Step(HERE, None)),
        (UNKNOWN, [], stream(5, 0, "", "5-0"), Step(HERE, None)),
        # What was read goes on from there.
        (HERE, ["6-0"], stream(6, 6, "1-0", "6-0"), Step(Position("ab", "6-0", 6), None)),
        (HERE, ["6-0"], stream(9, 5, "5-0", "9-0"), Step(Position("ab", "6-0", 6), None)),
        (UNKNOWN, ["6-0"], stream(6, 6, "1-0", "6-0"), Step(Position("ab", "6-0", 6), None)),
        (UNKNOWN, ["6-0"], stream(9, 9, "1-0", "9-0"), Step(Position("ab", "6-0", None), None)),
        # Some are missing before it: at the end, before the oldest, or nobody knows.
        (HERE, ["8-0"], stream(8, 1, "8-0", "8-0"), Step(Position("ab", "8-0", 8), dropped(2))),
        (HERE, ["8-0"], stream(9, 2, "8-0", "9-0"), Step(Position("ab", "8-0", 8), dropped(2))),
        (
            HERE,
            ["7-0"],
            stream(9, 1, "9-0", "9-0"),
            Step(Position("ab", "7-0", None), dropped(None)),
        ),
        (
            UNKNOWN,
            ["8-0"],
            stream(9, 2, "8-0", "9-0"),
            Step(Position("ab", "8-0", 8), dropped(None)),
        ),
        # Some are gone, though nothing could be read.
        (HERE, [], stream(8, 0, "", "8-0"), Step(Position("ab", "5-0", 8), dropped(3))),
        (UNKNOWN, [], stream(8, 0, "", "8-0"), Step(Position("ab", "5-0", 8), dropped(None))),
        # One was deleted in the middle.
        (HERE, ["7-0"], stream(7, 6, "1-0", "7-0"), Step(Position("ab", "7-0", 7), dropped(1))),
        # It is another one, or has gone back, or is gone.
        (HERE, ["6-0"], stream(6, 6, "1-0", "6-0", "cd"), Step(OTHER, AGAIN, fresh=False)),
        (HERE, [], stream(9, 2, "8-0", "9-0", "cd"), Step(Position("cd", "0-0", 7), AGAIN, False)),
        (HERE, [], stream(4, 4, "1-0", "4-0"), Step(Position("ab", "4-0", 4), BACK, False)),
        (HERE, [], stream(4, 4, "1-0", "6-0"), Step(Position("ab", "6-0", 4), BACK, False)),
        (HERE, ["6-0"], stream(6, 6, "1-0", "6-0", ""), Step(None, AGAIN, False)),
        (HERE, [], None, Step(None, Gap("the stream was deleted"))),
    ],
)  # fmt: skip
def test_what_is_missing_is_reckoned_from_what_a_stream_counts(
    at: Position, ids: list[str], says: Stream | None, expected: Step
) -> None:
    """A gap has the number of what is lost, unless nobody can know it."""
    assert step(at, ids, says) == expected


@pytest.mark.parametrize("at", [HERE, UNKNOWN])
def test_a_position_is_a_text(at: Position) -> None:
    """It can be kept, and read again."""
    assert position_of(str(at)) == at


@pytest.mark.parametrize(
    "text", ["", "12", "5-0", "ab/5-0", "ab/5/5", "/5-0/5", "ab/5-0/x", "ä/5-0/"]
)
def test_other_texts_are_no_positions(text: str) -> None:
    """Another broker's positions look otherwise."""
    assert position_of(text) is None
