"""ResponseInfo: what an application announces of its response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


class Headers(Mapping[str, str]):
    """The headers of a response: read by name, in upper or lower case.

    Args:
        pairs: Names and values, in the order of the response. Of several with one name, the
            first is read; `pairs` has them all.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self.pairs = pairs

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


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """What the application announced of its response.

    Attributes:
        status_code: The status.
        headers: Its headers.
    """

    status_code: int
    headers: Headers
