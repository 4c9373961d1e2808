"""Declaration: the name, the documentation and the payload that a signal is declared with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

from heliograph.core.declared.runtime_types import classes_of
from heliograph.core.errors import ArgumentError
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from heliograph.core.declared.origins import Origin
    from heliograph.core.declared.runtime_types import Hint


@dataclass(frozen=True)
class Argument:
    """One argument of a declared payload.

    Attributes:
        name: The keyword under which it is sent.
        annotation: Its type as it is written in the source, or "".
        default: Its default as Python shows it, or None if every send must carry it. If
            a send leaves it out, receivers use their own defaults.
        deprecated: What to use instead, if it is deprecated.
        offered: Whether receivers need not take it.
    """

    name: str
    annotation: str
    default: str | None = None
    deprecated: str | None = None
    offered: bool = False

    @shown
    def __repr__(self) -> str:
        return f"<Argument {self}>"

    def __str__(self) -> str:
        typed = f"{self.name}: {self.annotation}" if self.annotation else self.name
        equals = " = " if self.annotation else "="
        return typed if self.default is None else f"{typed}{equals}{self.default}"


@dataclass(frozen=True)
class Declaration:
    """The declaration of a signal, found as `Signal.declaration`.

    Attributes:
        name: The name of the signal.
        doc: Its documentation, or None.
        sender: The type of its senders as it is written in the source, or "".
        arguments: The arguments of its payload, in the order of the source.
        deprecated: What to use instead, if it is deprecated.
        location: The ``file:line`` that declares it.
    """

    name: str
    doc: str | None
    sender: str
    arguments: tuple[Argument, ...]
    deprecated: str | None
    location: str
    _origin: Origin = field(repr=False, compare=False)
    _hints: Mapping[str, tuple[Hint, ...]] = field(repr=False, compare=False)

    @property
    def signature(self) -> str:
        """The parameters of a send, written as in a stub."""
        sender = f"sender: {self.sender}" if self.sender else "sender"
        star = ["*"] if self.arguments else []
        return f"({', '.join([sender, *star, *map(str, self.arguments)])})"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all arguments, in the order of the source."""
        return tuple(it.name for it in self.arguments)

    @cached_property
    def required(self) -> frozenset[str]:
        """The names of the arguments that every send carries."""
        return frozenset(it.name for it in self.arguments if it.default is None)

    @cached_property
    def optional(self) -> frozenset[str]:
        """The names of the arguments that a send may leave out."""
        return frozenset(it.name for it in self.arguments if it.default is not None)

    @cached_property
    def offered(self) -> frozenset[str]:
        """The names of the arguments that receivers need not take."""
        return frozenset(it.name for it in self.arguments if it.offered)

    @cached_property
    def classes(self) -> dict[str, tuple[type, ...]]:
        """The classes of arguments and of the ``sender``, by name, where they can be checked."""
        found = {name: classes_of(hints) for name, hints in self._hints.items()}
        return {name: classes for name, classes in found.items() if classes}

    def _after(self, before: Declaration | None) -> Declaration:
        """Return the declaration that replaces an earlier one of the same signal.

        Raises:
            ArgumentError: If the earlier one is at another place.
        """
        if before is None:
            return self
        if not self._origin.is_again(before._origin):
            msg = (
                f"signal {self.name!r} is declared already, at {before.location}: declare it "
                f"once, or use another name at {self.location}."
            )
            raise ArgumentError(msg)
        # If a module runs under two names, each run has its own classes.
        modules = {hint.module for hints in self._hints.values() for hint in hints}
        older = {
            name: tuple(hint for hint in hints if hint.module not in modules)
            for name, hints in before._hints.items()
        }
        hints = {name: hints + older.get(name, ()) for name, hints in self._hints.items()}
        return replace(self, _hints=hints)

    @shown
    def __repr__(self) -> str:
        return f"<Declaration of {self.name!r}: {self.signature}, at {self.location}>"

    # It never changes. Its state leaves out what cannot be pickled: code, and local classes.
    def __copy__(self) -> Declaration:
        return self

    def __deepcopy__(self, _: object) -> Declaration:
        return self

    def __getstate__(self) -> dict[str, Any]:
        hints = {name: tuple(it.as_text() for it in its) for name, its in self._hints.items()}
        state = {it.name: getattr(self, it.name) for it in fields(self)}
        return {**state, "_origin": self._origin.unlinked(), "_hints": hints}
