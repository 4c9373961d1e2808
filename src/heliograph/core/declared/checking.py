"""Whether what is sent is what was declared: the names, and the types that can be told."""

from __future__ import annotations

from heliograph.core.declared.runtime_types import is_of
from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heliograph.core.declared.declaration import Declaration


def refuse_mismatch(declaration: Declaration, sender: object, payload: dict[str, Any]) -> None:
    """Refuse a send that is not as it was declared.

    Raises:
        ArgumentError: If an argument is missing, or one too many, or one, or the
            sender, is not of the declared class.
    """
    problems = [*wrong_names(declaration, payload), *_of_types(declaration, sender, payload)]
    if problems:
        msg = (
            f"signal {declaration.name!r} is not sent as it is declared: "
            f"{', and '.join(problems)}. No receiver was called.\n"
            f"  It is declared as {declaration.signature}, at {declaration.location}"
        )
        raise ArgumentError(msg)


def wrong_names(declaration: Declaration, payload: dict[str, Any]) -> Iterator[str]:
    """Give what is wrong with the names of a payload."""
    for name in declaration.names:
        if name in declaration.required and name not in payload:
            yield f"{name!r} is missing"
    for name in payload:
        if name not in declaration.names:
            hint = " (who sends is given first, without a name)" if name == "sender" else ""
            yield f"{name!r} is not in it{hint}"


def _of_types(declaration: Declaration, sender: object, payload: dict[str, Any]) -> Iterator[str]:
    # One that is given by name is told of as that.
    sent = payload if sender is None and "sender" in payload else {**payload, "sender": sender}
    for name, classes in declaration.classes.items():
        if name in sent and not is_of(sent[name], classes):
            wanted = " or ".join(it.__qualname__ for it in classes)
            yield f"{name!r} is of type {type(sent[name]).__qualname__}, not {wanted}"
