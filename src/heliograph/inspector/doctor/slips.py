"""Whether two names differ as a name and its misspelling do."""

from __future__ import annotations

_LONG = 8
"""From so many letters on, two slips still leave the name recognizable."""
_SHORTEST = 4


def differ_by_a_slip(one: str, other: str) -> bool:
    """Tell whether one name may be a misspelling of the other.

    They differ in dashes and capitals alone, or in a letter that is missing, added, wrong or in
    the place of its neighbour; two such slips in long names. Names that differ in a number, such
    as `page_1` and `page_2`, are two names.

    Example:
        >>> differ_by_a_slip("order-paid", "order_raid"), differ_by_a_slip("page_1", "page_2")
        (True, False)
    """
    if one == other or _digits(one) != _digits(other):
        return False
    one, other = _folded(one), _folded(other)
    shorter = min(len(one), len(other))
    if shorter < _SHORTEST:
        return one == other
    return slips_between(one, other) <= (2 if shorter >= _LONG else 1)


def slips_between(one: str, other: str) -> int:
    """Return how many letters have to be added, removed, replaced or swapped with a neighbour."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, theirs in enumerate(other, 1):
            same = letter == theirs
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (not same))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == theirs:
                cost = min(cost, before_last[column - 2] + 1)
            current.append(cost)
        before_last, last = last, current
    return last[-1]


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


def _folded(name: str) -> str:
    return name.replace("_", "-").casefold()
