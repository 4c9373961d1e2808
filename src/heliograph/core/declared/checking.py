"""Whether a send matches the declaration: its names, and the types that can be checked."""

from __future__ import annotations

from heliograph.core.declared.runtime_types import is_of
from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from heliograph.core.declared.declaration import Declaration


def refuse_mismatch(declaration: Declaration, sender: object, payload: dict[str, Any]) -> None:
    """Refuse a send that does not match the declaration.

    Raises:
        ArgumentError: If an argument is missing or is not declared, or if the sender
            or an argument is not of the declared class.
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
    """Yield what is wrong with the names of a payload."""
    for name in declaration.names:
        if name in declaration.required and name not in payload:
            yield f"{name!r} is missing"
    for name in payload:
        if name not in declaration.names:
            hint = " (pass the sender first, without a name)" if name == "sender" else ""
            yield f"{name!r} is not in it{hint}"


def _of_types(declaration: Declaration, sender: object, payload: dict[str, Any]) -> Iterator[str]:
    # A sender that was passed by keyword is in the payload.
    sent = payload if sender is None and "sender" in payload else {**payload, "sender": sender}
    for name, classes in declaration.classes.items():
        if name in sent and not is_of(sent[name], classes):
            wanted = " or ".join(it.__qualname__ for it in classes)
            yield f"{name!r} is of type {type(sent[name]).__qualname__}, not {wanted}"
