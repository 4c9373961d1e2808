"""The keyword arguments of connecting, for type checkers and for who evaluates annotations."""

from __future__ import annotations

from typing import Literal, TypedDict

OnError = Literal["raise", "log"]


class ConnectOptions(TypedDict, total=False):
    """How a connection delivers; see `Signal.connect`."""

    priority: int
    on_error: OnError
    inline: bool
    when: str | None
