"""Refuses a send that does not match the declaration of its signal."""

from __future__ import annotations

from heliograph.core.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.declared.declaration import Declaration


def refuse_mismatch(declaration: Declaration, sender: object, payload: dict[str, Any]) -> None:
    """Refuse a send that does not match the declaration.

    Raises:
        ArgumentError: If an argument is missing or is not declared, or if the sender
            or an argument is not of the declared class.
    """
    problems = declaration.mismatches(sender, payload)
    if problems:
        msg = (
            f"signal {declaration.name!r} is not sent as it is declared: "
            f"{', and '.join(problems)}. No receiver was called.\n"
            f"  It is declared as {declaration.signature}, at {declaration.location}"
        )
        raise ArgumentError(msg)
