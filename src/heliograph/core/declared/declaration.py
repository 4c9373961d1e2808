"""What is declared of a signal: its name, its documentation, and the arguments of its payload."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from heliograph.core.declared.hints import classes_of

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Argument:
    """One argument of a declared payload.

    Attributes:
        name: The keyword under which it is sent.
        annotation: Its type as it is written in the source, or "".
        default: Its default as Python shows it, or None if it has to be sent. What
            is left out of a send is not filled in: each receiver has a default of its own.
        deprecated: What to use instead, if it is deprecated.
    """

    name: str
    annotation: str
    default: str | None = None
    deprecated: str | None = None

    def __str__(self) -> str:
        typed = f"{self.name}: {self.annotation}" if self.annotation else self.name
        equals = " = " if self.annotation else "="
        return typed if self.default is None else f"{typed}{equals}{self.default}"


@dataclass(frozen=True)
class Declaration:
    """What a signal is declared to be, and found as `Signal.declaration`.

    Attributes:
        name: The name of the signal.
        doc: Its documentation, or None.
        sender: The type of its senders as it is written in the source, or "".
        arguments: Those of its payload, in the order of the source.
        deprecated: What to use instead, if it is deprecated.
        where: The ``file:line`` that declares it.
    """

    name: str
    doc: str | None
    sender: str
    arguments: tuple[Argument, ...]
    deprecated: str | None
    where: str
    _module: str = field(repr=False)
    _hints: Mapping[str, object] = field(repr=False, compare=False)

    @property
    def signature(self) -> str:
        """The parameters of a send, as a stub has them."""
        sender = f"sender: {self.sender}" if self.sender else "sender"
        star = ["*"] if self.arguments else []
        return f"({', '.join([sender, *star, *map(str, self.arguments)])})"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all arguments, in the order of the source."""
        return tuple(it.name for it in self.arguments)

    @cached_property
    def required(self) -> frozenset[str]:
        """The names of the arguments that every payload has."""
        return frozenset(it.name for it in self.arguments if it.default is None)

    @cached_property
    def optional(self) -> frozenset[str]:
        """The names of the arguments that a payload may leave out."""
        return frozenset(it.name for it in self.arguments if it.default is not None)

    @cached_property
    def classes(self) -> dict[str, tuple[type, ...]]:
        """The classes of which arguments must be, and the ``sender``, where that can be told."""
        found = {name: classes_of(hint, self._module) for name, hint in self._hints.items()}
        return {name: classes for name, classes in found.items() if classes}
