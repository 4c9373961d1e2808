"""ResponseInfo: what an application announces of its response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


class Headers(Mapping[str, str]):
    """The headers of a response: read by name, in upper or lower case.

    Args:
        pairs: Names and values, in the order of the response, as text or in Latin-1. Of several
            with one name, the first is read; `pairs` has them all.
    """

    __slots__ = ("_given",)

    def __init__(self, pairs: Iterable[tuple[str, str] | tuple[bytes, bytes]]) -> None:
        # An application may go on changing its list.
        self._given = tuple(pairs)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in the order of the response."""
        # Every response has headers, and few receivers read them.
        return tuple((_text(name), _text(value)) for name, value in self._given)

    def __getitem__(self, name: str) -> str:
        for key, value in self.pairs:
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"


def _text(given: str | bytes) -> str:
    return given if isinstance(given, str) else given.decode("latin-1")


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """What the application announced of its response.

    Attributes:
        status_code: The status.
        headers: Its headers.
    """

    status_code: int
    headers: Headers
