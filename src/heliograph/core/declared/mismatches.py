"""What is wrong with a send of a declared signal: its names, and the types that can be checked."""

from __future__ import annotations

from heliograph.core.declared.runtime_types import is_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from heliograph.core.declared.declaration import Declaration


def mismatches(declaration: Declaration, sender: object, payload: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a send: names, and types as far as they can be checked."""
    return [*wrong_names(declaration, payload), *_of_types(declaration, sender, payload)]


def wrong_names(declaration: Declaration, payload: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the names of a payload."""
    for name in declaration.names:
        if name in declaration.required and name not in payload:
            yield f"{name!r} is missing"
    for name in payload:
        if name not in declaration.names:
            hint = " (pass the sender first, without a name)" if name == "sender" else ""
            yield f"{name!r} is not in it{hint}"


def _of_types(
    declaration: Declaration, sender: object, payload: Mapping[str, Any]
) -> Iterator[str]:
    # A sender that was passed by keyword is in the payload.
    sent = payload if sender is None and "sender" in payload else {**payload, "sender": sender}
    for name, classes in declaration.classes.items():
        if name in sent and not is_of(sent[name], classes):
            wanted = " or ".join(it.__qualname__ for it in classes)
            yield f"{name!r} is of type {type(sent[name]).__qualname__}, not {wanted}"
