"""Declaration: the name, the documentation and the payload that a signal is declared with."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

from heliograph.core.declared.compatibility import omitted_for, warn_of_deprecation
from heliograph.core.declared.mismatches import mismatches
from heliograph.core.declared.runtime_types import classes_of, evaluated
from heliograph.core.errors import ArgumentError
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.declared.compatibility import Fitted
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
    def needed(self) -> frozenset[str]:
        """The names of the arguments that a receiver has to take."""
        return self.required - self.offered

    @cached_property
    def omissible(self) -> frozenset[str]:
        """The names of the arguments that receivers are spared if they do not take them."""
        return self.optional | self.offered

    @cached_property
    def deprecates(self) -> bool:
        """Whether connecting a receiver may warn, as the signal or an argument is deprecated."""
        said = [self.deprecated, *(it.deprecated for it in self.arguments)]
        return any(it is not None for it in said)

    @cached_property
    def classes(self) -> dict[str, tuple[type, ...]]:
        """The classes of arguments and of the ``sender``, by name, where they can be checked."""
        found = {name: classes_of(hints) for name, hints in self._hints.items()}
        return {name: classes for name, classes in found.items() if classes}

    @cached_property
    def _fitted(self) -> dict[int, Fitted]:
        """What was found out of plain functions and methods that accept every declared payload."""
        return {}

    def types(self) -> dict[str, Any]:
        """Return the evaluated annotation of each argument, by name; `typing.Any` without one.

        Raises:
            ArgumentError: If one cannot be evaluated at run time.
        """
        return {name: self._type_of(name) for name in self.names}

    def _type_of(self, name: str) -> Any:
        from typing import Any

        if name not in self._hints:
            return Any
        annotation, module = self._hints[name][0]
        # A module that is only run, as text, is not among them.
        names = vars(sys.modules[module]) if module in sys.modules else {}
        try:
            return evaluated(annotation, names)
        except Exception as error:  # Anything may be written there.
            msg = (
                f"The type of {name!r} of signal {self.name!r}, declared at {self.location}, "
                f"exists for type checkers alone: {annotation!r}. Import what it needs at run "
                "time, and not only under TYPE_CHECKING or inside of a function."
            )
            raise ArgumentError(msg) from error

    def mismatches(self, sender: object, payload: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a send: for each fault a few words, without values.

        In development such a send is refused; elsewhere an instrument can tell of it.

        Args:
            sender: The sender.
            payload: The arguments of the send, by name.
        """
        return mismatches(self, sender, payload)

    # As methods, so that who connects needs no import, which would take as long as the rest.

    def _fit(self, receiver_ref: ReceiverRef, receiver: Any) -> None:
        """Note which arguments a new receiver is spared.

        Raises:
            ReceiverError: If it does not accept every declared payload.
        """
        receiver_ref.omitted = omitted_for(receiver, self)
        if self.deprecates:
            warn_of_deprecation(receiver, self, receiver_ref.call_site)

    def _omitted_for(self, receiver: Any) -> frozenset[str]:
        """Return the names of the arguments that a receiver is spared.

        Raises:
            ReceiverError: If it does not accept every declared payload.
        """
        return omitted_for(receiver, self)

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
